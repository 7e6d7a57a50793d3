"""The journal: a group is made durable as one row, and many groups are later settled into the tables together.

A group of commits touches some twenty pages, most of them again with the next group. As one row it is a few pages and
one statement, synced before its answers leave; settling many groups together writes each page once.
Runs on the writing thread alone. docs/decisions/0016-groups-are-journalled.md
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

import msgspec

from remit.adapters.store.highwater import Point
from remit.adapters.store.replay_expiry import FORGOTTEN, ElapsedTime
from remit.adapters.store.sqlite.read import Value, write_rows
from remit.adapters.store.sqlite.rows import WRITE_STATE
from remit.domain.errors import Code, Fault, Refused

T = TypeVar("T")
_MAX_COMMITS: Final = 64
"""Commits settled together: more would make those that arrive meanwhile wait longer."""
_MAX_BYTES: Final = 4 * 1024 * 1024
_PURGE_EVERY_MS: Final = 60_000

_RECORD: Final = """insert into record (kind, id, rev, body, mac) values {rows}
on conflict (kind, id) do update set rev = excluded.rev, body = excluded.body, mac = excluded.mac"""
_NO_RECORD: Final = "delete from record where (kind, id) in (values {rows})"
_LINK: Final = "insert or ignore into link (name, key, at, kind, id) values {rows}"
_NO_LINK: Final = "delete from link where (name, key, at, kind, id) in (values {rows})"
_DROPPED: Final = "insert into dropped (kind, rev) values {rows} on conflict (kind) do update set rev = excluded.rev"
_COUNTER: Final = """insert into counter (scope, key, used, mac) values {rows}
on conflict (scope, key) do update set used = excluded.used, mac = excluded.mac"""
_MARK: Final = "insert into mark (key, until) values {rows}"
_FORGET: Final = "delete from mark where until < ? and key <> ?"
_FORGOT: Final = "insert into mark (key, until) values (?, ?) on conflict (key) do update set until = excluded.until"
_TOUCH: Final = "insert into touch (id, at) values {rows} on conflict (id) do update set at = excluded.at"
_TRAIL: Final = """insert into trail (subject, body, mac) values {rows}
on conflict (subject) do update set body = excluded.body, mac = excluded.mac"""
_WITHOUT_MACS: Final = {
    _RECORD: """insert into record (kind, id, rev, body) values {rows}
on conflict (kind, id) do update set rev = excluded.rev, body = excluded.body""",
    _COUNTER: """insert into counter (scope, key, used) values {rows}
on conflict (scope, key) do update set used = excluded.used""",
    _TRAIL: """insert into trail (subject, body) values {rows}
