"""The built-in desk's SQLite file. Several processes may open it: SQLite lets one of them write at a time.

Shared by the built-in backoffice and helpdesk (docs/decisions/0004-built-in-desk.md); it knows none of their tables.
"""

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from remit.adapters.builtin_desk.jobs import DeskConnection, DeskJobs, TransactionLost
from remit.adapters.db.job_thread import never_alone
from remit.adapters.db.sqlite_errors import (
    describe_error,
    is_locked,
    is_permission_error,
    open_read_only,
    permission_refusal,
    verify_writable,
)
from remit.domain.errors import Code, Refused

_BUSY_MS: Final = 5_000
_TRIES: Final = 100
_TRY_AGAIN_S: Final = 0.05
_PRAGMAS: Final = (
    f"busy_timeout = {_BUSY_MS}",
    "synchronous = full",
    "wal_autocheckpoint = 8192",
    "foreign_keys = on",
    "trusted_schema = off",
)
_PART: Final = "create table if not exists part (name text primary key, version integer not null) strict, without rowid"


class DeskDatabase(DeskJobs):
    """One SQLite file in WAL mode with `synchronous=FULL`."""

    def __init__(self, path: Path, *, alone: Callable[[], bool] = never_alone) -> None:
        """Open or create the file.

        Raises:
            Refused: `settings.invalid` when it cannot be opened as a database, or cannot be written.
        """
        self._path = path
        try:
            path.touch(mode=0o600)  # it holds personal data: private to this account
            writing = _connect(path)
            try:
                verify_writable(writing)
                reading = _connect(path, "query_only = on")
            except sqlite3.Error:
                writing.close()
                raise
        except (OSError, sqlite3.Error) as problem:
            raise open_error(path, problem) from problem
        super().__init__(
            _SqliteTransactions(reading, "begin"), _SqliteTransactions(writing, "begin immediate"), alone=alone
        )

    def prepare(self, part: str, version: int, statements: str) -> None:
        """Create the tables of one part, once, by the first process.

        Raises:
            Refused: `settings.invalid` when the file carries another version of that part.
        """
        connection = _connect(self._path)
        try:
            connection.execute("begin immediate")  # before the check: another process may be creating them
            connection.execute(_PART)
            found = connection.execute("select version from part where name = ?", (part,)).fetchone()
            if found is None:
                for statement in statements.split(";"):
                    connection.execute(statement)
                connection.execute("insert into part values (?, ?)", (part, version))
            connection.execute("commit")
        except sqlite3.Error as problem:
            raise Refused(Code.SETTINGS_INVALID, f"{self._path.name} cannot be prepared: {problem}") from problem
        finally:
            connection.close()
        if found is not None and found[0] != version:
            raise Refused(
                Code.SETTINGS_INVALID,
                f"{self._path.name} holds version {found[0]} of {part}, this desk needs {version}",
            )


class _SqliteTransactions:
    """One connection to the file."""

    broken: tuple[type[Exception], ...] = (TransactionLost, sqlite3.Error)

    def __init__(self, connection: sqlite3.Connection, begin: str) -> None:
        self._connection = connection
        self._begin = begin

    def begin(self) -> DeskConnection:
        """Begin; a write waits for other writers."""
        self._connection.execute(self._begin)
        return self._connection

    def commit(self) -> None:
        """Commit with a sync to disk."""
        self._connection.execute("commit")

    def rollback(self) -> None:
        """Roll back; SQLite may have done so itself."""
        with contextlib.suppress(sqlite3.Error):  # the next `begin` reports it
            self._connection.execute("rollback")

    def was_lost(self) -> bool:
        """Whether SQLite rolled everything back."""
        return not self._connection.in_transaction

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _connect(path: Path, *more: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    try:
        _enable_wal(connection)
        for pragma in (*_PRAGMAS, *more):
            connection.execute(f"pragma {pragma}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _enable_wal(connection: sqlite3.Connection) -> None:
    """Put the file into WAL mode. SQLite does not make processes that do so at once wait for each other.

    Raises:
        sqlite3.Error: it cannot be.
    """
    for _ in range(_TRIES):
        try:
            connection.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as problem:
            if not is_locked(problem):
                raise
            time.sleep(_TRY_AGAIN_S)
        else:
            return
    connection.execute("pragma journal_mode = wal")


def inspect_desk(path: Path) -> None:
    """Verify, without writing, that the built-in desk's file exists and can be read.

    Raises:
        Refused: `settings.invalid`.
    """
    verify_desk_file(path)
    try:
        with contextlib.closing(open_read_only(path)) as connection:
            connection.execute(f"pragma busy_timeout = {_BUSY_MS}")
            connection.execute("select count(*) from sqlite_schema").fetchone()
    except sqlite3.Error as problem:
        raise open_error(path, problem) from None


def verify_desk_file(path: Path) -> None:
    """Verify that the built-in desk's file exists.

    Raises:
        Refused: `settings.invalid`.
    """
    if not path.is_file():
        raise Refused(
            Code.SETTINGS_INVALID,
            f"desk.database: there is no {path} although the log has entries: tickets and records would be missing",
            cure="Put the file back, or name it in desk.database; a server that never had one starts with an empty file "
            "made there.",
        )


def open_error(path: Path, problem: Exception) -> Refused:
    """Build the refusal of a file that cannot be opened or written."""
    if is_permission_error(problem):
        return permission_refusal(f"desk.database: {path}", problem)
    detail = f"the desk's file {path} cannot be opened as a database: {describe_error(problem)}"
    return Refused(
        Code.SETTINGS_INVALID, detail, cure="Put back a good copy of the file, or name the right one in desk.database."
    )
