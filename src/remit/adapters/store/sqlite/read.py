"""Reading of a SQLite store: records, indexes, log. Runs on the reading thread."""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final, TypeVar

from remit.adapters.store.codec import DecodeCache
from remit.adapters.store.read_connection import ReadConnection
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.store.sqlite.tree import WIDTH, SqliteTree
from remit.domain.records import MandateRecord, Record, TaskRecord
from remit.ports.store import Committed, EntryPlace, EntryRow, Precondition, RecordMissing, StoredEntry, Versioned

LAST: Final = 2**62
"""Beyond every number in a store."""
_MAX_LEVEL: Final = 7
# `l.kind || ''`, and `kind` in the order: only so do rows come in key order. Else all rows of a moment are sorted, as
# after an import. PostgreSQL reads it as well, where a command inspects a store there.
_FIND: Final = """select r.id, r.rev, r.body{1} from link l join record r on r.kind = l.kind and r.id = l.id
where l.name = ? and l.key = ? and l.at >= ? and l.at <= ? and l.kind || '' = ?
order by l.at {0}, l.kind {0}, l.id {0} limit ?"""
FINDING: Final = {
    (newest, macs): _FIND.format("desc" if newest else "asc", ", r.mac" if macs else "")
    for newest in (False, True)
    for macs in (False, True)
}
"""Statement that finds records under a key of an index, by whether the newest come first and MACs are read."""
_RECORD: Final = "select rev, body{} from record where kind = ? and id = ?"
N = TypeVar("N", TaskRecord, MandateRecord)


class SqliteReader:
    """Reads over one connection; sees only what is committed.

    Without `macs` it trusts the rows: only to summarize a store for its operator, also one of an older schema.
    """

    def __init__(self, connection: ReadConnection, macs: RowMacs | None = None) -> None:
        self._connection = connection
        self._decoded = DecodeCache(macs)
        self._record = _RECORD.format(", mac" if macs else "")
        self._finding = {newest: FINDING[newest, macs is not None] for newest in (False, True)}
        self._log = SqliteTree(connection)

    def one(self, kind: str, record_id: str) -> Versioned[Record] | None:
        """Return a record or None."""
        row = self._connection.execute(self._record, (kind, record_id)).fetchone()
        return None if row is None else self._decoded.kept(kind, record_id, *row)

    def unchanged(self, preconditions: Sequence[Precondition]) -> bool:
        """Whether records are at their revisions, all at one moment."""
        self._connection.execute("begin")
        try:
            found = [self.one(expected.kind, expected.id) for expected in preconditions]
        finally:
            self._connection.execute("commit")
        revisions = [0 if kept is None else kept.rev for kept in found]
        return revisions == [expected.rev for expected in preconditions]

    def find(
        self,
        kind: str,
        index: str,
        key: str,
        low: int,
        high: int | None,
        limit: int,
        newest: bool,  # noqa: FBT001  # one statement's parameters
    ) -> Sequence[Versioned[Record]]:
        """Return records under a key of an index."""
        place = (index, key, max(low, -LAST), LAST if high is None else min(high, LAST), kind, max(limit, 0))
        rows = self._connection.execute(self._finding[newest], place).fetchall()
        return tuple(self._decoded.found((index, key), kind, *row) for row in rows)

    def entries(
        self,
        ref: str,
        within: tuple[int, int | None],
        limit: int,
        newest: bool,  # noqa: FBT001  # one statement's parameters
    ) -> Sequence[StoredEntry]:
        """Return entries by lookup id, or all; `within` are the first place and the one after the last."""
        order = "desc" if newest else "asc"
        columns = "e.idx, e.kind, e.at, e.leaf, e.envelope, e.content, e.subject"
        low, before = within
        low, limit = min(max(low, 0), LAST), max(limit, 0)
        end = LAST if before is None else min(max(before, 0), LAST)
        if ref:
            by_ref = "ref r join entry e on e.idx = r.idx where r.ref = ? and r.idx >= ? and r.idx < ? order by r.idx"
            rows = self._connection.execute(f"select {columns} from {by_ref} {order} limit ?", (ref, low, end, limit))  # noqa: S608  # fixed words
        else:
            every_entry = f"select {columns} from entry e where e.idx >= ? and e.idx < ? order by e.idx {order} limit ?"  # noqa: S608  # fixed words
            rows = self._connection.execute(every_entry, (low, end, limit))
        return stored_entries(rows)

    def checkpoint(self) -> str:
        """Return the note of the committed head."""
        row = self._connection.execute("select note from head").fetchone()
        return str(row[0]) if row else ""

    def tile(self, level: int, number: int, width: int) -> bytes:
        """Return the hashes of one tile."""
        verify_bounds("tile", level, number, width)
        hashes = self._log.tile_hashes(level, number * WIDTH, width)
        if len(hashes) != width:
            raise RecordMissing("tile", f"{level}/{number}.p/{width}")
        return b"".join(hashes)

    def leaves(self, number: int, width: int) -> Sequence[bytes]:
        """Return the leaf data of one bundle."""
        verify_bounds("entries", 0, number, width)
        statement = "select leaf from entry where idx >= ? and idx < ? order by idx"
        rows = self._connection.execute(statement, (number * WIDTH, number * WIDTH + width)).fetchall()
        if len(rows) != width:
            raise RecordMissing("entries", f"{number}.p/{width}")
        return [leaf for (leaf,) in rows]

    def prove(self, indexes: Sequence[int]) -> Committed:
        """Prove entries against the committed head, in one read transaction."""
        self._connection.execute("begin")
        try:
            self._log.refresh()
            if not all(0 <= index < self._log.size for index in indexes):
                raise RecordMissing("entry", str(indexes))
            proofs = self._log.proofs(indexes)
            places = tuple(EntryPlace(index, proofs[index]) for index in indexes)
            self._log.settled()  # everything read here is in the tables
            return Committed(places, self._log.size, self._log.note)
        finally:
            self._connection.execute("commit")


def stored_entries(rows: Iterable[Sequence[Any]]) -> tuple[StoredEntry, ...]:
    """Build entries from rows of index, kind, time, leaf, envelope, content and subject."""
    return tuple(
        StoredEntry(index=index, row=EntryRow(kind, at, leaf, envelope, content, subject, ()))
        for index, kind, at, leaf, envelope, content, subject in rows
    )


def verify_bounds(what: str, level: int, number: int, width: int) -> None:
    """Refuse what exists in no log; numbers too large for the database must not reach it."""
    if not (0 <= level <= _MAX_LEVEL and 0 <= number <= LAST // WIDTH and 1 <= width <= WIDTH):
        raise RecordMissing(what, f"{level}/{number}.p/{width}")


_ROWS: Final = 64
"""Most rows in one statement; fewer go in powers of two, so that few different statements are made."""

Value = str | int | bytes | None


def write_rows(connection: sqlite3.Connection, template: str, rows: Sequence[tuple[Value, ...]]) -> None:
    """Write rows, many in a statement; `{rows}` in the template is their placeholder."""
    start = 0
    while start < len(rows):
        count = min(_ROWS, 1 << ((len(rows) - start).bit_length() - 1))
        part = rows[start : start + count]
        connection.execute(_statement(template, len(part[0]), count), [value for row in part for value in row])
        start += count


@cache
def _statement(template: str, width: int, count: int) -> str:
    """Build one statement: at most seven for each template."""
    return template.format(rows=placeholders(width, count))


def placeholders(width: int, count: int) -> str:
    """Return `count` rows of `width` placeholders."""
    row = f"({', '.join('?' * width)})"
    return ", ".join([row] * count)
