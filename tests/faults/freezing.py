"""`remit` in a process that freezes (SIGSTOP) in the middle of its path: at the first pass of the point that the file FREEZE_AT names.

The file is gone when it froze. It goes on by SIGCONT, as whatever was held up does: a paused virtual machine, a laptop that was shut.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from remit.__main__ import main
from remit.wiring import assemble


def freezes(file: Path) -> Callable[[str], None]:
    """What is done at each point."""
    lock = Lock()

    def on_point(name: str) -> None:
        with lock:
            try:
                wanted = file.read_text()
            except FileNotFoundError:
                return
            if name != wanted:
                return
            file.unlink()
        os.kill(os.getpid(), signal.SIGSTOP)

    return on_point


if __name__ == "__main__":
    assemble.crash_at = lambda *_: freezes(Path(os.environ["FREEZE_AT"]))  # in the place of what kills the process there
    sys.exit(main())
