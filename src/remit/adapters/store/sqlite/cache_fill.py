"""Filling of the state cache from journal and file. Runs on the writing thread alone, so no read can be overtaken."""

import sqlite3
from collections.abc import Collection, Sequence
from functools import cache
from typing import Final, TypeVar

from remit.adapters.store import codec as records
from remit.adapters.store.cache import (
    FEW,
    NOT_CACHED,
    Index,
    Key,
    StateCache,
    dependency_keys,
    risk_history_keys,
)
from remit.adapters.store.risk_history import decode_risk_history
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.store.sqlite.journal import Journal
from remit.adapters.store.sqlite.read import placeholders
from remit.domain.errors import Code, Fault
from remit.domain.policy.risk import RiskHistory
from remit.domain.records import AskRecord, IdempotencyRecord, MandateRecord, Record, TaskRecord
from remit.ports.store import RecordMissing, Snapshot, Versioned

_ROUNDS: Final = 4
_AT_ONCE: Final = 64
_RECORDS: Final = """select r.kind, r.id, r.rev, r.body, r.mac from (values {rows}) v
cross join record r on r.kind = v.column1 and r.id = v.column2"""
_MARKS: Final = "select '', key, 0, x'', x'' from mark where key in (values {rows})"
_COUNTERS: Final = "select key, used, mac from counter where scope = ?"
_ONE: Final = "select rev, body, mac from record where kind = ? and id = ?"
_NEWEST: Final = (
    "select at, id from link where name = ? and key = ? and kind = ? and at >= 0 order by at desc, id desc limit ?"
)
N = TypeVar("N", TaskRecord, MandateRecord)


