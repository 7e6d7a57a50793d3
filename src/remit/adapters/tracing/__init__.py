"""Plugs of the port to traces."""
