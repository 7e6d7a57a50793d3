"""A look at a store's file, and at what is kept outside it, without opening either for writing, also while a desk serves from it."""

import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from remit.adapters.db.sqlite_errors import read_error, verify_file_exists
from remit.adapters.store.content_key_refs import sealings
from remit.adapters.store.highwater import StoredCheckpoint, newest
from remit.adapters.store.migrations import MIGRATIONS
from remit.adapters.store.read_connection import ReadConnection
from remit.adapters.store.sqlite.journal import JournalBacklog, read_groups
from remit.adapters.store.sqlite.read import SqliteReader, Value, write_rows
from remit.domain.records import NEVER, ActRecord, PersonRecord, RulesRecord
from remit.domain.transcript.verification import verify_checkpoint, verify_vkey
from remit.domain.values import Instant
from remit.ports.vault import ContentKeyRef
from remit.proof.checkpoint import VerifyEd25519

_TABLES: Final = """
create temp table new_record (kind text, id text, rev integer, body blob, primary key (kind, id)) without rowid;
create temp table new_link (name text, key text, at integer, kind text, id text, stands integer, primary key (name, key, at, kind, id)) without rowid;
create temp table new_counter (scope text, key text, used integer, primary key (scope, key)) without rowid;
create temp table new_entry (idx integer primary key, kind text, at integer, leaf blob, envelope blob, content blob, subject text);
create temp table new_node (level integer, idx integer, hash blob, primary key (level, idx)) without rowid;
create temp table new_head (size integer, root blob, note text);
"""
_VIEWS: Final = """
create temp view record as select kind, id, rev, body from main.record r
    where not exists (select 1 from new_record n where n.kind = r.kind and n.id = r.id)
    union all select kind, id, rev, body from new_record where body is not null;
create temp view link as select name, key, at, kind, id from main.link l where not exists (select 1 from new_link n
    where n.name = l.name and n.key = l.key and n.at = l.at and n.kind = l.kind and n.id = l.id)
    union all select name, key, at, kind, id from new_link where stands;
create temp view counter as select scope, key, used from main.counter c
    where not exists (select 1 from new_counter n where n.scope = c.scope and n.key = c.key)
    union all select scope, key, used from new_counter;
create temp view entry as select idx, kind, at, leaf, envelope, content, subject from main.entry
    union all select idx, kind, at, leaf, envelope, content, subject from new_entry;
create temp view node as select level, idx, hash from main.node union all select level, idx, hash from new_node;
create temp view head as select size, root, note from new_head union all select size, root, note from main.head
    where not exists (select 1 from new_head);
"""


def overlay_journal(connection: sqlite3.Connection) -> None:
    """Show records, links, counters and log as last committed. To be called inside a read transaction, which then stays at that moment.

    A file of an older schema has no journal: its tables are the whole of it.

    Raises:
        Refused: `log.damaged` when a journalled group cannot be read.
        sqlite3.Error: the file cannot be read.
    """
    if (
        connection.execute("select 1 from main.sqlite_schema where type = 'table' and name = 'journal'").fetchone()
        is None
    ):
        return
    groups = read_groups(connection)
    if not groups:
        return
    unsettled = JournalBacklog()
    for group in groups:
        unsettled.take(group)
    for statement in (*_TABLES.split(";"), *_VIEWS.split(";")):
        connection.execute(statement)
    for template, rows in _rows(unsettled):
        write_rows(connection, template, rows)


def _rows(unsettled: JournalBacklog) -> list[tuple[str, list[tuple[Value, ...]]]]:
    return [
        ("insert into new_record values {rows}", [(*key, rev, body) for key, (rev, body) in unsettled.records.items()]),
        ("insert into new_link values {rows}", [(*link, int(stands)) for link, stands in unsettled.links.items()]),
        ("insert into new_counter values {rows}", [(*key, used) for key, used in unsettled.counters.items()]),
        ("insert into new_entry values {rows}", [entry[:-1] for entry in unsettled.entries]),
        ("insert into new_node values {rows}", list(unsettled.nodes)),
        ("insert into new_head values {rows}", [unsettled.head] if unsettled.head[0] else []),
    ]


T = TypeVar("T")
_LIMIT: Final = 10_000
_BUSY_MS: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSummary:
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


