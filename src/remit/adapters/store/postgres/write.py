"""Group commit on PostgreSQL: pending commits of this process are decided together and become one transaction.

Nodes do not wait for each other: each decides on the head it read and writes only if that head still stands; the loser
decides again, and while that is frequent, nodes take turns. docs/decisions/0019-nodes-compare-and-swap-the-head.md
"""

import asyncio
import contextlib
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import asyncpg

from remit.adapters.db.postgres import BROKEN, GONE, VALUE_ERRORS, Connection, describe_error
from remit.adapters.store.cache import CommitChanges
from remit.adapters.store.codec import DecodeCache
from remit.adapters.store.commit_evaluator import GroupDecision, ReplayMarks, decide_group
from remit.adapters.store.highwater import HighWater, Point
from remit.adapters.store.postgres.load import GroupState, load_group_state
from remit.adapters.store.postgres.schema import MAX_MARK_MS, Housekeeping
from remit.adapters.store.postgres.tree import GrownTree, KnownTree
from remit.adapters.store.risk_history import encode_risk_history
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.store.sqlite.tree import Sign
from remit.domain.errors import Code, Fault, Refused
from remit.ports.store import Commit, Committed, EntryPlace, EntryRow, ForgedRow

Columns = tuple[list[Any], ...]
_HEAD: Final = """with h as (update head set seq = $3, size = $4, root = $5, note = $6, edge = $7, state = $8
where desk = $1 and seq = $2 returning 1)"""
_FIRST: Final = 9
# Each part joins `h`, one row or none: after the head moved, nothing is written.
_PARTS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "record": (
        ("text", "text", "bigint", "bytea", "bytea"),
        """insert into record (desk, kind, id, rev, body, mac) select $1, u.* from unnest({}) u, h
on conflict (desk, kind, id) do update set rev = excluded.rev, body = excluded.body, mac = excluded.mac""",
    ),
    "no_record": (
        ("text", "text"),
        "delete from record r using unnest({}) u(kind, id), h where r.desk = $1 and r.kind = u.kind and r.id = u.id",
    ),
    "link": (
        ("text", "text", "bigint", "text", "text"),
        "insert into link (desk, name, key, at, kind, id) select $1, u.* from unnest({}) u, h on conflict do nothing",
    ),
    "no_link": (
        ("text", "text", "bigint", "text", "text"),
        """delete from link l using unnest({}) u(name, key, at, kind, id), h
where l.desk = $1 and l.name = u.name and l.key = u.key and l.kind = u.kind and l.at = u.at and l.id = u.id""",
    ),
    "dropped": (
        ("text", "bigint"),
        """insert into dropped (desk, kind, rev) select $1, u.* from unnest({}) u, h
on conflict (desk, kind) do update set rev = excluded.rev""",
    ),
    "counter": (
        ("text", "text", "bigint", "bytea"),
        """insert into counter (desk, scope, key, used, mac) select $1, u.* from unnest({}) u, h
on conflict (desk, scope, key) do update set used = excluded.used, mac = excluded.mac""",
    ),
    "mark": (("text", "bigint"), "insert into mark (desk, key, until) select $1, u.* from unnest({}) u, h"),
    "touch": (
        ("text", "bigint"),
        """insert into touch (desk, id, at) select $1, u.* from unnest({}) u, h
        on conflict (desk, id) do update set at = excluded.at""",
    ),
    "trail": (
        ("text", "bytea", "bytea"),
        """insert into trail (desk, subject, body, mac) select $1, u.* from unnest({}) u, h
on conflict (desk, subject) do update set body = excluded.body, mac = excluded.mac""",
    ),
    "entry": (
        ("bigint", "text", "bigint", "bytea", "bytea", "bytea", "text"),
        "insert into entry (desk, idx, kind, at, leaf, envelope, content, subject) select $1, u.* from unnest({}) u, h",
    ),
    "ref": (
        ("text", "bigint"),
        "insert into ref (desk, ref, idx) select $1, u.* from unnest({}) u, h on conflict do nothing",
    ),
    "node": (
        ("integer", "bigint", "bytea"),
        "insert into node (desk, level, idx, hash) select $1, u.* from unnest({}) u, h",
    ),
}


