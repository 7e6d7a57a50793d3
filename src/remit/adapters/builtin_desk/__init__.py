"""Databases of the built-in desk: one SQLite file, or PostgreSQL for cases and journals that nodes share."""
