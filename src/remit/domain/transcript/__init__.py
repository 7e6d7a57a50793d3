"""Transcript entries: kinds, sections, sealing and receipts."""
