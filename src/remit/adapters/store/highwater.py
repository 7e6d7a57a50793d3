"""The high-water checkpoint: the newest signed checkpoint, kept outside the store so that an old store is noticed."""

import errno
import fcntl
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from remit.adapters.db.sqlite_errors import (
    DISK_CURE,
    PERMISSION_CURE,
    describe_error,
    is_permission_error,
    permission_refusal,
)
from remit.domain.errors import Code, Refused
from remit.proof.checkpoint import MAX_NOTE, Checkpoint

Point = Callable[[str], None]
Verify = Callable[[str], Checkpoint]
"""Parse and verify a signed checkpoint; refuse a foreign signature."""

_SYNC_EVERY_S: Final = 1.0
_LATEST: Final = ".latest"
_SLOT: Final = 4096
_MAX_PLACES: Final = 64


class StoredCheckpoint(NamedTuple):
    """A stored, verified checkpoint: text, parsed form, and modification time of its file (seconds since 1970)."""

    note: str
    checkpoint: Checkpoint
    at: float


class HighWater:
    """Two small files; the newest checkpoint in them that verifies counts.

    `path.latest` is written in place for every group before its answers leave, alternating between two slots so that
    a torn write leaves the other; it survives any crash of the process. `path` is text, replaced with fsync once a
    second (`sync_if_due` does so when nothing more is written) and on close, and so survives a power cut. Either may be
    a little older than the store, never newer; a restored old store is far older than both.
    """

    def __init__(self, path: Path, verify: Verify, on_point: Point, *, shared: bool = False) -> None:
        """Keep it at `path`; several processes (`shared`) each get a numbered path beside it.

        Raises:
            Refused: `settings.invalid` when no path is free.
        """
        self._among = path
        self._path, self._lock = _own_place(path, shared=shared)
        self._verify = verify
        self._on_point = on_point
        self._sync_after = 0.0
        self._unsynced = ""
        self._slot = 0
        self._open: int | None = None
        self.frozen = False
        """During a recovery the published checkpoint stays: an interrupted recovery must be noticed."""

    @property
    def path(self) -> Path:
        """File of this process."""
        return self._path

    def newest(self) -> StoredCheckpoint | None:
        """Return the newest checkpoint (see `newest`)."""
        return newest(self._among, self._verify)

    def read(self) -> str:
        """Return the newest stored checkpoint as text, "" when there never was one; evidence for a recovery.

        Where none verifies, or two contradict each other, return all that is stored.

        Raises:
            Refused: `settings.invalid` when this account may not read it.
        """
        try:
            found = self.newest()
        except Refused as refused:
            if refused.code is not Code.LOG_DAMAGED:
                raise
            return "\n".join(raw.decode("utf-8", errors="replace") for _, raw, _ in _kept(self._among) if raw)
        return "" if found is None else found.note

    def write(self, note: str) -> None:
        """Store a newer checkpoint, except during a recovery."""
        if self.frozen:
            return
        raw = note.encode() + b"\x00"
        place, half = self._slot * _SLOT, len(raw) // 2
        _write_at(self._slots(), raw[:half], place)
        # A crash here leaves a torn slot, which does not verify; the other slot holds the group before.
        self._on_point("checkpoint.half_written")
        _write_at(self._slots(), raw[half:], place + half)
        self._slot = 1 - self._slot
        self._unsynced = note
        if time.monotonic() >= self._sync_after:
            self.sync(note)

    def write_initial(self, note: str) -> None:
        """Store the head before the first commit, so that a missing file always means loss.

        Raises:
            Refused: `settings.invalid` when it cannot be written.
        """
        try:
            self.write(note)
        except OSError as problem:
            raise _unwritable(self._path, problem) from None

    def due(self) -> bool:
        """Whether the next `write` syncs to disk."""
        return not self.frozen and time.monotonic() >= self._sync_after

    def sync_if_due(self) -> bool:
        """Sync what was only written in place once a second has passed; return whether that is still to be done."""
        if self._unsynced and time.monotonic() >= self._sync_after:
            self.sync(self._unsynced)
        return bool(self._unsynced)

    def sync(self, note: str) -> None:
        """Make a checkpoint durable, except during a recovery."""
        if not self.frozen:
            self._replace(note)

    def accept(self, note: str) -> None:
        """Replace all stored checkpoints by this one, durably: the end of a recovery.

        On failure or interruption older ones may remain beside it.
        """
        # In this order, since the recovery is logged already. A crash after the text leaves lost checkpoints in the
        # slots: where both are larger, or the newest is, the start says `log.older`, where one is as large
        # `log.damaged`, and a second `remit recover` repairs it; where all are smaller only the text counts, and it
        # starts.
        self._replace(note)
        raw = note.encode() + b"\x00"
        for place in (0, _SLOT):
            _write_at(self._slots(), raw, place)
        os.fsync(self._slots())  # ⚔ else a power cut brings back the lost checkpoint and the refused start
        for other in _places(self._among):
            if other != self._path:  # a recovery runs alone: no other process writes there
                other.unlink(missing_ok=True)
                _latest(other).unlink(missing_ok=True)
        self.frozen = False

    def close(self) -> None:
        """Close the file and release the lock."""
        if self._open is not None:
            os.close(self._open)
            self._open = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _replace(self, note: str) -> None:
        beside = self._path.with_name(self._path.name + ".new")
        _write_durably(beside, note, os.O_TRUNC)
        beside.replace(self._path)
        _sync_folder(self._path.parent)
        self._sync_after = time.monotonic() + _SYNC_EVERY_S
        self._unsynced = ""

    def _slots(self) -> int:
        """Open the file that is written in place."""
        if self._open is None:
            self._open = os.open(_latest(self._path), os.O_WRONLY | os.O_CREAT, 0o600)
        return self._open


