"""A look at the file of content keys without opening it for writing: whether those are there that a store's content needs."""

import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Final

from remit.adapters.db.sqlite_errors import describe_error, is_locked, is_permission_error, permission_refusal
from remit.domain.errors import Code, Refused
from remit.ports.vault import ContentKeyRef

LOST_CURE: Final = "Put back the newest copy of this store's content keys (docs/operating.md, Restoring); nothing else opens what was recorded."
_THERE: Final = "select 1 from key where subject = ? and id = ?"


def missing_keys(connection: sqlite3.Connection, sealed: Collection[ContentKeyRef]) -> Collection[ContentKeyRef]:
    """Those of these whose key was never in the file.

    Raises:
        sqlite3.Error: it does not answer.
    """
    return [one for one in sealed if connection.execute(_THERE, one).fetchone() is None]


def verify_keys(where: Path | str, missing: Collection[ContentKeyRef]) -> None:
    """Check that no key is missing from where they are kept.

    Raises:
        Refused: `settings.invalid`, saying of how many people.
    """
    if missing:
        whose = {one.subject for one in missing if one.subject}
        desk = " and of the desk itself" if any(not one.subject for one in missing) else ""
        raise Refused(
            Code.SETTINGS_INVALID,
            f"the content keys in {where} are not those of this store: they lack keys of {len(whose)} customers{desk}",
            cure=LOST_CURE,
        )


def verify_present(path: Path) -> None:
    """Check that there is a file of content keys.

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
    """Check the keys of a store that may be served meanwhile; say whether they could be looked at, or are in use.

    Raises:
        Refused: `settings.invalid` when they are not there, cannot be read, or are not those of the store.
    """
    verify_present(path)
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=0)
        try:
            missing = missing_keys(connection, sealed)
        finally:
            connection.close()
    except sqlite3.Error as problem:
        if is_locked(problem):
            return False
        raise open_error(path, problem) from None
    verify_keys(path, missing)
    return True


def open_error(path: Path, problem: Exception) -> Refused:
    """What is said of a file of content keys that cannot be opened."""
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
