"""The machine's own clock and randomness."""

import os
import resource
import secrets
import socket
import sys
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import Final

from remit.domain.values import Instant
from remit.ports.world import ResourceUsage

_FETCHED: Final = 2048


class _Pool:
    """Random bytes of the operating system, fetched in blocks; each is handed out once."""

    def __init__(self) -> None:
        self._bytes = b""
        self._at = 0
        self._door = threading.Lock()
        # ⚔ After a fork both processes would hand out the same bytes.
        os.register_at_fork(after_in_child=self._forget)

    def take(self, size: int) -> bytes:
        """Return `size` random bytes."""
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
    """Real clock and randomness."""

    def now(self) -> Instant:
        """Return the wall-clock time in ms."""
        return Instant(time.time_ns() // 1_000_000)

    ticks = staticmethod(time.perf_counter)
    """Monotonic seconds."""
    random = staticmethod(_POOL.take)
    """Bytes from the operating system."""


_STATM: Final = Path("/proc/self/statm")
_MAX_HOST_LENGTH: Final = 40


def node_name() -> str:
    """Return the unique name of this process among all nodes: host, process and random letters."""
    return _named(os.getpid())


@lru_cache(maxsize=1)
def _named(process: int) -> str:
    # ⚔ Renamed after a fork: two workers under one name would count as one.
    host = "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in socket.gethostname())
    return f"{host[:_MAX_HOST_LENGTH] or 'node'}-{process}-{secrets.token_hex(2)}"


def usage() -> ResourceUsage:
    """Return processor time and memory: resident now where the system reports it, else the peak."""
    try:
        memory = int(_STATM.read_bytes().split()[1]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        memory = most if sys.platform == "darwin" else most * 1024
    return ResourceUsage(cpu_s=time.process_time(), memory_bytes=memory)
