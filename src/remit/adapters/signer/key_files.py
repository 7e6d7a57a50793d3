"""The folder of the desk's keys: created whole or not at all, read only when private to its owner."""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from remit.domain.errors import Code, Refused

MAX_BYTES: Final = 64 * 1024

_OTHERS: Final = 0o077
_CURE: Final = (
    "Keep the folder of keys to its owner, who runs Remit (chmod 700 the folder, 600 its files); `remit init` makes "
    "one for a new server."
)


def read_key_file(directory: Path, name: str) -> bytes:
    """Read one key file that only its owner can open.

    Raises:
        Refused: `settings.invalid` when folder or file is missing, unreadable, or open to others.
    """
    try:
        _verify_kept(directory.stat(), directory, stat.S_ISDIR)
        # Do not block on a pipe in a key's place; the mode is read from the open file, so it cannot be swapped after.
        handle = os.open(directory / name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise _invalid(f"{directory / name}: {error.strerror}") from None
    try:
        _verify_kept(os.fstat(handle), directory / name, stat.S_ISREG)
        return os.read(handle, MAX_BYTES)
    finally:
        os.close(handle)


def key_file_names(directory: Path) -> list[str]:
    """List the files in a folder of keys, sorted.

    Raises:
        Refused: `settings.invalid` when it cannot be read.
    """
    try:
        return sorted(path.name for path in directory.iterdir())
    except OSError as error:
        raise _invalid(f"{directory}: {error.strerror}") from None


def write_folder(directory: Path, files: Mapping[str, bytes]) -> None:
    """Create a folder of key files, whole or not at all; a folder with content is never touched.

    A crash before the rename leaves a folder with the ending `.new` beside it, which the next try replaces.

    Raises:
        Refused: `settings.invalid` when the folder exists already or cannot be written.
    """
    fresh = directory.with_name(f"{directory.name}.new")
    try:
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise _invalid(f"{directory} exists already; keys are never overwritten")
        directory.parent.mkdir(parents=True, exist_ok=True)
        if fresh.exists():
            for left in fresh.iterdir():
                left.unlink()
            fresh.rmdir()
        fresh.mkdir(mode=0o700)
        for name, raw in files.items():
            _write_new(fresh / name, raw)
        _sync(fresh)
        fresh.rename(directory)
        _sync(directory.parent)
    except OSError as error:
        raise _invalid(f"{directory}: {error.strerror}") from None


def replace_file(directory: Path, name: str, raw: bytes) -> None:
    """Replace one key file atomically: a reader sees the old or the new one, never half of it.

    Raises:
        Refused: `settings.invalid` when it cannot be written.
    """
    fresh = directory / f"{name}.new"
    try:
        fresh.unlink(missing_ok=True)
        _write_new(fresh, raw)
        fresh.replace(directory / name)
        _sync(directory)
    except OSError as error:
        raise _invalid(f"{directory / name}: {error.strerror}") from None


def remove_file(directory: Path, name: str) -> None:
    """Delete one key file, durably.

    Raises:
        Refused: `settings.invalid` when it cannot be removed.
    """
    try:
        (directory / name).unlink(missing_ok=True)
        _sync(directory)
    except OSError as error:
        raise _invalid(f"{directory / name}: {error.strerror}") from None


def _write_new(path: Path, raw: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(handle)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _verify_kept(found: os.stat_result, path: Path, is_kind: Callable[[int], bool]) -> None:
    if not is_kind(found.st_mode):
        raise _invalid(f"{path} is not what it should be")
    if found.st_mode & _OTHERS:
        raise _invalid(f"{path} is open to others (mode {stat.S_IMODE(found.st_mode):03o})")


def _invalid(reason: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, reason, cure=_CURE)
