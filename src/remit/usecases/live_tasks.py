"""Which live tasks are to be looked at, since one may have ended by its time: each when it can have, not all of them each second.

A task cannot be idle before so long after its last use, and it is only ever used later than that: who has looked at it once knows
until when it need not be looked at again.
"""

import heapq
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from remit.domain.records import TaskRecord, TaskState
from remit.ports.store import Kept, Missing
from remit.usecases.parts import Parts
from remit.usecases.standing import Standing

_PAGE: Final = 200
_ALL: Final = 2**31
_OVERLAP_MS: Final = 10_000
"""Tasks are met in the order in which they were opened; clocks of nodes differ, and a commit takes a while."""
_WHOLE_AGAIN_MS: Final = 600_000
"""After so long all live tasks are met once more, whatever was passed over."""
_HELD_MS: Final = 10_000
"""What is held ends only by its life; when it is resumed it may be idle at once."""


class LiveTasks:
    """What one process knows of the desk's live tasks. In a round no more than `most` are looked at and about as many met; the others come next."""

    def __init__(self, most: int = _ALL) -> None:
        self._most = most
        self._looks: list[tuple[int, str]] = []
        """A heap of when to look at which task."""
        self._known: set[str] = set()
        self._low = 0
        self._whole_at = 0

    async def due(self, parts: Parts) -> AsyncIterator[Kept[TaskRecord]]:
        """Tasks to look at now, those that wait longest first; each is to be named to `looked` or `later` afterwards.

        Raises:
            Fault: `fault.store`.
        """
        await self._meet(parts)
        now = parts.world.now()
        taken: deque[tuple[int, str]] = deque()
        while self._looks and self._looks[0][0] <= now and len(taken) < self._most:
            taken.append(heapq.heappop(self._looks))
        try:
            while taken:
                task_id = taken[0][1]
                kept = await _there(parts, task_id)
                taken.popleft()
                self._known.discard(task_id)
                if kept is not None and kept.record.state is not TaskState.ENDED:
                    yield kept
        finally:
            for one in taken:  # the store broke meanwhile
                heapq.heappush(self._looks, one)

    def looked(self, parts: Parts, standing: Standing, *, waiting: bool) -> None:
        """A task was looked at and lives on: say when it must be looked at again."""
        task, now = standing.task.record, parts.world.now()
        if task.state is TaskState.HELD:
            at = now + _HELD_MS
        elif waiting:
            at = now
        else:
            at = standing.last_used + parts.terms.task_idle_s * 1000
        self.later(task.id, max(now, min(at, task.ends_at)))

    def later(self, task_id: str, at: int) -> None:
        """Look at a task at a time (ms), unless it is to be looked at anyway.

        ⚔ What cannot be ended comes again after all others that are due: it keeps nobody from their turn.
        """
        if task_id not in self._known:
            self._known.add(task_id)
            heapq.heappush(self._looks, (at, task_id))

    async def _meet(self, parts: Parts) -> None:
        """Take in live tasks that are old enough to have ended."""
        now = parts.world.now()
        high = now - min(parts.terms.task_idle_s, parts.terms.task_life_s) * 1000
        self._whole_at = self._whole_at or now + _WHOLE_AGAIN_MS
        met, size = 0, _PAGE
        while met < self._most:
            page = await parts.store.find(TaskRecord, "task.live", "", low=self._low, high=high, limit=size)
            for kept in page:
                self.later(kept.record.id, kept.record.opened_at)
            if len(page) < size:
                self._low = max(self._low, high - _OVERLAP_MS)
                if now >= self._whole_at:
                    self._low, self._whole_at = 0, now + _WHOLE_AGAIN_MS
                return
            met += len(page)
            last = page[-1].record.opened_at
            size = _PAGE if last > self._low else size * 2  # more than a page may stand at one moment
            self._low = last


async def _there(parts: Parts, task_id: str) -> Kept[TaskRecord] | None:
    try:
        return await parts.store.get(TaskRecord, task_id)
    except Missing:
        return None
