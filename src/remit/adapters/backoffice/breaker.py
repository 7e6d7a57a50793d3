"""Calls to a backoffice elsewhere: their limits, and a circuit breaker that fails them at once after faults in a row."""

from collections.abc import Awaitable, Callable
from typing import Final

from remit.adapters.http.connection import HttpAnswer
from remit.domain.errors import Code, Fault

READ_S: Final = 2.0
ACT_S: Final = 10.0
MAX_FAULTS: Final = 5
OPEN_S: Final = 5.0
_UNAVAILABLE: Final = frozenset({502, 503, 504})


class CircuitBreaker:
    """Breaker of one server: closed, open for 5 s after five faults in a row, then one trial call at a time."""

    def __init__(self, ticks: Callable[[], float]) -> None:
        """`ticks` is a monotonic clock in seconds."""
        self._ticks = ticks
        self._faults = 0
        self._open_until = 0.0

    def verify_closed(self) -> None:
        """Let a call through, or refuse it.

        Raises:
            Fault: `fault.backoffice`; nothing was sent.
        """
        if self._faults < MAX_FAULTS:
            return
        now = self._ticks()
        if now < self._open_until:
            raise Fault(Code.FAULT_BACKOFFICE, f"not asked: {self._faults} faults in a row, tried again within 5 s")
        self._open_until = now + OPEN_S

    async def watch(self, call: Awaitable[HttpAnswer]) -> HttpAnswer:
        """Make a call that was let through, and record how it ended.

        Raises:
            Fault: as the call.
        """
        try:
            answer = await call
        except BaseException:
            self.record(fault=True)
            raise
        # ⚔ An answer of any other kind counts as one: or an agent whose params break the service would stop it for all.
        self.record(fault=answer.status in _UNAVAILABLE)
        return answer

    def record(self, *, fault: bool) -> None:
        """Record how a call ended."""
        self._faults = self._faults + 1 if fault else 0
        if self._faults >= MAX_FAULTS:
            self._open_until = self._ticks() + OPEN_S
