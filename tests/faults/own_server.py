"""A PostgreSQL of a test's own: killed, started again, copied to a replica that is promoted, filled up."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from postgres_server import NoServer, _binaries, _run, _unprivileged
from postgres_tests import without

_OPTIONS: Final = "-c max_connections=60 -c shared_buffers=16MB -c autovacuum=off -c max_wal_size=64MB -c min_wal_size=32MB"
_MEMORY: Final = Path("/dev/shm")


class OwnServer:
    """One server over one folder of data. Its promises are kept (fsync is on)."""

    def __init__(self, room: Path | None = None, *, listens: str = "", trusts: str = "") -> None:
        """Its data is to be in `room` or in memory. It `listens` on an address too, to whoever comes from a range that it `trusts`."""
        try:
            self._binaries = _binaries()
            self._folder = Path(tempfile.mkdtemp(prefix="remit-own-pg-", dir=room or (_MEMORY if os.access(_MEMORY, os.W_OK) else None)))
            self._as_user = _unprivileged(self._folder)
        except NoServer as none:
            without(none)
        self._data = self._folder / "data"
        self._listens, self._trusts = listens, trusts
        self.url = f"postgresql://remit@/postgres?host={self._folder}"

    def make(self) -> None:
        """Make new data."""
        _run(self._as_user, self._binaries / "initdb", "-D", self._data, "-A", "trust", "-U", "remit", "-E", "UTF8", "--no-locale", "-N")
        if self._trusts:
            with (self._data / "pg_hba.conf").open("a") as file:
                file.write(f"host all all {self._trusts} trust\n")

    def copy(self, of: "OwnServer") -> None:
        """Become a replica of a server that runs, and follow it from the start on."""
        self.of = of
        command = ("-D", self._data, "-h", of._folder, "-U", "remit", "-R", "-X", "stream", "-c", "fast", "--no-sync")
        _run(self._as_user, self._binaries / "pg_basebackup", *command)

    def start(self) -> None:
        """Start, and come back when it takes connections."""
        with contextlib.suppress(FileNotFoundError):
            (self._folder / ".s.PGSQL.5432.lock").unlink()  # left by one that was killed
        options = f"{_OPTIONS} -c listen_addresses='{self._listens}' -c unix_socket_directories={self._folder}"
        _run(self._as_user, self._binaries / "pg_ctl", "-D", self._data, "-w", "-l", self._folder / "log", "-o", options, "start")

    def kill(self) -> None:
        """Kill it and all its processes, as a machine that loses its power does; come back when they are gone."""
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        doomed = [first, *_below(first)]
        for one in doomed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        while any(_lives(one) for one in doomed):
            time.sleep(0.005)  # nobody tells of the end of another process's children
        with contextlib.suppress(FileNotFoundError):
            (self._data / "postmaster.pid").unlink()

    def promote(self) -> None:
        """Make a replica a primary, and come back when it is one."""
        _run(self._as_user, self._binaries / "pg_ctl", "-D", self._data, "-w", "promote")

    def remove(self) -> None:
        """Stop it and leave nothing behind."""
        command = [*self._as_user, str(self._binaries / "pg_ctl"), "-D", str(self._data), "-m", "immediate", "stop"]
        subprocess.run(command, capture_output=True, check=False)
        shutil.rmtree(self._folder, ignore_errors=True)


def _below(parent: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False)
    return [int(one) for one in found.stdout.split()]


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def own_server(room: Path | None = None, *, listens: str = "", trusts: str = "") -> Iterator[OwnServer]:
    """A new server that runs."""
    server = OwnServer(room, listens=listens, trusts=trusts)
    try:
        server.make()
        server.start()
        yield server
    finally:
        server.remove()


@contextmanager
def replica(of: OwnServer) -> Iterator[OwnServer]:
    """A server that follows another one."""
    server = OwnServer()
    try:
        server.copy(of)
        server.start()
        yield server
    finally:
        server.remove()


@contextmanager
def small_disk(megabytes: int) -> Iterator[Path]:
    """A disk of its own, so small that it can be filled; skipped where none can be mounted."""
    folder = Path(tempfile.mkdtemp(prefix="remit-small-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"a disk that can be filled takes the right to mount one: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)
        folder.rmdir()


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """No room is left on a disk while this goes on."""
    filler = disk / "filler"
    try:
        with contextlib.suppress(OSError), filler.open("wb") as file:
            for size in (1 << 20, 1 << 12):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * size)
                        file.flush()
        yield
    finally:
        filler.unlink(missing_ok=True)
