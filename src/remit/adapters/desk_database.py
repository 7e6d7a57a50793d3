"""The built-in desk's own database file: one writing thread with group commit, one reading thread.

Shared by the built-in backoffice and helpdesk (docs/decisions/0004-built-in-desk.md). It knows no table of theirs.
"""

import contextlib
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from remit.adapters.sqlite_files import is_rights, no_rights, verify_writable, why
from remit.adapters.worker import Job, Worker
from remit.domain.errors import Code, Fault, Refused

T = TypeVar("T")

UNDO: Final = "rollback to job"
"""Takes back all that the running job wrote so far; the job may go on and write something else instead."""

_BUSY_MS: Final = 5_000
_PRAGMAS: Final = (
    "journal_mode = wal",
    "synchronous = full",
    "wal_autocheckpoint = 8192",
    f"busy_timeout = {_BUSY_MS}",
    "foreign_keys = on",
    "trusted_schema = off",
)


@dataclass(frozen=True, slots=True)
class _Work:
    """One piece of reading or writing, and what is said when it breaks."""

    run: Callable[[sqlite3.Connection], Any]
    fault: Code


class DeskDatabase:
    """One SQLite file in WAL mode with `synchronous=FULL`, apart from Remit's own store.

    A write is durable when its await returns: jobs that wait at the same time share one commit and each has its own
    savepoint, so one that fails takes nothing of the others with it. Reads see every write that has returned.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file.

        Raises:
            Refused: `settings.invalid` when the file cannot be opened as a database, or not be written.
        """
        self._path = path
        self._closed = False
        try:
            path.touch(mode=0o600)  # it holds personal data: nobody else on the machine reads it
            self._writing = self._connect()
            try:
                verify_writable(self._writing)
                self._reading = self._connect("query_only = on")
            except sqlite3.Error:
                self._writing.close()
                raise
        except (OSError, sqlite3.Error) as problem:
            raise unopened(path, problem) from problem
        self._reader = Worker("desk-read", self._read_all, fault=Code.FAULT_BACKOFFICE)
        self._writer = Worker("desk-write", self._write_all, fault=Code.FAULT_BACKOFFICE)

    def _connect(self, *more: str) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=512)
        try:
            for pragma in (*_PRAGMAS, *more):
                connection.execute(f"pragma {pragma}")
        except sqlite3.Error:
            connection.close()
            raise
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
        return cast("Awaitable[T]", self._submit(self._writer, _Work(run, fault)))

    async def read(self, run: Callable[[sqlite3.Connection], T], *, fault: Code) -> T:
        """Run a reading job; jobs that wait at the same time share one snapshot.

        Raises:
            Fault: with the given code when it broke.
        """
        return cast("T", await self._submit(self._reader, _Work(run, fault)))

    def _submit(self, worker: Worker, work: _Work) -> Awaitable[object]:
        if self._closed:
            raise Fault(work.fault, "the desk's database is closed")
        return worker.hand_over(work)

    def close(self) -> None:
        """Finish what waits and close the file."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        self._reader.close()
        self._reading.close()
        self._writing.close()

    def _read_all(self, jobs: Sequence[Job[Any]]) -> None:
        connection = self._reading
        try:
            connection.execute("begin")
        except sqlite3.Error as problem:
            _fail_all(jobs, problem)
            return
        try:
            for job in jobs:
                work = cast("_Work", job.work)
                try:
                    job.result = work.run(connection)
                except Exception as problem:  # noqa: BLE001  # the thread must live on; the problem goes to who asked
                    job.error = _told(problem, work.fault)
        finally:
            with contextlib.suppress(sqlite3.Error):  # nothing was written; the next `begin` tells
                connection.execute("rollback")

    def _write_all(self, jobs: Sequence[Job[Any]]) -> None:
        """Most jobs take nothing back: they are first run without savepoints, and all of them again with, where one does."""
        try:
            if not self._write(jobs, self._run_plainly):
                self._write(jobs, self._run)
        except sqlite3.Error as problem:
            _fail_all(jobs, problem)

    def _write(self, jobs: Sequence[Job[Any]], run: Callable[[Job[Any]], bool]) -> bool:
        """Run jobs in one transaction; when one of them says no, nothing of it happened."""
        connection = self._writing
        try:
            connection.execute("begin immediate")
            if all(map(run, jobs)):
                connection.execute("commit")
                return True
            connection.execute("rollback")
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):  # it may have rolled back by itself; the next `begin` tells
                connection.execute("rollback")
            raise
        return False

    def _run_plainly(self, job: Job[Any]) -> bool:
        try:
            job.result = cast("_Work", job.work).run(self._writing)
        except Exception:  # noqa: BLE001  # it is run again, and told then
            return False
        return True

    def _run(self, job: Job[Any]) -> bool:
        connection = self._writing
        work = cast("_Work", job.work)
        connection.execute("savepoint job")
        try:
            job.result = work.run(connection)
        except Exception as problem:  # the thread must live on; the problem goes to who asked
            if not connection.in_transaction:
                # A full disk rolls everything back: the earlier jobs of this batch are gone and must not be released as done.
                raise sqlite3.OperationalError(str(problem)) from problem
            connection.execute(UNDO)
            job.result = None
            job.error = _told(problem, work.fault)
        connection.execute("release job")
        return True


def look_at_desk(path: Path) -> None:
    """Check, without writing, that the built-in desk's file is there and can be read.

    Raises:
        Refused: `settings.invalid`.
    """
    verify_desk_kept(path)
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)) as connection:
            connection.execute(f"pragma busy_timeout = {_BUSY_MS}")
            connection.execute("select count(*) from sqlite_schema").fetchone()
    except sqlite3.Error as problem:
        raise unopened(path, problem) from None


def verify_desk_kept(path: Path) -> None:
    """Check that there is a file of the built-in desk.

    Raises:
        Refused: `settings.invalid`.
    """
    if not path.is_file():
        raise Refused(
            Code.SETTINGS_INVALID,
            f"desk.database: there is no {path} although the log has entries: tickets and records would be missing",
            cure="Put the file back, or name it in desk.database; a desk that never had one begins with an empty file made there.",
        )


def unopened(path: Path, problem: Exception) -> Refused:
    """What is said of a file that cannot be opened or written."""
    if is_rights(problem):
        return no_rights(f"desk.database: {path}", problem)
    detail = f"the desk's file {path} cannot be opened as a database: {why(problem)}"
    return Refused(Code.SETTINGS_INVALID, detail, cure="Put back a good copy of the file, or name the right one in desk.database.")


def _fail_all(jobs: Sequence[Job[Any]], problem: Exception) -> None:
    """Nothing of the whole batch happened."""
    for job in jobs:
        job.result = None
        job.error = Fault(cast("_Work", job.work).fault, f"the desk's file does not answer: {problem}")


def _told(problem: Exception, fault: Code) -> Exception:
    if isinstance(problem, Refused | Fault):
        return problem
    told = Fault(fault, f"{type(problem).__name__}: {problem}")
    told.__cause__ = problem
    return told
