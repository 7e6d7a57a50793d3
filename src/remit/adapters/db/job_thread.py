"""A thread beside the event loop that takes all jobs that wait and answers them together, so that the loop never waits for a disk.

It may not die while somebody waits: whatever breaks is told to those who asked. It knows nothing of what a job is.
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
"""With so many jobs no more are taken to be answered together."""

_IDLE_S: Final = 0.05


class IdleWork(Protocol):
    """What a thread does when its jobs are done. It may not raise."""

    def __call__(self, *, idle: bool) -> bool:
        """Do what is due, or (`idle`) all that is left; returns whether something is left."""
        ...


@dataclass(slots=True)
class ThreadJob(Generic[T]):
    """Work for a thread (what it is, `run` knows) and the future that waits for it."""

    work: object
    future: "asyncio.Future[T]"
    loop: asyncio.AbstractEventLoop
    result: T | None = None
    error: Exception | None = None


class JobThread:
    """A thread that takes all jobs that wait, runs them with `run`, and releases their results together."""

    def __init__(
        self, name: str, run: Callable[[Sequence[ThreadJob[Any]]], None], *, fault: Code, rest: IdleWork | None = None
    ) -> None:
        """`fault` is what a caller is told once the thread is closed, or when `run` itself breaks.

        `rest` is called when results were released, and again when nothing came for a while after it said that more is left.
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
        """Have a callable run on the thread and wait for its result.

        Raises:
            Fault: the given code when the thread is closed.
        """
        found: T = await self.submit(work)
        return found

    def submit(self, work: object) -> "asyncio.Future[Any]":
        """Hand work over; its result can be awaited. What was handed over is done, whether or not anybody waits for it.

        Raises:
            Fault: the given code when the thread is closed.
        """
        loop = asyncio.get_running_loop()
        job: ThreadJob[object] = ThreadJob(work, loop.create_future(), loop)
        with self._door:
            # Inside the door, so that no job can be queued behind the end mark, where nobody would ever answer it.
            if self._closed:
                raise Fault(self._fault, "it is closed")
            gathered = self._gathered.get(loop)
            if gathered is None:
                # What one turn of the loop hands over goes together: the thread could not run before it ends, and is woken once.
                self._gathered[loop] = [job]
                loop.call_soon(self._send, loop)
            else:
                gathered.append(job)
        # A cancelled caller cancels its future only: what was handed over is decided by the thread alone.
        return job.future

    def _send(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._door:
            gathered = self._gathered.pop(loop, None)
            if gathered:
                self._queue.put(gathered)

    def close(self) -> None:
        """Finish what waits and end the thread. Blocks; closing twice changes nothing."""
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
        """The next jobs, or None at the end; while nothing comes, what is left is done."""
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
    """Tell everybody that it broke, unless they know already."""
    fault = broken if isinstance(broken, Fault) else Fault(code, f"{type(broken).__name__}: {broken}")
    for job in jobs:
        job.error = job.error or fault
        job.result = None


def _release(jobs: Sequence[ThreadJob[Any]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[ThreadJob[Any]]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, mine in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more, what was written stands
            loop.call_soon_threadsafe(_settle, mine)


def _settle(jobs: Sequence[ThreadJob[Any]]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
            job.future.exception()  # a caller that left early must not be warned about
        else:
            job.future.set_result(job.result)
