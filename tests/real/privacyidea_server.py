"""privacyIDEA from PyPI on SQLite, started and killed at will. As a command it makes what every run begins with."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from real.live_server import LiveServer, free_port  # as a command it is run by its path

INSTALLED = Path(__file__).parents[2] / ".bench" / "real" / "privacyidea"
KIT = Path(__file__).parent / "privacyidea"
ADMIN = "admin-pass-1"
USERS = "alice:x:1001:1001:Alice Lee,,,,alice@corp.test:/nowhere:/bin/sh\nbob:x:1002:1002:Bob Lee,,,,bob@corp.test:/nowhere:/bin/sh\n"
POLICIES = {
    "staff": {"adminuser": "root-admin", "action": "*"},
    "remit-reads": {"adminuser": "remit-read", "action": "tokenlist, userlist"},
    "remit-acts": {"adminuser": "remit-act", "action": "tokenlist, userlist, enrollTOTP, disable, revoke"},
}


class PrivacyIdeaServer(LiveServer):
    """One privacyIDEA with the realm corp, in which alice and bob are."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.tokens: dict[str, str] = {}
        self._staff = ""
        self.environment = {**os.environ, "PRIVACYIDEA_CONFIGFILE": str(home / "pi.cfg")}

    def make_realm(self) -> None:
        """Make keys and tables, realm and policies, and the tokens of Remit's two accounts."""
        self.home.mkdir()
        shutil.copy(KIT / "pi.cfg", self.home)
        (self.home / "users").write_text(USERS)
        for part in ("create_enckey", "create_audit_keys", "create_tables"):
            self._manage("setup", part)
        self._manage("admin", "add", "root-admin", "-p", ADMIN)
        for account in ("read", "act"):
            told = self._manage("api", "createtoken", "-r", "admin", "-u", f"remit-{account}")
            self.tokens[account] = told.partition("Auth-Token:")[2].split()[0]
        (self.home / "tokens.json").write_text(json.dumps(self.tokens))
        self.start()
        self.call("POST", "/resolver/corp", {"type": "passwdresolver", "fileName": str(self.home / "users")})
        self.call("POST", "/realm/corp", {"resolvers": "corp"})
        for name, policy in POLICIES.items():
            self.call("POST", f"/policy/{name}", {"scope": "admin", "active": True, "realm": "*", **policy})
        self.stop()

    def command(self) -> Sequence[str | Path]:
        """The command that starts it in its folder."""
        return [INSTALLED / "v" / "bin" / "pi-manage", "run", "-h", "127.0.0.1", "-p", str(self.port), "--no-reload"]

    def answers(self) -> bool:
        """Sign in as the company's staff."""
        signed_in = self.call("POST", "/auth", {"username": "root-admin", "password": ADMIN})
        self._staff = signed_in["result"]["value"]["token"]
        return True

    def open(self) -> None:
        """Start it on what was made once."""
        shutil.copytree(INSTALLED / "data", self.home, dirs_exist_ok=True)
        self.tokens = json.loads((self.home / "tokens.json").read_text())
        self.start()
        self.call("POST", "/resolver/corp", {"type": "passwdresolver", "fileName": str(self.home / "users")})

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One call as the company's staff."""
        answer = httpx.request(method, self.url + path, headers={"authorization": self._staff}, json=body, timeout=60, trust_env=False)
        if answer.status_code != httpx.codes.OK:
            raise httpx.HTTPStatusError(answer.text, request=answer.request, response=answer)
        return answer.json()

    def enrol(self, who: str = "alice") -> str:
        """Make a second factor beside Remit, and give its serial."""
        made = self.call("POST", "/token/init", {"type": "totp", "user": who, "realm": "corp", "genkey": 1})
        return str(made["detail"]["serial"])

    def factors(self, **having: Any) -> list[Any]:
        """All second factors with these values."""
        found = self.call("GET", "/token/?pagesize=1000")["result"]["value"]["tokens"]
        return [one for one in found if having.items() <= one.items()]

    def _manage(self, *given: str) -> str:
        done = subprocess.run(
            [INSTALLED / "v" / "bin" / "pi-manage", *given],
            cwd=self.home,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout


def main() -> None:
    """Make what every later run begins with."""
    shutil.rmtree(INSTALLED / "data", ignore_errors=True)
    server = PrivacyIdeaServer(INSTALLED / "data")
    try:
        server.make_realm()
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(main())
