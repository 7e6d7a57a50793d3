"""Shared signals: streams and their delivery, and received events."""
