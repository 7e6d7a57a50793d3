"""Expiry of live tasks: each is examined when it can have ended, not all of them every second.

A task is idle at the earliest a fixed time after its last use, which only moves later: one look tells until when the
next is unnecessary.
"""

import heapq
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from remit.domain.policy.decision import recorded_ending
from remit.domain.records import MandateRecord, TaskRecord, TaskState
from remit.engine.context import DeskContext
from remit.ports.store import RecordMissing, Versioned

_PAGE: Final = 200
_ALL: Final = 2**31
_OVERLAP_MS: Final = 10_000
"""Tasks are found in opening order; node clocks differ, and a commit takes a while."""
_WHOLE_AGAIN_MS: Final = 600_000
"""Period after which all live tasks are examined again."""
_HELD_MS: Final = 10_000
"""A held task ends only at its end of life, but may be idle on release."""


class TaskExpiryQueue:
    """One process's knowledge of live tasks; a round examines at most `most` and finds about as many."""

    def __init__(self, most: int = _ALL) -> None:
        self._most = most
        self._looks: list[tuple[int, str]] = []
        """A heap of times and the tasks to examine then."""
        self._known: set[str] = set()
        self._low = 0
        self._whole_at = 0

    async def due(self, desk: DeskContext) -> AsyncIterator[Versioned[TaskRecord]]:
        """Yield possibly ended tasks, longest waiting first; each returns next round, behind all other due ones.

        ⚔ A task that cannot be ended delays no other.

        Raises:
            Fault: `fault.store`.
        """
        await self._meet(desk)
        now = desk.world.now()
        taken: deque[tuple[int, str]] = deque()
        while self._looks and self._looks[0][0] <= now and len(taken) < self._most:
            taken.append(heapq.heappop(self._looks))
        try:
            while taken:
                task_id = taken[0][1]
                kept = await _there(desk, task_id)
                again_at = None if kept is None else await _live_until(desk, kept.record)
                taken.popleft()
                self._known.discard(task_id)
                if kept is None:
                    continue
                self._look(task_id, now if again_at is None else again_at)
                if again_at is None:
                    yield kept
        finally:
            for one in taken:  # the store broke meanwhile
                heapq.heappush(self._looks, one)

    def _look(self, task_id: str, at: int) -> None:
        """Schedule a task's examination at a time (ms), unless already scheduled."""
        if task_id not in self._known:
            self._known.add(task_id)
            heapq.heappush(self._looks, (at, task_id))

    async def _meet(self, desk: DeskContext) -> None:
        """Take in live tasks that are old enough to have ended."""
        now = desk.world.now()
        high = now - min(desk.terms.task_idle_s, desk.terms.task_life_s) * 1000
        self._whole_at = self._whole_at or now + _WHOLE_AGAIN_MS
        met, size = 0, _PAGE
        while met < self._most:
            page = await desk.store.find(TaskRecord, "task.live", "", low=self._low, high=high, limit=size)
            for kept in page:
                self._look(kept.record.id, kept.record.opened_at)
            if len(page) < size:
                self._low = max(self._low, high - _OVERLAP_MS)
                if now >= self._whole_at:
                    self._low, self._whole_at = 0, now + _WHOLE_AGAIN_MS
                return
            met += len(page)
            last = page[-1].record.opened_at
            size = _PAGE if last > self._low else size * 2  # more than a page may share one moment
            self._low = last


async def _there(desk: DeskContext, task_id: str) -> Versioned[TaskRecord] | None:
    """Return a task that is live or was until just now."""
    try:
        kept = await desk.store.get(TaskRecord, task_id)
    except RecordMissing:
        return None
    return None if kept.record.state is TaskState.ENDED else kept


async def _live_until(desk: DeskContext, task: TaskRecord) -> int | None:
    """Return until when (ms) a task is certainly live; None if it may be over. Its mandate is not parsed."""
    now = desk.world.now()
    try:
        snapshot = await desk.store.snapshot(task=task.id, idempotency="")
    except RecordMissing:
        return None
    above = {name for kind, name in snapshot.records if kind == MandateRecord.KIND and name != task.mandate}
    if (
        now >= task.ends_at
        or recorded_ending(snapshot.counters, task=task.id, above=above, opened_at=task.opened_at) is not None
    ):
        return None
    if task.state is TaskState.HELD:
        return min(now + _HELD_MS, task.ends_at)
    idle_at = max(snapshot.touched.get(task.id, 0), task.opened_at) + desk.terms.task_idle_s * 1000
    return min(idle_at, task.ends_at) if now < idle_at else None
