"""Plugs that read the desk's own files."""
