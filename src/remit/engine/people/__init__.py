"""Accounts, sessions, passkeys and roles."""