on conflict (subject) do update set body = excluded.body""",
}
"""The same into the tables of an older schema, which its migration settles first."""
_ENTRY: Final = "insert into entry (idx, kind, at, leaf, envelope, content, subject) values {rows}"
_REF: Final = "insert or ignore into ref (ref, idx) values {rows}"
_JOURNAL: Final = """insert into journal (n, body) select ?, ?
where coalesce((select root from head), x'') = ? and coalesce((select max(n) from journal), 0) = ?"""
_NODE: Final = "insert into node (level, idx, hash) values {rows}"

Link = tuple[str, str, int, str, str]
"""Name, key, number, and kind and id of the linked record."""
EntryValues = tuple[int, str, int, bytes, bytes, bytes, str, tuple[str, ...]]
"""Index, kind, time, leaf, envelope, content, subject and lookup ids."""


class JournalGroup(msgspec.Struct, array_like=True, frozen=True):
    """Changes of a group as journalled: rows of the tables, and the log's head after it.

    A record without a body is deleted; a link says whether it exists. MACs are those of records, counters and risk
    histories, in their order; groups of an older Remit have none.
    """

    records: Sequence[tuple[str, str, int, bytes | None]]
    links: Sequence[tuple[Link, bool]]
    dropped: Mapping[str, int]
    counters: Sequence[tuple[str, str, int]]
    marks: Mapping[str, int]
    touches: Mapping[str, int]
    trails: Mapping[str, str]
    entries: Sequence[EntryValues]
    nodes: Sequence[tuple[int, int, bytes]]
    size: int
    root: bytes
    note: str
    record_macs: Sequence[bytes] = ()
    counter_macs: Sequence[bytes] = ()
    trail_macs: Sequence[bytes] = ()
    state: bytes = b""


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(JournalGroup)


class JournalBacklog:
    """Changes of groups that are not in the tables yet: the last value of each thing."""

    __slots__ = (
        "bytes",
        "commits",
        "counters",
        "dropped",
        "entries",
        "head",
        "links",
        "marks",
        "nodes",
        "records",
        "state",
        "touches",
        "trails",
    )

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], tuple[int, bytes | None, bytes]] = {}
        self.links: dict[Link, bool] = {}
        self.dropped: dict[str, int] = {}
        self.counters: dict[tuple[str, str], tuple[int, bytes]] = {}
        self.marks: dict[str, int] = {}
        self.touches: dict[str, int] = {}
        self.trails: dict[str, tuple[str, bytes]] = {}
        self.entries: list[EntryValues] = []
        self.nodes: list[tuple[int, int, bytes]] = []
        self.head: tuple[int, bytes, str] = (0, b"", "")
        self.state = b""
        self.commits = 0
        self.bytes = 0

    def take(self, group: JournalGroup) -> None:
        """Apply a later group on top."""
        for (kind, record_id, rev, body), mac in _with_macs(group.records, group.record_macs):
            self.records[kind, record_id] = (rev, body, mac)
        self.links.update(group.links)
        self.dropped.update(group.dropped)
        for (scope, key, used), mac in _with_macs(group.counters, group.counter_macs):
            self.counters[scope, key] = (used, mac)
        self.marks.update(group.marks)
        self.touches.update(group.touches)
        for (subject, trail), mac in _with_macs(tuple(group.trails.items()), group.trail_macs):
            self.trails[subject] = (trail, mac)
        self.entries.extend(group.entries)
        self.nodes.extend(group.nodes)
        self.head = (group.size, group.root, group.note)
        self.state = group.state


def _with_macs(rows: Sequence[T], macs: Sequence[bytes]) -> Iterator[tuple[T, bytes]]:
    """Pair rows with their MACs.

    Raises:
        ValueError: their numbers differ.
    """
    return zip(rows, macs or [b""] * len(rows), strict=True)


class Journal:
    """Groups of one store that are durable and not in their tables yet."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        on_point: Point,
        passed: ElapsedTime | None = None,
        *,
        has_macs: bool = True,
    ) -> None:
        """Settle what an earlier process, or this one before a failure, left; into an older schema without MACs.

        Raises:
            Refused: `log.damaged` when a row cannot be read.
        """
        self._connection = connection
        self._on_point = on_point
        self._has_macs = has_macs
        self.unsettled = JournalBacklog()
        """Read by other threads too: replaced as a whole once it is settled, never emptied."""
        self._root = self._settled_root()
        self._passed = passed or ElapsedTime()
        self.forgotten = self._forgotten()
        """Time up to which replay marks were purged."""
        self.written = 0
        """Number of groups this object made durable."""
        self._purge_after = 0
        groups = read_groups(connection)
        self._last = len(groups)
        for group in groups:
            self.unsettled.take(group)
            self.unsettled.commits += 1
        self.settle()

    def write(self, group: JournalGroup, commits: int) -> None:
        """Write a group durably.

        ⚔ The row is written only on the head that this process knows, right after the last row it knows: two sequencers
        can never sign two histories, nor settle what the other has not seen.

        Raises:
            Fault: `fault.store` when another process moved the head.
            ValueError, OverflowError: for a value that no file can store; nothing is written.

        Source: docs/model/model.md#log.
        """
        body = _ENCODER.encode(group)
        self._on_point("store.before_commit")
        if self._connection.in_transaction:
            raise Fault(Code.FAULT_STORE, "a transaction stands open: what is written in it would not be durable")
        if self._connection.execute(_JOURNAL, (self._last + 1, body, self._root, self._last)).rowcount != 1:
            raise Fault(Code.FAULT_STORE, "another process moved the log's head; two servers on one SQLite file?")
        self._last += 1
        self.written += 1
        self._on_point("store.after_commit")
        self.unsettled.take(group)
        self.unsettled.commits += commits
        self.unsettled.bytes += len(body)

    def due(self) -> bool:
        """Whether there is enough to settle."""
        return self.unsettled.commits >= _MAX_COMMITS or self.unsettled.bytes >= _MAX_BYTES

    def settle(self) -> None:
        """Write the backlog into the tables, whole or not at all.

        It is not synced: until the disk has it, it has the journal. The next group's sync takes it along.

        Raises:
            Fault: `fault.store` when another process moved the head.
            sqlite3.Error: the file cannot be written; what is journalled stands.
        """
        here = self.unsettled
        if not here.commits:
            return
        with without_sync(self._connection), transaction(self._connection):
            self._put_in_place(here)
            self._connection.execute("delete from journal where n <= ?", (self._last,))
            self._on_point("store.before_settled")
        self.unsettled = JournalBacklog()
        self._root = here.head[1]
        self._last = 0

    def _put_in_place(self, here: JournalBacklog) -> None:
        put = partial(write_rows, self._connection)
        put_with_macs = self._put_with_macs
        put_with_macs(_RECORD, [(*key, *row) for key, row in here.records.items() if row[1] is not None])
        put(_NO_RECORD, [key for key, (_, body, _) in here.records.items() if body is None])
        put(_LINK, [link for link, stands in here.links.items() if stands])
        put(_NO_LINK, [link for link, stands in here.links.items() if not stands])
        put(_DROPPED, list(here.dropped.items()))
        put_with_macs(_COUNTER, [(*key, *row) for key, row in here.counters.items()])
        put(_MARK, list(here.marks.items()))
        put(_TOUCH, list(here.touches.items()))
        put_with_macs(_TRAIL, [(subject, *row) for subject, row in here.trails.items()])
        put(_ENTRY, [entry[:-1] for entry in here.entries])
        put(_REF, [(ref, entry[0]) for entry in here.entries for ref in dict.fromkeys(entry[-1])])
        put(_NODE, here.nodes)
        self._purge(here)
        self._move_head(*here.head)
        if here.state:
            self._connection.execute(WRITE_STATE, (here.state,))

    def _put_with_macs(self, template: str, rows: Sequence[tuple[Value, ...]]) -> None:
        """Put rows whose last value is their MAC."""
        if self._has_macs:
            write_rows(self._connection, template, rows)
        else:
            write_rows(self._connection, _WITHOUT_MACS[template], [row[:-1] for row in rows])

    def _move_head(self, size: int, root: bytes, note: str) -> None:
        if not size:
            return
        moved = self._connection.execute(
            "insert into head (one, size, root, note) values (1, ?, ?, ?) on conflict (one) do update "
            "set size = excluded.size, root = excluded.root, note = excluded.note where root = ?",
            (size, root, note, self._root),
        )
        if moved.rowcount != 1:
            raise Fault(Code.FAULT_STORE, "another process moved the log's head; two servers on one SQLite file?")

    def _purge(self, here: JournalBacklog) -> None:
        """Purge expired replay marks when due, and record up to when. Entries of an earlier process tell no time."""
        if not here.entries or not self.written:
            return
        over = self._passed.over(here.entries[-1][2])
        if over > self._purge_after:
            self._connection.execute(_FORGET, (over, FORGOTTEN))
            self.forgotten = max(self.forgotten, over)
            self._connection.execute(_FORGOT, (FORGOTTEN, self.forgotten))
            self._purge_after = over + _PURGE_EVERY_MS

    def _forgotten(self) -> int:
        row = self._connection.execute("select until from mark where key = ?", (FORGOTTEN,)).fetchone()
        return 0 if row is None else int(row[0])

    def _settled_root(self) -> bytes:
        row = self._connection.execute("select root from head").fetchone()
        return b"" if row is None else bytes(row[0])


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run one transaction, or join the open one."""
    outermost = not connection.in_transaction
    if outermost:
        connection.execute("begin immediate")
    try:
        yield
        if outermost:
            connection.execute("commit")
    except BaseException:
        if outermost:
            _roll_back(connection)
        raise


@contextlib.contextmanager
def without_sync(connection: sqlite3.Connection) -> Iterator[None]:
    """Skip the sync for what is done inside; the next synced write syncs it too.

    The write-ahead log has one order: nothing after a transaction in it is ever found without that transaction. Inside
    a transaction it changes nothing.
    """
    if connection.in_transaction:
        yield
        return
    connection.execute("pragma synchronous = normal")
    try:
        yield
    finally:
        connection.execute("pragma synchronous = full")  # ⚔ or it raises, and the connection is not used again


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # a disk that is full has rolled it back already
        connection.execute("rollback")


def read_groups(connection: sqlite3.Connection) -> Sequence[JournalGroup]:
    """Read the groups that are not in their tables yet, oldest first; they are numbered from 1.

    Raises:
        Refused: `log.damaged` when one cannot be read.
    """
    found: list[JournalGroup] = []
    for place, (number, body) in enumerate(connection.execute("select n, body from journal order by n"), 1):
        if number != place:
            raise Refused(
                Code.LOG_DAMAGED, f"journal row {place} is missing; restore a good copy and run `remit recover`"
            )
        try:
            found.append(_DECODER.decode(body))
        except (msgspec.MsgspecError, TypeError, ValueError) as damaged:
            raise Refused(
                Code.LOG_DAMAGED,
                f"journal row {number} cannot be read: {damaged}; restore a good copy and run `remit recover`",
            ) from None
    return found
