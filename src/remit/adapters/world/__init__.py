"""Plugs of the world port."""
