"""Disclosure checks of text that leaves the desk."""
