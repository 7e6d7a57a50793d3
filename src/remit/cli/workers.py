"""Worker processes of one desk behind one address: started, watched, replaced one by one, stopped together.

The parent opens the address and nothing of the desk; every worker is its own `remit serve` on the open address.
Uvicorn's supervisor promises less (docs/decisions/0035-our-own-supervisor.md).
"""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from remit.cli.output import AdvisedError, CommandOutput, ExitCode
from remit.domain.errors import Code, Fault
from remit.domain.structs import struct

READY_S: Final = 120.0
"""Maximum time, in seconds, until a worker serves: a long log is verified first."""
_PAUSE_S: Final = 1.0
"""Pause before restarting a worker that ended by itself, doubled each time it does not last."""
_MAX_PAUSE_S: Final = 30.0
_LASTS_S: Final = 60.0
_STOP_S: Final = 45.0


@dataclass(slots=True)
class WorkerProcess:
    """One worker, the pipe on which it reports that it serves, and the pipe that ends with its parent."""

    number: int
    process: asyncio.subprocess.Process
    ready: int
    life: int
    began: float


class WorkerPool:
    """The workers of one desk. SIGHUP replaces them one by one, each new one serving before an old one stops."""

    def __init__(  # how it starts, and how it ends
        self,
        command: Sequence[str],
        listener: socket.socket,
        count: int,
        out: CommandOutput,
        serving: Callable[[], None],
        *,
        drain_s: int = 0,
    ) -> None:
        """Prepare the pool.

        `command` serves with one worker, which answers on for `drain_s` when told to stop; `serving` is called when all
        serve.
        """
        self._stop_s = _STOP_S + drain_s
        self._command = command
        self._listener = listener
        self._count = count
        self._out = out
        self._serving = serving
        self._running: dict[int, WorkerProcess] = {}
        self._replacing: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """Serve until told to stop; return the exit code.

        Raises:
            AdvisedError: a worker does not come to serve at the start.
        """
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for stop_signal in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(stop_signal, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._replace_all)
        watched: list[asyncio.Task[None]] = []
        try:
            # One first: a fresh store is made once, and wrong settings are reported once.
            for number in range(1, self._count + 1):
                await self._started(number)
            self._serving()
            watched += [asyncio.create_task(self._watch(number)) for number in self._running]
            await stop.wait()
        finally:
            tasks = [*watched, *([] if self._replacing is None else [self._replacing])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            codes = await asyncio.gather(*(_ended(worker, self._stop_s) for worker in self._running.values()))
        return ExitCode.OK if all(code == 0 for code in codes) else ExitCode.INTERRUPTED

    async def _started(self, number: int) -> None:
        """Start a worker and wait until it serves."""
        worker = await self._start(number)
        if not await _serves(worker):
            code = await _ended(worker, self._stop_s)
            cure = "See its message above."
            raise AdvisedError(Fault(Code.FAULT_INTERNAL, f"worker {number} did not start (exit code {code})"), cure)
        self._running[number] = worker

    async def _start(self, number: int) -> WorkerProcess:
        ready, tells = os.pipe()
        dies, life = os.pipe()
        given = (self._listener.fileno(), tells, dies)
        command = [*self._command, "--worker", ":".join(str(one) for one in (number, *given))]
        process = await asyncio.create_subprocess_exec(*command, pass_fds=given, stdin=asyncio.subprocess.DEVNULL)
        os.close(tells)
        os.close(dies)
        return WorkerProcess(number, process, ready, life, time.monotonic())

    async def _watch(self, number: int) -> None:
        """Restart a worker when it ends by itself."""
        pause = _PAUSE_S
        while True:
            worker = self._running[number]
            code = await worker.process.wait()
            if self._running[number] is not worker:
                continue
            _let_go(worker)
            lasted = time.monotonic() - worker.began
            pause = _PAUSE_S if lasted > _LASTS_S else min(pause * 2, _MAX_PAUSE_S)
            self._out.note(
                f"remit: worker {number} ended by itself (exit code {code}); it is started again in {pause:.0f} s."
            )
            await asyncio.sleep(pause)
            if self._running[number] is not worker:
                continue  # replaced meanwhile
            try:
                again = await self._start(number)
            except OSError as problem:
                self._out.note(f"remit: worker {number} cannot be started: {problem.strerror}")
                continue
            self._running[number] = again
            await _serves(again)

    def _replace_all(self) -> None:
        if self._replacing is None or self._replacing.done():
            self._replacing = asyncio.get_running_loop().create_task(self._replace())

    async def _replace(self) -> None:
        """Replace each worker by a new one that serves before the old one stops."""
        for number in list(self._running):
            new = await self._start(number)
            if not await _serves(new):
                self._out.note(f"remit: the new worker {number} did not start; the old ones keep running.")
                await _ended(new, self._stop_s)
                return
            old, self._running[number] = self._running[number], new
            await _ended(old, self._stop_s)
        self._out.note("remit: all workers were replaced.")


async def _serves(worker: WorkerProcess) -> bool:
    """Wait until a worker reports that it serves; False when it ends or takes too long."""
    loop, ready = asyncio.get_running_loop(), worker.ready
    told: asyncio.Future[bool] = loop.create_future()

    def read() -> None:
        if not told.done():
            told.set_result(os.read(ready, 1) == b"1")

    loop.add_reader(ready, read)
    try:
        async with asyncio.timeout(READY_S):
            return await told
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(ready)


async def _ended(worker: WorkerProcess, patience_s: float) -> int:
    """Tell a worker to stop, wait for it, and kill it where it does not."""
    with suppress(ProcessLookupError):
        worker.process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(patience_s):
            code = await worker.process.wait()
    except TimeoutError:
        worker.process.kill()
        code = await worker.process.wait()
    _let_go(worker)
    return code


def _let_go(worker: WorkerProcess) -> None:
    for descriptor in (worker.ready, worker.life):
        if descriptor >= 0:
            os.close(descriptor)
    worker.ready = worker.life = -1  # their numbers can be others' from now on


@struct(frozen=True)
class WorkerArguments:
    """The arguments of a worker: its number, the open address, its report pipe, and the parent's life pipe."""

    number: int
    listener: int
    ready: int
    life: int

    def told(self) -> None:
        """Report that it serves."""
        with suppress(OSError):
            os.write(self.ready, b"1")
            os.close(self.ready)


def read_worker_arguments(text: str) -> WorkerArguments:
    """Parse the parent's part of the command.

    Raises:
        ValueError: it was not written by a parent.
    """
    number, listener, ready, life = (int(one) for one in text.split(":"))
    return WorkerArguments(number, listener, ready, life)


def worker_command(config: str, log_level: str, host: str | None, port: int, drain_s: int) -> list[str]:
    """Build the command that serves with one worker of this very program."""
    options = ("--config", config, "--log-level", log_level, "--port", str(port), "--drain", str(drain_s))
    return [sys.executable, "-P", "-m", "remit", "serve", *options, *(("--host", host) if host else ())]
