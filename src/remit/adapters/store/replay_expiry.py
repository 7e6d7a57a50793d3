"""Purge times of replay marks. Purged marks count as used; each kind of store deletes its own rows."""

import time
from collections.abc import Callable
from typing import Final

FORGOTTEN: Final = "forgotten until"
"""Key of the mark that holds the purge time of the others. No replay key is written like this."""
KEEP_MS: Final = 120_000


class ElapsedTime:
    """Time that has certainly passed: at most the machine's count since the earliest clock this process saw.

    ⚔ A clock that jumps forward and is set right again must not purge marks that have not expired.
    """

    def __init__(self, counted_s: Callable[[], float] = time.monotonic) -> None:
        """`counted_s` counts regardless of clock changes."""
        self._counted_s = counted_s
        self._zero: int | None = None

    def over(self, newest: int, *, at_least: bool = False) -> int:
        """Return the time up to which marks have expired, given `newest` by this process's clock, or `at_least` it."""
        counted = round(self._counted_s() * 1000)
        zero = newest - counted if self._zero is None else min(self._zero, newest - counted)
        if not at_least:
            self._zero = zero
        return zero + counted - KEEP_MS
