"""`remit` and `python -m remit`."""

import gc
import sys
from collections.abc import Sequence

_LOOKS = gc.isenabled()
gc.disable()  # a program's own objects are no garbage: scanning them while loading took a third of a command's time

from remit.cli.main import run  # noqa: E402  # loaded without that

if _LOOKS:
    gc.enable()
gc.freeze()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line, by default this process's own, and return the exit code."""
    return run(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
