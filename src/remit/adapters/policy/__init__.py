"""Plugs for the policy port."""
