"""Reading a SQLite store: records, indexes, the snapshot an ask is decided on. Runs on the reading thread."""

import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final, TypeVar

from remit.adapters.store.codec import DecodeCache
from remit.adapters.store.read_connection import ReadConnection
from remit.adapters.store.sqlite.tree import WIDTH, SqliteTree
from remit.domain.records import MandateRecord, Record, TaskRecord
from remit.ports.store import Committed, EntryPlace, EntryRow, Precondition, RecordMissing, StoredEntry, Versioned

_LAST: Final = 2**62
_MAX_LEVEL: Final = 7
# `l.kind || ''`, and `kind` in the order: only so do rows come in the order of the key. Else all of the same moment are sorted, as after an
# import. PostgreSQL reads it as well, where a command looks into a store there.
_FIND: Final = """select r.id, r.rev, r.body from link l join record r on r.kind = l.kind and r.id = l.id
where l.name = ? and l.key = ? and l.at >= ? and l.at <= ? and l.kind || '' = ? order by l.at {0}, l.kind {0}, l.id {0} limit ?"""
FINDING: Final = {newest: _FIND.format("desc" if newest else "asc") for newest in (False, True)}
"""How records are found under a key of an index, by whether the newest come first."""
N = TypeVar("N", TaskRecord, MandateRecord)


class SqliteReader:
    """Reads over one connection, and only what is committed."""

    def __init__(self, connection: ReadConnection) -> None:
        self._connection = connection
        self._decoded = DecodeCache()
        self._log = SqliteTree(connection)

    def one(self, kind: str, record_id: str) -> Versioned[Record] | None:
        """A record, or nothing."""
        row = self._connection.execute(
            "select rev, body from record where kind = ? and id = ?", (kind, record_id)
        ).fetchone()
        return None if row is None else self._decoded.kept(kind, record_id, row[0], row[1])

    def unchanged(self, preconditions: Sequence[Precondition]) -> bool:
        """Whether records are at their revisions, all at one moment."""
        self._connection.execute("begin")
        try:
            found = [self.one(one.kind, one.id) for one in preconditions]
        finally:
            self._connection.execute("commit")
        return all((0 if kept is None else kept.rev) == one.rev for kept, one in zip(found, preconditions, strict=True))

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
        """Records under a key of an index."""
        place = (index, key, max(low, -_LAST), _LAST if high is None else min(high, _LAST), kind, max(limit, 0))
        rows = self._connection.execute(FINDING[newest], place).fetchall()
        return tuple(self._decoded.kept(kind, record_id, rev, body) for record_id, rev, body in rows)

    def entries(self, ref: str, low: int, limit: int, newest: bool) -> Sequence[StoredEntry]:  # noqa: FBT001  # one statement's parameters
        """Entries by lookup id, or all."""
        order = "desc" if newest else "asc"
        columns = "e.idx, e.kind, e.at, e.leaf, e.envelope, e.content, e.subject"
        low, limit = min(max(low, 0), _LAST), max(limit, 0)
        if ref:
            rows = self._connection.execute(
                f"select {columns} from ref r join entry e on e.idx = r.idx where r.ref = ? and r.idx >= ? order by r.idx {order} limit ?",  # noqa: S608  # fixed words are put in
                (ref, low, limit),
            )
        else:
            every_entry = f"select {columns} from entry e where e.idx >= ? order by e.idx {order} limit ?"  # noqa: S608  # fixed words are put in
            rows = self._connection.execute(every_entry, (low, limit))
        return tuple(
            StoredEntry(
                index=idx,
                row=EntryRow(kind=kind, at=at, leaf=leaf, envelope=envelope, content=content, subject=subject, refs=()),
            )
            for idx, kind, at, leaf, envelope, content, subject in rows
        )

    def checkpoint(self) -> str:
        """The committed head's note."""
        row = self._connection.execute("select note from head").fetchone()
        return str(row[0]) if row else ""

    def tile(self, level: int, number: int, width: int) -> bytes:
        """Hashes of one tile."""
        _verify_bounds("tile", level, number, width)
        hashes = self._log.tile_hashes(level, number * WIDTH, width)
        if len(hashes) != width:
            raise RecordMissing("tile", f"{level}/{number}.p/{width}")
        return b"".join(hashes)

    def leaves(self, number: int, width: int) -> Sequence[bytes]:
        """Leaf data of one bundle."""
        _verify_bounds("entries", 0, number, width)
        statement = "select leaf from entry where idx >= ? and idx < ? order by idx"
        rows = self._connection.execute(statement, (number * WIDTH, number * WIDTH + width)).fetchall()
        if len(rows) != width:
            raise RecordMissing("entries", f"{number}.p/{width}")
        return [leaf for (leaf,) in rows]

    def prove(self, indexes: Sequence[int]) -> Committed:
        """Proofs of entries against the committed head, in one read transaction."""
        self._connection.execute("begin")
        try:
            self._log.refresh()
            if not all(0 <= index < self._log.size for index in indexes):
                raise RecordMissing("entry", str(indexes))
            places = tuple(EntryPlace(index, self._log.proof(index)) for index in indexes)
            self._log.settled()  # what is read here stands in the tables
            return Committed(places, self._log.size, self._log.note)
        finally:
            self._connection.execute("commit")


def _verify_bounds(what: str, level: int, number: int, width: int) -> None:
    """Nothing beyond these bounds exists in any log; numbers too large for the database must not reach it."""
    if not (0 <= level <= _MAX_LEVEL and 0 <= number <= _LAST // WIDTH and 1 <= width <= WIDTH):
        raise RecordMissing(what, f"{level}/{number}.p/{width}")


_ROWS: Final = 64
"""How many rows one statement writes at most; fewer go in powers of two, so that few different statements are ever made."""

Value = str | int | bytes | None


def write_rows(connection: sqlite3.Connection, template: str, rows: Sequence[tuple[Value, ...]]) -> None:
    """Write rows; `{rows}` in the template stands for them."""
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
    return template.format(rows=placeholders(width, count))


def placeholders(width: int, count: int) -> str:
    """So many rows of so many placeholders."""
    row = f"({', '.join('?' * width)})"
    return ", ".join([row] * count)
