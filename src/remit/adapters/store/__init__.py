"""Plugs of the store port."""
