"""Recent records, counters, risk histories and last uses of a store, held in memory as last committed.

Only the writing thread fills and changes it, so it never lags behind the file; readers see one committed moment.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from enum import Enum
from typing import Final, Generic, Protocol, TypeVar

import msgspec

from remit.adapters.store.risk_history import risk_history_key
from remit.domain.errors import Code, Fault
from remit.domain.policy.risk import RiskHistory, SubjectKind, subjects_of
from remit.domain.records import AskRecord, IdempotencyRecord, MandateRecord, Record, TaskRecord
from remit.ports.store import Precondition, Snapshot, Versioned

K = TypeVar("K")
V = TypeVar("V")

MAX_BYTES: Final = 4 * 1024 * 1024
"""Bytes in one of two generations. ⚔ An ask may be a megabyte: thousands from one agent must not exhaust memory."""


class NotCached(Enum):
    """Marker of a value that is not cached: only the file knows it."""

    UNKNOWN = "unknown"


NOT_CACHED: Final = NotCached.UNKNOWN


class SizedCache(Generic[K, V]):
    """Bounded map that drops the least recently used half."""

    def __init__(self, most: int, most_bytes: int = MAX_BYTES) -> None:
        """Hold up to `most` entries and `most_bytes` in each of two generations."""
        self._most = most
        self._most_bytes = most_bytes
        # Read directly where a call would cost too much; changed by `put_all` alone.
        self.new: dict[K, tuple[V, int]] = {}
        self.old: dict[K, tuple[V, int]] = {}
        self._bytes = 0

    def get(self, key: K) -> V | NotCached:
        """Return the cached value without counting it as a use."""
        found = self.new.get(key) or self.old.get(key)
        return NOT_CACHED if found is None else found[0]

    def get_or_read(self, key: K, read: Callable[[K], V]) -> V:
        """Return the cached value, or what `read` finds of another, without counting it as a use."""
        found = self.new.get(key) or self.old.get(key)
        return read(key) if found is None else found[0]

    def get_all(self, keys: Iterable[K], read: Callable[[K], V]) -> list[V]:
        """Return the cached values, and what `read` finds of others, without counting it as a use."""
        new, old = self.new, self.old
        found: list[V] = []
        for key in keys:
            known = new.get(key) or old.get(key)
            found.append(read(key) if known is None else known[0])
        return found

    def use(self, key: K) -> V | NotCached:
        """Return the cached value and keep it longer."""
        found = self.new.get(key)
        if found is None:
            found = self.old.get(key)
            if found is None:
                return NOT_CACHED
            self.put(key, *found)
        return found[0]

    def use_all(self, keys: Iterable[K]) -> list[V | NotCached]:
        """Return the cached values and keep them longer."""
        found: list[V | NotCached] = []
        for key in keys:
            known = self.new.get(key)
            found.append(self.use(key) if known is None else known[0])
        return found

    def put(self, key: K, value: V, size: int = 0) -> None:
        """Hold a value of about `size` bytes."""
        self.put_all(((key, value, size),))

    def put_all(self, items: Iterable[tuple[K, V, int]]) -> None:
        """Hold several values, each with its size."""
        for key, value, size in items:
            before = self.new.get(key)
            self.new[key] = (value, size)
            self.old.pop(key, None)  # ⚔ a former value may have been erased
            self._bytes += size if before is None else size - before[1]
            if len(self.new) > self._most or self._bytes > self._most_bytes:
                self.old, self.new, self._bytes = self.new, {}, 0

    def clear(self) -> None:
        """Drop everything."""
        self.new, self.old, self._bytes = {}, {}, 0


Key = tuple[str, str]
"""Kind and id of a record, or scope and key of a counter."""

LIMIT: Final = 2048
"""Entries of each sort in each of two generations."""
_PASSING: Final = ("act", "ceremony", "idempotency", "invitation", "notice", "request")
"""Kinds of records that are rarely read again; every ask leaves some."""
_PASSING_BYTES: Final = 1024 * 1024
_ASK_BYTES: Final = 2 * 1024 * 1024


class RecordCache:
    """Recent records by kind and id; short-lived kinds do not evict those that asks depend on.

    Asks have a room of their own: a task's last few are read again with its next one.
    """

    def __init__(self) -> None:
        self.standing: SizedCache[Key, Versioned[Record] | None] = SizedCache(2 * LIMIT)
        self.passing: SizedCache[Key, Versioned[Record] | None] = SizedCache(LIMIT // 2, _PASSING_BYTES)
        self.asks: SizedCache[Key, Versioned[Record] | None] = SizedCache(LIMIT, _ASK_BYTES)
        self._of = {AskRecord.KIND: self.asks, **dict.fromkeys(_PASSING, self.passing)}

    def get(self, key: Key) -> Versioned[Record] | NotCached | None:
        """Return the cached record (None: no such record) without counting it as a use."""
        recent = self._of.get(key[0], self.standing)
        found = recent.new.get(key) or recent.old.get(key)
        return NOT_CACHED if found is None else found[0]

    def get_all(
        self, keys: Iterable[Key], read: Callable[[Key], Versioned[Record] | None]
    ) -> list[Versioned[Record] | None]:
        """Return the cached records, and what `read` finds of others, without counting it as a use."""
        found: list[Versioned[Record] | None] = []
        for key in keys:
            recent = self._of.get(key[0], self.standing)
            known = recent.new.get(key) or recent.old.get(key)
            found.append(read(key) if known is None else known[0])
        return found

    def use(self, key: Key) -> Versioned[Record] | NotCached | None:
        """Return the cached record (None: no such record) and keep it longer."""
        recent = self._of.get(key[0], self.standing)
        found = recent.new.get(key)
        return recent.use(key) if found is None else found[0]

    def use_all(self, keys: Iterable[Key]) -> list[Versioned[Record] | NotCached | None]:
        """Return the cached records and keep them longer: one call for everything an ask depends on."""
        found: list[Versioned[Record] | NotCached | None] = []
        for key in keys:
            recent = self._of.get(key[0], self.standing)
            known = recent.new.get(key)
            if known is None and key in recent.old:
                found.append(recent.use(key))
            else:
                found.append(NOT_CACHED if known is None else known[0])
        return found

    def put(self, key: Key, kept: Versioned[Record] | None, size: int = 0) -> None:
        """Hold a record whose body has `size` bytes."""
        self.put_all(((key, kept, size),))

    def put_all(self, items: Sequence[tuple[Key, Versioned[Record] | None, int]]) -> None:
        """Hold several records, each with the size of its body."""
        for key, kept, size in items:
            self._of.get(key[0], self.standing).put(key, kept, size)

    def clear(self) -> None:
        """Drop everything."""
        for recent in (self.standing, self.passing, self.asks):
            recent.clear()


_BEGINS: Final = {TaskRecord.KIND: SubjectKind.TASK, MandateRecord.KIND: SubjectKind.GRANT}
"""Kinds of records that exist before anything is counted or logged under their id."""
FEW: Final = 4
"""Number of newest records held under a key."""
Index = tuple[str, str, str]
"""Kind of the records, name of the index, key in it."""
Newest = tuple[tuple[int, str], ...]
"""Numbers and ids of the newest records under a key, newest first: `FEW` of them, or all there are."""


class CommittedState(Protocol):
    """Committed state that a group is decided on."""

    def records(self, keys: Sequence[Key]) -> Sequence[Versioned[Record] | None]:
        """Return records, None where there is none."""
        ...

    def used(self, keys: Sequence[Key]) -> Sequence[int | None]:
        """Return the used amounts of counters, None where there is none."""
        ...

    def risk_histories(self, names: Sequence[str]) -> Sequence[RiskHistory | None]:
        """Return risk histories, None where nothing is known of a subject.

        Raises:
            Fault: `fault.store` when one is damaged.
        """
        ...

    def last_use(self, record_id: str) -> int:
        """Return the time of last use, 0 where there was none."""
        ...

    def dropped(self, kind: str) -> int:
        """Return the highest revision at which a record of this kind was dropped."""
        ...


class CommittedRows(msgspec.Struct):
    """Committed rows, as read for a group. A record or risk history that is absent or None does not exist."""

    records: dict[Key, Versioned[Record] | None] = msgspec.field(default_factory=dict)
    counters: dict[Key, int] = msgspec.field(default_factory=dict)
    trails: dict[str, RiskHistory | None] = msgspec.field(default_factory=dict)
    dropped: dict[str, int] = msgspec.field(default_factory=dict)
    """Highest revision at which a record of a kind was dropped."""


class CommitChanges(msgspec.Struct):
    """Changes of one commit or a group. A `records` value of None deletes; `links` say whether each shall exist."""

    records: dict[Key, Versioned[Record] | None] = msgspec.field(default_factory=dict)
    bodies: dict[Key, bytes] = msgspec.field(default_factory=dict)
    links: dict[tuple[str, str, int, str, str], bool] = msgspec.field(default_factory=dict)
    dropped: dict[str, int] = msgspec.field(default_factory=dict)
    counters: dict[Key, int] = msgspec.field(default_factory=dict)
    marks: dict[str, int] = msgspec.field(default_factory=dict)
    touches: dict[str, int] = msgspec.field(default_factory=dict)
    trails: dict[str, RiskHistory] = msgspec.field(default_factory=dict)

    def any(self) -> bool:
        """Whether anything changes."""
        return any((self.records, self.links, self.dropped, self.counters, self.marks, self.touches, self.trails))

    def take(self, later: "CommitChanges") -> None:
        """Apply the changes of a later commit on top."""
        self.records.update(later.records)
        self.bodies.update(later.bodies)
        self.links.update(later.links)
        self.dropped.update(later.dropped)
        self.counters.update(later.counters)
        self.marks.update(later.marks)
        self.touches.update(later.touches)
        self.trails.update(later.trails)


class StateCache:
    """Committed state of what was used lately."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.records = RecordCache()
        self.counters: SizedCache[str, dict[str, int]] = SizedCache(LIMIT)
        self.trails: SizedCache[str, RiskHistory | None] = SizedCache(LIMIT)
        self.touches: SizedCache[str, int] = SizedCache(LIMIT)
        self.newest: SizedCache[Index, Newest | None] = SizedCache(LIMIT)
        self.dropped: dict[str, int] = {}

    def clear(self) -> None:
        """Drop everything: the file may differ."""
        with self.lock:
            self.records.clear()
            self.counters.clear()
            self.trails.clear()
            self.touches.clear()
            self.newest.clear()
            self.dropped = {}

    def take(self, changes: CommitChanges) -> None:
        """Hold a commit's changes, all at once."""
        with self.lock:
            for key, kept in changes.records.items():
                if kept is not None and key[0] in _BEGINS and self.records.get(key) is None:
                    self._begin(kept.record)
            bodies = changes.bodies
            self.records.put_all([(key, kept, len(bodies.get(key, b""))) for key, kept in changes.records.items()])
            for (scope, name), used in changes.counters.items():
                held = self.counters.new.get(scope) or self.counters.old.get(scope)
                if held is not None:
                    held[0][name] = used
            self.trails.put_all([(subject, trail, 0) for subject, trail in changes.trails.items()])
            self.touches.put_all([(task, at, 0) for task, at in changes.touches.items()])
            for (name, under, at, kind, record_id), stands in changes.links.items():
                index = (kind, name, under)
                newest = self.newest.new.get(index) or self.newest.old.get(index)
                if newest is not None and newest[0] is not None and at >= 0:
                    self.newest.put(index, _moved(newest[0], (at, record_id), stands=stands))
            self.dropped.update(changes.dropped)

    def _begin(self, record: Record) -> None:
        """Start a new record with empty counters and risk history, so that no file is asked for them."""
        if self.counters.get(record.id) is NOT_CACHED:
            self.counters.put(record.id, {})
        name = risk_history_key((_BEGINS[record.KIND], record.id))
        if self.trails.get(name) is NOT_CACHED:
            self.trails.put(name, None)
        if isinstance(record, TaskRecord) and self.touches.get(record.id) is NOT_CACHED:
            self.touches.put(record.id, 0)

    def record(self, kind: str, record_id: str) -> Versioned[Record] | NotCached | None:
        """Return a record as last committed, None where there is none."""
        with self.lock:
            return self.records.use((kind, record_id))

    def newest_few(self, index: Index, limit: int) -> Sequence[Versioned[Record]] | None:
        """Return the newest records under a key as last committed; None unless all are cached."""
        with self.lock:
            newest = self.newest.use(index)
            if newest is NOT_CACHED or newest is None:
                return None
            found = self.records.use_all([(index[0], record_id) for _, record_id in newest[:limit]])
        versioned = tuple([kept for kept in found if isinstance(kept, Versioned)])
        return versioned if len(versioned) == len(found) else None

    def used(self, scope: str) -> dict[str, int] | None:
        """Return all counters of a scope as last committed; None when not cached."""
        with self.lock:
            known = self.counters.use(scope)
            return None if known is NOT_CACHED else dict(known)

    def unchanged(self, preconditions: Sequence[Precondition]) -> bool | None:
        """Whether records are at their revisions; None when one is not cached."""
        with self.lock:
            found = self.records.use_all([(expected.kind, expected.id) for expected in preconditions])
        if NOT_CACHED in found:
            return None
        revisions = [kept.rev if isinstance(kept, Versioned) else 0 for kept in found]
        return revisions == [expected.rev for expected in preconditions]

    def snapshot(self, task_id: str, idempotency: str, about: Collection[str], *, sure: bool) -> Snapshot | None:
        """Return everything an ask is decided on, committed at one moment; None when part of it is not cached.

        Unless `sure`, an idempotency record that is not cached is taken for absent.
        """
        with self.lock:
            try:
                return _read_snapshot(self, task_id, idempotency, about, sure=sure)
            except _NotCached:
                return None


