"""Time and chance, so that rules and tests can do without either."""

from typing import Protocol

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
