"""The store on one SQLite file, for one process."""
