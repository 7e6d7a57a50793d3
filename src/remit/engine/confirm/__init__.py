"""Invitations to confirm, and their expiry."""
