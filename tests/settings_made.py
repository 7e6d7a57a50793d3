"""Settings made of tables as `remit.toml` has them, over those that every desk needs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from remit.settings import Settings, make_settings

TABLES: Final[Mapping[str, Any]] = {
    "server": {"issuer": "http://localhost:1", "host": "127.0.0.1", "port": 1, "data": "data"},
    "store": {"url": "sqlite:///store"},
    "log": {"name": "x.invalid", "high_water": "high"},
    "desk": {"database": "desk.sqlite"},
    "words": {"secrets": "refuse"},
}


def settings_made(base: Path, environment: Mapping[str, str] | None = None, **tables: Any) -> Settings:
    """Settings of these tables; one of the needed ones is laid over the table here."""
    raw = {name: {**TABLES.get(name, {}), **table} if isinstance(table, Mapping) else table for name, table in tables.items()}
    return make_settings({**TABLES, **raw}, base=base, environment=environment or {}, rules=False)
