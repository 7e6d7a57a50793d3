"""Addresses of PostgreSQL databases, read without its driver."""

import re


def redacted_url(url: str) -> str:
    """Return a database address without its password."""
    scheme, _, rest = url.partition("://")
    user, at, where = rest.rpartition("@")  # ⚔ an unquoted password may hold any of the other signs
    name = re.match(r"[A-Za-z0-9_.-]*", user)
    shown = re.sub(r"(password=)[^&]*", r"\1…", where)
    return f"{scheme}://{name[0] if name else ''}{at}{shown}"