async def write_group(
    connection: Connection,
    desk: str,
    decided: GroupDecision,
    grown: GrownTree,
    *,
    first: int,
    total: int,
    macs: RowMacs,
) -> bool:
    """Write a group decided on the head before `grown`; its entries begin at `first`. False if another node was first.

    `total` is the sum over all rows after it.

    Raises:
        asyncpg.PostgresError, OSError: it cannot be written, or it is not known whether it was.
    """
    columns = _columns(decided.changes, decided.rows, first, grown, macs)
    names = tuple(name for name in _PARTS if columns[name][0])
    head = grown.head
    values = [column for name in names for column in columns[name]]
    state = macs.state(total, head.size, head.root)
    moved = await connection.fetchval(
        _statement(names), desk, head.seq - 1, head.seq, head.size, head.root, head.note, head.edge, state, *values
    )
    return bool(moved)


def _columns(
    changes: CommitChanges, rows: Sequence[EntryRow], first: int, grown: GrownTree, macs: RowMacs
) -> Mapping[str, Columns]:
    kept = [(*key, stored.rev, changes.bodies[key]) for key, stored in changes.records.items() if stored is not None]
    counters = [(*key, used) for key, used in changes.counters.items()]
    trails = [(name, encode_risk_history(trail)) for name, trail in changes.trails.items()]
    gone = [key for key, stored in changes.records.items() if stored is None]
    entries = [
        (place, row.kind, row.at, row.leaf, row.envelope, row.content, row.subject)
        for place, row in enumerate(rows, first)
    ]
    refs = [(ref, place) for place, row in enumerate(rows, first) for ref in dict.fromkeys(row.refs)]
    return {
        "record": _across([(*row, mac) for row, mac in zip(kept, macs.records(kept), strict=True)], 5),
        "no_record": _across(gone, 2),
        "link": _across([link for link, stands in changes.links.items() if stands], 5),
        "no_link": _across([link for link, stands in changes.links.items() if not stands], 5),
        "dropped": _across(changes.dropped.items(), 2),
        "counter": _across([(*row, mac) for row, mac in zip(counters, macs.counters(counters), strict=True)], 4),
        "mark": _across(changes.marks.items(), 2),
        "touch": _across(changes.touches.items(), 2),
        "trail": _across([(*row, mac) for row, mac in zip(trails, macs.risk_histories(trails), strict=True)], 3),
        "entry": _across(entries, 7),
        "ref": _across(refs, 2),
        "node": _across(grown.nodes, 3),
    }


def _across(rows: Iterable[tuple[Any, ...]], width: int) -> Columns:
    found = list(zip(*rows, strict=True))
    return tuple(list(column) for column in found) if found else tuple([] for _ in range(width))


@cache
def _statement(names: tuple[str, ...]) -> str:
    parts, place = [_HEAD], _FIRST
    for name in names:
        types, text = _PARTS[name]
        given = ", ".join(f"${place + number}::{kind}[]" for number, kind in enumerate(types))
        parts.append(f"{name}_ as ({text.format(given)})")
        place += len(types)
    return ", ".join(parts) + " select count(*) from h"  # noqa: S608  # fixed words are put together


Connect = Callable[[], Awaitable[Connection]]
LIMIT: Final = 256
"""Most commits decided together."""
_TRIES: Final = 40
_TURNS: Final = "update head set turns = clock_timestamp() where desk = $1"
_PATIENCE_MS: Final = 500
"""Longest wait, in milliseconds, for a turn or for another node's group."""
_TURNS_S: Final = 1.0
"""Time, in seconds, to wait for turns after losing to another node."""
_AGAIN: Final = (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError, asyncpg.SerializationError)
"""Errors of a statement that changed nothing and may be tried again."""


class _BrokenBeforeWrite(Exception):  # noqa: N818  # it names a condition
    """The connection broke before anything was written over it."""


@dataclass(slots=True, eq=False)
class PendingCommit:
    """A commit and its waiting caller."""

    commit: Commit
    future: "asyncio.Future[Committed]"
    places: tuple[int, ...] = ()
    error: Exception | None = None


