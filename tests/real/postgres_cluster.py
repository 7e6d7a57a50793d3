"""A PostgreSQL for a system of record, on a Unix socket, begun from the data of an earlier one: a schema of minutes is made once."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import postgres_server

_OPTIONS = "-c listen_addresses='' -c fsync=off -c max_connections=60 -c autovacuum=off"


class PostgresCluster:
    """One server with the user `remit`, who may do everything."""

    def __init__(self) -> None:
        room = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="remit-real-", dir=room if room.is_dir() else None))
        self._binaries = postgres_server._binaries()
        self._as_user = postgres_server._unprivileged(self.folder)
        self.data = self.folder / "data"

    def make(self) -> None:
        """Begin empty."""
        self._run("initdb", "-D", self.data, "-A", "trust", "-U", "remit", "-E", "UTF8", "--no-locale", "-N")

    def load(self, template: Path) -> None:
        """Begin with the data of an earlier one."""
        subprocess.run(["cp", "-a", template, self.data], check=True)

    def save(self, template: Path) -> None:
        """Stop, and keep the data."""
        self._run("pg_ctl", "-D", self.data, "-m", "fast", "stop")
        subprocess.run(["cp", "-a", self.data, template], check=True)

    def start(self) -> None:
        """Start it."""
        options = f"{_OPTIONS} -c unix_socket_directories={self.folder}"
        self._run("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-o", options, "start")

    def create(self, database: str) -> None:
        """Make a database."""
        self._run("createdb", "-h", self.folder, "-U", "remit", database)

    def ask(self, database: str, question: str) -> list[str]:
        """The lines that a query answers."""
        command = [self._binaries / "psql", "-h", self.folder, "-U", "remit", "-d", database, "-At", "-c", question]
        return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout.splitlines()

    def remove(self) -> None:
        """Stop it, and forget the data."""
        command = [*self._as_user, str(self._binaries / "pg_ctl"), "-D", str(self.data), "-m", "immediate", "stop"]
        subprocess.run(command, capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *given: object) -> None:
        postgres_server._run(self._as_user, self._binaries / program, *given)
