"""A thread that runs all pending jobs and answers them together, so that no disk blocks the event loop.

It must not die while callers wait: every error goes to its callers. It does not know what a job is. A brief job of the
only request in flight runs on the event loop instead, while the disk is quick: handing it over would cost more than it
takes (docs/decisions/0064-alone-on-the-loop.md).
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from remit.domain.errors import Code, Fault

T = TypeVar("T")
LIMIT: Final = 256
"""Most jobs answered together."""

SLOW_S: Final = 0.001
"""Jobs stay on the thread while one waited longer than this, in seconds."""
STREAK: Final = 16
"""Most jobs run on the loop in a row: the thread then does what is due after its jobs."""

_IDLE_S: Final = 0.05
_SETTLED: Final = 4
"""Weight of the past in the moving wait."""


def never_alone() -> bool:
    """Leave all jobs to the thread."""
    return False


class IdleWork(Protocol):
    """Work of a thread after its jobs. It may not raise."""

    def __call__(self, *, idle: bool) -> bool:
        """Do what is due, or (`idle`) all that is left; return whether some is left."""
        ...


class ThreadJob(msgspec.Struct, Generic[T], eq=False):
    """Work for a thread and the future that waits for it."""

    work: Any
    future: "asyncio.Future[T]"
    loop: asyncio.AbstractEventLoop
    brief: bool = False
    result: T | None = None
    error: Exception | None = None


class JobThread:
    """A thread that takes all pending jobs, runs them with `run`, and releases their results together."""

    def __init__(
        self,
        name: str,
        run: Callable[[Sequence[ThreadJob[Any]]], None],
        *,
        fault: Code,
        rest: IdleWork | None = None,
        alone: Callable[[], bool] = never_alone,
    ) -> None:
        """`fault` is raised to callers once the thread is closed, or when `run` itself breaks.

        `rest` is called after results were released, and again when idle as long as it returns that more is left.
        `alone` tells whether exactly one request is in flight; it is asked on the event loop.
        """
        self._queue: queue.SimpleQueue[list[ThreadJob[Any]] | None] = queue.SimpleQueue()
        self._gathered: dict[asyncio.AbstractEventLoop, list[ThreadJob[Any]]] = {}
        self._run = run
        self._rest = rest
        self._fault = fault
        self._alone = alone
        self._door = threading.Lock()
        self._turn = threading.Lock()
        """⚔ Held while jobs or what follows them run, on the thread or on a loop: never by both at once."""
        self._pending = 0
        """Groups handed to the thread and not yet run, so that none is overtaken."""
        self._wait_s = _SETTLED * SLOW_S
        """Moving time for which brief jobs waited for the disk: their time less CPU time. The last one counts whole."""
        self._streak = 0
        self._on_loop = 0
        self._waking = False
        self._closed = False
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[], T], *, brief: bool = False) -> T:
        """Run a callable as `submit` does and wait for its result.

        Raises:
            Fault: the given code when the thread is closed.
        """
        found: T = await self.submit(work, brief=brief)
        return found

    def submit(self, work: object, *, brief: bool = False) -> "asyncio.Future[Any]":
        """Submit work; its result can be awaited. Submitted work is done whether or not a caller waits.

        `brief` work may run on the event loop while its request is alone.

        Raises:
            Fault: the given code when the thread is closed.
        """
        loop = asyncio.get_running_loop()
        job: ThreadJob[object] = ThreadJob(work, loop.create_future(), loop, brief)
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
            if not gathered:
                return
            if not self._runs_here(gathered):
                self._hand_over(gathered)
                return
        try:
            self._timed(gathered)
        finally:
            self._turn.release()
        _settle(gathered)
        if self._rest is not None and not self._waking:
            self._waking = True
            loop.call_later(_IDLE_S, self._wake)

    def _runs_here(self, gathered: Sequence[ThreadJob[Any]]) -> bool:
        """Take the turn for a job on the loop, if it may run there; under the door. ⚔ It never waits for the thread."""
        if (
            self._pending
            or self._wait_s > SLOW_S
            or self._streak >= STREAK
            or not self._alone()
            or [job for job in gathered if not job.brief]
            or not self._turn.acquire(blocking=False)
        ):
            return False
        self._streak += 1
        self._on_loop += 1
        return True

    def _hand_over(self, gathered: list[ThreadJob[Any]]) -> None:
        """Queue jobs for the thread; under the door."""
        self._streak = 0
        self._pending += 1
        self._queue.put(gathered)

    def _wake(self) -> None:
        """Let the thread do what is due after jobs on a loop."""
        self._waking = False
        with self._door:
            if not self._closed:
                self._hand_over([])

    def _timed(self, jobs: Sequence[ThreadJob[Any]]) -> None:
        """Run jobs, and learn from brief ones how long the disk takes; in turn."""
        began_s, worked_s = time.perf_counter(), time.thread_time()
        try:
            self._run(jobs)
        except Exception as broken:  # noqa: BLE001  # a thread that dies would hang every caller
            fail_all(jobs, broken, self._fault)
        if not [job for job in jobs if not job.brief]:
            waited_s = time.perf_counter() - began_s - (time.thread_time() - worked_s)
            self._wait_s = max(waited_s, (self._wait_s * (_SETTLED - 1) + waited_s) / _SETTLED)

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
        self._turn.acquire()  # a job on a loop of another thread comes to its end
        self._turn.release()

    def _main(self) -> None:
        going, left = True, False
        while going:
            first = self._next(left=left)
            if first is None:
                return
            jobs, groups = first, 1
            while len(jobs) < LIMIT:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    going = False
                    break
                jobs += more
                groups += 1
            if jobs:
                with self._turn:
                    self._timed(jobs)
            with self._door:
                self._pending -= groups
            _release(jobs)
            left = self._tidy(idle=False)

    def _next(self, *, left: bool) -> list[ThreadJob[Any]] | None:
        """Return the next jobs, or None at the end; do idle work while none come, here or on a loop."""
        while left:
            before = self._on_loop
            try:
                return self._queue.get(timeout=_IDLE_S)
            except queue.Empty:
                left = self._tidy(idle=self._on_loop == before)
        return self._queue.get()

    def _tidy(self, *, idle: bool) -> bool:
        if self._rest is None:
            return False
        try:
            with self._turn:
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
        try:
            loop.call_soon_threadsafe(_settle, mine)
        except RuntimeError:  # the loop is closed: no caller waits, and the writes hold
            continue


def _settle(jobs: Sequence[ThreadJob[Any]]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
            job.future.exception()  # mark as seen: a caller that left early gets no warning
        else:
            job.future.set_result(job.result)
