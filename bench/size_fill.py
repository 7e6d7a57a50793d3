"""Filling a store with what years of use leave in it: mandates with their tasks, asks, acts, counters and trails, and the log of all that.

One family of a small desk's own store (a customer, their mandate, its task, what was asked in it, and the entries of it) is taken as
the pattern; every further family has ids and times of its own, evenly spread over the ids that may come. Rows go straight into the
tables. Each entry's leaf is what its envelope gives, and the tree is a true one; contents are copies, sealed under the pattern's key.
"""

import asyncio
import hashlib
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import asyncpg

from remit.adapters.store import codec
from remit.adapters.store.migrations.postgres import AHEAD
from remit.adapters.store.postgres.schema import make_partition
from remit.domain.records import EndReason, Record, TaskRecord, TaskState
from remit.domain.structs import replace
from remit.domain.transcript.entry import record_leaves
from remit.domain.values import Instant
from remit.proof import merkle

TABLES = {
    "record": ("kind", "id", "rev", "body"),
    "link": ("name", "key", "at", "kind", "id"),
    "counter": ("scope", "key", "used"),
    "touch": ("id", "at"),
    "trail": ("subject", "body"),
    "entry": ("idx", "kind", "at", "leaf", "envelope", "content", "subject"),
    "ref": ("ref", "idx"),
    "node": ("level", "idx", "hash"),
}
LIVE = 50
"""Of so many tasks one is live, opened within the last day and still used; so that no round ends it, it was used an hour from now."""
HOUR_MS = 3_600_000
LOT = 2_000
"""Families that are written together."""
OPENED, ENDS = Instant(1_111_111_111_111), Instant(2_222_222_222_222)
"""Stand in the pattern where a family has times of its own."""
IN_ORDER = "234567abcdefghijklmnopqrstuvwxyz"
Row = tuple[Any, ...]
Rows = dict[str, list[Row]]


class Table(Protocol):
    """Where rows go."""

    def write(self, rows: Rows) -> None:
        """Write rows of all tables."""
        ...

    def head(self, size: int, root: bytes, note: str, edge: bytes) -> None:
        """Write the log's head, and leave everything as a store that was used for long has it."""
        ...


def spread(prefix: str, number: int, count: int) -> str:
    """An id, evenly spread among so many, in the order in which a store sorts them."""
    place = (number * 2 + 1) * (1 << 129) // count
    return f"{prefix}_" + "".join(IN_ORDER[place >> shift & 31] for shift in range(125, -1, -5))


@dataclass
class Tree:
    """The tree of a log that grows: its edge, and the hashes of full tiles."""

    edge: merkle.Frontier = merkle.EMPTY
    _open: list[list[bytes]] = field(default_factory=lambda: [[]])
    _made: list[int] = field(default_factory=lambda: [0])

    def add(self, leaves: list[bytes]) -> list[Row]:
        """More leaves; returns the rows of `node` they give."""
        hashes = merkle.leaf_hashes(leaves)
        self.edge = self.edge.append(hashes)
        self._open[0].extend(hashes)
        found: list[Row] = []
        level = 0
        while len(self._open[level]) >= 256:
            whole = len(self._open[level]) // 256 * 256
            row, self._open[level] = self._open[level][:whole], self._open[level][whole:]
            for _ in range(8):
                row = merkle.parents(row)
            if level + 1 == len(self._open):
                self._open.append([])
                self._made.append(0)
            found += [(level + 1, self._made[level] + place, one) for place, one in enumerate(row)]
            self._made[level] += len(row)
            self._open[level + 1].extend(row)
            level += 1
        return found

    def head(self, sign: Callable[[int, bytes], str]) -> tuple[int, bytes, str, bytes]:
        """Size, root, signed checkpoint and peaks."""
        root = self.edge.root()
        return self.edge.size, root, sign(self.edge.size, root), b"".join(peak for peak in self.edge.peaks if peak)


