"""Plugs of the params port."""
