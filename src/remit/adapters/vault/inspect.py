"""Read-only check that the file of content keys fits a store's content."""

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import Final

from remit.adapters.db.sqlite_errors import (
    describe_error,
    is_locked,
    is_permission_error,
    open_read_only,
    permission_refusal,
)
from remit.domain.errors import Code, Refused
from remit.ports.vault import ContentKeyRef

LOST_CURE: Final = (
    "Put back the newest copy of this store's content keys (docs/operating.md, Restoring); nothing else opens what was "
    "recorded."
)
_THERE: Final = "select 1 from key where subject = ? and id = ?"


def missing_keys(connection: sqlite3.Connection, sealed: Collection[ContentKeyRef]) -> Collection[ContentKeyRef]:
    """Return those whose key was never in the file.

    Raises:
        sqlite3.Error: it does not answer.
    """
    return [ref for ref in sealed if connection.execute(_THERE, ref).fetchone() is None]


def verify_keys(where: Path | str, missing: Collection[ContentKeyRef]) -> None:
    """Refuse missing keys.

    Raises:
        Refused: `settings.invalid`, with the number of people affected.
    """
    if missing:
        people = {ref.subject for ref in missing if ref.subject}
        desk = " and of the desk itself" if any(not ref.subject for ref in missing) else ""
        raise Refused(
            Code.SETTINGS_INVALID,
            f"the content keys in {where} are not those of this store: they lack keys of {len(people)} customers{desk}",
            cure=LOST_CURE,
        )


def verify_present(path: Path) -> None:
    """Verify that there is a file of content keys.

    Raises:
        Refused: `settings.invalid`.
    """
    if not path.is_file():
        raise Refused(
            Code.SETTINGS_INVALID,
            f"there is no {path} although the store holds content sealed with its keys",
            cure=LOST_CURE,
        )


def inspect_keys(path: Path, sealed: Collection[ContentKeyRef]) -> bool:
    """Verify the keys of a store; return whether they could be read or are in use.

    Raises:
        Refused: `settings.invalid` when they are missing, unreadable, or of another store.
    """
    verify_present(path)
    try:
        with closing(open_read_only(path, timeout=0)) as connection:
            missing = missing_keys(connection, sealed)
    except sqlite3.Error as problem:
        if is_locked(problem):
            return False
        raise open_error(path, problem) from None
    verify_keys(path, missing)
    return True


def open_error(path: Path, problem: Exception) -> Refused:
    """Build the refusal of an unusable file of content keys."""
    if is_locked(problem):
        cure = (
            "Stop the other Remit that runs on them; nodes that share a store share keys on PostgreSQL (keys.content)."
        )
        return Refused(Code.SETTINGS_INVALID, f"another process has the content keys in {path} open", cure=cure)
    if is_permission_error(problem):
        return permission_refusal(f"{path}, the content keys,", problem)
    return Refused(
        Code.SETTINGS_INVALID, f"the content keys in {path} cannot be opened: {describe_error(problem)}", cure=LOST_CURE
    )
