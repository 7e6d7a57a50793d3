"""Shared signals: event types and their effects, subjects, security event tokens, streams, and the records of them."""
