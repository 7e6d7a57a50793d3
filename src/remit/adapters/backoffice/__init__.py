"""Plugs for the backoffice port, and what the built-in one can do."""
