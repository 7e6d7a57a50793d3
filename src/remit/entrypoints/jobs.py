"""What runs beside the doors, one round after another: what is due by time, what the desk is asked to do, and a look at it all."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from remit.domain.errors import Fault
from remit.entrypoints.health import Health
from remit.entrypoints.looking import Looking
from remit.entrypoints.metrics import Metrics
from remit.usecases.erase_by_time import ErasureByTime
from remit.usecases.live_tasks import LiveTasks
from remit.usecases.parts import Parts
from remit.usecases.record_noise import record_noise
from remit.usecases.send_leaks import send_leaks
from remit.usecases.send_notices import Sending
from remit.usecases.sweep import sweep, sweep_acts, sweep_due

_LOG: Final = logging.getLogger("remit.jobs")
_PAUSE_S: Final = 1.0
_LOOK_S: Final = 5.0
_PATIENCE_S: Final = 5.0
_LOOKS: Final = 100
"""So many live tasks are looked at in a round at most: some 30 ms. After a start all of them are; later each once in the time it may be idle."""


class Jobs:
    """The rounds of one process. A round that fails is told and the next one tries again.

    A desk that answers slowly holds up its own acts alone: what expires, expires meanwhile.
    """

    def __init__(self, parts: Parts, *, looking: Looking, metrics: Metrics, health: Health, alone: bool) -> None:
        """`alone` says that no other process serves from the store: what is under way in it then is nobody's any more."""
        self._parts = parts
        self._looking = looking
        self._metrics = metrics
        self._health = health
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._live = LiveTasks(_LOOKS)
        self._by_time = ErasureByTime()
        self._sending = Sending(metrics.notices.add)
        # ⚔ The first round of a process that is alone takes over at once whatever one before it left sent or queued. Beside other nodes it
        # would take over what they have under way this moment.
        self._patience_s = 0.0 if alone else self._patience(parts)

    def start(self) -> None:
        """Start the rounds."""
        rounds = [("due", self._due, _PAUSE_S), ("acts", self._acts, _PAUSE_S), ("look", self._looking.look, _LOOK_S)]
        if self._parts.carriers:  # in a round of its own: a mail server that is slow holds up nothing else
            rounds.append(("notices", self._notices, _PAUSE_S))
        if self._parts.owners:
            rounds.append(("leaks", self._leaks, _PAUSE_S))
        for job, _, _ in rounds:
            self._health.went_well(job)
        self._tasks = tuple(asyncio.create_task(self._run(job, work, pause_s)) for job, work, pause_s in rounds)

    async def stop(self) -> None:
        """Let the rounds under way finish their step, then stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = ()

    async def round(self, *, patience_s: float = _PATIENCE_S) -> int:
        """One round of everything, at once."""
        done = await sweep(self._parts, patience_s=patience_s, live=self._live)
        done += await self._by_time.round(self._parts)
        done += await record_noise(self._parts)
        done += await self._sending.round(self._parts)
        done += await send_leaks(self._parts, self._told)
        await self._looking.look()
        return done

    async def once(self, job: str, work: Callable[[], Awaitable[None]]) -> None:
        """One round of one job, with what is told of how it went."""
        try:
            await work()
        except Fault as fault:
            self._metrics.failed_rounds.add(job)
            _LOG.warning("a round of %s failed: %s", job, fault, extra={"event": "round.failed"})
        except Exception:  # noqa: BLE001  # a round that dies must not end the rounds: it is logged and the next one tries again
            self._metrics.failed_rounds.add(job)
            _LOG.exception("a round of %s failed", job, extra={"event": "round.failed"})
        else:
            self._health.went_well(job)
            self._metrics.rounds.set(self._parts.world.now() / 1000, job)

    async def _due(self) -> None:
        await sweep_due(self._parts, self._live)
        await self._by_time.round(self._parts)
        await record_noise(self._parts)

    async def _acts(self) -> None:
        await sweep_acts(self._parts, patience_s=self._patience_s)
        self._patience_s = self._patience(self._parts)

    async def _notices(self) -> None:
        await self._sending.round(self._parts)

    async def _leaks(self) -> None:
        await send_leaks(self._parts, self._told)

    def _told(self, result: str) -> None:
        self._metrics.notices.add("leak_hook", result)

    @staticmethod
    def _patience(parts: Parts) -> float:
        """So long an act is left to whoever has it under way."""
        return max(_PATIENCE_S, parts.terms.desk_timeout_s + 1)

    async def _run(self, job: str, work: Callable[[], Awaitable[None]], pause_s: float) -> None:
        while True:
            await self.once(job, work)
            asleep_s = self._parts.world.ticks()
            await asyncio.sleep(pause_s)
            self._metrics.late.set(max(0.0, self._parts.world.ticks() - asleep_s - pause_s))
