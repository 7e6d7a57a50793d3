"""A look at a store's file, and at what is kept outside it, without opening either for writing, also while a desk serves from it."""

import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from remit.adapters.sqlite_files import unreadable, verify_there
from remit.adapters.store.asking import Asking
from remit.adapters.store.highwater import Kept, newest
from remit.adapters.store.migrations import MIGRATIONS
from remit.adapters.store.sealed import sealings
from remit.adapters.store.shown import show_journalled
from remit.adapters.store.sqlite_read import Reader
from remit.domain.records import NEVER, ActRecord, Person, Rules
from remit.domain.values import Instant
from remit.domain.verification import verify_checkpoint, verify_vkey
from remit.ports.vault import Sealing
from remit.proof.checkpoint import VerifyEd25519

T = TypeVar("T")
_MOST: Final = 10_000
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
    officers: tuple[str, ...]
    """Every id, name and e-mail address of an officer."""


def look(path: Path) -> Look:
    """Look into a store; nothing is written and nothing is verified.

    Raises:
        Refused: `settings.invalid` when there is no such store or it may not be read, `log.damaged` when it is none.
        Fault: `fault.store` when it does not answer.
    """
    return _seen(path, _look)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """What waits to be done at the desk, or to be known to be done: how much of each, and since when (0 where nothing does)."""

    queued: int
    queued_at: Instant
    sent: int
    sent_at: Instant


def look_at_outbox(path: Path) -> Outbox:
    """What a store's outbox holds, counted up to some thousand.

    Raises:
        Refused: as `look`.
        Fault: as `look`.
    """
    return _seen(path, outbox_over)


def look_at_sealings(path: Path) -> Collection[Sealing]:
    """The keys that a store's content needs, as far as they are looked at.

    Raises:
        Refused: as `look`.
        Fault: as `look`.
    """
    return _seen(path, sealings)


def look_at_high_water(path: Path, vkey: str, verify_ed25519: VerifyEd25519) -> Kept | None:
    """The newest checkpoint outside the store that this key signed, as a start finds it; None when none was ever kept.

    ⚔ Look at it before the store: what is published meanwhile is then in the store, and no log seems older than it is.

    Raises:
        Refused: `settings.invalid` when it may not be read, `log.damaged` when none verifies or two contradict each other.
    """
    key = verify_vkey(vkey.strip())
    return newest(path, lambda note: verify_checkpoint(note, [key], verify_ed25519))


def _seen(path: Path, see: Callable[[sqlite3.Connection], T]) -> T:
    verify_there(path)
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)) as connection:
            connection.execute(f"pragma busy_timeout = {_BUSY_MS}")
            connection.execute("pragma temp_store = memory")  # what is shown of the journal is written nowhere
            connection.execute("begin")
            show_journalled(connection)
            connection.execute("pragma query_only = on")
            return see(connection)
    except sqlite3.Error as problem:
        raise unreadable(path, problem) from None


def _look(connection: sqlite3.Connection) -> Look:
    return look_over(connection, connection.execute("pragma user_version").fetchone()[0], MIGRATIONS[-1][0])


def look_over(connection: Asking, version: int, newest_version: int) -> Look:
    """What the store behind a connection says of itself; its schema is told from elsewhere."""
    last = connection.execute("select idx, at from entry order by idx desc limit 1").fetchone() or (-1, 0)  # counting goes through all
    head = connection.execute("select note from head").fetchone()
    reader = Reader(connection)
    kept = reader.one(Rules.KIND, "rules")
    officers = reader.find(Person.KIND, "person.kind", "officer", 0, None, _MOST, newest=False)
    admins = reader.find(Person.KIND, "person.role", "admin", 0, None, 100, newest=False)
    return Look(
        version=version,
        newest=newest_version,
        entries=last[0] + 1,
        last_at=Instant(last[1]),
        note="" if head is None else str(head[0]),
        rules=kept.record.digest if kept is not None and isinstance(kept.record, Rules) else "",
        officers=tuple(text for one in officers if isinstance(one.record, Person) for text in _names(one.record)),
        admins=len({one.record.key for one in admins if isinstance(one.record, Person)}),
    )


def outbox_over(connection: Asking) -> Outbox:
    """What the outbox of the store behind a connection holds, counted up to some thousand."""
    reader = Reader(connection)
    queued, sent = (
        [one.record for one in reader.find(ActRecord.KIND, index, "", 0, None, _MOST, newest=False) if isinstance(one.record, ActRecord)]
        for index in ("act.queued", "act.sent")
    )
    return Outbox(
        queued=len(queued),
        queued_at=queued[0].queued_at if queued else NEVER,
        sent=len(sent),
        sent_at=sent[0].sent_at if sent else NEVER,
    )


def _names(officer: Person) -> tuple[str, ...]:
    return tuple(text for text in (officer.id, officer.key, officer.name, officer.email) if text)
