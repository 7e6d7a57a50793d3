"""The high-water checkpoint: the newest signed checkpoint, kept outside the store so that an older store is noticed."""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.note import MAX_NOTE, Checkpoint

Point = Callable[[str], None]
Verify = Callable[[str], Checkpoint]
"""A signed checkpoint's text to the checkpoint, verified; refuses what the log's own key did not sign."""

_SYNC_EVERY_S: Final = 1.0
_SYNCED: Final = ".synced"


class HighWater:
    """Two small files, each replaced as a whole; the newer one that verifies counts.

    `path` is written for every group before its answers leave, and so survives any crash of the process. `path.synced`
    is written with fsync once a second and on close, and so survives a power cut, which can tear the first. Either may
    be a little older than the store, never newer; a restored old store is far older than both.
    """

    def __init__(self, path: Path, on_point: Point) -> None:
        self._path = path
        self._synced = path.with_name(path.name + _SYNCED)
        self._on_point = on_point
        self._sync_after = 0.0
        self.frozen = False
        """While a recovery runs, the published checkpoint stays what it was: a recovery cut short must be noticed."""

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return self._path

    def read(self) -> str:
        """What is kept, as text ("" when nothing was ever kept), readable or not: evidence for a recovery."""
        for path in (self._path, self._synced):
            with contextlib.suppress(OSError):
                return path.read_bytes()[:MAX_NOTE].decode("utf-8", errors="replace")
        return ""

    def verify(self, verify: Verify) -> Checkpoint | None:
        """The newest kept checkpoint, verified (None when none was ever kept).

        Raises:
            Refused: `log.damaged` when something is kept and none of it verifies.
        """
        newest: Checkpoint | None = None
        problem = ""
        for path in (self._path, self._synced):
            try:
                found = verify(path.read_bytes()[:MAX_NOTE].decode("utf-8", errors="strict"))
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError, Refused) as unreadable:
                problem = f"{path.name}: {unreadable}"
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
        """Replace what is kept, unless a recovery runs."""
        if self.frozen:
            return
        self._replace(self._path, note, sync=False)
        if time.monotonic() >= self._sync_after:
            self.sync(note)

    def sync(self, note: str) -> None:
        """Make it durable, unless a recovery runs."""
        if self.frozen:
            return
        self._replace(self._synced, note, sync=True)
        self._sync_after = time.monotonic() + _SYNC_EVERY_S

    def _replace(self, path: Path, note: str, *, sync: bool) -> None:
        # Plain texts: this runs for every group, and a Path is parsed anew each time it is made.
        target = os.fspath(path)
        beside = target + ".new"
        raw = note.encode()
        half = len(raw) // 2
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(raw[:half])
            file.flush()
            # A crash here leaves a torn side file, which nothing reads; the old checkpoint stays in force.
            self._on_point("checkpoint.half_written")
            file.write(raw[half:])
            file.flush()
            if sync:
                os.fsync(file.fileno())
        os.replace(beside, target)  # noqa: PTH105  # as above
        if sync:
            _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
