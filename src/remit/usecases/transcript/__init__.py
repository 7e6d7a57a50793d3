"""Audit, export, verification, erasure and recovery of the transcript."""
