"""Decision of one commit in memory: check all its conditions and collect its changes; nothing is written."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from remit.adapters.store import codec
from remit.adapters.store.cache import CommitChanges, CommittedRows, CommittedState
from remit.adapters.store.risk_history import risk_history_key
from remit.domain.errors import Code, Fault, Refused
from remit.domain.policy.risk import advance_risk_history, new_risk_history
from remit.domain.records import Link
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


@struct(frozen=True)
class ReplayMarks:
    """Replay marks that exist, and the time up to which others were purged."""

    standing: Collection[str]
    forgotten: int


class CommitEvaluator:
    """Decide commits in order, each on the committed state and the changes of earlier ones in its group."""

    def __init__(self, ground: CommittedState, marks: ReplayMarks) -> None:
        """`marks` are those of the group that already exist."""
        self._ground = ground
        self._marks = marks
        self.before = CommittedRows()
        """Rows that change, as they were before the group."""
        self.changes = CommitChanges()

    def decide(self, commit: Commit) -> CommitChanges:
        """Return the changes of a commit if all its conditions hold: preconditions, marks, reserves, puts, drops.

        Raises:
            Conflict: a record is not at the expected revision.
            Replayed: a mark exists already.
            LimitReached: a counter is full.
            Fault: `fault.store` when a risk history is damaged, an amount exceeds any counter, or a mark ends before
                the purge time.
            OverflowError: a number does not fit into its column.
        """
        mine = CommitChanges()
        keys = [(expect.kind, expect.id) for expect in commit.preconditions]
        changed = self.changes.records
        for expect, key, stored in zip(commit.preconditions, keys, self._ground.records(keys), strict=True):
            kept = changed.get(key, stored)  # this commit itself has changed nothing yet
            if (0 if kept is None else kept.rev) != expect.rev:
                raise Conflict(expect.kind, expect.id)
        if commit.marks:
            self._mark(mine, commit.marks)
        if commit.reserves:
            self._reserve(mine, commit.reserves)
        if commit.puts:
            self._put(mine, commit.puts)
        if commit.drops:
            self._drop(mine, commit.drops)
        for touched, at in commit.touches:
            before = mine.touches.get(touched) or self.changes.touches.get(touched) or self._ground.last_use(touched)
            mine.touches[touched] = max(at, before)
        if commit.steps:
            self._step(mine, commit.steps)
        _verify_fit(commit, mine)
        return mine

    def _mark(self, mine: CommitChanges, marks: Sequence[ReplayMark]) -> None:
        for mark in marks:
            if mark.key in self._marks.standing or mark.key in self.changes.marks or mark.key in mine.marks:
                raise Replayed(mark.key)
            # ⚔ After the clock was set back, an expired and purged credential would count once more.
            if mark.until < self._marks.forgotten:
                raise Fault(
                    Code.FAULT_STORE,
                    "the clock stands before the time up to which replay marks were forgotten: set it right",
                )
            mine.marks[mark.key] = mark.until

    def _reserve(self, mine: CommitChanges, reserves: Sequence[Reserve]) -> None:
        """Change counters. Limits are exact: commits are decided one after the other."""
        keys = [(reserve.scope, reserve.key) for reserve in reserves]
        before, earlier = self.before.counters, self.changes.counters
        for reserve, key, known in zip(reserves, keys, self._ground.used(keys), strict=True):
            if abs(reserve.amount) > MAX_AMOUNT:
                raise Fault(Code.FAULT_STORE, f"an amount of {reserve.amount} is beyond what a counter holds")
            if known is not None:
                before[key] = known
            used = mine.counters.get(key, earlier.get(key, known or 0))
            if reserve.amount > 0 and (
                used > _MAX_USED - reserve.amount
                or (reserve.limit is not None and used > reserve.limit - reserve.amount)
            ):
                raise LimitReached(reserve.scope, reserve.key)
            mine.counters[key] = max(used + reserve.amount, 0)

    def _put(self, mine: CommitChanges, puts: Sequence[Put]) -> None:
        keys = [(put.record.KIND, put.record.id) for put in puts]
        before, earlier = self.before.records, self.changes.records
        for put, key, known in zip(puts, keys, self._ground.records(keys), strict=True):
            record, (kind, record_id) = put.record, key
            before[key] = known
            stored = mine.records.get(key, earlier.get(key, known))
            if (0 if stored is None else stored.rev) != put.rev:
                raise Conflict(kind, record_id)
            mine.bodies[key] = codec.encode_record(record)
            if stored is None:
                # A recreated record starts above every revision at which its kind was dropped: a revision that a client
                # still holds must never name other contents.
                rev = 1 + self._dropped(mine, kind)
                old_links: frozenset[Link] = frozenset()
            else:
                rev = stored.rev + 1
                old_links = frozenset(stored.record.links())
            links = frozenset(record.links())
            for link in old_links - links:
                mine.links[link.name, link.key, link.at, kind, record_id] = False
            for link in links - old_links:
                mine.links[link.name, link.key, link.at, kind, record_id] = True
            mine.records[key] = Versioned(record, rev)

    def _drop(self, mine: CommitChanges, drops: Sequence[Drop]) -> None:
        keys = [(drop.record.KIND, drop.record.id) for drop in drops]
        before, earlier = self.before.records, self.changes.records
        for drop, key, known in zip(drops, keys, self._ground.records(keys), strict=True):
            kind, record_id = key
            before[key] = known
            stored = mine.records.get(key, earlier.get(key, known))
            if stored is None or stored.rev != drop.rev:
                raise Conflict(kind, record_id)
            mine.records[key] = None
            mine.bodies.pop(key, None)
            mine.dropped[kind] = max(self._dropped(mine, kind), drop.rev)
            for link in stored.record.links():
                mine.links[link.name, link.key, link.at, kind, record_id] = False

    def _dropped(self, mine: CommitChanges, kind: str) -> int:
        before = self.before.dropped
        if kind not in before:
            before[kind] = self._ground.dropped(kind)
        return mine.dropped.get(kind, self.changes.dropped.get(kind, before[kind]))

    def _step(self, mine: CommitChanges, steps: Sequence[RiskEvent]) -> None:
        names = [risk_history_key((step.kind, step.subject)) for step in steps]
        before, earlier = self.before.trails, self.changes.trails
        for step, name, known in zip(steps, names, self._ground.risk_histories(names), strict=True):
            before[name] = known
            trail = mine.trails.get(name) or earlier.get(name) or known or new_risk_history(step.kind, step.subject)
            mine.trails[name] = advance_risk_history(trail, step.event, step.at, step.customer)


@struct(frozen=True)
class GroupDecision:
    """Result of a group: its changes, its new entries, and per commit the entries to prove or the refusal.

    `before` are the rows that it changes, as they were.
    """

    before: CommittedRows
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
            if commit.prove:
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
    return GroupDecision(deciding.before, deciding.changes, rows, each)


def unstorable_error(why: Exception) -> Fault:
    """Build the fault for a commit whose values cannot be stored."""
    text = " ".join(str(why).split())
    return Fault(Code.FAULT_STORE, f"it cannot be done: {type(why).__name__}{': ' if text else ''}{text}")


def _verify_fit(commit: Commit, changes: CommitChanges) -> None:
    """Verify that numbers fit into a column: the tables get them only after the commit was answered.

    Raises:
        OverflowError: one does not.
    """
    numbers = [
        *changes.marks.values(),
        *[at for _, at in commit.touches],
        *[row.at for row in commit.entries],
        *[at for _, _, at, _, _ in changes.links],
    ]
    if numbers and not -_MAX_USED <= min(numbers) <= max(numbers) <= _MAX_USED:
        message = f"{max(numbers, key=abs)} is beyond what is kept"
        raise OverflowError(message)


def verify_entries_exist(indexes: Sequence[int], size: int) -> None:
    """Verify that entries to prove exist.

    Raises:
        RecordMissing: one does not.
    """
    if not 0 <= min(indexes) <= max(indexes) < size:
        raise RecordMissing("entry", str(indexes))
