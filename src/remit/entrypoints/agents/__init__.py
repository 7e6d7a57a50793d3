"""Doors for agents: OAuth and the ask API."""
