"""Read-only inspection of a store's file and its high water, also while a desk serves from it."""

import sqlite3
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, TypeVar

from remit.adapters.db.sqlite_errors import open_read_only, read_error, verify_file_exists
from remit.adapters.store.content_key_refs import sealings
from remit.adapters.store.highwater import StoredCheckpoint, newest
from remit.adapters.store.migrations import MIGRATIONS, WITH_MACS, WITH_SPOKEN
from remit.adapters.store.read_connection import ReadConnection
from remit.adapters.store.row_checks import MacMarker, inspect_rows
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.store.sqlite.journal import JournalBacklog, read_groups
from remit.adapters.store.sqlite.read import SqliteReader, Value, write_rows
from remit.adapters.store.state_checks import compare_states
from remit.domain.records import NEVER, ActRecord, PersonRecord, RulesRecord
from remit.domain.structs import struct
from remit.domain.transcript.pseudonyms import Keyed
from remit.domain.transcript.verification import verify_checkpoint, verify_vkey
from remit.domain.values import Instant
from remit.ports.vault import ContentKeyRef
from remit.proof.checkpoint import VerifyEd25519
from remit.proof.merkle import EMPTY_ROOT

_TABLES: Final = """
create temp table new_record (kind text, id text, rev integer, body blob, mac blob, primary key (kind, id)) without rowid;
create temp table new_link (name text, key text, at integer, kind text, id text, stands integer,
    primary key (name, key, at, kind, id)) without rowid;
create temp table new_counter (scope text, key text, used integer, mac blob, primary key (scope, key)) without rowid;
create temp table new_entry (idx integer primary key, kind text, at integer, leaf blob, envelope blob, content blob,
    subject text);
create temp table new_node (level integer, idx integer, hash blob, primary key (level, idx)) without rowid;
create temp table new_trail (subject text primary key, body text, mac blob) without rowid;
create temp table new_dropped (kind text primary key, rev integer) without rowid;
create temp table new_state (body blob);
create temp table new_head (size integer, root blob, note text);
"""
_VIEWS: Final = """
create temp view record as select kind, id, rev, body{mac} from main.record r
    where not exists (select 1 from new_record n where n.kind = r.kind and n.id = r.id)
    union all select kind, id, rev, body{mac} from new_record where body is not null;
create temp view link as select name, key, at, kind, id from main.link l where not exists (select 1 from new_link n
    where n.name = l.name and n.key = l.key and n.at = l.at and n.kind = l.kind and n.id = l.id)
    union all select name, key, at, kind, id from new_link where stands;
create temp view counter as select scope, key, used{mac} from main.counter c
    where not exists (select 1 from new_counter n where n.scope = c.scope and n.key = c.key)
    union all select scope, key, used{mac} from new_counter;
create temp view trail as select subject, body{mac} from main.trail t
    where not exists (select 1 from new_trail n where n.subject = t.subject)
    union all select subject, body{mac} from new_trail;
create temp view dropped as select kind, rev from main.dropped d
    where not exists (select 1 from new_dropped n where n.kind = d.kind)
    union all select kind, rev from new_dropped;
create temp view entry as select idx, kind, at, leaf, envelope, content, subject from main.entry
    union all select idx, kind, at, leaf, envelope, content, subject from new_entry;
create temp view node as select level, idx, hash from main.node union all select level, idx, hash from new_node;
create temp view head as select size, root, note from new_head union all select size, root, note from main.head
    where not exists (select 1 from new_head);
"""
_STATE_VIEW: Final = """create temp view state as select body from new_state union all select body from main.state
    where not exists (select 1 from new_state)"""


