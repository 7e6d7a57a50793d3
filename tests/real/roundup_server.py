"""roundup from PyPI in an environment of its own, on SQLite in a folder, started and killed at will."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from real.live_server import LiveServer, free_port

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".bench" / "real" / "roundup" / "bin"
DOCUMENT = ROOT / "docs" / "helpdesk.md"
EVENTS_SECRET = "a secret of the helpdesk"
USERS = ("ann", "ben", "bot")  # user3 to user5
_SETTINGS = {
    "backend": "sqlite",
    "domain": "desk.test",
    "host": "localhost",
    "password_pbkdf2_default_rounds": "1000",
}
_PAGE_ROW = ' <th i18n:translate="">File</th>'


class RoundupServer(LiveServer):
    """One tracker of the classic template. Its officers are ann and ben, bot may write too, Remit's account is remit."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.tracker = home / "tracker"
        self.port, self.events_port = free_port(), free_port()
        self.web = f"http://127.0.0.1:{self.port}/desk/"
        self.url = f"{self.web}rest"

    def admin(self, *arguments: str, text: str = "") -> str:
        """Run one command of an administrator."""
        command = [str(BIN / "roundup-admin"), "-i", str(self.tracker), *arguments]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout.strip()

    def make(self) -> None:
        """Make the tracker, with what docs/helpdesk.md tells a company to add."""
        self.admin("install", "classic", "sqlite", text="\n")
        settings = (self.tracker / "config.ini").read_text()
        for name, value in {**_SETTINGS, "web": self.web, "debug": str(self.home / "mails")}.items():
            head, name_found, tail = settings.rpartition(f"\n{name} =") if name == "debug" else settings.partition(f"\n{name} =")
            if not name_found:
                head, name_found, tail = settings.partition(f"\n#{name} =")
            assert name_found, name
            settings = f"{head}\n{name} = {value}\n{tail.partition(chr(10))[2]}"
        (self.tracker / "config.ini").write_text(settings)
        self.admin("initialise", "admin-pass-1")  # so far it is a company's own
        schema, detector = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
        with (self.tracker / "schema.py").open("a") as file:
            file.write(schema)
        (self.tracker / "detectors" / "remit.py").write_text(detector)
        with (self.tracker / "detectors" / "config.ini").open("a") as file:
            file.write(f"\n[remit]\nurl = http://127.0.0.1:{self.events_port}/helpdesk/v1/events\nsecret = {EVENTS_SECRET}\n")
        (row,) = re.findall(r"```html\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
        page = self.tracker / "html" / "issue.item.html"
        before, found, after = page.read_text().partition('<tr tal:condition="context/is_edit_ok">\n' + _PAGE_ROW)
        assert found
        page.write_text(before + row + found + after)
        (remit,) = re.findall(r"<<EOF\n(.*?)EOF\n", DOCUMENT.read_text(), re.DOTALL)
        remit = remit.replace("$(cat /etc/remit/roundup-password)", self.password("remit")).replace("company.example", "desk.test")
        users = [f"create user username={name} roles=User address={name}@desk.test password={self.password(name)}\n" for name in USERS]
        self.admin("-P", "history_features=2", text="".join((*users, "set user4 remit_address=ben@desk.test\n", remit)))
        self.own()

    def own(self) -> None:
        """Give every file to the account of the server, which refuses to be root."""
        for path in (self.home, *self.home.rglob("*")) if os.getuid() == 0 else ():
            shutil.chown(path, "nobody")

    def command(self) -> Sequence[str | Path]:
        """The command that starts it in its folder."""
        as_nobody = ("-u", "nobody") if os.getuid() == 0 else ()
        return [BIN / "roundup-server", *as_nobody, "-n", "127.0.0.1", "-p", str(self.port), f"desk={self.tracker}"]

    def answers(self) -> bool:
        """Ask for its states."""
        return bool(self.call("remit", "GET", "/data/status"))

    def password(self, account: str) -> str:
        """The password of an account."""
        return f"{account}-pass-1"

    def request(self, account: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """One request as somebody who works in roundup."""
        sent = {"origin": f"http://127.0.0.1:{self.port}", "x-requested-with": "test", **headers}
        return httpx.request(
            method, self.url + path, headers=sent, json=body, auth=(account, self.password(account)), timeout=60, trust_env=False
        )

    def call(self, account: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One call that is answered well."""
        answer = self.request(account, method, path, body, **headers)
        answer.raise_for_status()
        return answer.json()["data"]

    def change(self, account: str, item: str, body: Any, *, method: str = "PUT") -> httpx.Response:
        """Change an item, such as `issue/1`, as it is now."""
        etag = self.call("remit" if account == "remit" else account, "GET", f"/data/{item}")["@etag"]
        return self.request(account, method, f"/data/{item}", body, **{"if-match": etag})

    def mail_texts(self) -> list[str]:
        """The mails it has sent."""
        mails = self.home / "mails"
        return mails.read_text(errors="replace").split("\nFROM: ") if mails.exists() else []


if __name__ == "__main__":  # a tracker to try by hand
    server = RoundupServer(Path(sys.argv[1]))
    server.open()
    print(server.url)  # noqa: T201  # a tool
