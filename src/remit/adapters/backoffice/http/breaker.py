"""A circuit breaker: after several faults in a row, calls fail at once for a while."""

from collections.abc import Callable
from typing import Final

from remit.domain.errors import Code, Fault

MAX_FAULTS: Final = 5
OPEN_S: Final = 5.0


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

    def record(self, *, fault: bool) -> None:
        """Record how a call ended."""
        self._faults = self._faults + 1 if fault else 0
        if self._faults >= MAX_FAULTS:
            self._open_until = self._ticks() + OPEN_S
