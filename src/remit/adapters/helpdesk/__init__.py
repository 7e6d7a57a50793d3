"""Plugs for the helpdesk port."""
