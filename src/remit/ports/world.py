"""Time and chance, so that rules and tests can do without either."""

from typing import NamedTuple, Protocol

from remit.domain.values import Instant


class World(Protocol):
    """The clock and the source of randomness."""

    def now(self) -> Instant:
        """Wall-clock time in ms since 1970, UTC."""
        ...

    def ticks(self) -> float:
        """Monotonic seconds, for measuring how long something took."""
        ...

    def random(self, size: int) -> bytes:
        """Cryptographically random bytes."""
        ...


class ResourceUsage(NamedTuple):
    """What a process takes of its machine."""

    cpu_s: float
    memory_bytes: int


class UsageMeter(Protocol):
    """Tells what this process takes of its machine, cheaply."""

    def __call__(self) -> ResourceUsage:
        """Processor time since it began, and memory in use now."""
        ...
