"""Filling what is held in memory from the file. Runs on the writing thread alone, so that what it reads cannot be overtaken."""

import sqlite3
from collections.abc import Collection, Iterable
from typing import Final, TypeVar

from remit.adapters.store import records, trails
from remit.adapters.store.held import UNKNOWN, Held, Key, stood_on, trail_names
from remit.adapters.store.sqlite_rows import chunks
from remit.domain.errors import Code, Fault
from remit.domain.records import AskRecord, Idempotency, MandateRecord, Record, TaskRecord
from remit.domain.trajectory import Trail
from remit.ports.store import Kept, Missing, Snapshot

_FEW: Final = 2
_ROUNDS: Final = 4
_RECORDS: Final = "select r.kind, r.id, r.rev, r.body from (values {rows}) v cross join record r on r.kind = v.column1 and r.id = v.column2"
N = TypeVar("N", TaskRecord, MandateRecord)


class Filler:
    """Answers from memory, and reads into memory what is not held."""

    def __init__(self, connection: sqlite3.Connection, held: Held) -> None:
        self._connection = connection
        self._held = held

    def look_up(self, keys: Iterable[Key]) -> None:
        """Read into memory what of these records is not held, by few statements."""
        wanted = [key for key in dict.fromkeys(keys) if self._held.records.get(key) is UNKNOWN]
        if len(wanted) < _FEW:
            return  # each is looked for when it is needed
        found: dict[Key, tuple[Kept[Record] | None, int]] = {}
        for statement, values in chunks(_RECORDS, wanted):
            for kind, record_id, rev, body in self._connection.execute(statement, values):
                found[kind, record_id] = (Kept(records.decode(kind, body), rev), len(body))
        with self._held.lock:
            for key in wanted:
                self._held.records.put(key, *found.get(key, (None, 0)))

    def record(self, key: Key) -> Kept[Record] | None:
        """A record, None where there is none."""
        kept = self._held.records.get(key)
        if kept is UNKNOWN:
            row = self._connection.execute("select rev, body from record where kind = ? and id = ?", key).fetchone()
            kept = None if row is None else Kept(records.decode(key[0], row[1]), row[0])
            with self._held.lock:
                self._held.records.put(key, kept, 0 if row is None else len(row[1]))
        return kept

    def counter(self, scope: str, name: str) -> int | None:
        """How much of a counter is used, None where it does not exist yet."""
        return self._scope(scope).get(name)

    def trail(self, name: str) -> Trail | None:
        """A trail, None where nothing is known of the subject.

        Raises:
            Fault: `fault.store` when it is damaged.
        """
        trail = self._held.trails.get(name)
        if trail is UNKNOWN:
            row = self._connection.execute("select body from trail where subject = ?", (name,)).fetchone()
            trail = None if row is None else trails.read(row[0])
            with self._held.lock:
                self._held.trails.put(name, trail)
        return trail

    def touched(self, record_id: str) -> int:
        """When something was last used, 0 where it never was."""
        at = self._held.touches.get(record_id)
        if at is UNKNOWN:
            row = self._connection.execute("select at from touch where id = ?", (record_id,)).fetchone()
            at = 0 if row is None else int(row[0])
            with self._held.lock:
                self._held.touches.put(record_id, at)
        return at

    def dropped(self, kind: str) -> int:
        """The highest revision at which a record of this kind was ever dropped."""
        rev = self._held.dropped.get(kind)
        if rev is None:
            row = self._connection.execute("select rev from dropped where kind = ?", (kind,)).fetchone()
            rev = self._held.dropped[kind] = 0 if row is None else int(row[0])
        return rev

    def snapshot(self, task_id: str, idempotency: str, about: Collection[str]) -> Snapshot:
        """Everything an ask is decided on, after reading what of it is not held.

        Raises:
            Missing: no such task or mandate.
            Fault: `fault.store`.
        """
        for _ in range(_ROUNDS):
            self._fill(task_id, idempotency, about)
            snapshot = self._held.snapshot(task_id, idempotency, about, sure=True)
            if snapshot is not None:
                return snapshot
            # What was held at first was forgotten for what was read after it; another round finds the younger generation empty.
        raise Fault(Code.FAULT_STORE, "more belongs to one task than is held at a time")

    def _fill(self, task_id: str, idempotency: str, about: Collection[str]) -> None:
        """Read what of a snapshot is not held."""
        task = self._need(TaskRecord, task_id)
        scopes = [task.root, task.id]
        above = task.mandate
        while above:
            if above in scopes[2:]:
                raise Fault(Code.FAULT_STORE, "a mandate is its own ancestor")
            scopes.append(above)
            above = self._need(MandateRecord, above).parent
        for key in stood_on(task):
            self.record(key)
        if idempotency:
            earlier = self.record((Idempotency.KIND, idempotency))
            if earlier is not None and isinstance(earlier.record, Idempotency):
                self.record((AskRecord.KIND, earlier.record.ask))
        for scope in scopes:
            self._scope(scope)
        for name in trail_names(task, about):
            self.trail(name)
        self.touched(task_id)

    def _need(self, kind: type[N], record_id: str) -> N:
        kept = self.record((kind.KIND, record_id))
        if kept is None or not isinstance(kept.record, kind):
            raise Missing(kind.KIND, record_id)
        return kept.record

    def _scope(self, scope: str) -> dict[str, int]:
        known = self._held.counters.get(scope)
        if known is UNKNOWN:
            known = dict(self._connection.execute("select key, used from counter where scope = ?", (scope,)).fetchall())
            with self._held.lock:
                self._held.counters.put(scope, known)
        return known
