"""The machine's own clock and randomness."""

import os
import time

from remit.domain.values import Instant


class SystemWorld:
    """Real time and chance."""

    def now(self) -> Instant:
        """Wall-clock time in ms."""
        return Instant(time.time_ns() // 1_000_000)

    def ticks(self) -> float:
        """Monotonic seconds."""
        return time.perf_counter()

    def random(self, size: int) -> bytes:
        """Bytes from the operating system."""
        return os.urandom(size)
