"""Mandates that are live, issuable or revoked."""
