"""This process on its machine: its name, and what it takes of it."""

import os
import resource
import secrets
import socket
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import Final

from remit.ports.world import Used

_STATM: Final = Path("/proc/self/statm")
_LONGEST_HOST: Final = 40


def node_name() -> str:
    """The name of this process among all that serve a desk: host, process and some letters, since both of them come again."""
    return _named(os.getpid())


@lru_cache(maxsize=1)
def _named(process: int) -> str:
    # ⚔ Made anew after a fork: two workers under one name would be counted as one.
    host = "".join(letter if letter.isalnum() or letter in "-._" else "-" for letter in socket.gethostname())
    return f"{host[:_LONGEST_HOST] or 'node'}-{process}-{secrets.token_hex(2)}"


def usage() -> Used:
    """Processor time and memory: what is resident now where the system tells it, else the most there was."""
    try:
        memory = int(_STATM.read_bytes().split()[1]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        memory = most if sys.platform == "darwin" else most * 1024
    return Used(cpu_s=time.process_time(), memory_bytes=memory)
