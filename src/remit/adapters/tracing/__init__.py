"""Plugs of the tracing port."""
