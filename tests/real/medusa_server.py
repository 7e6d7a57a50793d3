"""Medusa 2 on a PostgreSQL of its own, made in a folder, started and killed at will."""

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
from msgspec import convert

import postgres_server
from real.medusa_seed import Shop, seed

INSTALLED = Path(__file__).parents[2] / ".bench" / "real" / "medusa"
KIT = Path(__file__).parent / "medusa"
_CLI = ("node", "node_modules/@medusajs/cli/cli.js")
_START_S = 90
ADMIN = ("admin@shop.test", "admin-pass-1")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _digest() -> str:
    """Name what the seed depends on."""
    read = [KIT / "package.json", KIT / "medusa-config.js", Path(__file__).parent / "medusa_seed.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in read)).hexdigest()[:16]


class MedusaServer:
    """One Medusa. Its seeded database is kept beside the installation, so that it is made once.

    `shop` is what the seed made.
    """

    def __init__(self, home: Path, installed: Path = INSTALLED) -> None:
        self.home, self.installed = home, installed
        self.port, database = _free_port(), _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.shop: Shop
        self._stop_database: Callable[[], None] = lambda: None
        self._process: subprocess.Popen[bytes] | None = None
        self._database = database
        self._environment = {
            **os.environ,
            "MEDUSA_DISABLE_TELEMETRY": "true",
            "PORT": str(self.port),
            "DATABASE_URL": f"postgres://remit@127.0.0.1:{database}/postgres",
        }

    def make(self) -> None:
        """Make the database with its tables and its administrator, start the shop, and fill it."""
        (self.home / "node_modules").symlink_to(self.installed / "node_modules")
        for file in ("package.json", "medusa-config.js"):
            (self.home / file).write_bytes((KIT / file).read_bytes())
        for folder in ("api", "modules", "workflows", "links", "jobs", "subscribers"):
            (self.home / "src" / folder).mkdir(parents=True)
        _, self._stop_database = postgres_server.start(f"-c listen_addresses=127.0.0.1 -c port={self._database} -c fsync=off")
        kept = self.installed / f"seeded-{_digest()}.sql"
        if kept.is_file():
            self._postgres("psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(kept))
            self.shop = convert(json.loads(kept.with_suffix(".json").read_text()), Shop)
            self.start()
            return
        self._run("db:migrate", "--skip-scripts")
        self._run("user", "-e", ADMIN[0], "-p", ADMIN[1])
        self.start()
        self.shop = seed(self.url, *ADMIN)
        kept.with_suffix(".json").write_text(json.dumps(asdict(self.shop)))
        self._postgres("pg_dump", "--no-owner", "-f", f"{kept}.new")
        Path(f"{kept}.new").rename(kept)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_CLI, "start", "-H", "127.0.0.1", "-p", str(self.port)],
                cwd=self.home,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            try:
                if httpx.get(f"{self.url}/health", timeout=5, trust_env=False).is_success:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise AssertionError((self.home / "server.log").read_text()[-2000:])

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Kill the shop; its database stays."""
        if self._process is not None:
            os.killpg(self._process.pid, how)
            self._process.wait()
            self._process = None

    def crash(self) -> None:
        """Kill the shop, and start it again."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End the shop and its database."""
        self.stop()
        self._stop_database()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call as the shop's administrator, beside Remit."""
        answer = httpx.request(method, self.url + path, auth=(self.shop.secret, ""), json=body, timeout=60, trust_env=False)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def _postgres(self, command: str, *options: str) -> None:
        found = shutil.which(command) or str(max(Path("/usr/lib/postgresql").glob(f"*/bin/{command}")))
        done = subprocess.run([found, *options, self._environment["DATABASE_URL"]], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            [*_CLI, *command], cwd=self.home, env=self._environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shop = MedusaServer(Path(folder))
        try:
            shop.make()
        finally:
            shop.close()
