"""Endpoints for agents: OAuth and the ask API."""
