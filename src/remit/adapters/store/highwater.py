"""The high-water checkpoint: the newest signed checkpoint, kept outside the store so that an older store is noticed."""

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from remit.adapters.sqlite_files import no_rights
from remit.domain.errors import Code, Refused
from remit.domain.note import MAX_NOTE, Checkpoint

Point = Callable[[str], None]
Verify = Callable[[str], Checkpoint]
"""A signed checkpoint's text to the checkpoint, verified; refuses what the log's own key did not sign."""

_SYNC_EVERY_S: Final = 1.0
_LATEST: Final = ".latest"
_SLOT: Final = 4096


class HighWater:
    """Two small files; the newest checkpoint in them that verifies counts.

    `path.latest` is written in place for every group before its answers leave, in two slots by turns, so that one that is
    torn leaves the other; it survives any crash of the process. `path` is text, replaced as a whole with fsync once a
    second and on close, and so survives a power cut. Either may be a little older than the store, never newer; a restored
    old store is far older than both.
    """

    def __init__(self, path: Path, on_point: Point) -> None:
        self._path = path
        self._latest = path.with_name(path.name + _LATEST)
        self._on_point = on_point
        self._sync_after = 0.0
        self._slot = 0
        self._open: int | None = None
        self.frozen = False
        """While a recovery runs, the published checkpoint stays what it was: a recovery cut short must be noticed."""

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return self._path

    def read(self) -> str:
        """What is kept, as text ("" when nothing was ever kept), readable or not: evidence for a recovery.

        Raises:
            Refused: `settings.invalid` when this account may not read it.
        """
        found = [raw.decode("utf-8", errors="replace") for _, raw in self._kept() if raw]
        return max(found, key=_claimed_size, default="")

    def verify(self, verify: Verify) -> Checkpoint | None:
        """The newest kept checkpoint, verified (None when none was ever kept).

        Raises:
            Refused: `log.damaged` when something is kept and none of it verifies, `settings.invalid` when it may not be read.
        """
        newest: Checkpoint | None = None
        problem = ""
        for name, raw in self._kept():
            try:
                found = verify(raw.decode("utf-8", errors="strict"))
            except (UnicodeDecodeError, Refused) as unreadable:
                problem = f"{name}: {unreadable}"
                continue
            if newest is None or found.size > newest.size:
                newest = found
        if newest is None and problem:
            raise Refused(
                Code.LOG_DAMAGED,
                f"the high-water checkpoint cannot be read ({problem}); put back the file, or run `remit recover` to go on without it",
            )
        return newest

    def write(self, note: str) -> None:
        """Keep a newer checkpoint, unless a recovery runs."""
        if self.frozen:
            return
        if self._open is None:
            self._open = os.open(self._latest, os.O_WRONLY | os.O_CREAT, 0o600)
        raw = note.encode() + b"\x00"
        place, half = self._slot * _SLOT, len(raw) // 2
        _write_at(self._open, raw[:half], place)
        # A crash here leaves a torn slot, which does not verify; the other one is of the group before.
        self._on_point("checkpoint.half_written")
        _write_at(self._open, raw[half:], place + half)
        self._slot = 1 - self._slot
        if time.monotonic() >= self._sync_after:
            self.sync(note)

    def sync(self, note: str) -> None:
        """Make it durable, unless a recovery runs."""
        if self.frozen:
            return
        beside = self._path.with_name(self._path.name + ".new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(note.encode())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        _sync_folder(self._path.parent)
        self._sync_after = time.monotonic() + _SYNC_EVERY_S

    def close(self) -> None:
        """Let go of the file."""
        if self._open is not None:
            os.close(self._open)
            self._open = None

    def _kept(self) -> list[tuple[str, bytes]]:
        """Everything that is kept, by where it stands; a file that is there and holds nothing counts, as something unreadable."""
        found: list[tuple[str, bytes]] = []
        whole = _bytes(self._path)
        if whole is not None:
            found.append((self._path.name, whole[:MAX_NOTE]))
        raw = _bytes(self._latest)
        if raw is not None:
            slots = [raw[place : place + _SLOT].partition(b"\x00")[0] for place in range(0, 2 * _SLOT, _SLOT)]
            found.extend((self._latest.name, slot) for slot in slots if slot or not any(slots))
        return found


def _bytes(path: Path) -> bytes | None:
    """What stands in a file, None where there is none. ⚔ One that may not be read is not one that was never there."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as problem:
        raise no_rights(f"log.high_water: {path}", problem) from None
    except OSError as problem:
        cure = "Put the file back, or name in remit.toml the one that belongs to this store."
        raise Refused(Code.SETTINGS_INVALID, f"log.high_water: {path} cannot be read: {problem.strerror}", cure=cure) from None


def _claimed_size(note: str) -> int:
    """The size a kept text says, whether or not it verifies."""
    _, _, rest = note.partition("\n")
    line = rest.partition("\n")[0]
    return int(line) if line.isascii() and line.isdecimal() else -1


def _write_at(handle: int, raw: bytes, place: int) -> None:
    if os.pwrite(handle, raw, place) != len(raw):
        raise OSError(errno.ENOSPC, "the checkpoint was not written whole")


def _sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
