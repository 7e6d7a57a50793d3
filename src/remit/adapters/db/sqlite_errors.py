"""What keeps a SQLite file from being used, told apart: an account's rights, a disk that does not answer, or damage.

Only damage is damage: who may not read a file must never be told to put an old copy of it back.
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
    """What happened, in the system's words and without its numbers."""
    return str(problem.strerror or problem) if isinstance(problem, OSError) else str(problem)


def is_permission_error(problem: Exception) -> bool:
    """Whether an account's rights are in the way, and not what stands in the file."""
    return isinstance(problem, PermissionError) or _code(problem) in _RIGHTS


def is_locked(problem: Exception) -> bool:
    """Whether another process has the file."""
    return _code(problem) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def permission_refusal(what: str, problem: Exception) -> Refused:
    """The refusal of a file that this account may not use."""
    return Refused(
        Code.SETTINGS_INVALID, f"{what} cannot be used by this account: {describe_error(problem)}", cure=PERMISSION_CURE
    )


def verify_file_exists(path: Path) -> None:
    """Check that there is a store's file, as far as this account may see it.

    Raises:
        Refused: `settings.invalid`.
    """
    try:
        if not path.is_file():
            raise Refused(Code.SETTINGS_INVALID, f"there is no store {path}", cure=_ABSENT_CURE)
    except OSError as problem:
        raise permission_refusal(f"the store {path}", problem) from None


def read_error(path: Path, problem: Exception) -> Refused | Fault:
    """What is said of a store's file that cannot be read."""
    if is_permission_error(problem):
        return permission_refusal(f"the store {path}", problem)
    if isinstance(problem, OSError) or _code(problem) in _SILENT:
        return Fault(Code.FAULT_STORE, f"the store {path} does not answer: {describe_error(problem)}")
    return Refused(Code.LOG_DAMAGED, f"{path.name} is no readable store: {problem}")


def verify_writable(connection: sqlite3.Connection) -> None:
    """Try to write, and take it back: a file for reading only opens as any other does, and would fail at the first entry.

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
