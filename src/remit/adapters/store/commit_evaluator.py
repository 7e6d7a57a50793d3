"""Decision of one commit in memory: check all its conditions and collect its changes; nothing is written."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from remit.adapters.store import codec
from remit.adapters.store import risk_history as trails
from remit.adapters.store.cache import CommitChanges, CommittedState, Key
from remit.domain.errors import Code, Fault, Refused
from remit.domain.policy.risk import advance_risk_history, new_risk_history
from remit.domain.records import Link, Record
from remit.domain.structs import struct
from remit.ports.store import (
    Commit,
    Conflict,
    Drop,
    EntryRow,
    LimitReached,
    Put,
    RecordMissing,
    Replayed,
    ReplayMark,
    Reserve,
    RiskEvent,
    Versioned,
)

MAX_AMOUNT: Final = 2**62
_MAX_USED: Final = 2**63 - 1
KNOWN: Final = (Conflict, RecordMissing, Replayed, LimitReached, Refused, Fault)
"""Errors passed to the caller as they are."""


class ReplayMarks(NamedTuple):
    """Replay marks that exist, and the time up to which others were purged."""

    standing: Collection[str]
    forgotten: int


class CommitEvaluator:
    """Decide commits in order, each on the committed state and the changes of earlier ones in its group."""

    def __init__(self, ground: CommittedState, marks: ReplayMarks) -> None:
        """`marks` are those of the group that already exist."""
        self._ground = ground
        self._marks = marks
        self.changes = CommitChanges()

    def decide(self, commit: Commit) -> CommitChanges:
        """Return the changes of a commit if all its conditions hold: preconditions, marks, reserves, puts, drops.

        Raises:
            Conflict: a record is not at the expected revision.
            Replayed: a mark exists already.
            LimitReached: a counter is full.
            Fault: `fault.store` when a risk history is damaged, an amount exceeds any counter, or a mark ends before
                the purge time.
        """
        mine = CommitChanges()
        _verify_fit(
            (
                *[mark.until for mark in commit.marks],
                *[at for _, at in commit.touches],
                *[row.at for row in commit.entries],
            )
        )
        keys = [(expect.kind, expect.id) for expect in commit.preconditions]
        changed = self.changes.records
        states = self._ground.several(keys) if keys else ()
        for expect, key, stored in zip(commit.preconditions, keys, states, strict=True):
            kept = changed.get(key, stored)  # this commit itself has changed nothing yet
            if (0 if kept is None else kept.rev) != expect.rev:
                raise Conflict(expect.kind, expect.id)
        for mark in commit.marks:
            self._mark(mine, mark)
        for reserve in commit.reserves:
            self._reserve(mine, reserve)
        for put in commit.puts:
            self._put(mine, put)
        for drop in commit.drops:
            self._drop(mine, drop)
        for touched, at in commit.touches:
            before = mine.touches.get(touched) or self.changes.touches.get(touched) or self._ground.touched(touched)
            mine.touches[touched] = max(at, before)
        for step in commit.steps:
            self._step(mine, step)
        return mine

    def _record(self, mine: CommitChanges, key: Key) -> Versioned[Record] | None:
        if key in mine.records:
            return mine.records[key]
        if key in self.changes.records:
            return self.changes.records[key]
        return self._ground.record(key)

    def _mark(self, mine: CommitChanges, mark: ReplayMark) -> None:
        if mark.key in self._marks.standing or mark.key in self.changes.marks or mark.key in mine.marks:
            raise Replayed(mark.key)
        # ⚔ After the clock was set back, an expired and purged credential would count once more.
        if mark.until < self._marks.forgotten:
            raise Fault(
                Code.FAULT_STORE,
                "the clock stands before the time up to which replay marks were forgotten: set it right",
            )
        mine.marks[mark.key] = mark.until

    def _reserve(self, mine: CommitChanges, reserve: Reserve) -> None:
        """Change a counter. Limits are exact: commits are decided one after the other."""
        if abs(reserve.amount) > MAX_AMOUNT:
            raise Fault(Code.FAULT_STORE, f"an amount of {reserve.amount} is beyond what a counter holds")
        key = (reserve.scope, reserve.key)
        used = mine.counters.get(key)
        if used is None:
            used = self.changes.counters.get(key)
        if used is None:
            used = self._ground.counter(*key) or 0
        if reserve.amount > 0 and (
            used > _MAX_USED - reserve.amount or (reserve.limit is not None and used > reserve.limit - reserve.amount)
        ):
            raise LimitReached(reserve.scope, reserve.key)
        mine.counters[key] = max(used + reserve.amount, 0)

    def _put(self, mine: CommitChanges, put: Put) -> None:
        record, kind = put.record, put.record.KIND
        key = (kind, record.id)
        stored = self._record(mine, key)
        if (0 if stored is None else stored.rev) != put.rev:
            raise Conflict(kind, record.id)
        body = codec.encode_record(record)
        if stored is None:
            # A recreated record starts above every revision at which its kind was dropped: a revision that a client
            # still holds must never name other contents.
            rev = 1 + self._dropped(mine, kind)
            before: frozenset[Link] = frozenset()
        else:
            rev = stored.rev + 1
            before = frozenset(stored.record.links())
        links = frozenset(record.links())
        for link in before - links:
            mine.links[link.name, link.key, link.at, kind, record.id] = False
        for link in links - before:
            _verify_fit((link.at,))
            mine.links[link.name, link.key, link.at, kind, record.id] = True
        mine.records[key] = Versioned(record, rev)
        mine.bodies[key] = body

    def _drop(self, mine: CommitChanges, drop: Drop) -> None:
        kind, record_id = drop.record.KIND, drop.record.id
        stored = self._record(mine, (kind, record_id))
        if stored is None or stored.rev != drop.rev:
            raise Conflict(kind, record_id)
        mine.records[kind, record_id] = None
        mine.bodies.pop((kind, record_id), None)
        mine.dropped[kind] = max(self._dropped(mine, kind), drop.rev)
        for link in stored.record.links():
            mine.links[link.name, link.key, link.at, kind, record_id] = False

    def _dropped(self, mine: CommitChanges, kind: str) -> int:
        return max(mine.dropped.get(kind, 0), self.changes.dropped.get(kind, 0), self._ground.dropped(kind))

    def _step(self, mine: CommitChanges, step: RiskEvent) -> None:
        name = trails.risk_history_key(step.kind, step.subject)
        trail = mine.trails.get(name) or self.changes.trails.get(name) or self._ground.risk_history(name)
        mine.trails[name] = advance_risk_history(
            trail or new_risk_history(step.kind, step.subject), step.event, step.at, step.customer
        )


@struct(frozen=True)
class GroupDecision:
    """Result of a group: its changes, its new entries, and per commit the entries to prove or the refusal."""

    changes: CommitChanges
    rows: Sequence[EntryRow]
    each: Sequence[tuple[int, ...] | Exception]


def decide_group(
    ground: CommittedState,
    marks: ReplayMarks,
    commits: Iterable[Commit],
    size: int,
    *,
    of_all: tuple[type[Exception], ...] = (),
) -> GroupDecision:
    """Decide each commit on the committed state and those before it; a refused one leaves nothing behind.

    `size` is that of the log; errors in `of_all` concern the whole group and are raised.
    """
    deciding = CommitEvaluator(ground, marks)
    rows: list[EntryRow] = []
    each: list[tuple[int, ...] | Exception] = []
    for commit in commits:
        first = size + len(rows)
        try:
            verify_entries_exist(commit.prove, first)
            changes = deciding.decide(commit)
        except of_all:
            raise
        except Exception as refused:  # noqa: BLE001  # one commit's bad value must not take the others with it
            each.append(refused if isinstance(refused, KNOWN) else unstorable_error(refused))
            continue
        deciding.changes.take(changes)
        rows.extend(commit.entries)
        each.append((*commit.prove, *range(first, first + len(commit.entries))))
    return GroupDecision(deciding.changes, rows, each)


def unstorable_error(why: Exception) -> Fault:
    """Build the fault for a commit whose values cannot be stored."""
    text = " ".join(str(why).split())
    return Fault(Code.FAULT_STORE, f"it cannot be done: {type(why).__name__}{': ' if text else ''}{text}")


def _verify_fit(numbers: Iterable[int]) -> None:
    """Verify that numbers fit into a column: the tables get them only after the commit was answered.

    Raises:
        OverflowError: one does not.
    """
    for number in numbers:
        if not -_MAX_USED <= number <= _MAX_USED:
            message = f"{number} is beyond what is kept"
            raise OverflowError(message)


def verify_entries_exist(indexes: Sequence[int], size: int) -> None:
    """Verify that entries to prove exist.

    Raises:
        RecordMissing: one does not.
    """
    if indexes and not 0 <= min(indexes) <= max(indexes) < size:
        raise RecordMissing("entry", str(indexes))
