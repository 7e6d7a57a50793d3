"""What a reader may take, and giving up everything else before it looks at a stranger's file."""

import resource
import sys
from collections.abc import Callable
from typing import Final

WALL_S: Final = 6.0
"""After so long a reader is killed: somebody waits for an answer, and honest files take less than one second."""
_CPU_S: Final = 4
_MEMORY: Final = 768 * 1024 * 1024
"""Address space: the interpreter and a library take some 200 MiB, the largest picture that is read three times 64 MiB."""
MAX_OUTPUT: Final = 16 * 1024 * 1024
"""Bytes a reader may answer with: a picture grows when it is packed anew, though never to this."""
LOCKED: Final = 3
TOO_MUCH: Final = 4


def run(read: Callable[[bytes], bytes]) -> None:
    """Read standard input, shut oneself in, and write what comes of it.

    ⚔ From then on nothing can be opened, by whatever trick of the file: no file, no socket, no process. Only standard input and
    output are left, and the parent that kills.
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
