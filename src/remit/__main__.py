"""`remit` and `python -m remit`."""

import gc
import sys
from collections.abc import Sequence

from remit.cli.main import load, run


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line, by default this process's own, and return the exit code."""
    words = sys.argv[1:] if argv is None else argv
    looks = gc.isenabled()
    gc.disable()  # a program's own objects are no garbage: scanning them while loading took a third of a command's time
    try:
        load(words)
    finally:
        if looks:
            gc.enable()
    if argv is None:
        gc.freeze()
    return run(words)


if __name__ == "__main__":
    sys.exit(main())