class Pattern:
    """One family, with the places of its ids and times left open."""

    def __init__(self, connection: sqlite3.Connection, customer: str) -> None:
        self._ids = self._names(connection, customer)
        self._records: list[tuple[str, str, int, str, list[Row]]] = []
        self._ended: tuple[str, str, int, str, list[Row]] | None = None
        self._task: tuple[str, str, int, str, list[Row]] | None = None
        for kind, record_id, rev, body in connection.execute(
            "select kind, id, rev, body from record order by kind, id"
        ):
            if kind in {"person", "mandate", "task", "ask", "idempotency", "act"} and self._is_ours(
                record_id, body.decode()
            ):
                self._take(rev, codec.decode_record(kind, body))
        self._counters = [
            row for row in connection.execute("select scope, key, used from counter") if self._is_ours(row[0], "")
        ]
        self._trails = [
            row for row in connection.execute("select subject, body from trail") if self._is_ours(row[0], "")
        ]
        refs: dict[int, list[str]] = {}
        for ref, place in connection.execute("select ref, idx from ref"):
            refs.setdefault(place, []).append(self._open(ref))
        rows = connection.execute(
            "select idx, kind, at, envelope, content, subject from entry where subject = ? order by idx", (customer,)
        )
        self._entries = [
            (kind, at, envelope[17:113], self._open(envelope[113:].decode()), content, refs.get(place, []))
            for place, kind, at, envelope, content, _ in rows
        ]
        self._subject = customer

    def _names(self, connection: sqlite3.Connection, customer: str) -> dict[str, str]:
        mandate = connection.execute(
            "select id from link where name = 'mandate.customer' and key = ?", (customer,)
        ).fetchone()[0]
        task = connection.execute("select id from link where name = 'task.mandate' and key = ?", (mandate,)).fetchone()[
            0
        ]
        kept = cast(
            "TaskRecord",
            codec.decode_record(
                "task",
                connection.execute("select body from record where kind = 'task' and id = ?", (task,)).fetchone()[0],
            ),
        )
        names = {mandate: "mandate", task: "task", kept.case: "case", customer: "customer"}
        self._opened_at = kept.opened_at
        asks = connection.execute(
            "select id from link where name = 'ask.task' and key = ? order by at, id", (task,)
        ).fetchall()
        acts = connection.execute(
            "select id from record where kind = 'act' and cast(body as text) like ?", (f'%"{task}"%',)
        ).fetchall()
        for place, (one,) in enumerate((*asks, *acts)):
            names[one] = f"more{place}"
        self._timed = [f"more{place}" for place in range(len(asks) + len(acts))]
        self._prefixes = {names[one]: one.partition("_")[0] for (one,) in (*asks, *acts)}
        return names

    def _is_ours(self, name: str, body: str) -> bool:
        return any(one in name or (len(one) > 8 and one in body) for one in self._ids if len(one) > 8) or any(
            part == one for one in self._ids for part in re.split(r"[ :]", name)
        )

    def _open(self, text: str) -> str:
        """A text with its ids left open."""
        text = text.replace("%", "%%")
        for one, name in self._ids.items():
            place = f"%({name})s"
            if len(one) > 8:
                text = text.replace(one, place)
                continue
            for before, after in (('"', '"'), ('\\"', '\\"')):
                text = text.replace(f"{before}{one}{after}", f"{before}{place}{after}")
            parts = re.split(r"([ :])", text)
            text = "".join(place if part == one else part for part in parts)
        return text

    def _take(self, rev: int, record: Record) -> None:
        if isinstance(record, TaskRecord):
            live = replace(record, opened_at=OPENED, ends_at=ENDS)
            ended = replace(live, state=TaskState.ENDED, reason=EndReason.COMPLETED.value, ended_at=OPENED)
            self._task, self._ended = self._opened(rev, live), self._opened(rev + 1, ended)
        else:
            self._records.append(self._opened(rev, record))

    def _opened(self, rev: int, record: Record) -> tuple[str, str, int, str, list[Row]]:
        body = (
            self._open(codec.encode_record(record).decode())
            .replace(str(OPENED), "%(at)s")
            .replace(str(ENDS), "%(until)s")
        )
        links = [(link.name, self._open(link.key), link.at) for link in record.links()]
        return record.KIND, self._open(record.id), rev, body, links

    def families(self, first: int, count: int, of: int, entries: int, place: int, now: int) -> Rows:
        """So many families from number `first` on, of `of`, with `entries` entries each, the log standing at `place`."""
        rows: Rows = {table: [] for table in TABLES}
        for number in range(first, first + count):
            live = number % LIVE == 0
            at = (
                now - HOUR_MS * 24 + number * (HOUR_MS * 23) // of
                if live
                else now - HOUR_MS * 24 * 300 + number * 20_000_000 * 1000 // of
            )
            names = {
                name: spread(name[:4] if name != "mandate" else "man", number, of)
                for name in ("mandate", "task", "case")
            }
            names |= {"customer": f"c{number:09d}x", "at": str(at), "until": str(at + HOUR_MS * 24)}
            names |= {
                name: f"{self._prefixes[name]}_aa{number:022d}{turn:02d}" for turn, name in enumerate(self._timed)
            }
            self._family(rows, names, at, live=live, now=now)
            place = self._log(rows, names, number, at, entries, place)
        return rows

    def _family(self, rows: Rows, names: Mapping[str, str], at: int, *, live: bool, now: int) -> None:
        task = self._task if live else self._ended
        assert task is not None
        times = {OPENED: at, ENDS: at + HOUR_MS * 24}
        for kind, record_id, rev, body, links in (*self._records, task):
            made = record_id % names
            rows["record"].append((kind, made, rev, (body % names).encode()))
            rows["link"] += [(name, key % names, times.get(when, when), kind, made) for name, key, when in links]
        rows["counter"] += [(self._open(scope) % names, key, used) for scope, key, used in self._counters]
        rows["trail"] += [(self._open(subject) % names, self._open(body) % names) for subject, body in self._trails]
        rows["touch"].append((names["task"], now + HOUR_MS if live else at))

    def _log(self, rows: Rows, names: Mapping[str, str], number: int, at: int, entries: int, place: int) -> int:
        for turn in range(entries):
            kind, _, hashes, text, content, refs = self._entries[turn % len(self._entries)]
            salt = hashlib.md5(b"%d %d" % (number, turn)).digest()
            envelope = b"".join((b"\x01", salt, hashes, (text % names).encode()))
            rows["entry"].append(
                (place, kind, at + turn, record_leaves((envelope,))[0], envelope, content, self._subject)
            )
            rows["ref"] += [(one, place) for one in dict.fromkeys(ref % names for ref in refs)]
            place += 1
        return place


