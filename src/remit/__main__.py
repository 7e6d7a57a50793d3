"""`remit` and `python -m remit`."""

import gc
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

_INTERRUPTED = 130
_PATIENCE_S = 5.0
_MOMENT_S = 0.01


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line, by default this process's own, and return the exit code."""
    if argv is not None:
        return _run(argv)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
        sys.unraisablehook = _unraised
    try:
        code = _run(sys.argv[1:], own=True)
    except KeyboardInterrupt:  # before there was a command, or after it was done
        code = _INTERRUPTED
    with suppress(OSError, ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to stop; Python's own end would show a traceback
    return code


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Interrupt the command once: its work to leave nothing half written is not interrupted again.

    Whoever goes on pressing Ctrl-C ends it all the same, after a while.
    """
    began = time.monotonic()

    def again(_number: int, _frame: FrameType | None) -> None:
        if time.monotonic() - began > _PATIENCE_S:
            os._exit(_INTERRUPTED)

    signal.signal(signal.SIGINT, again)
    raise KeyboardInterrupt


def _unraised(problem: "sys.UnraisableHookArgs") -> None:
    """Interrupt again a moment later where an interrupt had no caller to go to, as in a callback while Python imports."""
    if not isinstance(problem.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(problem)
        return
    signal.signal(signal.SIGINT, _interrupt)
    threading.Timer(_MOMENT_S, signal.raise_signal, (signal.SIGINT,)).start()


def _run(words: Sequence[str], *, own: bool = False) -> int:
    """Load the command and run it. Loading is most of a short command's time, and may be interrupted like the rest."""
    looks = gc.isenabled()
    gc.disable()  # a program's own objects are no garbage: scanning them while loading took a third of a command's time
    try:
        command = importlib.import_module("remit.cli.main")
        command.load(words)
    finally:
        if looks:
            gc.enable()
    if own:
        gc.freeze()
    return int(command.run(words))


if __name__ == "__main__":
    sys.exit(main())
