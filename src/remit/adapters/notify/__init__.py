"""Plugs of the notify port."""
