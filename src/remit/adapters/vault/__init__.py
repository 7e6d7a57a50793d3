"""Plugs of the vault port."""
