"""Plugs of shared signals: signing, delivery, and verification of others' tokens."""
