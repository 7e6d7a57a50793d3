"""What the built-in desk's plugs ask of its database, whichever it is: one writing thread with group commit, one reading thread.

It knows no table of theirs, and neither SQLite nor PostgreSQL (docs/decisions/0004-built-in-desk.md, 0021-built-in-desk-many-nodes.md).
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar, cast

from remit.adapters.db.job_thread import JobThread, ThreadJob
from remit.domain.errors import Code, Fault, Refused

T = TypeVar("T")

UNDO: Final = "rollback to job"
"""Takes back all that the running job wrote so far; the job may go on and write something else instead."""


class TransactionLost(Exception):  # noqa: N818  # it says what is
    """A transaction ended by itself, and with it all that was done in it."""


class ResultRows(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""
        ...

    def fetchone(self) -> Any:  # noqa: ANN401  # a row of the statement's own shape, None at the end
        """The next row."""
        ...

    def fetchall(self) -> list[Any]:
        """All that are left."""
        ...

    def __iter__(self) -> Iterator[Any]: ...


class DeskConnection(Protocol):
    """What a job is given. Statements are in the words that SQLite and PostgreSQL have in common (`desk_statements`)."""

    def execute(self, statement: str, values: Sequence[Any] = ..., /) -> ResultRows:
        """Run one statement."""
        ...

    def executemany(self, statement: str, values: Iterable[Sequence[Any]], /) -> ResultRows:
        """Run one statement for each row of values."""
        ...


class TransactionConnection(Protocol):
    """A connection of one thread, with its transactions: in its own way it begins, ends and breaks."""

    broken: tuple[type[Exception], ...]
    """What says that nothing of a whole transaction stands, or that it is not known; `TransactionLost` is among them."""

    def begin(self) -> DeskConnection:
        """Begin. Nobody else writes meanwhile; what is read stands at one moment."""
        ...

    def commit(self) -> None:
        """Make it durable."""
        ...

    def rollback(self) -> None:
        """Take all of it back, as far as it still stands. It may not raise."""
        ...

    def was_lost(self) -> bool:
        """Whether the transaction ended by itself, with all that was done in it."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


@dataclass(frozen=True, slots=True)
class _DeskJob:
    """One piece of reading or writing, and what is said when it breaks."""

    run: Callable[[DeskConnection], Any]
    fault: Code


class DeskJobs(ABC):
    """A desk's database, apart from Remit's own store.

    A write is durable when its await returns: jobs that wait at the same time share one commit and each has its own
    savepoint, so one that fails takes nothing of the others with it. Reads see every write that has returned.
    """

    def __init__(self, reading: TransactionConnection, writing: TransactionConnection) -> None:
        self._closed = False
        self._reading = reading
        self._writing = writing
        self._reader = JobThread("desk-read", self._read_all, fault=Code.FAULT_BACKOFFICE)
        self._writer = JobThread("desk-write", self._write_all, fault=Code.FAULT_BACKOFFICE)

    @abstractmethod
    def prepare(self, part: str, version: int, statements: str) -> None:
        """Have the tables of one part, made once; called while the desk starts, before any write.

        Raises:
            Refused: `settings.invalid` when the database carries another version of that part.
        """

    def write(self, run: Callable[[DeskConnection], T], *, fault: Code) -> Awaitable[T]:
        """Run a job in the next commit; the awaited result is released only when it is durable.

        Raises:
            Fault: with the given code when the job or the commit broke. Then nothing of the job happened, or, where the
                database was lost behind the commit, it is not known, and told by whoever asks for its key.
        """
        return cast("Awaitable[T]", self._submit(self._writer, _DeskJob(run, fault)))

    async def read(self, run: Callable[[DeskConnection], T], *, fault: Code) -> T:
        """Run a reading job; jobs that wait at the same time share one snapshot.

        Raises:
            Fault: with the given code when it broke.
        """
        return cast("T", await self._submit(self._reader, _DeskJob(run, fault)))

    def _submit(self, worker: JobThread, work: _DeskJob) -> Awaitable[object]:
        if self._closed:
            raise Fault(work.fault, "the desk's database is closed")
        return worker.submit(work)

    def close(self) -> None:
        """Finish what waits and close the database."""
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
                except Exception as problem:  # noqa: BLE001  # the thread must live on; the problem goes to who asked
                    job.error = _told(problem, work.fault)
                    if side.was_lost():
                        connection = side.begin()  # for those behind it
        except side.broken as problem:
            _fail_all([job for job in jobs if job.error is None and job.result is None], problem)
        finally:
            side.rollback()

    def _write_all(self, jobs: Sequence[ThreadJob[Any]]) -> None:
        """Most jobs take nothing back: they are first run without savepoints, and all of them again with, where one does."""
        try:
            if not self._write(jobs, self._run_plainly):
                self._write(jobs, self._run)
        except self._writing.broken as problem:
            _fail_all(jobs, problem)

    def _write(self, jobs: Sequence[ThreadJob[Any]], run: Callable[[DeskConnection, ThreadJob[Any]], bool]) -> bool:
        """Run jobs in one transaction; when one of them says no, nothing of it happened."""
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
        except Exception:  # noqa: BLE001  # it is run again, and told then
            return False
        return True

    def _run(self, connection: DeskConnection, job: ThreadJob[Any]) -> bool:
        work = cast("_DeskJob", job.work)
        connection.execute("savepoint job")
        try:
            job.result = work.run(connection)
        except Exception as problem:  # the thread must live on; the problem goes to who asked
            if self._writing.was_lost():
                # A full disk rolls everything back: the earlier jobs of this batch are gone and must not be released as done.
                raise TransactionLost(str(problem)) from problem
            connection.execute(UNDO)
            job.result = None
            job.error = _told(problem, work.fault)
        connection.execute("release job")
        return True


def _fail_all(jobs: Sequence[ThreadJob[Any]], problem: Exception) -> None:
    """Nothing of the whole batch is told as done."""
    for job in jobs:
        job.result = None
        job.error = Fault(
            cast("_DeskJob", job.work).fault,
            f"the desk's database does not answer: {type(problem).__name__}: {problem}",
        )


def _told(problem: Exception, fault: Code) -> Exception:
    if isinstance(problem, Refused | Fault):
        return problem
    told = Fault(fault, f"{type(problem).__name__}: {problem}")
    told.__cause__ = problem
    return told
