"""Writing what a group of commits changes, many rows by one statement: each statement costs a hand-over of the interpreter."""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from remit.adapters.store import trails
from remit.adapters.store.held import Changes
from remit.ports.store import EntryRow

_ROWS: Final = 64
"""How many rows one statement writes at most; fewer go in powers of two, so that few different statements are ever made."""

Value = str | int | bytes

_RECORD: Final = (
    "insert into record (kind, id, rev, body) values {rows} on conflict (kind, id) do update set rev = excluded.rev, body = excluded.body"
)
_NO_RECORD: Final = "delete from record where (kind, id) in (values {rows})"
_LINK: Final = "insert or ignore into link (name, key, at, kind, id) values {rows}"
_NO_LINK: Final = "delete from link where (name, key, at, kind, id) in (values {rows})"
_DROPPED: Final = "insert into dropped (kind, rev) values {rows} on conflict (kind) do update set rev = excluded.rev"
_COUNTER: Final = "insert into counter (scope, key, used) values {rows} on conflict (scope, key) do update set used = excluded.used"
_MARK: Final = "insert into mark (key, until) values {rows}"
_TOUCH: Final = "insert into touch (id, at) values {rows} on conflict (id) do update set at = excluded.at"
_TRAIL: Final = "insert into trail (subject, body) values {rows} on conflict (subject) do update set body = excluded.body"
_ENTRY: Final = "insert into entry (idx, kind, at, leaf, envelope, content, subject) values {rows}"
_REF: Final = "insert or ignore into ref (ref, idx) values {rows}"
_MARKED: Final = "select key from mark where key in (values {rows})"


def standing_marks(connection: sqlite3.Connection, keys: Sequence[str]) -> frozenset[str]:
    """Which of these replay marks stand already."""
    found: set[str] = set()
    for statement, values in chunks(_MARKED, [(key,) for key in keys]):
        found.update(key for (key,) in connection.execute(statement, values))
    return frozenset(found)


def write_changes(connection: sqlite3.Connection, changes: Changes) -> None:
    """Write all that a group changes but its entries."""
    _write(connection, _RECORD, [(*key, kept.rev, changes.bodies[key]) for key, kept in changes.records.items() if kept is not None])
    _write(connection, _NO_RECORD, [key for key, kept in changes.records.items() if kept is None])
    _write(connection, _LINK, [link for link, stands in changes.links.items() if stands])
    _write(connection, _NO_LINK, [link for link, stands in changes.links.items() if not stands])
    _write(connection, _DROPPED, list(changes.dropped.items()))
    _write(connection, _COUNTER, [(*key, used) for key, used in changes.counters.items()])
    _write(connection, _MARK, list(changes.marks.items()))
    _write(connection, _TOUCH, list(changes.touches.items()))
    _write(connection, _TRAIL, [(name, trails.text(trail)) for name, trail in changes.trails.items()])


def write_entries(connection: sqlite3.Connection, first: int, rows: Sequence[EntryRow]) -> None:
    """Write entries at their places, from `first` on."""
    numbered = list(enumerate(rows, first))
    _write(connection, _ENTRY, [(place, row.kind, row.at, row.leaf, row.envelope, row.content, row.subject) for place, row in numbered])
    _write(connection, _REF, [(ref, place) for place, row in numbered for ref in dict.fromkeys(row.refs)])


def _write(connection: sqlite3.Connection, template: str, rows: Sequence[tuple[Value, ...]]) -> None:
    for statement, values in chunks(template, rows):
        connection.execute(statement, values)


def chunks(template: str, rows: Sequence[tuple[Value, ...]]) -> Iterable[tuple[str, list[Value]]]:
    """The statements for so many rows, with their values; `{rows}` in the template stands for the rows."""
    start = 0
    while start < len(rows):
        count = min(_ROWS, 1 << ((len(rows) - start).bit_length() - 1))
        part = rows[start : start + count]
        yield _statement(template, len(part[0]), count), [value for row in part for value in row]
        start += count


@cache
def _statement(template: str, width: int, count: int) -> str:
    """One statement for so many rows: at most seven for each template."""
    row = f"({', '.join('?' * width)})"
    return template.format(rows=", ".join([row] * count))
