"""How far replay marks may be forgotten, and that what was forgotten counts as used. Which rows go is for each kind of store."""

import time
from collections.abc import Callable
from typing import Final

FORGOTTEN: Final = "forgotten until"
"""The key of the mark whose time says how far the others were forgotten. No replay key is written like this."""
KEEP_MS: Final = 120_000


class ElapsedTime:
    """How much time has passed for sure: no more than the machine counted since the earliest clock this process saw.

    ⚔ A clock that jumps forward and is set right again must not have made marks go whose time was not over.
    """

    def __init__(self, counted_s: Callable[[], float] = time.monotonic) -> None:
        """`counted_s` counts on whatever the clock is set to."""
        self._counted_s = counted_s
        self._zero: int | None = None

    def over(self, newest: int, *, at_least: bool = False) -> int:
        """The time up to which marks are over, where it is `newest` now by the clock of this process, or `at_least`."""
        counted = round(self._counted_s() * 1000)
        zero = newest - counted if self._zero is None else min(self._zero, newest - counted)
        if not at_least:
            self._zero = zero
        return zero + counted - KEEP_MS
