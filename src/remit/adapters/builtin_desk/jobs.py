"""Jobs of the built-in desk on any database: one writing thread with group commit, one reading thread.

It knows no tables, neither SQLite nor PostgreSQL (docs/decisions/0004-built-in-desk.md,
0047-records-are-served.md).
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol, TypeVar, cast

from remit.adapters.db.job_thread import JobThread, ThreadJob, never_alone
from remit.domain.errors import Code, Fault, Refused
from remit.domain.structs import struct

T = TypeVar("T")

UNDO: Final = "rollback to job"
"""Rolls back all writes of the running job, which may go on and write something else."""


class TransactionLost(Exception):  # noqa: N818  # it names a condition
    """A transaction ended by itself, with all its work."""


class ResultRows(Protocol):
    """Result of a statement."""

    @property
    def rowcount(self) -> int:
        """Number of rows changed."""
        ...

    def fetchone(self) -> Any:  # noqa: ANN401  # a row of the statement's own shape, None at the end
        """Return the next row."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the remaining rows."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class DeskConnection(Protocol):
    """Connection of a job. Statements use what SQLite and PostgreSQL have in common."""

    def execute(self, statement: str, values: Sequence[Any] = ..., /) -> ResultRows:
        """Run one statement."""
        ...

    def executemany(self, statement: str, values: Iterable[Sequence[Any]], /) -> ResultRows:
        """Run one statement per row of values."""
        ...


class TransactionConnection(Protocol):
    """Connection of one thread with its transactions."""

    broken: tuple[type[Exception], ...]
    """Errors after which a whole transaction is undone, or in doubt; `TransactionLost` is among them."""

    def begin(self) -> DeskConnection:
        """Begin; no other process writes meanwhile, and reads see one moment."""
        ...

    def commit(self) -> None:
        """Commit durably."""
        ...

    def rollback(self) -> None:
        """Roll back whatever still stands. It may not raise."""
        ...

    def was_lost(self) -> bool:
        """Whether the transaction ended by itself, with all its work."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


@struct(frozen=True)
class _DeskJob:
    """A read or write with the code of its fault."""

    run: Callable[[DeskConnection], Any]
    fault: Code


class DeskJobs(ABC):
    """Database of a desk, apart from Remit's own store.

    A write is durable when its await returns: pending jobs share one commit and each has its own savepoint, so that a
    failure takes no other job with it. Reads see every write that has returned.
    """

    def __init__(
        self,
        reading: TransactionConnection,
        writing: TransactionConnection,
        *,
        alone: Callable[[], bool] = never_alone,
    ) -> None:
        """`alone` tells whether exactly one request is in flight, where reads are quick enough for the event loop."""
        self._closed = False
        self._reading = reading
        self._writing = writing
        self._reader = JobThread("desk-read", self._read_all, fault=Code.FAULT_BACKOFFICE, alone=alone)
        # ⚔ Never on the loop: another process may hold the file's write lock for seconds.
        self._writer = JobThread("desk-write", self._write_all, fault=Code.FAULT_BACKOFFICE)

    @abstractmethod
    def prepare(self, part: str, version: int, statements: str) -> None:
        """Create the tables of one part, once; called while the desk starts, before any write.

        Raises:
            Refused: `settings.invalid` when the database carries another version of that part.
        """

    def write(self, run: Callable[[DeskConnection], T], *, fault: Code) -> Awaitable[T]:
        """Run a job in the next commit; its result is released only once durable.

        Raises:
            Fault: with the given code when the job or the commit broke. Then nothing of the job happened, or, where the
                database was lost during the commit, that is unknown until its key is queried.
        """
        return self._submit(self._writer, run, fault)

    async def read(self, run: Callable[[DeskConnection], T], *, fault: Code) -> T:
        """Run a reading job; pending jobs share one snapshot.

        Raises:
            Fault: with the given code when it broke.
        """
        return await self._submit(self._reader, run, fault)

    def _submit(self, worker: JobThread, run: Callable[[DeskConnection], T], fault: Code) -> Awaitable[T]:
        if self._closed:
            raise Fault(fault, "the desk's database is closed")
        done: Awaitable[Any] = worker.submit(_DeskJob(run, fault), brief=True)
        return done

    def close(self) -> None:
        """Finish pending jobs and close the database."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        self._reader.close()
        self._reading.close()
        self._writing.close()

    def _read_all(self, jobs: Sequence[ThreadJob[Any]]) -> None:
        side = self._reading
        try:
            connection = side.begin()
            for job in jobs:
                work = cast("_DeskJob", job.work)
                try:
                    job.result = work.run(connection)
                except Exception as problem:  # noqa: BLE001  # the thread must live on; the caller gets the problem
                    job.error = _as_fault(problem, work.fault)
                    if side.was_lost():
                        connection = side.begin()  # for the jobs after it
        except side.broken as problem:
            _fail_all([job for job in jobs if job.error is None and job.result is None], problem)
        finally:
            side.rollback()

    def _write_all(self, jobs: Sequence[ThreadJob[Any]]) -> None:
        """Run jobs without savepoints, as most roll nothing back; if one fails, run all again with savepoints."""
        try:
            if not self._write(jobs, self._run_plainly):
                self._write(jobs, self._run)
        except self._writing.broken as problem:
            _fail_all(jobs, problem)

    def _write(self, jobs: Sequence[ThreadJob[Any]], run: Callable[[DeskConnection, ThreadJob[Any]], bool]) -> bool:
        """Run jobs in one transaction; when one refuses, roll it all back."""
        try:
            connection = self._writing.begin()
            if all(run(connection, job) for job in jobs):
                self._writing.commit()
                return True
        except BaseException:
            self._writing.rollback()
            raise
        self._writing.rollback()
        return False

    def _run_plainly(self, connection: DeskConnection, job: ThreadJob[Any]) -> bool:
        try:
            job.result = cast("_DeskJob", job.work).run(connection)
        except Exception:  # noqa: BLE001  # it runs again, and is reported then
            return False
        return True

    def _run(self, connection: DeskConnection, job: ThreadJob[Any]) -> bool:
        work = cast("_DeskJob", job.work)
        connection.execute("savepoint job")
        try:
            job.result = work.run(connection)
        except Exception as problem:  # the thread must live on; the caller gets the problem
            if self._writing.was_lost():
                # A full disk rolls everything back: the earlier jobs of this batch are gone and must not be released.
                raise TransactionLost(str(problem)) from problem
            connection.execute(UNDO)
            job.result = None
            job.error = _as_fault(problem, work.fault)
        connection.execute("release job")
        return True


def _fail_all(jobs: Sequence[ThreadJob[Any]], problem: Exception) -> None:
    """Fail the whole batch."""
    for job in jobs:
        job.result = None
        job.error = Fault(
            cast("_DeskJob", job.work).fault,
            f"the desk's database does not answer: {type(problem).__name__}: {problem}",
        )


def _as_fault(problem: Exception, code: Code) -> Exception:
    if isinstance(problem, Refused | Fault):
        return problem
    fault = Fault(code, f"{type(problem).__name__}: {problem}")
    fault.__cause__ = problem
    return fault
