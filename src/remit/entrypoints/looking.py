"""The round of a process that looks at how the desk stands, for metrics and readiness. It changes nothing."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from remit.domain.errors import Code, Fault
from remit.entrypoints.health import Health
from remit.entrypoints.metrics import AGES, Metrics
from remit.entrypoints.watching import Watch
from remit.ports.store import Published
from remit.usecases.parts import Parts
from remit.usecases.sample import Sample, nothing_lives, orphans, sample

_LOG: Final = logging.getLogger("remit.jobs")
_MOST_TASKS: Final = 500


class Looking:
    """One process's looks. `try_outside` raises OSError where the place of the checkpoint outside the store takes no writes."""

    def __init__(  # what is looked at, and what is told of it
        self,
        parts: Parts,
        *,
        outside: Published,
        try_outside: Callable[[], None],
        metrics: Metrics,
        watch: Watch,
        health: Health,
    ) -> None:
        self._parts = parts
        self._outside = outside
        self._try_outside = try_outside
        self._metrics = metrics
        self._watch = watch
        self._health = health

    async def look(self) -> None:
        """One look.

        Raises:
            Fault: `fault.store`; what was shown before stays.
        """
        await self._look_outside()
        self._show(await sample(self._parts, self._outside))
        for stopped in self._watch.stops():
            if await nothing_lives(self._parts, *stopped):
                self._watch.nothing_lives(stopped)
        for task in await orphans(self._parts, self._watch.take_decided(_MOST_TASKS)):
            self._metrics.orphans.add()
            _LOG.error("something was decided in %s after its end", task, extra={"event": "task.orphaned"})
            await self._parts.notify.incident(kind="orphaned_task", details={"task": task})

    async def _look_outside(self) -> None:
        try:
            await asyncio.to_thread(self._try_outside)
        except OSError as problem:
            if self._health.outside_writable:
                fault = Fault(Code.FAULT_STORE, f"log.high_water takes no writes: {problem.strerror}")
                _LOG.error("%s", fault, extra={"event": "high_water.unwritable"})  # the place and the reason are all there is to say
            self._health.outside_writable = False
        else:
            self._health.outside_writable = True
        self._metrics.outside.set(int(self._health.outside_writable))

    def _show(self, seen: Sample) -> None:
        shown = self._metrics
        self._watch.saw_entries(seen.entries)
        for state, count in seen.asks.items():
            shown.asks.set(count, state)
        below = 0.0
        for age, bound in AGES.items():
            shown.unknown_acts.set(sum(1 for one in seen.unknown if below <= one < bound), age)
            below = bound
        shown.outbox.set(seen.queued_s, "queued")
        shown.outbox.set(seen.sent_s, "sent")
        shown.full.set(int(seen.full))
        shown.notices_waiting.set(seen.notices)
        shown.notices_oldest.set(seen.notices_s)
        shown.newest_entry.set(None if seen.newest_at is None else seen.newest_at / 1000)
        shown.unpublished.set(seen.unpublished)
        shown.unpublished_seconds.set(seen.unpublished_s)
