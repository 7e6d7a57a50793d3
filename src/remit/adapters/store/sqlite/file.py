"""SQLite file of a store: lock for one process, connection, schema migration."""

import sqlite3
from pathlib import Path
from typing import Final

from remit.adapters.db.sqlite_errors import (
    DISK_CURE,
    describe_error,
    is_locked,
    is_permission_error,
    permission_refusal,
    read_error,
    verify_writable,
)
from remit.adapters.store.highwater import no_pause
from remit.adapters.store.migrations import MIGRATIONS, WITH_MACS
from remit.adapters.store.sqlite.journal import Journal
from remit.domain.errors import Code, Refused

BUSY_MS: Final = 5000
_PRAGMAS: Final = (
    "journal_mode = wal",
    "synchronous = full",
    "wal_autocheckpoint = 8192",  # 32 MiB: checkpointing costs as much as writing
    f"busy_timeout = {BUSY_MS}",
    "foreign_keys = on",
    "trusted_schema = off",
    "secure_delete = on",  # erased data does not linger in freed pages, nor does the journal
    "temp_store = memory",
    "cache_size = -4096",  # KiB a connection; 4x gave no more asks a second, the system caches the file too
)

_JOURNALLED: Final = 3
"""From this schema on, committed data may not be in the tables yet."""


def lock_file(path: Path) -> sqlite3.Connection:
    """Lock the file for this process, by a lock beside the real file that ends with the process.

    Raises:
        Refused: `settings.invalid` when another process holds it, or its folder cannot be written.
    """
    lock: sqlite3.Connection | None = None
    try:
        # The real path: two names for one file must not give two locks.
        real = path.resolve()
        real.with_name(real.name + ".lock").touch(mode=0o600)
        lock = sqlite3.connect(
            real.with_name(real.name + ".lock"), isolation_level=None, check_same_thread=False, timeout=0
        )
        lock.execute("pragma journal_mode = delete")
        lock.execute("begin exclusive")
    except (OSError, sqlite3.Error) as problem:
        if lock is not None:
            lock.close()
        if is_locked(problem):
            raise _invalid(
                f"another Remit has {path.name} open", cure="Stop it first: one process serves a store."
            ) from None
        raise _unusable(f"the store {path}", problem) from None
    return lock


def open_connection(path: Path) -> sqlite3.Connection:
    """Open for reading and writing; a new file is private to its owner.

    Raises:
        Refused: `settings.invalid` when it cannot be opened, `log.damaged` when it is no database.
    """
    connection: sqlite3.Connection | None = None
    try:
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
        for pragma in _PRAGMAS:
            connection.execute(f"pragma {pragma}")
    except (OSError, sqlite3.Error) as problem:
        if connection is not None:
            connection.close()
        raise _unreadable(path, problem) from None
    return connection


def migrate(connection: sqlite3.Connection) -> int:
    """Migrate the schema, each step whole or not at all, and return its version.

    Raises:
        Refused: `settings.invalid` when the file is from a newer Remit or another program; `log.damaged` when the
            journal of an older Remit cannot be read.
    """
    newest = MIGRATIONS[-1][0]
    try:
        version: int = connection.execute("pragma user_version").fetchone()[0]
        if version > newest:
            raise _invalid(f"the store has schema {version}, this program knows {newest}", cure="Upgrade Remit.")
        if version == 0 and connection.execute("select count(*) from sqlite_schema").fetchone()[0]:
            raise _invalid(
                "store.url names a database that is not a Remit store", cure="Name another file in store.url."
            )
        if _JOURNALLED <= version < newest:
            # Settle the tables that a step changes first.
            Journal(connection, no_pause, has_macs=version >= WITH_MACS)
        for number, script in MIGRATIONS:
            if number > version:
                connection.executescript(f"begin immediate; {script} pragma user_version = {number}; commit;")
    except sqlite3.Error as problem:
        raise _unusable("the store", problem) from None
    return newest


def verify_writing(connection: sqlite3.Connection, path: Path) -> None:
    """Verify that the store can be written before anything is served.

    Raises:
        Refused: `settings.invalid` when this account may not.
        Fault: `fault.store` when the disk refuses.
    """
    try:
        verify_writable(connection)
    except sqlite3.Error as problem:
        raise read_error(path, problem) from None


def _unreadable(path: Path, problem: Exception) -> Refused:
    damaged = isinstance(problem, sqlite3.DatabaseError) and not isinstance(problem, sqlite3.OperationalError)
    if damaged:
        return Refused(Code.LOG_DAMAGED, f"{path.name} is no readable database: {problem}")
    return _unusable(f"the store {path}", problem)


def _unusable(what: str, problem: Exception) -> Refused:
    """Build the refusal for a file that cannot be opened or written."""
    if is_permission_error(problem):
        return permission_refusal(what, problem)
    return _invalid(f"{what} cannot be opened: {describe_error(problem)}", cure=DISK_CURE)


def _invalid(reason: str, *, cure: str = "") -> Refused:
    return Refused(Code.SETTINGS_INVALID, reason, cure=cure)
