"""Medusa 2 on a PostgreSQL of its own, made in a folder, started and killed at will."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
from msgspec import convert

import postgres_server
from real.live_server import LiveServer, free_port
from real.medusa_seed import Shop, seed

INSTALLED = Path(__file__).parents[2] / ".bench" / "real" / "medusa"
KIT = Path(__file__).parent / "medusa"
_CLI = ("node", "node_modules/@medusajs/cli/cli.js")
ADMIN = ("admin@shop.test", "admin-pass-1")


def _digest() -> str:
    """Name what the seed depends on."""
    read = [KIT / "package.json", KIT / "medusa-config.js", Path(__file__).parent / "medusa_seed.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in read)).hexdigest()[:16]


class MedusaServer(LiveServer):
    """One Medusa. Its seeded database is kept beside the installation, so that it is made once.

    `shop` is what the seed made.
    """

    def __init__(self, home: Path, installed: Path = INSTALLED) -> None:
        super().__init__(home)
        self.installed = installed
        self.port, database = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.shop: Shop
        self._stop_database: Callable[[], None] = lambda: None
        self._database = database
        self.environment = {
            **os.environ,
            "MEDUSA_DISABLE_TELEMETRY": "true",
            "PORT": str(self.port),
            "DATABASE_URL": f"postgres://remit@127.0.0.1:{database}/postgres",
        }

    def open(self) -> None:
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

    def command(self) -> Sequence[str | Path]:
        """The command that starts it in its folder."""
        return [*_CLI, "start", "-H", "127.0.0.1", "-p", str(self.port)]

    def answers(self) -> bool:
        """Ask for its health."""
        return httpx.get(f"{self.url}/health", timeout=5, trust_env=False).is_success

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
        done = subprocess.run([found, *options, self.environment["DATABASE_URL"]], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            [*_CLI, *command], cwd=self.home, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shop = MedusaServer(Path(folder))
        try:
            shop.open()
        finally:
            shop.close()
