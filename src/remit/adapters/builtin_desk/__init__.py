"""The built-in desk's database: backoffice and helpdesk on one SQLite file or one PostgreSQL database."""
