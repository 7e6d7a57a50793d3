"""Registering agents and what follows from a refused credential."""
