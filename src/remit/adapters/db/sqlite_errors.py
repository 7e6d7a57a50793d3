"""Causes that make a SQLite file unusable, told apart: permissions, a silent disk, or damage.

⚔ A missing permission must never look like damage: no one should then restore an old copy.
"""

import sqlite3
from pathlib import Path
from typing import Final

from remit.domain.errors import Code, Fault, Refused

PERMISSION_CURE: Final = (
    "Check owner and mode of the file and its folder: the account Remit runs as must own both (folder 700, file 600)."
)
DISK_CURE: Final = "Check that its folder is there, and that the disk is mounted and not full; then try again."
_ABSENT_CURE: Final = "Check the path (store.url in remit.toml, or --store), and that its disk is mounted."
_RIGHTS: Final = frozenset({sqlite3.SQLITE_AUTH, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY})
_SILENT: Final = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_PRIMARY: Final = 0xFF


def describe_error(problem: Exception) -> str:
    """Describe an error in the system's words, without its number."""
    return str(problem.strerror or problem) if isinstance(problem, OSError) else str(problem)


def is_permission_error(problem: Exception) -> bool:
    """Whether the cause is a missing permission."""
    return isinstance(problem, PermissionError) or _code(problem) in _RIGHTS


def is_locked(problem: Exception) -> bool:
    """Whether another process uses the file."""
    return _code(problem) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def permission_refusal(what: str, problem: Exception) -> Refused:
    """Build the refusal of a file that this account may not use."""
    return Refused(
        Code.SETTINGS_INVALID, f"{what} cannot be used by this account: {describe_error(problem)}", cure=PERMISSION_CURE
    )


def verify_file_exists(path: Path) -> None:
    """Verify that a store's file exists, as far as this account can see.

    Raises:
        Refused: `settings.invalid`.
    """
    try:
        if not path.is_file():
            raise Refused(Code.SETTINGS_INVALID, f"there is no store {path}", cure=_ABSENT_CURE)
    except OSError as problem:
        raise permission_refusal(f"the store {path}", problem) from None


def open_read_only(path: Path, *, timeout: float = 5.0) -> sqlite3.Connection:
    """Open a database for reading alone.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    address = f"{path.resolve().as_uri()}?mode=ro"
    return sqlite3.connect(address, uri=True, isolation_level=None, timeout=timeout)


def read_error(path: Path, problem: Exception) -> Refused | Fault:
    """Build the error for a store's file that cannot be read."""
    if is_permission_error(problem):
        return permission_refusal(f"the store {path}", problem)
    if isinstance(problem, OSError) or _code(problem) in _SILENT:
        return Fault(Code.FAULT_STORE, f"the store {path} does not answer: {describe_error(problem)}")
    return Refused(Code.LOG_DAMAGED, f"{path.name} is no readable store: {problem}")


def verify_writable(connection: sqlite3.Connection) -> None:
    """Write and roll back: a read-only file opens like any other, and would fail only at the first entry.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    connection.execute("begin immediate")
    try:
        connection.execute('create table "remit tries to write" (one integer)')
    finally:
        connection.execute("rollback")


def _code(problem: Exception) -> int:
    return int(getattr(problem, "sqlite_errorcode", None) or 0) & _PRIMARY
