"""What runs beside the doors, one round after another: what is due by time, and what the desk is asked to do."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from remit.domain.errors import Fault
from remit.usecases.live_tasks import LiveTasks
from remit.usecases.parts import Parts
from remit.usecases.sweep import sweep, sweep_acts, sweep_due

_LOG: Final = logging.getLogger("remit.jobs")
_PAUSE_S: Final = 1.0
_PATIENCE_S: Final = 5.0
_LOOKS: Final = 100
"""So many live tasks are looked at in a round at most: some 30 ms. After a start all of them are; later each once in the time it may be idle."""


class Jobs:
    """The rounds of one process. A round that fails is told and the next one tries again.

    A desk that answers slowly holds up its own acts alone: what expires, expires meanwhile.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._live = LiveTasks(_LOOKS)
        # The first round takes over at once whatever a process before this one left sent or queued.
        self._patience_s = 0.0

    def start(self) -> None:
        """Start the rounds."""
        self._tasks = tuple(asyncio.create_task(self._run(work)) for work in (self._due, self._acts))

    async def stop(self) -> None:
        """Let the rounds under way finish their step, then stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = ()

    async def round(self, *, patience_s: float = _PATIENCE_S) -> int:
        """One round of everything, at once."""
        return await sweep(self._parts, patience_s=patience_s, live=self._live)

    async def _due(self) -> None:
        await sweep_due(self._parts, self._live)

    async def _acts(self) -> None:
        await sweep_acts(self._parts, patience_s=self._patience_s)
        self._patience_s = max(_PATIENCE_S, self._parts.terms.desk_timeout_s + 1)

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Fault as fault:
                _LOG.warning("a round failed: %s", fault)
            except Exception:  # noqa: BLE001  # a round that dies must not end the rounds: it is logged and the next one tries again
                _LOG.exception("a round failed")
            await asyncio.sleep(_PAUSE_S)
