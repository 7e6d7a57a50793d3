"""Plugs of the backoffice port."""
