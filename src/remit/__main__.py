"""`remit` and `python -m remit`."""

import sys
from collections.abc import Sequence

from remit.entrypoints.cli.commands import run


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line, by default this process's own, and return the exit code."""
    return run(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
