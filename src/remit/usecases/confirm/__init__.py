"""Answering, lowering and queueing confirmations."""