class SqliteTable:
    """The tables of a SQLite store that nobody has open."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in (
            "journal_mode = off",
            "synchronous = off",
            "cache_size = -400000",
            "locking_mode = exclusive",
            "temp_store = memory",
        ):
            self._connection.execute(f"pragma {pragma}")
        self._statements = {
            table: f"insert or ignore into {table} ({', '.join(columns)}) values ({', '.join('?' * len(columns))})"
            for table, columns in TABLES.items()
        }

    def write(self, rows: Rows) -> None:
        """Write rows of all tables."""
        self._connection.execute("begin")
        for table, found in rows.items():
            self._connection.executemany(self._statements[table], found)
        self._connection.execute("commit")

    def head(self, size: int, root: bytes, note: str, edge: bytes) -> None:
        """The head; the file is then as a desk of an older Remit leaves it, whose rows have no MACs."""
        del edge
        self._connection.execute("delete from state")
        self._connection.execute("update head set size = ?, root = ?, note = ?", (size, root, note))
        self._connection.execute("pragma journal_mode = wal")
        self._connection.close()


class PostgresTable:
    """The tables of one desk's store in a database; each table is written over a connection of its own, all at the same time."""

    def __init__(self, url: str, desk: str) -> None:
        self._desk = desk
        self._loop = asyncio.new_event_loop()
        self._over = {
            table: self._run(asyncpg.connect(url, timeout=30, server_settings={"search_path": "remit"}))
            for table in TABLES
        }
        self._partitioned = 0

    def _run(self, work: Any) -> Any:
        return self._loop.run_until_complete(work)

    def write(self, rows: Rows) -> None:
        """Write rows of all tables."""
        if rows["entry"]:
            while self._partitioned <= rows["entry"][-1][0] + AHEAD:
                self._run(make_partition(self._over["entry"], self._partitioned))
                self._partitioned += AHEAD

        async def together() -> None:
            await asyncio.gather(*(self._copy(table, found) for table, found in rows.items() if found))

        self._run(together())

    async def _copy(self, table: str, rows: list[Row]) -> None:
        if table == "trail":
            rows = [(subject, body.encode()) for subject, body in rows]
        # Without MACs, as an older Remit leaves them: the first start makes them.
        mac = {"mac": b""} if table in {"record", "counter", "trail"} else {}
        given = [(self._desk, *row, *mac.values()) for row in rows]
        await self._over[table].copy_records_to_table(table, records=given, columns=("desk", *TABLES[table], *mac))

    def head(self, size: int, root: bytes, note: str, edge: bytes) -> None:
        """The head; then what autovacuum does in quiet hours."""
        moved = "update head set seq = seq + 1, size = $2, root = $3, note = $4, edge = $5 where desk = $1"
        over = self._over["entry"]
        self._run(over.execute(moved, self._desk, size, root, note, edge))
        self._run(over.execute("vacuum analyze"))
        self._run(over.execute("checkpoint"))
        for connection in self._over.values():
            self._run(connection.close())
        self._loop.close()


