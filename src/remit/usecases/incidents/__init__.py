"""Incidents: reading and handling them, and telling receivers outside."""
