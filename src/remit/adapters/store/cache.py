"""Recent records, counters, risk histories and last uses of a store, held in memory as last committed.

Only the writing thread fills and changes it, so it never lags behind the file; readers see one committed moment.
"""

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Generic, Protocol, TypeVar

from remit.adapters.store import risk_history as trails
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
        # Read directly where a call would cost too much; changed by `put` alone.
        self.new: dict[K, tuple[V, int]] = {}
        self.old: dict[K, tuple[V, int]] = {}
        self._bytes = 0

    def get(self, key: K) -> V | NotCached:
        """Return the cached value without counting it as a use."""
        found = self.new.get(key) or self.old.get(key)
        return NOT_CACHED if found is None else found[0]

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
        return [self.use(key) for key in keys]

    def put(self, key: K, value: V, size: int = 0) -> None:
        """Hold a value of about `size` bytes."""
        before = self.new.get(key)
        self.new[key] = (value, size)
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
_PASSING: Final = frozenset({"act", "ask", "ceremony", "idempotency", "invitation", "notice", "request"})
"""Kinds of records that are rarely read again; every ask leaves some."""
_PASSING_BYTES: Final = 1024 * 1024


class RecordCache:
    """Recent records by kind and id; short-lived kinds do not evict those that asks depend on."""

    def __init__(self) -> None:
        self.standing: SizedCache[Key, Versioned[Record] | None] = SizedCache(2 * LIMIT)
        self.passing: SizedCache[Key, Versioned[Record] | None] = SizedCache(LIMIT // 2, _PASSING_BYTES)

    def get(self, key: Key) -> Versioned[Record] | NotCached | None:
        """Return the cached record (None: no such record) without counting it as a use."""
        recent = self.passing if key[0] in _PASSING else self.standing
        found = recent.new.get(key) or recent.old.get(key)
        return NOT_CACHED if found is None else found[0]

    def use(self, key: Key) -> Versioned[Record] | NotCached | None:
        """Return the cached record (None: no such record) and keep it longer."""
        recent = self.passing if key[0] in _PASSING else self.standing
        found = recent.new.get(key)
        return recent.use(key) if found is None else found[0]

    def use_all(self, keys: Iterable[Key]) -> list[Versioned[Record] | NotCached | None]:
        """Return the cached records and keep them longer: one call for everything an ask depends on."""
        found: list[Versioned[Record] | NotCached | None] = []
        for key in keys:
            recent = self.passing if key[0] in _PASSING else self.standing
            known = recent.new.get(key)
            found.append(recent.use(key) if known is None else known[0])
        return found

    def put(self, key: Key, kept: Versioned[Record] | None, size: int = 0) -> None:
        """Hold a record whose body has `size` bytes."""
        (self.passing if key[0] in _PASSING else self.standing).put(key, kept, size)

    def clear(self) -> None:
        """Drop everything."""
        self.standing.clear()
        self.passing.clear()


_BEGINS: Final = {TaskRecord.KIND: SubjectKind.TASK, MandateRecord.KIND: SubjectKind.GRANT}
"""Kinds of records that exist before anything is counted or logged under their id."""
FEW: Final = 4
"""Number of newest records held under a key."""
Index = tuple[str, str, str]
"""Kind of the records, name of the index, key in it."""
Newest = tuple[tuple[int, str], ...]
"""Numbers and ids of the newest records under a key, newest first: `FEW` of them, or all there are."""


@dataclass(slots=True)
class CommitChanges:
    """Changes of one commit or a group. A `records` value of None deletes; `links` say whether each shall exist."""

    records: dict[Key, Versioned[Record] | None] = field(default_factory=dict)
    bodies: dict[Key, bytes] = field(default_factory=dict)
    links: dict[tuple[str, str, int, str, str], bool] = field(default_factory=dict)
    dropped: dict[str, int] = field(default_factory=dict)
    counters: dict[Key, int] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    touches: dict[str, int] = field(default_factory=dict)
    trails: dict[str, RiskHistory] = field(default_factory=dict)

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


class CommittedState(Protocol):
    """Committed state that a group is decided on."""

    def record(self, key: Key) -> Versioned[Record] | None:
        """Return a record, None where there is none."""
        ...

    def several(self, keys: Sequence[Key]) -> Sequence[Versioned[Record] | None]:
        """Return several records."""
        ...

    def counter(self, scope: str, name: str) -> int | None:
        """Return the used amount of a counter, None where there is none."""
        ...

    def risk_history(self, name: str) -> RiskHistory | None:
        """Return a risk history, None where nothing is known of the subject.

        Raises:
            Fault: `fault.store` when it is damaged.
        """
        ...

    def touched(self, record_id: str) -> int:
        """Return the last use, 0 where there was none."""
        ...

    def dropped(self, kind: str) -> int:
        """Return the highest revision at which a record of this kind was dropped."""
        ...


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
                self.records.put(key, kept, len(changes.bodies.get(key, b"")))
            for (scope, name), used in changes.counters.items():
                held = self.counters.new.get(scope) or self.counters.old.get(scope)
                if held is not None:
                    held[0][name] = used
            for subject, trail in changes.trails.items():
                self.trails.put(subject, trail)
            for task, at in changes.touches.items():
                self.touches.put(task, at)
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
        name = trails.risk_history_key(_BEGINS[record.KIND], record.id)
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
            found = [self.records.use((index[0], record_id)) for _, record_id in newest[:limit]]
        versioned = tuple(kept for kept in found if isinstance(kept, Versioned))
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
            return _SnapshotReader(self).snapshot(task_id, idempotency, about, sure=sure)


class _NotCached(Exception):  # noqa: N818  # it names a condition
    """Part of the snapshot is only in the file."""


class _SnapshotReader:
    """One read of a snapshot, under the lock."""

    def __init__(self, held: StateCache) -> None:
        self._held = held
        self._found: dict[Key, Versioned[Record]] = {}

    def snapshot(self, task_id: str, idempotency: str, about: Collection[str], *, sure: bool) -> Snapshot | None:
        try:
            return self._snapshot(task_id, idempotency, about, sure=sure)
        except _NotCached:
            return None

    def _snapshot(self, task_id: str, idempotency: str, about: Collection[str], *, sure: bool) -> Snapshot:
        held = self._held
        task = self._need(TaskRecord.KIND, task_id)
        if not isinstance(task, TaskRecord):
            raise _NotCached
        scopes = {task.root: None, task.id: None}
        above = task.mandate
        while above:
            if (MandateRecord.KIND, above) in self._found:
                raise Fault(Code.FAULT_STORE, "a mandate is its own ancestor")
            mandate = self._need(MandateRecord.KIND, above)
            if not isinstance(mandate, MandateRecord):
                raise _NotCached
            scopes[above] = None
            above = mandate.parent
        stood = dependency_keys(task)
        for key, kept in zip(stood, held.records.use_all(stood), strict=True):
            if kept is NOT_CACHED:
                raise _NotCached
            if kept is not None:
                self._found[key] = kept
        if idempotency:
            self._earlier(idempotency, sure=sure)
        counters = self._counters(scopes)
        histories = [held.trails.use(name) for name in risk_history_keys(task, about)]
        touched = held.touches.use(task_id)
        if touched is NOT_CACHED or NOT_CACHED in histories:
            raise _NotCached
        return Snapshot(
            records=self._found,
            counters=counters,
            trails=tuple([trail for trail in histories if isinstance(trail, RiskHistory)]),
            touched={task_id: touched} if touched else {},
        )

    def _counters(self, scopes: Iterable[str]) -> dict[Key, int]:
        counters: dict[Key, int] = {}
        for scope in scopes:
            known = self._held.counters.use(scope)
            if known is NOT_CACHED:
                raise _NotCached
            counters.update([((scope, name), used) for name, used in known.items()])
        return counters

    def _earlier(self, idempotency: str, *, sure: bool) -> None:
        key = (IdempotencyRecord.KIND, idempotency)
        kept = self._held.records.use(key)
        if kept is NOT_CACHED and sure:
            raise _NotCached
        if isinstance(kept, Versioned) and isinstance(kept.record, IdempotencyRecord):
            self._found[key] = kept
            self._look((AskRecord.KIND, kept.record.ask))

    def _look(self, key: Key) -> Versioned[Record] | None:
        kept = self._held.records.use(key)
        if kept is NOT_CACHED:
            raise _NotCached
        if kept is not None:
            self._found[key] = kept
        return kept

    def _need(self, kind: str, record_id: str) -> Record:
        kept = self._look((kind, record_id))
        if kept is None:
            raise _NotCached  # the read from the file names what is missing
        return kept.record


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
        *[trails.risk_history_key(kind, subject) for kind, subject in subjects_of(task)],
        trails.risk_history_key(SubjectKind.CUSTOMER, task.customer),
        *[trails.risk_history_key(SubjectKind.TARGET, target) for target in task.targets if target in about],
    )
