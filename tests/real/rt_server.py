"""Request Tracker 5 from Debian's packages, on SQLite in a folder, started and killed at will."""

import os
import re
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from real.live_server import LiveServer, free_port

SERVER = "/usr/share/request-tracker5/libexec/rt-server"
SETUP = "/usr/sbin/rt-setup-database-5"
DOCUMENT = Path(__file__).parents[2] / "docs" / "helpdesk.md"
EVENTS_SECRET = "a secret of the helpdesk"


class RtServer(LiveServer):
    """One RT. Its officers are ann and ben, Remit's account is remit, its queue Support."""

    def __init__(self, home: Path, kit: Path) -> None:
        super().__init__(home)
        self.kit = kit
        self.port, self.events_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}/REST/2.0"
        self.environment = {
            **os.environ,
            "RT_HOME": str(home),
            "RT_PORT": str(self.port),
            "GATEWAY_WEBHOOK_URL": f"http://127.0.0.1:{self.events_port}/helpdesk/v1/events",
            "REMIT_TOKEN_FILE": str(home / "token-remit"),
            "GATEWAY_WEBHOOK_SECRET": EVENTS_SECRET,
            "RT_SITE_CONFIG": str(kit / "RT_SiteConfig.pm"),
            "RT_SITE_CONFIG_DIR": str(home / "empty.d"),
        }

    def make(self) -> None:
        """Make the database and its seed."""
        for folder in ("mason", "session", "empty.d"):
            (self.home / folder).mkdir()
        (self.home / "rootpw").write_text("root-pass-1")
        mail = self.home / "sendmail"
        mail.write_text('#!/bin/sh\ncat > "$RT_HOME/mail-$(date +%s%N).eml"\n')
        mail.chmod(mail.stat().st_mode | stat.S_IXUSR)
        self._set_up("init", "--root-password-file", str(self.home / "rootpw"))
        self._set_up("insert", "--datafile", str(self.kit / "seed.pl"))
        ours = self.home / "remit-rt.pl"  # as docs/helpdesk.md tells a company to
        (found,) = re.findall(r"```perl\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
        ours.write_text(found)
        self._set_up("insert", "--datafile", str(ours))

    def _set_up(self, action: str, *more: str) -> None:
        done = subprocess.run(
            [SETUP, "--action", action, "--skip-create", *more], env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    def command(self) -> Sequence[str | Path]:
        """The command that starts it in its folder."""
        server = next(path for path in (SERVER, "/usr/share/request-tracker5/sbin/rt-server") if Path(path).exists())
        return [server, "--server", "Starlet", "--max-workers", "4", "--host", "127.0.0.1", "--port", str(self.port)]

    def answers(self) -> bool:
        """Ask for its version."""
        return bool(self.call("remit", "GET", "/rt").get("Version"))

    def token(self, account: str) -> str:
        """The token of an account."""
        return (self.home / f"token-{account}").read_text().strip()

    def call(self, account: str, method: str, path: str, body: Any = None) -> Any:
        """One call as somebody who works in RT."""
        headers = {"authorization": f"token {self.token(account)}"}
        answer = httpx.request(method, self.url + path, headers=headers, json=body, timeout=60, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def mail_texts(self) -> list[str]:
        """The mails it has sent."""
        return [path.read_text(errors="replace") for path in self.home.glob("mail-*.eml")]

    def mails(self) -> int:
        """How many mails it has sent."""
        return len(list(self.home.glob("mail-*.eml")))
