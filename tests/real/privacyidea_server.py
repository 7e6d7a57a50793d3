"""privacyIDEA from PyPI on SQLite, started and killed at will. As a command it makes what every run begins with."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

INSTALLED = Path(__file__).parents[2] / ".bench" / "real" / "privacyidea"
KIT = Path(__file__).parent / "privacyidea"
ADMIN = "admin-pass-1"
_START_S = 90
USERS = "alice:x:1001:1001:Alice Lee,,,,alice@corp.test:/nowhere:/bin/sh\nbob:x:1002:1002:Bob Lee,,,,bob@corp.test:/nowhere:/bin/sh\n"
POLICIES = {
    "staff": {"adminuser": "root-admin", "action": "*"},
    "remit-reads": {"adminuser": "remit-read", "action": "tokenlist, userlist"},
    "remit-acts": {"adminuser": "remit-act", "action": "tokenlist, userlist, enrollTOTP, disable, revoke"},
}


class PrivacyIdeaServer:
    """One privacyIDEA with the realm corp, in which alice and bob are."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.tokens: dict[str, str] = {}
        self._staff = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {**os.environ, "PRIVACYIDEA_CONFIGFILE": str(home / "pi.cfg")}

    def make(self) -> None:
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
        self.start_again()
        self.call("POST", "/resolver/corp", {"type": "passwdresolver", "fileName": str(self.home / "users")})
        self.call("POST", "/realm/corp", {"resolvers": "corp"})
        for name, policy in POLICIES.items():
            self.call("POST", f"/policy/{name}", {"scope": "admin", "active": True, "realm": "*", **policy})
        self.kill()

    def start(self) -> None:
        """Start it on what was made once."""
        shutil.copytree(INSTALLED / "data", self.home, dirs_exist_ok=True)
        self.tokens = json.loads((self.home / "tokens.json").read_text())
        self.start_again()
        self.call("POST", "/resolver/corp", {"type": "passwdresolver", "fileName": str(self.home / "users")})

    def start_again(self) -> None:
        """Start the server, and sign in as the company's staff."""
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [INSTALLED / "v" / "bin" / "pi-manage", "run", "-h", "127.0.0.1", "-p", str(self.port), "--no-reload"],
                cwd=self.home,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + _START_S
        while time.monotonic() < until:
            try:
                signed_in = self.call("POST", "/auth", {"username": "root-admin", "password": ADMIN})
            except httpx.HTTPError:
                time.sleep(0.1)
            else:
                self._staff = signed_in["result"]["value"]["token"]
                return
        raise AssertionError((self.home / "server.log").read_text()[-2000:])

    def kill(self) -> None:
        """Kill it."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def crash(self) -> None:
        """Kill it, and start it again."""
        self.kill()
        self.start_again()

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
            env=self._environment,
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
        server.make()
    finally:
        server.kill()


if __name__ == "__main__":
    sys.exit(main())
