"""Plugs of the port to readers of printed documents and pictures."""
