"""Views of cases, the catalogue and security for the desk's staff."""