def write_first_checkpoint(path: Path, note: str) -> None:
    """Store a first checkpoint, durably.

    Raises:
        Refused: `settings.invalid` when it cannot be written, or a checkpoint exists already.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_durably(path, note, os.O_EXCL)
        _sync_folder(path.parent)
    except OSError as problem:
        raise _unwritable(path, problem) from None


def probe_writable(path: Path) -> None:
    """Write and delete a file beside a high-water checkpoint; the checkpoint itself is not touched.

    Raises:
        OSError: there is no room, or no permission.
    """
    beside = path.with_name(f"{path.name}.tried-{os.getpid()}")
    try:
        beside.write_bytes(bytes(_SLOT))
    finally:
        beside.unlink(missing_ok=True)


def newest(path: Path, verify: Verify) -> StoredCheckpoint | None:
    """Return the newest verified checkpoint at `path` and beside it, None when there never was one.

    Every reader goes by it, also during writes. ⚔ An unverified size counts for nothing: a torn slot claims one too.

    Raises:
        Refused: `log.damaged` when something is stored and none of it verifies, or two that verify contradict;
            `settings.invalid` when it may not be read.
    """
    found: dict[int, StoredCheckpoint] = {}
    problem = ""
    for name, raw, at in _kept(path):
        try:
            note = raw.decode("utf-8", errors="strict")
            stored = StoredCheckpoint(note, verify(note), at)
        except (UnicodeDecodeError, Refused) as unreadable:
            problem = f"{name}: {unreadable}"
            continue
        size = stored.checkpoint.size
        if found.setdefault(size, stored).checkpoint.root != stored.checkpoint.root:
            raise Refused(
                Code.LOG_DAMAGED,
                f"{path}: two signed checkpoints kept there differ at {size} entries: the log was forked",
            )
    if not found and problem:
        raise Refused(
            Code.LOG_DAMAGED,
            f"the high-water checkpoint cannot be read ({problem}); put back the file, or run `remit recover` to go on "
            "without it",
        )
    return found[max(found)] if found else None


def _kept(path: Path) -> list[tuple[str, bytes, float]]:
    """Read everything stored, with name and time; an empty file counts as unreadable."""
    return [found for place in _places(path) for found in _kept_at(place)]


def _kept_at(path: Path) -> list[tuple[str, bytes, float]]:
    found: list[tuple[str, bytes, float]] = []
    whole = _bytes(path)
    if whole is not None:
        found.append((path.name, whole[0][:MAX_NOTE], whole[1]))
    latest = _latest(path)
    both = _bytes(latest)
    if both is not None:
        slots = [both[0][place : place + _SLOT].partition(b"\x00")[0] for place in range(0, 2 * _SLOT, _SLOT)]
        found.extend((latest.name, slot, both[1]) for slot in slots if slot or not any(slots))
    return found


def _places(path: Path) -> list[Path]:
    """List the paths of processes that share a folder: the path itself and numbered ones beside it."""
    numbered = re.compile(re.escape(path.name) + r"\.(?:[2-9]|[1-9][0-9])")
    try:
        names = {file.name.removesuffix(_LATEST) for file in path.parent.iterdir()}
    except OSError:
        names = set()  # reading the path itself reports the error
    return [path, *(path.with_name(name) for name in sorted(names) if numbered.fullmatch(name))]


def _own_place(path: Path, *, shared: bool) -> tuple[Path, int | None]:
    """Take the first free path, with a lock that ends with the process."""
    if not shared:
        return path, None
    for number in range(1, _MAX_PLACES + 1):
        place = path if number == 1 else path.with_name(f"{path.name}.{number}")
        try:
            lock = os.open(place.with_name(f"{place.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as problem:
            raise _unwritable(place, problem) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        return place, lock
    raise Refused(Code.SETTINGS_INVALID, f"log.high_water: {_MAX_PLACES} processes keep theirs beside {path} already")


def _unwritable(path: Path, problem: OSError) -> Refused:
    cure = PERMISSION_CURE if is_permission_error(problem) else DISK_CURE
    return Refused(
        Code.SETTINGS_INVALID, f"log.high_water: {path} cannot be written: {describe_error(problem)}", cure=cure
    )


def _latest(path: Path) -> Path:
    return path.with_name(path.name + _LATEST)


def _bytes(path: Path) -> tuple[bytes, float] | None:
    """Return content and time of a file, None where there is none. ⚔ Unreadable is not the same as missing."""
    try:
        with path.open("rb") as file:
            return file.read(2 * _SLOT), os.fstat(file.fileno()).st_mtime
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as problem:
        raise permission_refusal(f"log.high_water: {path}", problem) from None
    except OSError as problem:
        cure = "Put the file back, or name in remit.toml the one that belongs to this store."
        raise Refused(
            Code.SETTINGS_INVALID, f"log.high_water: {path} cannot be read: {problem.strerror}", cure=cure
        ) from None


def no_pause(_point: str) -> None:
    """Pass a point at which a fault test could hold the process."""


def _write_durably(path: Path, note: str, flag: int) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | flag, 0o600), "wb") as file:
        file.write(note.encode())
        file.flush()
        os.fsync(file.fileno())


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
