"""Plugs of the policy port."""
