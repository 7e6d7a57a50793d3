"""The ports to time and randomness, so that rules and tests can do without either."""

from typing import NamedTuple, Protocol

from remit.domain.values import Instant


class World(Protocol):
    """The clock and the source of randomness."""

    def now(self) -> Instant:
        """Return the wall-clock time in ms since 1970, UTC."""

    def ticks(self) -> float:
        """Return monotonic seconds, for measuring durations."""

    def random(self, size: int) -> bytes:
        """Return cryptographically random bytes."""


class ResourceUsage(NamedTuple):
    """A process's use of its machine."""

    cpu_s: float
    memory_bytes: int


class UsageMeter(Protocol):
    """Measures this process's use of its machine, cheaply."""

    def __call__(self) -> ResourceUsage:
        """Return the processor time since the start, and the memory in use now."""
