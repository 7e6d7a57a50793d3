"""Database of the built-in desk: backoffice and helpdesk on one SQLite file or one PostgreSQL database."""
