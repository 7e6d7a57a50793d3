"""How much longer a longer text takes to read."""

import time
from collections.abc import Callable
from typing import Any


def times_as_long(long: Callable[[], Any], short: Callable[[], Any], *, most: float, rounds: int = 10) -> float:
    """How many times the processor's seconds of one thing another takes, each at best of up to `rounds`, in turns.

    In turns, or a moment in which the machine is slow is all of the short one and little of the long one. They end once it is plain on
    which side of `most` it is: well under it, or well beyond.
    """

    def spent(work: Callable[[], Any]) -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    turns: list[tuple[float, float]] = []
    while len(turns) < rounds:
        turns.append((min(spent(short), spent(short)), spent(long)))
        times = min(took for _, took in turns) / min(took for took, _ in turns)
        if len(turns) > 1 and not most / 1.5 < times < most * 1.2:
            break
    return times
