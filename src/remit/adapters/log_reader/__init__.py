"""Plugs of the log reader port."""
