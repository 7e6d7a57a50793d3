"""The machine's own clock and randomness."""

import os
import threading
import time
from typing import Final

from remit.domain.values import Instant

_FETCHED: Final = 2048


class _Pool:
    """Random bytes of the operating system, fetched some at a time; each is given out once."""

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0
        self._door = threading.Lock()
        # ⚔ After a fork both processes would give out the same bytes.
        os.register_at_fork(after_in_child=self._forget)

    def take(self, size: int) -> bytes:
        """So many bytes."""
        if size > _FETCHED:
            return os.urandom(size)
        with self._door:
            if self._at + size > len(self._bytes):
                self._bytes, self._at = os.urandom(_FETCHED), 0
            start = self._at
            self._at += size
            return self._bytes[start : self._at]

    def _forget(self) -> None:
        self._bytes, self._at, self._door = b"", 0, threading.Lock()


_POOL: Final = _Pool()


class SystemWorld:
    """Real time and chance."""

    def now(self) -> Instant:
        """Wall-clock time in ms."""
        return Instant(time.time_ns() // 1_000_000)

    def ticks(self) -> float:
        """Monotonic seconds."""
        return time.perf_counter()

    random = staticmethod(_POOL.take)
    """Bytes from the operating system."""
