"""Plugs of the people port."""
