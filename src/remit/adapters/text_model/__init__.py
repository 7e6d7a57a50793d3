"""Plugs of the port to a text model."""
