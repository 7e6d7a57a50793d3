"""Content keys in a PostgreSQL database of their own."""