def overlay_journal(connection: sqlite3.Connection) -> None:
    """Show records, links, counters and log as last committed. The caller's read transaction then stays at that moment.

    A file of an older schema has no journal: its tables are complete.

    Raises:
        Refused: `log.damaged` when a journalled group cannot be read.
        sqlite3.Error: the file cannot be read.
    """
    journal = "select 1 from main.sqlite_schema where type = 'table' and name = 'journal'"
    if connection.execute(journal).fetchone() is None:
        return
    groups = read_groups(connection)
    if not groups:
        return
    unsettled = JournalBacklog()
    for group in groups:
        unsettled.take(group)
    has_macs = connection.execute("pragma user_version").fetchone()[0] >= WITH_MACS
    views = _VIEWS.format(mac=", mac" if has_macs else "")
    for statement in (*_TABLES.split(";"), *views.split(";"), _STATE_VIEW if has_macs else ""):
        connection.execute(statement)
    for template, rows in _rows(unsettled):
        write_rows(connection, template, rows)


def _rows(unsettled: JournalBacklog) -> list[tuple[str, list[tuple[Value, ...]]]]:
    return [
        ("insert into new_record values {rows}", [(*key, *row) for key, row in unsettled.records.items()]),
        ("insert into new_link values {rows}", [(*link, int(stands)) for link, stands in unsettled.links.items()]),
        ("insert into new_counter values {rows}", [(*key, *row) for key, row in unsettled.counters.items()]),
        ("insert into new_trail values {rows}", [(subject, *row) for subject, row in unsettled.trails.items()]),
        ("insert into new_dropped values {rows}", list(unsettled.dropped.items())),
        ("insert into new_state values {rows}", [(unsettled.state,)] if unsettled.state else []),
        ("insert into new_entry values {rows}", [entry[:-1] for entry in unsettled.entries]),
        ("insert into new_node values {rows}", list(unsettled.nodes)),
        ("insert into new_head values {rows}", [unsettled.head] if unsettled.head[0] else []),
    ]


T = TypeVar("T")
_LIMIT: Final = 10_000
_BUSY_MS: Final = 5_000


@struct(frozen=True, kw_only=True)
class StoreSummary:
    """Summary of a store's file. `rules` is the digest of the last policy.changed entry ("" before the first).

    `outline` is the outline of those rules.
    """

    version: int
    newest: int
    entries: int
    last_at: Instant
    note: str
    rules: str
    outline: str
    admins: int
    officers: tuple[str, ...]
    """Ids, names and e-mail addresses of all officers."""


def inspect_store(path: Path) -> StoreSummary:
    """Summarize a store; nothing is written or verified.

    Raises:
        Refused: `settings.invalid` when the store is missing or unreadable, `log.damaged` when it is no database.
        Fault: `fault.store` when it does not answer.
    """
    return _inspect(path, _look)


@struct(frozen=True, kw_only=True)
class OutboxSummary:
    """Number of acts queued and sent, each with its oldest time (0 where there is none)."""

    queued: int
    queued_at: Instant
    sent: int
    sent_at: Instant


def inspect_outbox(path: Path) -> OutboxSummary:
    """Summarize a store's outbox, counted up to some thousand.

    Raises:
        Refused: as `inspect_store`.
        Fault: as `inspect_store`.
    """
    return _inspect(path, summarize_outbox)


def inspect_sealings(path: Path) -> Collection[ContentKeyRef]:
    """Return the keys that a store's content needs, as far as entries are sampled.

    Raises:
        Refused: as `inspect_store`.
        Fault: as `inspect_store`.
    """
    return _inspect(path, sealings)


def inspect_states(path: Path, keyed: Keyed) -> Sequence[str]:
    """Return a line for each row that is not as the log last said.

    Raises:
        Refused: as `inspect_store`; `log.damaged` when an entry cannot be read.
        Fault: as `inspect_store`.
    """
    return _inspect(
        path, lambda connection: list(compare_states(connection, keyed, spoken=_schema(connection) >= WITH_SPOKEN))
    )