def seed_rows(store: Path) -> tuple[Rows, list[bytes]]:
    """All rows of a small store, and the leaves of its log."""
    with closing(sqlite3.connect(store)) as connection:
        rows = {
            table: connection.execute(f"select {', '.join(columns)} from {table}").fetchall()
            for table, columns in TABLES.items()
        }
        return rows, [leaf for (leaf,) in connection.execute("select leaf from entry order by idx")]


def lots(count: int) -> Iterator[tuple[int, int]]:
    """Numbers in lots."""
    for first in range(0, count, LOT):
        yield first, min(LOT, count - first)


def fill(
    seed: Path, table: Table, *, mandates: int, entries: int, sign: Callable[[int, bytes], str], with_seed: bool
) -> None:
    """Fill a store that has what the seed has (or nothing yet: `with_seed`) with so many mandates and about so many entries more."""
    rows, leaves = seed_rows(seed)
    if with_seed:
        table.write(rows)
    tree = Tree()
    tree.add(leaves)
    began, told = time.monotonic(), time.monotonic()
    with closing(sqlite3.connect(seed)) as connection:
        pattern = Pattern(connection, "c0")
    now = int(time.time() * 1000)
    for first, count in lots(mandates):
        made = pattern.families(first, count, mandates, max(1, entries // mandates), tree.edge.size, now)
        made["node"] = tree.add([row[3] for row in made["entry"]])
        table.write(made)
        if time.monotonic() > told + 15:
            told = time.monotonic()
            done = first + count
            print(
                f"    {done:,} of {mandates:,} mandates, {tree.edge.size:,} entries; {(told - began) / done * (mandates - done):.0f} s to go",
                flush=True,
            )
    table.head(*tree.head(sign))
    print(
        f"    filled in {time.monotonic() - began:.0f} s: {mandates:,} mandates, {tree.edge.size:,} entries",
        file=sys.stderr,
        flush=True,
    )