class CacheFiller:
    """Answers from memory, and reads into memory what is missing; rows are verified when read."""

    def __init__(self, connection: sqlite3.Connection, held: StateCache, journal: Journal, macs: RowMacs) -> None:
        self._macs = macs
        self._connection = connection
        self._held = held
        self._journal = journal

    def look_up(self, keys: Sequence[Key], marks: Sequence[str]) -> set[str]:
        """Cache these records and return which of these replay marks exist, by one statement."""
        held, backlog = self._held, self._journal.unsettled
        with held.lock:
            wanted = [key for key, kept in zip(keys, held.records.use_all(keys), strict=True) if kept is NOT_CACHED]
        standing = {key for key in marks if key in backlog.marks}
        for start in range(0, max(len(wanted), len(marks)), _AT_ONCE):
            some, few = wanted[start : start + _AT_ONCE], marks[start : start + _AT_ONCE]
            found: dict[Key, tuple[Versioned[Record] | None, int]] = dict.fromkeys(some, (None, 0))
            for kind, record_id, rev, body, mac in self._connection.execute(*_looking_up(some, few)):
                if kind:
                    self._macs.verify_record(kind, record_id, rev, body, mac)
                    found[kind, record_id] = (Versioned(records.decode_record(kind, body), rev), len(body))
                else:
                    standing.add(record_id)
            for key in some:
                if key in backlog.records:  # newer than its table
                    found[key] = versioned_row(key[0], *backlog.records[key])
            with held.lock:
                held.records.put_all([(key, *kept) for key, kept in found.items()])
        return standing

    def records(self, keys: Sequence[Key]) -> Sequence[Versioned[Record] | None]:
        """Return records, None where there is none."""
        return self._held.records.get_all(keys, self._read_record)

    def used(self, keys: Sequence[Key]) -> Sequence[int | None]:
        """Return the used amounts of counters, None where there is none."""
        counters = self._held.counters
        return [counters.get_or_read(scope, self._read_counters).get(name) for scope, name in keys]

    def risk_histories(self, names: Sequence[str]) -> Sequence[RiskHistory | None]:
        """Return risk histories, None where nothing is known of a subject.

        Raises:
            Fault: `fault.store` when one is damaged.
        """
        return self._held.trails.get_all(names, self._read_risk_history)

    def last_use(self, record_id: str) -> int:
        """Return the time of last use, 0 where there was none."""
        return self._held.touches.get_or_read(record_id, self._read_last_use)

    def dropped(self, kind: str) -> int:
        """Return the highest revision at which a record of this kind was dropped."""
        rev = self._held.dropped.get(kind)
        if rev is None:
            row = self._connection.execute("select rev from dropped where kind = ?", (kind,)).fetchone()
            rev = max(0 if row is None else int(row[0]), self._journal.unsettled.dropped.get(kind, 0))
            self._held.dropped[kind] = rev
        return rev

    def record(self, key: Key) -> Versioned[Record] | None:
        """Return a record, None where there is none."""
        return self._held.records.get_all((key,), self._read_record)[0]

    def _read_record(self, key: Key) -> Versioned[Record] | None:
        row = self._journal.unsettled.records.get(key)  # committed, and not in its table yet
        if row is None:
            row = self._connection.execute(_ONE, key).fetchone()
            if row is not None:
                self._macs.verify_record(*key, *row)
        kept, size = versioned_row(key[0], *(row or (0, None)))
        with self._held.lock:
            self._held.records.put(key, kept, size)
        return kept

    def _read_risk_history(self, name: str) -> RiskHistory | None:
        body = self._journal.unsettled.trails.get(name, (None,))[0]
        if body is None:
            row = self._connection.execute("select body, mac from trail where subject = ?", (name,)).fetchone()
            if row is not None:
                body = row[0]
                self._macs.verify_risk_history(name, body.encode() if isinstance(body, str) else body, row[1])
        trail = None if body is None else decode_risk_history(body)
        with self._held.lock:
            self._held.trails.put(name, trail)
        return trail

    def _read_last_use(self, record_id: str) -> int:
        at = self._journal.unsettled.touches.get(record_id)
        if at is None:
            row = self._connection.execute("select at from touch where id = ?", (record_id,)).fetchone()
            at = 0 if row is None else int(row[0])
        with self._held.lock:
            self._held.touches.put(record_id, at)
        return at

    def counters(self, scope: str) -> dict[str, int]:
        """Return all counters of a scope."""
        return dict(self._held.counters.get_or_read(scope, self._read_counters))

    def newest_few(self, index: Index, limit: int) -> Sequence[Versioned[Record]]:
        """Return the `limit` newest records under a key, at most `FEW`."""
        kind, name, key = index
        links = self._journal.unsettled.links.items()
        changed = {
            (at, record_id): stands
            for (of, to, at, sort, record_id), stands in links
            if (sort, of, to) == index and at >= 0
        }
        gone = sum(not stands for stands in changed.values())
        rows = self._connection.execute(_NEWEST, (name, key, kind, FEW + gone)).fetchall()
        places = {(at, record_id) for at, record_id in rows if changed.get((at, record_id), True)}
        places |= {place for place, stands in changed.items() if stands}
        newest = tuple(sorted(places, reverse=True)[:FEW])
        with self._held.lock:
            self._held.newest.put(index, newest)
        found = [self.record((kind, record_id)) for _, record_id in newest[:limit]]
        kept = tuple(kept for kept in found if kept is not None)
        for stored in kept:
            self._macs.verify_link((name, key), stored.record)
        return kept

    def snapshot(self, task_id: str, idempotency: str, about: Collection[str]) -> Snapshot:
        """Return everything an ask is decided on, after reading what is not cached.

        Raises:
            RecordMissing: no such task or mandate.
            Fault: `fault.store`.
        """
        for _ in range(_ROUNDS):
            self._fill(task_id, idempotency, about)
            snapshot = self._held.snapshot(task_id, idempotency, about, sure=True)
            if snapshot is not None:
                return snapshot
            # Reading the rest evicted what was cached first; another round finds the younger generation empty.
        raise Fault(Code.FAULT_STORE, "more belongs to one task than is held at a time")

    def _fill(self, task_id: str, idempotency: str, about: Collection[str]) -> None:
        """Cache what is missing of a snapshot."""
        task = self._need(TaskRecord, task_id)
        scopes = [task.root, task.id]
        above = task.mandate
        while above:
            if above in scopes[2:]:
                raise Fault(Code.FAULT_STORE, "a mandate is its own ancestor")
            scopes.append(above)
            above = self._need(MandateRecord, above).parent
        self.records(dependency_keys(task))
        if idempotency:
            earlier = self.record((IdempotencyRecord.KIND, idempotency))
            if earlier is not None and isinstance(earlier.record, IdempotencyRecord):
                self.record((AskRecord.KIND, earlier.record.ask))
        self._held.counters.get_all(scopes, self._read_counters)
        self.risk_histories(risk_history_keys(task, about))
        self.last_use(task_id)

    def _need(self, kind: type[N], record_id: str) -> N:
        kept = self.record((kind.KIND, record_id))
        if kept is None or not isinstance(kept.record, kind):
            raise RecordMissing(kind.KIND, record_id)
        return kept.record

    def _read_counters(self, scope: str) -> dict[str, int]:
        known: dict[str, int] = {}
        for key, used, mac in self._connection.execute(_COUNTERS, (scope,)):
            self._macs.verify_counter(scope, key, used, mac)
            known[key] = used
        recent = self._journal.unsettled.counters.items()
        known.update({key: used for (of, key), (used, _) in recent if of == scope})
        with self._held.lock:
            self._held.counters.put(scope, known)
        return known


def versioned_row(kind: str, rev: int, body: bytes | None, _mac: bytes = b"") -> tuple[Versioned[Record] | None, int]:
    """Decode a journalled record, with its size; None where it was deleted."""
    return (None, 0) if body is None else (Versioned(records.decode_record(kind, body), rev), len(body))


def _looking_up(keys: Sequence[Key], marks: Sequence[str]) -> tuple[str, list[str]]:
    """Build the statement for records and marks with its values, padded to a power of two with absent keys."""
    few, many = _power_of_two(len(marks)), _power_of_two(len(keys))
    values = [part for key in keys for part in key] + [""] * (2 * (many - len(keys)))
    return _look_up_statement(many, few), [*values, *marks, *[""] * (few - len(marks))]


def _power_of_two(count: int) -> int:
    return 1 << (count - 1).bit_length() if count else 0


@cache
def _look_up_statement(records: int, marks: int) -> str:
    parts = [_RECORDS.format(rows=placeholders(2, records))] if records else []
    parts += [_MARKS.format(rows=placeholders(1, marks))] if marks else []
    return " union all ".join(parts)
