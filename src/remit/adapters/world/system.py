"""The machine's own clock and randomness."""

import os
import threading
import time
from typing import Final

from remit.domain.values import Instant

_FETCHED: Final = 2048


class SystemWorld:
    """Real time and chance."""

    def now(self) -> Instant:
        """Wall-clock time in ms."""
        return Instant(time.time_ns() // 1_000_000)

    def ticks(self) -> float:
        """Monotonic seconds."""
        return time.perf_counter()

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0
        self._process = 0
        self._door = threading.Lock()

    def random(self, size: int) -> bytes:
        """Bytes from the operating system, fetched some at a time; each is given out once."""
        if size > _FETCHED:
            return os.urandom(size)
        with self._door:
            # ⚔ After a fork both processes would give out the same bytes.
            if self._at + size > len(self._pool) or self._process != os.getpid():
                self._pool, self._at, self._process = os.urandom(_FETCHED), 0, os.getpid()
            start = self._at
            self._at += size
            return self._pool[start : self._at]
