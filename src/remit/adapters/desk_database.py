"""The built-in desk's own database file: one writing thread with group commit, one reading thread.

Shared by the built-in backoffice and helpdesk (docs/decisions/0004-built-in-desk.md). It knows no table of theirs.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from remit.domain.errors import Code, Fault, Refused

T = TypeVar("T")

_BATCH: Final = 256
_BUSY_MS: Final = 5_000


@dataclass(slots=True)
class _Job:
    """One piece of writing and where its result goes."""

    run: Callable[[sqlite3.Connection], Any]
    fault: Code
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Any]"


_Result = tuple[_Job, Any, BaseException | None]


class DeskDatabase:
    """One SQLite file in WAL mode with `synchronous=FULL`, apart from Remit's own store.

    A write is durable when its await returns: jobs that wait at the same time share one commit and each has its own
    savepoint, so one that fails takes nothing of the others with it. Reads see every write that has returned.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            Refused: `settings.invalid` when the file cannot be opened as a database.
        """
        self._path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        try:
            path.touch(mode=0o600)  # it holds personal data: nobody else on the machine reads it
            self._writing = self._connect()
            self._reading = self._connect()
            self._reading.execute("pragma query_only = on")
        except (OSError, sqlite3.Error) as problem:
            raise Refused(Code.SETTINGS_INVALID, f"the desk's file {path.name} cannot be opened as a database: {problem}") from problem
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="desk-read")
        self._writer = threading.Thread(target=self._write_on, name="desk-write", daemon=True)
        self._writer.start()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        for pragma in (
            "journal_mode = wal",
            "synchronous = full",
            "wal_autocheckpoint = 8192",
            f"busy_timeout = {_BUSY_MS}",
            "foreign_keys = on",
            "trusted_schema = off",
        ):
            connection.execute(f"pragma {pragma}")
        return connection

    def prepare(self, part: str, version: int, statements: str) -> None:
        """Create the tables of one part, once; called while the desk starts, before any write.

        Raises:
            Refused: `settings.invalid` when the file carries another version of that part.
        """
        connection = self._connect()
        try:
            connection.execute("create table if not exists part (name text primary key, version integer not null) strict, without rowid")
            found = connection.execute("select version from part where name = ?", (part,)).fetchone()
            if found is None:
                connection.executescript(f"begin immediate;{statements};insert into part values ('{part}', {version:d});commit;")  # noqa: S608  # our own constants
            elif found[0] != version:
                raise Refused(Code.SETTINGS_INVALID, f"{self._path.name} holds version {found[0]} of {part}, this desk needs {version}")
        except sqlite3.Error as problem:
            raise Refused(Code.SETTINGS_INVALID, f"{self._path.name} cannot be prepared: {problem}") from problem
        finally:
            connection.close()

    def write(self, run: Callable[[sqlite3.Connection], T], *, fault: Code) -> Awaitable[T]:
        """Run a job in the next commit; the awaited result is released only when it is durable.

        Raises:
            Fault: with the given code when the job or the commit broke; then nothing of the job happened.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._closed:
            raise Fault(fault, "the desk's database is closed")
        self._jobs.put(_Job(run, fault, loop, future))
        return future

    async def read(self, run: Callable[[sqlite3.Connection], T], *, fault: Code) -> T:
        """Run a reading job on one snapshot.

        Raises:
            Fault: with the given code when it broke.
        """
        if self._closed:
            raise Fault(fault, "the desk's database is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reader, self._read_one, run)
        except sqlite3.Error as problem:
            raise Fault(fault, str(problem)) from problem

    def _read_one(self, run: Callable[[sqlite3.Connection], T]) -> T:
        self._reading.execute("begin")
        try:
            return run(self._reading)
        finally:
            self._reading.execute("rollback")

    def close(self) -> None:
        """Finish what waits and close the file."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._writer.join()
        self._reader.shutdown()
        self._reading.close()
        self._writing.close()

    def _write_on(self) -> None:
        """The writing thread: take whatever waits, commit it together, release the results."""
        going = True
        while going:
            first = self._jobs.get()
            if first is None:
                return
            jobs = [first]
            while len(jobs) < _BATCH:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    going = False
                    break
                jobs.append(job)
            _release(self._commit(jobs))

    def _commit(self, jobs: Sequence[_Job]) -> list[_Result]:
        connection = self._writing
        try:
            connection.execute("begin immediate")
            results = [self._run(job) for job in jobs]
            connection.execute("commit")
        except sqlite3.Error as problem:
            with contextlib.suppress(sqlite3.Error):  # it may have rolled back by itself; the next `begin` tells
                connection.execute("rollback")
            return [(job, None, Fault(job.fault, f"the desk could not write: {problem}")) for job in jobs]
        return results

    def _run(self, job: _Job) -> _Result:
        connection = self._writing
        connection.execute("savepoint job")
        try:
            value = job.run(connection)
        except Exception as problem:  # the thread must live on; the problem goes to who asked
            if not connection.in_transaction:
                # A full disk rolls everything back: the earlier jobs of this batch are gone and must not be released as done.
                raise sqlite3.OperationalError(str(problem)) from problem
            connection.execute("rollback to job")
            connection.execute("release job")
            return job, None, _told(problem, job.fault)
        connection.execute("release job")
        return job, value, None


def _told(problem: Exception, fault: Code) -> Exception:
    if isinstance(problem, Refused | Fault):
        return problem
    told = Fault(fault, f"{type(problem).__name__}: {problem}")
    told.__cause__ = problem
    return told


def _release(results: Sequence[_Result]) -> None:
    """Hand the results of one commit to their event loops, one call for each loop."""
    loops = {id(job.loop): job.loop for job, _, _ in results}
    for key, loop in loops.items():
        mine = [result for result in results if id(result[0].loop) == key]
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody waits any more, the write stands
            loop.call_soon_threadsafe(_resolve, mine)


def _resolve(results: Sequence[_Result]) -> None:
    for job, value, problem in results:
        if job.future.done():
            continue
        if problem is None:
            job.future.set_result(value)
        else:
            job.future.set_exception(problem)
