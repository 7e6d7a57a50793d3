"""Which live tasks have ended by their time: each is looked at when it can have, not all of them each second.

A task cannot be idle before so long after its last use, and it is only ever used later than that: who has looked at it once knows
until when it need not be looked at again.
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
"""Tasks are met in the order in which they were opened; clocks of nodes differ, and a commit takes a while."""
_WHOLE_AGAIN_MS: Final = 600_000
"""After so long all live tasks are met once more, whatever was passed over."""
_HELD_MS: Final = 10_000
"""What is held ends only by its life; when it is resumed it may be idle at once."""


class TaskExpiryQueue:
    """What one process knows of the desk's live tasks. In a round no more than `most` are looked at and about as many met; the others come next."""

    def __init__(self, most: int = _ALL) -> None:
        self._most = most
        self._looks: list[tuple[int, str]] = []
        """A heap of when to look at which task."""
        self._known: set[str] = set()
        self._low = 0
        self._whole_at = 0

    async def due(self, desk: DeskContext) -> AsyncIterator[Versioned[TaskRecord]]:
        """Tasks that may be over, those that wait longest first. Each is looked at again with the next round, after all others that are due.

        ⚔ What cannot be ended keeps nobody from their turn.

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
                again_at = None if kept is None else await _living_until(desk, kept.record)
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
        """Look at a task at a time (ms), unless it is to be looked at anyway."""
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
            size = _PAGE if last > self._low else size * 2  # more than a page may stand at one moment
            self._low = last


async def _there(desk: DeskContext, task_id: str) -> Versioned[TaskRecord] | None:
    """A task that lives, or did a moment ago."""
    try:
        kept = await desk.store.get(TaskRecord, task_id)
    except RecordMissing:
        return None
    return None if kept.record.state is TaskState.ENDED else kept


async def _living_until(desk: DeskContext, task: TaskRecord) -> int | None:
    """Until when (ms) a task need not be looked at again; None when it may be over. Its mandate is not parsed for that."""
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
