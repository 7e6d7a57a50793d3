"""Limits of a reader process, entered before it sees a stranger's file."""

import resource
import sys
from collections.abc import Callable
from typing import Final

WALL_S: Final = 6.0
"""Seconds until a reader is killed: an ask waits for it, and honest files take less than one."""
_CPU_S: Final = 4
_MEMORY: Final = 768 * 1024 * 1024
"""Address space: interpreter and library take some 200 MiB, the largest accepted picture three times 64 MiB."""
MAX_OUTPUT: Final = 16 * 1024 * 1024
"""Most bytes of a reader's output: a repacked picture grows, but never to this."""
LOCKED: Final = 3
TOO_MUCH: Final = 4


def run(read: Callable[[bytes], bytes]) -> None:
    """Read standard input, drop all rights, and write the result.

    ⚔ From then on no trick of the file can open another file, a socket or a process: only standard input and output are
    left, and the parent that kills.
    """
    data = sys.stdin.buffer.read()
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, _CPU_S),
        (resource.RLIMIT_FSIZE, MAX_OUTPUT),
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 3),
    ):
        resource.setrlimit(kind, (most, most))
    try:
        out = read(data)
    except MemoryError:
        sys.exit(TOO_MUCH)
    sys.stdout.buffer.write(out)
    sys.stdout.buffer.flush()