class _NotCached(Exception):  # noqa: N818  # it names a condition
    """Part of the snapshot is only in the file."""


def _read_snapshot(held: StateCache, task_id: str, idempotency: str, about: Collection[str], *, sure: bool) -> Snapshot:
    """Read a snapshot, under the lock."""
    found = _lineage(held.records, task_id)
    task = found[TaskRecord.KIND, task_id].record
    if not isinstance(task, TaskRecord):
        raise _NotCached
    scopes = dict.fromkeys((task.root, *[name for _, name in found]))
    others = dependency_keys(task)
    for key, kept in zip(others, held.records.use_all(others), strict=True):
        if kept is NOT_CACHED:
            raise _NotCached
        if kept is not None:
            found[key] = kept
    if idempotency:
        found.update(_earlier(held.records, idempotency, sure=sure))
    counters: dict[Key, int] = {}
    for scope, known in zip(scopes, held.counters.use_all(scopes), strict=True):
        if known is NOT_CACHED:
            raise _NotCached
        counters.update([((scope, name), used) for name, used in known.items()])
    histories = held.trails.use_all(risk_history_keys(task, about))
    touched = held.touches.use(task_id)
    if touched is NOT_CACHED or NOT_CACHED in histories:
        raise _NotCached
    return Snapshot(
        records=found,
        counters=counters,
        trails=tuple([trail for trail in histories if isinstance(trail, RiskHistory)]),
        touched={task_id: touched} if touched else {},
    )