def inspect_store(path: Path) -> StoreSummary:
    """Look into a store; nothing is written and nothing is verified.

    Raises:
        Refused: `settings.invalid` when there is no such store or it may not be read, `log.damaged` when it is none.
        Fault: `fault.store` when it does not answer.
    """
    return _seen(path, _look)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxSummary:
    """What waits to be done at the desk, or to be known to be done: how much of each, and since when (0 where nothing does)."""

    queued: int
    queued_at: Instant
    sent: int
    sent_at: Instant


def inspect_outbox(path: Path) -> OutboxSummary:
    """What a store's outbox holds, counted up to some thousand.

    Raises:
        Refused: as `inspect_store`.
        Fault: as `inspect_store`.
    """
    return _seen(path, summarize_outbox)


def inspect_sealings(path: Path) -> Collection[ContentKeyRef]:
    """The keys that a store's content needs, as far as they are looked at.

    Raises:
        Refused: as `inspect_store`.
        Fault: as `inspect_store`.
    """
    return _seen(path, sealings)


def inspect_high_water(path: Path, vkey: str, verify_ed25519: VerifyEd25519) -> StoredCheckpoint | None:
    """The newest checkpoint outside the store that this key signed, as a start finds it; None when none was ever kept.

    ⚔ Look at it before the store: what is published meanwhile is then in the store, and no log seems older than it is.

    Raises:
        Refused: `settings.invalid` when it may not be read, `log.damaged` when none verifies or two contradict each other.
    """
    key = verify_vkey(vkey.strip())
    return newest(path, lambda note: verify_checkpoint(note, [key], verify_ed25519))


def _seen(path: Path, see: Callable[[sqlite3.Connection], T]) -> T:
    verify_file_exists(path)
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        ) as connection:
            connection.execute(f"pragma busy_timeout = {_BUSY_MS}")
            connection.execute("pragma temp_store = memory")  # what is shown of the journal is written nowhere
            connection.execute("begin")
            overlay_journal(connection)
            connection.execute("pragma query_only = on")
            return see(connection)
    except sqlite3.Error as problem:
        raise read_error(path, problem) from None


def _look(connection: sqlite3.Connection) -> StoreSummary:
    return summarize_store(connection, connection.execute("pragma user_version").fetchone()[0], MIGRATIONS[-1][0])


def summarize_store(connection: ReadConnection, version: int, newest_version: int) -> StoreSummary:
    """What the store behind a connection says of itself; its schema is told from elsewhere."""
    last = connection.execute("select idx, at from entry order by idx desc limit 1").fetchone() or (
        -1,
        0,
    )  # counting goes through all
    head = connection.execute("select note from head").fetchone()
    reader = SqliteReader(connection)
    kept = reader.one(RulesRecord.KIND, "rules")
    officers = reader.find(PersonRecord.KIND, "person.kind", "officer", 0, None, _LIMIT, newest=False)
    admins = reader.find(PersonRecord.KIND, "person.role", "admin", 0, None, 100, newest=False)
    return StoreSummary(
        version=version,
        newest=newest_version,
        entries=last[0] + 1,
        last_at=Instant(last[1]),
        note="" if head is None else str(head[0]),
        rules=kept.record.digest if kept is not None and isinstance(kept.record, RulesRecord) else "",
        officers=tuple(text for one in officers if isinstance(one.record, PersonRecord) for text in _names(one.record)),
        admins=len({one.record.key for one in admins if isinstance(one.record, PersonRecord)}),
    )


def summarize_outbox(connection: ReadConnection) -> OutboxSummary:
    """What the outbox of the store behind a connection holds, counted up to some thousand."""
    reader = SqliteReader(connection)
    queued, sent = (
        [
            one.record
            for one in reader.find(ActRecord.KIND, index, "", 0, None, _LIMIT, newest=False)
            if isinstance(one.record, ActRecord)
        ]
        for index in ("act.queued", "act.sent")
    )
    return OutboxSummary(
        queued=len(queued),
        queued_at=queued[0].queued_at if queued else NEVER,
        sent=len(sent),
        sent_at=sent[0].sent_at if sent else NEVER,
    )


def _names(officer: PersonRecord) -> tuple[str, ...]:
    return tuple(text for text in (officer.id, officer.key, officer.name, officer.email) if text)
