"""What the tests of the command line share: one command run here, and a server run as a process of its own."""

import json
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Ran:
    """What one command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


def change(desk: Path, old: str, new: str) -> None:
    """Edit remit.toml as its owner would, where the text stands first (`enabled = false` of [sandbox])."""
    file = desk / "remit.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def sandboxed(desk: Path) -> None:
    """Make a desk one of facts, to try things in."""
    change(desk, "enabled = false", "enabled = true")
    change(desk, "[desk]", '[desk]\nbackoffice = "facts"')


@dataclass
class Serving:
    """A server process and what it said when it began."""

    process: "subprocess.Popen[str]"
    said: Mapping[str, Any]

    @property
    def url(self) -> str:
        return str(self.said["issuer"])

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(timeout=60)


Serve = Callable[..., Serving]


def refused(ran: Ran, code: str, said: str, *, exit_code: int = 1) -> None:
    """One line, with the code, what is wrong, and a cure."""
    assert ran.code == exit_code, ran
    assert ran.err.startswith(f"remit: {code}: "), ran.err
    assert said in ran.err
    assert " Cure: " in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def found(remit: Run, desk: Path, name: str) -> list[dict[str, str]]:
    """What the doctor says about one thing; every finding that is not ok has a cure, and all are told in one line each."""
    ran = remit("doctor", "--json", "--config", desk)
    assert all(one["cure"] for one in ran.json["findings"] if one["state"] != "ok"), ran.json
    assert ran.json["ok"] is all(one["state"] != "wrong" for one in ran.json["findings"])
    for one in ran.json["findings"]:
        assert "\n" not in one["says"] + one["cure"]
    return [one for one in ran.json["findings"] if one["name"] == name]


def configure(desk: Path, **keys: Any) -> None:
    lines = "\n".join(
        f"{key} = {str(value).lower() if isinstance(value, bool) else value if isinstance(value, int) else repr(str(value))}"
        for key, value in keys.items()
    )
    text = (desk / "remit.toml").read_text()
    start = text.index("[notify]")
    end = text.index("\n[", start)
    (desk / "remit.toml").write_text(f"{text[:start]}[notify]\n{lines}\n{text[end:]}")


def far(folder: Path, more: str = "", url: str = "") -> int:
    """Let the desk ask its backoffice over HTTP at a free port, and return it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    change(folder, "[desk]", '[desk]\nbackoffice = "http"')
    with (folder / "remit.toml").open("a") as file:
        file.write(f'\n[backoffice]\nurl = "{url or f"http://127.0.0.1:{port}/records"}"\n{more}\n')
    return port
