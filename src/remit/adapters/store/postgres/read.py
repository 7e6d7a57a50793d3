"""Reading of a store on PostgreSQL: each call is one statement on the primary, and so one moment of it.

Exceptions first find out where to look; what they then read and return is one statement again.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from remit.adapters.db.postgres import Connection
from remit.adapters.store.cache import Key, dependency_keys, risk_history_keys
from remit.adapters.store.codec import DecodeCache
from remit.adapters.store.sqlite.read import LAST, stored_entries, verify_bounds
from remit.adapters.store.sqlite.tree import WIDTH
from remit.domain.errors import Code, Fault
from remit.domain.policy.risk import RiskHistory
from remit.domain.records import AskRecord, IdempotencyRecord, MandateRecord, Record, TaskRecord
from remit.ports.store import Precondition, RecordMissing, Snapshot, StoredEntry, Versioned
from remit.proof.merkle import leaf_hash

_ONE: Final = "select rev, body, mac from record where desk = $1 and kind = $2 and id = $3"
# `offset 0`: see load.py.
_REVS: Final = """select k.kind, k.id, r.rev from unnest($2::text[], $3::text[]) k(kind, id)
cross join lateral (select rev from record where desk = $1 and kind = k.kind and id = k.id offset 0) r"""
_FIND: Final = """select l.id, r.rev, r.body, r.mac from (select kind, id, at from link
where desk = $1 and name = $2 and key = $3 and kind = $4 and at >= $5 and at <= $6 order by at {0}, id {0} limit $7) l
cross join lateral (select rev, body, mac from record where desk = $1 and kind = l.kind and id = l.id offset 0) r
order by l.at {0}, l.id {0}"""
_FINDING: Final = {newest: _FIND.format("desc" if newest else "asc") for newest in (False, True)}
_SNAPSHOT: Final = """select 'record' as what, k.kind as a, k.id as b, r.rev as n, r.body as body, r.mac as mac
from unnest($2::text[], $3::text[]) k(kind, id)
cross join lateral (select rev, body, mac from record where desk = $1 and kind = k.kind and id = k.id offset 0) r
union all select 'counter', k.scope, c.key, c.used, null, c.mac from unnest($4::text[]) k(scope)
cross join lateral (select key, used, mac from counter where desk = $1 and scope = k.scope offset 0) c
union all select 'trail', k.subject, '', 0, t.body, t.mac from unnest($5::text[]) k(subject)
cross join lateral (select body, mac from trail where desk = $1 and subject = k.subject offset 0) t
union all select 'touch', id, '', at, null, null from touch where desk = $1 and id = $6"""
_COUNTERS: Final = "select key, used, mac from counter where desk = $1 and scope = $2"
_ENTRIES: Final = "select e.idx, e.kind, e.at, e.leaf, e.envelope, e.content, e.subject from "
_BY_REF: Final = """ref r join entry e on e.desk = $1 and e.idx = r.idx
where r.desk = $1 and r.ref = $5 and r.idx >= $2 and r.idx < $4 order by r.idx {} limit $3"""
_OF_ALL: Final = "entry e where e.desk = $1 and e.idx >= $2 and e.idx < $4 order by e.idx {0} limit $3"
_ENTRY: Final = {
    (of_ref, newest): _ENTRIES + (_BY_REF if of_ref else _OF_ALL).format("desc" if newest else "asc")
    for of_ref in (False, True)
    for newest in (False, True)
}
_ROUNDS: Final = 4
_HINTS: Final = 20_000


class PostgresReader:
    """Reads one desk's rows. Remembers where a task's records are as a hint, verified by each read."""

    def __init__(self, desk: str, decoded: DecodeCache) -> None:
        self._desk = desk
        self._decoded = decoded
        self._chains: dict[str, tuple[TaskRecord, tuple[str, ...]]] = {}

    async def one(self, connection: Connection, kind: str, record_id: str) -> Versioned[Record] | None:
        """Return a record or None."""
        row = await connection.fetchrow(_ONE, self._desk, kind, record_id)
        return None if row is None else self._decoded.kept(kind, record_id, *row)

    async def unchanged(self, connection: Connection, preconditions: Sequence[Precondition]) -> bool:
        """Whether records are at their revisions, all at one moment."""
        kinds, ids = [expected.kind for expected in preconditions], [expected.id for expected in preconditions]
        rows = await connection.fetch(_REVS, self._desk, kinds, ids)
        revs = {(kind, record_id): rev for kind, record_id, rev in rows}
        return all(revs.get((expected.kind, expected.id), 0) == expected.rev for expected in preconditions)

    async def find(
        self,
        connection: Connection,
        kind: str,
        index: str,
        key: str,
        low: int,
        high: int | None,
        limit: int,
        *,
        newest: bool,
    ) -> Sequence[Versioned[Record]]:
        """Return records under a key of an index."""
        upper = LAST if high is None else min(high, LAST)
        rows = await connection.fetch(
            _FINDING[newest], self._desk, index, key, kind, max(low, -LAST), upper, max(limit, 0)
        )
        return tuple(self._decoded.found((index, key), kind, *row) for row in rows)

    async def counters(self, connection: Connection, scope: str) -> Mapping[str, int]:
        """Return all counters of a scope."""
        rows = await connection.fetch(_COUNTERS, self._desk, scope)
        return {key: self._decoded.counter(scope, key, used, mac) for key, used, mac in rows}

    async def snapshot(self, connection: Connection, task: str, idempotency: str, about: Collection[str]) -> Snapshot:
        """Return everything an ask is decided on, at one moment.

        Raises:
            RecordMissing: no such task or mandate.
            Fault: `fault.store` when a mandate is its own ancestor.
        """
        ask = ""
        chain = self._chains.get(task) or await self._learn(connection, task)
        for _ in range(_ROUNDS):
            found = await self._at_once(connection, chain, task, idempotency, ask, about)
            earlier = found.records.get((IdempotencyRecord.KIND, idempotency))
            if earlier is not None and isinstance(earlier.record, IdempotencyRecord) and earlier.record.ask != ask:
                ask = earlier.record.ask  # read again, with the ask it names
                continue
            if self._is_whole(found, chain, task):
                return found
            chain = await self._learn(connection, task)
        raise Fault(Code.FAULT_STORE, "what belongs to the task changed each time it was read")

    async def entries(
        self, connection: Connection, ref: str, within: tuple[int, int | None], limit: int, *, newest: bool
    ) -> Sequence[StoredEntry]:
        """Return entries by lookup id, or all; `within` are the first place and the one after the last."""
        low, before = within
        end = LAST if before is None else min(max(before, 0), LAST)
        given = (min(max(low, 0), LAST), max(limit, 0), end)
        rows = await connection.fetch(_ENTRY[bool(ref), newest], self._desk, *given, *([ref] if ref else []))
        return stored_entries(rows)

    async def tile(self, connection: Connection, level: int, number: int, width: int) -> bytes:
        """Return the hashes of one tile.

        Raises:
            RecordMissing: the log is shorter.
        """
        verify_bounds("tile", level, number, width)
        first = number * WIDTH
        if level == 0:
            return b"".join(leaf_hash(leaf) for leaf in await self.leaves(connection, number, width))
        statement = "select hash from node where desk = $1 and level = $2 and idx >= $3 and idx < $4 order by idx"
        rows = await connection.fetch(statement, self._desk, level, first, first + width)
        if len(rows) != width:
            raise RecordMissing("tile", f"{level}/{number}.p/{width}")
        return b"".join(row[0] for row in rows)

    async def leaves(self, connection: Connection, number: int, width: int) -> Sequence[bytes]:
        """Return the leaf data of one bundle.

        Raises:
            RecordMissing: the log is shorter.
        """
        verify_bounds("entries", 0, number, width)
        statement = "select leaf from entry where desk = $1 and idx >= $2 and idx < $3 order by idx"
        rows = await connection.fetch(statement, self._desk, number * WIDTH, number * WIDTH + width)
        if len(rows) != width:
            raise RecordMissing("entries", f"{number}.p/{width}")
        return [row[0] for row in rows]

    async def _at_once(
        self,
        connection: Connection,
        chain: tuple[TaskRecord, tuple[str, ...]],
        task: str,
        idempotency: str,
        ask: str,
        about: Collection[str],
    ) -> Snapshot:
        of, mandates = chain
        keys: list[Key] = [
            (TaskRecord.KIND, task),
            *((MandateRecord.KIND, mandate) for mandate in mandates),
            *dependency_keys(of),
        ]
        keys += [(IdempotencyRecord.KIND, idempotency)] if idempotency else []
        keys += [(AskRecord.KIND, ask)] if ask else []
        kinds, ids = [kind for kind, _ in keys], [record_id for _, record_id in keys]
        scopes = list(dict.fromkeys((of.root, task, *mandates)))
        names = risk_history_keys(of, about)
        subjects = list(dict.fromkeys(names))
        rows = await connection.fetch(_SNAPSHOT, self._desk, kinds, ids, scopes, subjects, task)
        return _snapshot(rows, names, self._decoded)

    async def _learn(self, connection: Connection, task_id: str) -> tuple[TaskRecord, tuple[str, ...]]:
        """Learn where a task's records are: return the task, and its mandate with all ancestors."""
        task = await self._need(connection, TaskRecord.KIND, task_id)
        if not isinstance(task, TaskRecord):
            raise RecordMissing(TaskRecord.KIND, task_id)
        mandates: list[str] = []
        above = task.mandate
        while above:
            if above in mandates:
                raise Fault(Code.FAULT_STORE, "a mandate is its own ancestor")
            mandates.append(above)
            mandate = await self._need(connection, MandateRecord.KIND, above)
            above = mandate.parent if isinstance(mandate, MandateRecord) else ""
        if len(self._chains) > _HINTS:
            self._chains.clear()
        self._chains[task_id] = (task, tuple(mandates))
        return self._chains[task_id]

    async def _need(self, connection: Connection, kind: str, record_id: str) -> Record:
        kept = await self.one(connection, kind, record_id)
        if kept is None:
            raise RecordMissing(kind, record_id)
        return kept.record

    def _is_whole(self, found: Snapshot, chain: tuple[TaskRecord, tuple[str, ...]], task_id: str) -> bool:
        """Whether the snapshot holds exactly the records of the task as it was read.

        Raises:
            RecordMissing: the task or a mandate no longer exists.
        """
        task = _present(found, TaskRecord.KIND, task_id)
        if not isinstance(task, TaskRecord) or _place(task) != _place(chain[0]):
            return False
        above = task.mandate
        for mandate_id in chain[1]:
            if mandate_id != above:
                return False
            mandate = _present(found, MandateRecord.KIND, mandate_id)
            above = mandate.parent if isinstance(mandate, MandateRecord) else ""
        return not above


def _place(task: TaskRecord) -> tuple[object, ...]:
    """Return the fields of a task that determine where its records are."""
    return (
        task.mandate,
        task.root,
        task.customer,
        task.client_id,
        task.actor,
        task.operator,
        task.objective,
        task.targets,
    )


def _present(found: Snapshot, kind: str, record_id: str) -> Record:
    kept = found.records.get((kind, record_id))
    if kept is None:
        raise RecordMissing(kind, record_id)
    return kept.record


def _snapshot(rows: Sequence[Any], names: Sequence[str], decoded: DecodeCache) -> Snapshot:
    records: dict[Key, Versioned[Record]] = {}
    counters: dict[Key, int] = {}
    histories: dict[str, RiskHistory] = {}
    touched: dict[str, int] = {}
    for what, a, b, n, body, mac in rows:
        match what:
            case "record":
                records[a, b] = decoded.kept(a, b, n, body, mac)
            case "counter":
                counters[a, b] = decoded.counter(a, b, n, mac)
            case "trail":
                histories[a] = decoded.risk_history(a, body, mac)
            case _:
                touched[a] = n
    return Snapshot(
        records=records,
        counters=counters,
        trails=tuple(histories[name] for name in names if name in histories),
        touched=touched,
    )
