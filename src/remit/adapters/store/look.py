"""A look at a store's file without opening it for writing, also while a desk serves from it. For `remit doctor` and `remit check`."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from remit.adapters.store.migrations import MIGRATIONS
from remit.adapters.store.shown import show_journalled
from remit.adapters.store.sqlite_read import Reader
from remit.domain.errors import Code, Refused
from remit.domain.records import Person, Rules
from remit.domain.values import Instant

_BUSY_MS: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a store's file says of itself. `rules` is the digest of the last policy.changed entry ("" before the first)."""

    version: int
    newest: int
    entries: int
    last_at: Instant
    note: str
    rules: str
    admins: int


def look(path: Path) -> Look:
    """Look into a store; nothing is written and nothing is verified.

    Raises:
        Refused: `settings.invalid` when there is no such store, `log.damaged` when it cannot be read as one.
    """
    if not path.is_file():
        raise Refused(Code.SETTINGS_INVALID, f"there is no store {path}")
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        try:
            connection.execute(f"pragma busy_timeout = {_BUSY_MS}")
            connection.execute("pragma temp_store = memory")  # what is shown of the journal is written nowhere
            connection.execute("begin")
            show_journalled(connection)
            connection.execute("pragma query_only = on")
            return _look(connection)
        finally:
            connection.close()
    except sqlite3.Error as problem:
        raise Refused(Code.LOG_DAMAGED, f"{path.name} is no readable store: {problem}") from None


def _look(connection: sqlite3.Connection) -> Look:
    version: int = connection.execute("pragma user_version").fetchone()[0]
    entries, last_at = connection.execute("select count(*), coalesce(max(at), 0) from entry").fetchone()
    head = connection.execute("select note from head").fetchone()
    reader = Reader(connection)
    kept = reader.one(Rules.KIND, "rules")
    admins = reader.find(Person.KIND, "person.role", "admin", 0, None, 100, newest=False)
    return Look(
        version=version,
        newest=MIGRATIONS[-1][0],
        entries=entries,
        last_at=Instant(last_at),
        note="" if head is None else str(head[0]),
        rules=kept.record.digest if kept is not None and isinstance(kept.record, Rules) else "",
        admins=len({one.record.key for one in admins if isinstance(one.record, Person)}),
    )