def _lineage(records: RecordCache, task_id: str) -> dict[Key, Versioned[Record]]:
    """Return a task, its mandate and all mandates above.

    Raises:
        _NotCached: one is not cached, or does not exist: the read from the file names it.
    """
    found: dict[Key, Versioned[Record]] = {}
    key = (TaskRecord.KIND, task_id)
    while True:
        if key in found:
            raise Fault(Code.FAULT_STORE, "a mandate is its own ancestor")
        kept = records.use(key)
        if not isinstance(kept, Versioned):
            raise _NotCached
        found[key] = kept
        match kept.record:
            case TaskRecord(mandate=above) | MandateRecord(parent=above):
                key = (MandateRecord.KIND, above)
            case _:
                raise _NotCached
        if not above:
            return found


def _earlier(records: RecordCache, idempotency: str, *, sure: bool) -> dict[Key, Versioned[Record]]:
    """Return an idempotency record and its ask, as far as they exist."""
    key = (IdempotencyRecord.KIND, idempotency)
    kept = records.use(key)
    if kept is NOT_CACHED and sure:
        raise _NotCached
    if not isinstance(kept, Versioned) or not isinstance(kept.record, IdempotencyRecord):
        return {}
    ask_key = (AskRecord.KIND, kept.record.ask)
    ask = records.use(ask_key)
    if ask is NOT_CACHED:
        raise _NotCached
    return {key: kept} if ask is None else {key: kept, ask_key: ask}


def _moved(newest: Newest, place: tuple[int, str], *, stands: bool) -> Newest | None:
    """Update the newest after a link changed; None when only the file knows which record moves up."""
    if stands:
        return tuple(sorted({*newest, place}, reverse=True)[:FEW])
    if place not in newest:
        return newest
    return tuple(held for held in newest if held != place) if len(newest) < FEW else None


def dependency_keys(task: TaskRecord) -> Sequence[Key]:
    """Return the records, besides task and mandates, that an ask of a task depends on."""
    return (
        ("agent", task.client_id),
        ("person", task.customer),
        ("suspension", f"operator:{task.operator}"),
        ("suspension", f"customer:{task.customer}"),
        ("suspension", f"objective:{task.objective}"),
        ("rules", "rules"),
    )


def risk_history_keys(task: TaskRecord, about: Collection[str]) -> tuple[str, ...]:
    """Return the names of the risk histories of a task and of those targets that an ask is about."""
    return (
        *map(risk_history_key, subjects_of(task)),
        risk_history_key((SubjectKind.CUSTOMER, task.customer)),
        *[risk_history_key((SubjectKind.TARGET, target)) for target in task.targets if target in about],
    )
