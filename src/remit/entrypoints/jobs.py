"""What runs beside the doors: the outbox, reconciliation and expiry, one round after another."""

import asyncio
import logging
from typing import Final

from remit.domain.errors import Fault
from remit.usecases.parts import Parts
from remit.usecases.sweep import sweep

_LOG: Final = logging.getLogger("remit.jobs")
_PAUSE_S: Final = 1.0
_PATIENCE_S: Final = 5.0


class Jobs:
    """The rounds of one process. A round that fails is told and the next one tries again."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the rounds. The first takes over at once whatever a process before this one left sent or queued."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Let the round under way finish its step, then stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def round(self, *, patience_s: float = _PATIENCE_S) -> int:
        """One round, at once."""
        return await sweep(self._parts, patience_s=patience_s)

    async def _run(self) -> None:
        patience_s = 0.0
        while True:
            try:
                await self.round(patience_s=patience_s)
                patience_s = max(_PATIENCE_S, self._parts.terms.desk_timeout_s + 1)
            except Fault as fault:
                _LOG.warning("a round failed: %s", fault)
            except Exception:  # noqa: BLE001  # a round that dies must not end the rounds: it is logged and the next one tries again
                _LOG.exception("a round failed")
            await asyncio.sleep(_PAUSE_S)
