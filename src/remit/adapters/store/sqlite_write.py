"""Writing a SQLite store: one commit's conditions and changes. Runs on the writing thread, inside a transaction."""

import sqlite3
from typing import Final

from remit.adapters.store import records, trails
from remit.domain.errors import Code, Fault
from remit.domain.records import Link, Record
from remit.ports.store import Commit, Conflict, Drop, EntryRow, NoRoom, Put, Replayed, Reserve

MOST_AMOUNT: Final = 2**62


def apply(connection: sqlite3.Connection, commit: Commit) -> None:
    """Check every condition of a commit and make its changes, all but its entries.

    Raises:
        Conflict: a record is not at the expected revision.
        Replayed: a mark stands already.
        NoRoom: a counter is full.
        Fault: `fault.store` when a trail is damaged or an amount is beyond any counter.
    """
    for expect in commit.expects:
        row = connection.execute("select rev from record where kind = ? and id = ?", (expect.kind, expect.id)).fetchone()
        if (0 if row is None else row[0]) != expect.rev:
            raise Conflict(expect.kind, expect.id)
    for mark in commit.marks:
        if connection.execute("insert or ignore into mark (key, until) values (?, ?)", (mark.key, mark.until)).rowcount != 1:
            raise Replayed(mark.key)
    for reserve in commit.reserves:
        _reserve(connection, reserve)
    for put in commit.puts:
        _put(connection, put)
    for drop in commit.drops:
        _drop(connection, drop)
    for touched, at in commit.touches:
        connection.execute(
            "insert into touch (id, at) values (?, ?) on conflict (id) do update set at = max(at, excluded.at)", (touched, at)
        )
    for step in commit.steps:
        name = trails.name(step.kind, step.subject)
        row = connection.execute("select body from trail where subject = ?", (name,)).fetchone()
        body = trails.advance(None if row is None else row[0], step)
        connection.execute(
            "insert into trail (subject, body) values (?, ?) on conflict (subject) do update set body = excluded.body", (name, body)
        )


def insert_entry(connection: sqlite3.Connection, index: int, row: EntryRow) -> None:
    """Write one entry at its place."""
    connection.execute(
        "insert into entry (idx, kind, at, leaf, envelope, content, subject) values (?, ?, ?, ?, ?, ?, ?)",
        (index, row.kind, row.at, row.leaf, row.envelope, row.content, row.subject),
    )
    connection.executemany("insert or ignore into ref (ref, idx) values (?, ?)", [(ref, index) for ref in row.refs])


def _reserve(connection: sqlite3.Connection, reserve: Reserve) -> None:
    """Move a counter in one statement, so that room is exact under concurrency."""
    if abs(reserve.amount) > MOST_AMOUNT:
        raise Fault(Code.FAULT_STORE, f"an amount of {reserve.amount} is beyond what a counter holds")
    if reserve.limit is not None and reserve.amount > max(reserve.limit, 0):
        raise NoRoom(reserve.scope, reserve.key)
    moved = connection.execute(
        # Past the largest integer SQLite would go on in floating point, where small amounts weigh nothing.
        "insert into counter (scope, key, used) values (?1, ?2, max(?3, 0)) "
        "on conflict (scope, key) do update set used = max(used + ?3, 0) "
        "where (?4 is null or used <= ?4 - ?3) and (?3 <= 0 or used <= 9223372036854775807 - ?3)",
        (reserve.scope, reserve.key, reserve.amount, reserve.limit if reserve.amount > 0 else None),
    ).rowcount
    if moved != 1:
        raise NoRoom(reserve.scope, reserve.key)


def _put(connection: sqlite3.Connection, put: Put) -> None:
    record, kind = put.record, put.record.KIND
    stored = _stored(connection, kind, record.id)
    if (0 if stored is None else stored[0]) != put.rev:
        raise Conflict(kind, record.id)
    body = records.encode(record)
    if stored is None:
        # A record made again goes on above every revision its kind was ever dropped at: a revision that somebody still
        # holds, or that a reader has cached, must never come to name other contents.
        connection.execute(
            "insert into record (kind, id, rev, body) values (?1, ?2, 1 + coalesce((select rev from dropped where kind = ?1), 0), ?3)",
            (kind, record.id, body),
        )
        before: set[Link] = set()
    else:
        connection.execute("update record set rev = rev + 1, body = ? where kind = ? and id = ?", (body, kind, record.id))
        before = set(records.decode(kind, stored[1]).links())
    after = set(record.links())
    _unlink(connection, record, before - after)
    for link in after - before:
        connection.execute("insert or ignore into link (name, key, at, kind, id) values (?, ?, ?, ?, ?)", (*link, kind, record.id))


def _drop(connection: sqlite3.Connection, drop: Drop) -> None:
    record, kind = drop.record, drop.record.KIND
    stored = _stored(connection, kind, record.id)
    if stored is None or stored[0] != drop.rev:
        raise Conflict(kind, record.id)
    connection.execute("delete from record where kind = ? and id = ?", (kind, record.id))
    connection.execute(
        "insert into dropped (kind, rev) values (?, ?) on conflict (kind) do update set rev = max(rev, excluded.rev)", (kind, drop.rev)
    )
    _unlink(connection, record, set(records.decode(kind, stored[1]).links()))


def _stored(connection: sqlite3.Connection, kind: str, record_id: str) -> tuple[int, bytes] | None:
    """What stands now. Links are taken off by this, not by what a caller says it had loaded."""
    row: tuple[int, bytes] | None = connection.execute(
        "select rev, body from record where kind = ? and id = ?", (kind, record_id)
    ).fetchone()
    return row


def _unlink(connection: sqlite3.Connection, record: Record, links: set[Link]) -> None:
    for link in links:
        connection.execute(
            "delete from link where name = ? and key = ? and at = ? and kind = ? and id = ?", (*link, record.KIND, record.id)
        )
