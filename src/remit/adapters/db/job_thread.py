"""A thread that runs all pending jobs and answers them together, so that no disk blocks the event loop.

It must not die while callers wait: every error goes to its callers. It does not know what a job is.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from remit.domain.errors import Code, Fault

T = TypeVar("T")
LIMIT: Final = 256
"""Most jobs answered together."""

_IDLE_S: Final = 0.05


class IdleWork(Protocol):
    """Work of a thread after its jobs. It may not raise."""

    def __call__(self, *, idle: bool) -> bool:
        """Do what is due, or (`idle`) all that is left; return whether some is left."""
        ...


@dataclass(slots=True)
class ThreadJob(Generic[T]):
    """Work for a thread and the future that waits for it."""

    work: object
    future: "asyncio.Future[T]"
    loop: asyncio.AbstractEventLoop
    result: T | None = None
    error: Exception | None = None


class JobThread:
    """A thread that takes all pending jobs, runs them with `run`, and releases their results together."""

    def __init__(
        self, name: str, run: Callable[[Sequence[ThreadJob[Any]]], None], *, fault: Code, rest: IdleWork | None = None
    ) -> None:
        """`fault` is raised to callers once the thread is closed, or when `run` itself breaks.

        `rest` is called after results were released, and again when idle as long as it returns that more is left.
        """
        self._queue: queue.SimpleQueue[list[ThreadJob[Any]] | None] = queue.SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[ThreadJob[Any]]] = {}
        self._run = run
        self._rest = rest
        self._fault = fault
        self._door = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[], T]) -> T:
        """Run a callable on the thread and wait for its result.

        Raises:
            Fault: the given code when the thread is closed.
        """
        found: T = await self.submit(work)
        return found

    def submit(self, work: object) -> "asyncio.Future[Any]":
        """Submit work; its result can be awaited. Submitted work is done whether or not a caller waits.

        Raises:
            Fault: the given code when the thread is closed.
        """
        loop = asyncio.get_running_loop()
        job: ThreadJob[object] = ThreadJob(work, loop.create_future(), loop)
        with self._door:
            # Under the lock, so that no job is queued after the end mark, where it would never be answered.
            if self._closed:
                raise Fault(self._fault, "it is closed")
            gathered = self._gathered.get(loop)
            if gathered is None:
                # Jobs of one turn of the loop go together: the thread could not run before it ends, and is woken once.
                self._gathered[loop] = [job]
                loop.call_soon(self._send, loop)
            else:
                gathered.append(job)
        # A cancelled caller cancels its future only: the thread alone decides submitted work.
        return job.future

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._door:
            gathered = self._gathered.pop(loop, None)
            if gathered:
                self._queue.put(gathered)

    def close(self) -> None:
        """Finish pending jobs and end the thread. Blocks; closing twice changes nothing."""
        with self._door:
            if not self._closed:
                self._closed = True
                for gathered in self._gathered.values():
                    self._queue.put(gathered)
                self._gathered.clear()
                self._queue.put(None)
        self._thread.join()

    def _main(self) -> None:
        going, left = True, False
        while going:
            first = self._next(left=left)
            if first is None:
                return
            jobs = first
            while len(jobs) < LIMIT:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    going = False
                    break
                jobs += more
            try:
                self._run(jobs)
            except Exception as broken:  # noqa: BLE001  # a thread that dies would hang every caller
                fail_all(jobs, broken, self._fault)
            _release(jobs)
            left = self._tidy(idle=False)

    def _next(self, *, left: bool) -> list[ThreadJob[Any]] | None:
        """Return the next jobs, or None at the end; do idle work while none come."""
        while left:
            try:
                return self._queue.get(timeout=_IDLE_S)
            except queue.Empty:
                left = self._tidy(idle=True)
        return self._queue.get()

    def _tidy(self, *, idle: bool) -> bool:
        if self._rest is None:
            return False
        try:
            return self._rest(idle=idle)
        except Exception:  # noqa: BLE001  # a thread that dies would hang every caller
            return False


def fail_all(jobs: Sequence[ThreadJob[Any]], broken: Exception, code: Code) -> None:
    """Fail all jobs that have no error yet."""
    fault = broken if isinstance(broken, Fault) else Fault(code, f"{type(broken).__name__}: {broken}")
    for job in jobs:
        job.error = job.error or fault
        job.result = None


def _release(jobs: Sequence[ThreadJob[Any]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[ThreadJob[Any]]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, mine in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is closed: no caller waits, and the writes hold
            loop.call_soon_threadsafe(_settle, mine)


def _settle(jobs: Sequence[ThreadJob[Any]]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
            job.future.exception()  # mark as seen: a caller that left early gets no warning
        else:
            job.future.set_result(job.result)
