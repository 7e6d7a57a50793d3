"""Incidents: what security reads of them, does about them, and what receivers outside are told."""
