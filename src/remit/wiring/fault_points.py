"""Points of the path at which a fault test stops the process."""

import os
import signal
from collections.abc import Callable
from threading import Lock


def crash_at(point: str, nth: int = 1) -> Callable[[str], None]:
    """Kill this process, as a power cut would, at the n-th pass of a named point."""
    passed = 0
    lock = Lock()

    def on_point(name: str) -> None:
        nonlocal passed
        if name != point:
            return
        with lock:
            passed += 1
            if passed == nth:
                os.kill(os.getpid(), signal.SIGKILL)

    return on_point


def no_fault(_name: str) -> None:
    """Go on: no fault is wanted."""
