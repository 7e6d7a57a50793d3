"""Plugs for the params port."""