def inspect_sqlite_rows(path: Path, macs: RowMacs, high_water: Path, *, whole: bool) -> int | None:
    """Verify all rows of a store, and return their number; None where they have no MACs yet.

    Raises:
        Refused: as `inspect_store`; `log.damaged` for rows that this desk did not write.
        Fault: as `inspect_store`.
    """

    def see(connection: sqlite3.Connection) -> int | None:
        has_macs = connection.execute("pragma user_version").fetchone()[0] >= WITH_MACS
        row = connection.execute("select body from state").fetchone() if has_macs else None
        if row is None:
            MacMarker(high_water).verify_may_adopt(recovering=False)
            return None
        size, root = connection.execute("select size, root from head").fetchone() or (0, EMPTY_ROOT)
        return inspect_rows(connection, macs, bytes(row[0]), size, root, whole=whole)

    return _inspect(path, see)


def inspect_high_water(path: Path, vkey: str, verify_ed25519: VerifyEd25519) -> StoredCheckpoint | None:
    """Return the newest checkpoint outside the store that this key signed, as a start finds it; None without any.

    ⚔ Read it before the store: what is published meanwhile is then in the store, and no log seems too old.

    Raises:
        Refused: `settings.invalid` when it is unreadable, `log.damaged` when none verifies or two contradict.
    """
    key = verify_vkey(vkey.strip())
    return newest(path, lambda note: verify_checkpoint(note, [key], verify_ed25519))


def _inspect(path: Path, see: Callable[[sqlite3.Connection], T]) -> T:
    verify_file_exists(path)
    try:
        with closing(open_read_only(path)) as connection:
            connection.execute(f"pragma busy_timeout = {_BUSY_MS}")
            connection.execute("pragma temp_store = memory")  # the overlaid journal reaches no disk
            connection.execute("begin")
            overlay_journal(connection)
            connection.execute("pragma query_only = on")
            return see(connection)
    except sqlite3.Error as problem:
        raise read_error(path, problem) from None


def _look(connection: sqlite3.Connection) -> StoreSummary:
    return summarize_store(connection, _schema(connection), MIGRATIONS[-1][0])


def _schema(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("pragma user_version").fetchone()[0]
    return version


def summarize_store(connection: ReadConnection, version: int, newest_version: int) -> StoreSummary:
    """Summarize the store behind a connection, whose schema version is given."""
    # Counting would scan all entries.
    last = connection.execute("select idx, at from entry order by idx desc limit 1").fetchone() or (-1, 0)
    head = connection.execute("select note from head").fetchone()
    reader = SqliteReader(connection)
    kept = reader.one(RulesRecord.KIND, "rules")
    rules = kept.record if kept is not None and isinstance(kept.record, RulesRecord) else None
    officers = _people(reader, "person.kind", "officer", _LIMIT)
    admins = _people(reader, "person.role", "admin", 100)
    return StoreSummary(
        version=version,
        newest=newest_version,
        entries=last[0] + 1,
        last_at=Instant(last[1]),
        note="" if head is None else str(head[0]),
        rules="" if rules is None else rules.digest,
        outline="" if rules is None else rules.outline,
        officers=tuple(text for officer in officers for text in _names(officer)),
        admins=len({admin.key for admin in admins}),
    )


def summarize_outbox(connection: ReadConnection) -> OutboxSummary:
    """Summarize the outbox of the store behind a connection, counted up to some thousand."""
    reader = SqliteReader(connection)
    queued, sent = (
        [
            found.record
            for found in reader.find(ActRecord.KIND, index, "", 0, None, _LIMIT, newest=False)
            if isinstance(found.record, ActRecord)
        ]
        for index in ("act.queued", "act.sent")
    )
    return OutboxSummary(
        queued=len(queued),
        queued_at=queued[0].queued_at if queued else NEVER,
        sent=len(sent),
        sent_at=sent[0].sent_at if sent else NEVER,
    )


def _people(reader: SqliteReader, index: str, key: str, limit: int) -> list[PersonRecord]:
    found = reader.find(PersonRecord.KIND, index, key, 0, None, limit, newest=False)
    return [kept.record for kept in found if isinstance(kept.record, PersonRecord)]


def _names(officer: PersonRecord) -> tuple[str, ...]:
    return tuple(text for text in (officer.id, officer.key, officer.name, officer.email) if text)
