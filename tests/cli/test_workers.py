"""Workers that end, wait and are replaced at once: one process a number, and none that outlives the stop."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from remit.cli.workers import WorkerPool

_WORKER = """
import os, signal, select, sys
number, listener, ready, life = (int(one) for one in sys.argv[-1].split(":"))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
os.write(ready, b"1"); os.close(ready)
with open(sys.argv[1], "a") as file: file.write(f"{os.getpid()}\\n")
select.select([life], [], [])
"""


class _Out:
    def note(self, text: str) -> None:
        """Nobody reads it."""


def test_a_replacement_while_a_worker_waits_to_be_started_again_leaves_none_behind(tmp_path: Path) -> None:
    """SIGHUP in the pause behind a crash: one process a number, and none that outlives the stop."""
    script, pids = tmp_path / "worker.py", tmp_path / "pids"
    script.write_text(_WORKER)

    async def work() -> None:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        out: Any = _Out()
        workers = WorkerPool([sys.executable, str(script), str(pids)], listener, 2, out, lambda: None)
        running = asyncio.create_task(workers.run())
        await asyncio.sleep(1)
        workers._running[1].process.kill()
        await asyncio.sleep(0.3)
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(4)
        os.kill(os.getpid(), signal.SIGTERM)
        await running
        listener.close()
        left = [int(pid) for pid in pids.read_text().split() if _lives(int(pid))]
        for pid in left:
            os.kill(pid, signal.SIGTERM)
        assert not left

    asyncio.run(work())


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