class PostgresGroupWriter:
    """Writing side of one node, on the loop that first used it."""

    def __init__(
        self,
        connect: Connect,
        desk: str,
        *,
        sign: Sign,
        seen: KnownTree,
        high_water: HighWater,
        decoded: DecodeCache,
        macs: RowMacs,
        on_point: Point | None,
    ) -> None:
        self._connect = connect
        self._desk = desk
        self._sign = sign
        self._high_water = high_water
        self._decoded = decoded
        self._macs = macs
        self._on_point = on_point
        self._seen = seen
        self.tree = seen.tree
        self._lock = zlib.crc32(f"remit {desk}".encode())
        self._connection: Connection | None = None
        self._alone = asyncio.Lock()
        """Held while the connection is used."""
        self._outside = asyncio.Lock()
        self._waiting: list[PendingCommit] = []
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._turns_until = 0.0
        self._behind = False
        self.tidying = Housekeeping(desk)

    async def commit(self, commit: Commit) -> Committed:
        """Commit and wait. A caller that stops waiting undoes nothing.

        Raises:
            Fault: `fault.store` when it is closed.
        """
        if self._closed:
            raise Fault(Code.FAULT_STORE, "it is closed")
        pending = PendingCommit(commit, asyncio.get_running_loop().create_future())
        self._waiting.append(pending)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return await asyncio.shield(pending.future)

    async def close(self) -> None:
        """Finish pending commits, sync the high water, and close the connection."""
        self._closed = True
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(OSError, Refused):
            await self._outside.acquire()  # a write under way ends, and none follows
            if self.tree.head.size and not self._high_water.frozen:
                await asyncio.to_thread(self._high_water.sync, self.tree.head.note)
        self._high_water.close()
        if self._connection is not None:
            with contextlib.suppress(*BROKEN):
                await self._connection.close(timeout=1)
            self._connection = None

    async def accept(self) -> None:
        """Publish the present head as the high water, now that a recovery is complete.

        Raises:
            Fault: `fault.store`.
        """
        async with self._alone:
            connection = await self._connected()
            await self._seen.advance_to(connection)
            await asyncio.to_thread(self._high_water.accept, self.tree.head.note)
            await self._seen.accept_loss(connection)

    async def _work(self) -> None:
        """Write groups while commits wait."""
        while self._waiting:
            async with self._alone:
                group, self._waiting = self._waiting[:LIMIT], self._waiting[LIMIT:]
                await self._write(group)

    async def _write(self, group: list[PendingCommit]) -> None:
        """Write a group. A value that the server refuses shows only then: each commit is written alone."""
        try:
            stood = await self._write_together(group)
        except (*VALUE_ERRORS, ForgedRow) as broken:
            if len(group) == 1:
                reason = f"it cannot be kept: {describe_error(broken)}"
                _fault(group, broken if isinstance(broken, ForgedRow) else Fault(Code.FAULT_STORE, reason))
                return
            for pending in group:
                await self._write([pending])
        except Exception as broken:  # noqa: BLE001  # after any error no commit may be reported as done, and the rest goes on
            # The group may be committed: the connection may have died after it. Marks and idempotency tell.
            self._lose(group, broken)
        else:
            try:
                await self._answer(group, stood)
            except Exception as broken:  # noqa: BLE001  # the group is committed; only its answers are lost
                self._lose(group, broken)

    async def _write_together(self, group: Sequence[PendingCommit]) -> GrownTree:
        """Decide a group and write it on the same head, again from the start where another node was first.

        Raises:
            Fault: `fault.store` when others are always first, or the store lost data.
        """
        await self._keep_outside()
        idle = self._connection is not None
        for tried in range(_TRIES):
            connection = await self._connected()
            try:
                if tried:  # ⚔ else a node near the server would always be first and starve the others
                    await connection.execute(_TURNS, self._desk)
                async with self._turn(connection) as mine:
                    stood = await self._try(connection, group, mine=mine)
            except GONE as gone:
                raise Fault(Code.FAULT_STORE, describe_error(gone)) from None
            except _BrokenBeforeWrite as unread:
                if not idle:
                    raise Fault(Code.FAULT_STORE, str(unread)) from None
                idle = False  # the server closed it while idle; nothing was written: once more over a new one
                connection.terminate()
                continue
            if stood is not None:
                return stood
            self._turns_until = time.monotonic() + _TURNS_S
        raise Fault(Code.FAULT_STORE, "other nodes were first every time")

    async def _try(self, connection: Connection, group: Sequence[PendingCommit], *, mine: bool) -> GrownTree | None:
        """Decide and write once. None where another node moved the head, or waits for a turn and this one has none."""
        commits = [pending.commit for pending in group]
        try:
            state = await load_group_state(connection, self._desk, commits, self._decoded, since=self.tree.head.size)
        except GONE as gone:
            raise _BrokenBeforeWrite(describe_error(gone)) from None
        if state.in_turns and not mine:
            return None
        await self._stand(connection, state)
        marks = ReplayMarks(state.marks, state.forgotten)
        decided = decide_group(state, marks, commits, state.head.size)
        for pending, result in zip(group, decided.each, strict=True):
            pending.error, pending.places = (result, ()) if isinstance(result, Exception) else (None, result)
        rows = decided.rows
        grown = self.tree.grow([row.leaf for row in rows], self._sign)
        if not rows and not decided.changes.any():
            return grown._replace(head=state.head)
        await self._pass("store.before_commit")
        try:
            first = state.head.size
            macs = self._macs
            total = macs.moved(macs.read_state(state.sum, first, state.head.root), decided.before, decided.changes)
            if not await write_group(connection, self._desk, decided, grown, first=first, total=total, macs=macs):
                return None
        except _AGAIN:
            return None
        self.tree.mark_written(grown)
        self._behind = self._behind or bool(rows)
        await self._pass("store.after_commit")
        return grown

    async def refresh_head(self) -> None:
        """Read the present head even when nothing is written here, so that all nodes soon notice a loss."""
        async with self._alone:
            try:
                connection = await self._connected()
                await self._stand(connection)
                await self._keep_outside()
            except (Fault, Refused, *BROKEN, OSError) as broken:
                self._lose((), broken)

    async def _stand(self, connection: Connection, ground: GroupState | None = None) -> None:
        size = self.tree.head.size
        await self._seen.advance_to(connection, ground)
        self._behind = self._behind or self.tree.head.size != size

    async def _pass(self, point: str) -> None:
        """Pass a point at which a fault test may hold or stop the process; on a thread, so that the loop goes on."""
        if self._on_point is not None:
            await asyncio.to_thread(self._on_point, point)

    async def _answer(self, group: Sequence[PendingCommit], stood: GrownTree) -> None:
        """Store the head outside, then release the answers."""
        connection, head = await self._connected(), stood.head
        await self._keep_outside()
        asked = [
            place for pending in group if pending.error is None and pending.commit.proved for place in pending.places
        ]
        proofs = await self.tree.proofs(connection, asked, head.size, {}) if asked else {}
        for pending in group:
            if pending.future.done():
                continue
            if pending.error is not None:
                _fail(pending, pending.error)
            else:
                proved = tuple(
                    EntryPlace(place, proofs.get(place, ()) if pending.commit.proved else ())
                    for place in pending.places
                )
                pending.future.set_result(Committed(proved, head.size, head.note))
        at = [row.at for pending in group for row in pending.commit.entries]
        until = [
            mark.until - MAX_MARK_MS for pending in group if pending.error is None for mark in pending.commit.marks
        ]
        if at or until:
            await self.tidying.tidy(connection, head.size, max([*at, *until]), at_least=not at)

    async def _keep_outside(self) -> None:
        """Bring the high water up to the log before an answer or the next write."""
        if self._behind:
            async with self._outside:
                if self._high_water.due():
                    await asyncio.to_thread(self._high_water.write, self.tree.head.note)
                else:
                    self._high_water.write(self.tree.head.note)
            self._behind = False

    async def sync_if_due(self) -> None:
        """Sync the high water once a second has passed."""
        async with self._outside:
            await asyncio.to_thread(self._high_water.sync_if_due)

    @contextlib.asynccontextmanager
    async def _turn(self, connection: Connection) -> AsyncIterator[bool]:
        """Wait for this node's turn while others write too. Turns save work; safety rests on the head alone.

        A node frozen in its turn delays the others until the lock times out; then they go on as if they had theirs.
        """
        if time.monotonic() >= self._turns_until:
            yield False
            return
        try:
            await connection.execute("select pg_advisory_lock($1)", self._lock)
        except asyncpg.LockNotAvailableError:
            self._turns_until = 0.0
            yield True
            return
        except GONE as gone:
            raise _BrokenBeforeWrite(describe_error(gone)) from None
        try:
            yield True
        finally:
            if not connection.is_closed():
                # The lock ends with the connection, and its work is reported already.
                with contextlib.suppress(*BROKEN):
                    await connection.execute("select pg_advisory_unlock($1)", self._lock)

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
            await self._connection.execute(f"set lock_timeout to {_PATIENCE_MS}")
        return self._connection

    def _lose(self, group: Sequence[PendingCommit], broken: Exception) -> None:
        """Drop a broken connection: the next group takes a new one and reads the store again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
        _fault(group, broken if isinstance(broken, Fault) else Fault(Code.FAULT_STORE, describe_error(broken)))


def _fault(group: Sequence[PendingCommit], fault: Fault) -> None:
    for pending in group:
        if not pending.future.done():
            _fail(pending, fault)


def _fail(pending: PendingCommit, error: Exception) -> None:
    pending.future.set_exception(error)
    pending.future.exception()  # mark as seen: a caller that left early gets no warning
