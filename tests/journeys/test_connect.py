"""The walk of docs/connect.md, command by command as it is printed, to the refund in the shop's own books."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from journeys.played import Anna

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "connect.md").read_text(encoding="utf-8")
INSTALL, *BLOCKS = re.findall(r"^```(console|python)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
READY = {"remit serve": "Remit serves", "python python/backoffice.py": "listening at", "python agent.py": "http"}
"""Commands that go on, and the beginning of the line after which the next command may come."""


class Terminals:
    """One folder, the commands of the page in it, and those of them that go on."""

    def __init__(self, folder: Path, ending: contextlib.ExitStack) -> None:
        self.folder = folder
        self.ending = ending
        self.running: dict[str, subprocess.Popen[str]] = {}
        self.said: dict[str, str] = {}
        ports = [free_port(), free_port()]
        self.moved = {"localhost:8080": f"localhost:{ports[0]}", "127.0.0.1:8700": f"127.0.0.1:{ports[1]}", " 8700 ": f" {ports[1]} "}
        self.desk_port = ports[0]
        (folder / "bin").mkdir()
        for name, words in (("remit", "-m remit"), ("python", "")):
            (folder / "bin" / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
            (folder / "bin" / name).chmod(0o755)
        path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}

    def here(self, text: str) -> str:
        """The page's text with the ports of this run."""
        for old, new in self.moved.items():
            text = text.replace(old, new)
        return text.replace("remit init ", f"remit init --port {self.desk_port} ")

    def type(self, command: str) -> None:
        """Run a command; one that goes on is left running once it is ready."""
        goes_on = next((known for known in READY if command.startswith(known)), "")
        if goes_on in self.running:
            self.stop(goes_on)
        process = self.ending.enter_context(
            subprocess.Popen(
                ["sh", "-c", f"exec {self.here(command)}" if goes_on else self.here(command)],
                cwd=self.folder,
                env=self.environment,
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if goes_on else subprocess.STDOUT,
            )
        )
        self.ending.callback(process.kill)
        assert process.stdout is not None
        if not goes_on:
            self.said[command] = process.communicate(timeout=120)[0]
            assert process.returncode == 0, f"{command}: {self.said[command]}"
            return
        line = process.stdout.readline()
        assert line.startswith(READY[goes_on]), (command, line)
        self.said[goes_on] = line.strip()
        self.running[goes_on] = process

    def stop(self, name: str) -> None:
        """End it, as Ctrl-C does; that signal is ignored below a shell's background jobs."""
        self.running[name].send_signal(signal.SIGTERM)
        self.running.pop(name).wait(60)

    def rest(self, name: str) -> list[str]:
        """Wait for the end of a command that went on; return its further lines."""
        process = self.running.pop(name)
        told, _ = process.communicate(timeout=120)
        assert process.returncode == 0, told
        return told.splitlines()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Terminals]:
    assert "cp -r examples/backoffice ../shop" in INSTALL[1]
    folder = Path(shutil.copytree(ROOT / "examples" / "backoffice", tmp_path / "shop"))
    with contextlib.ExitStack() as ending:
        yield Terminals(folder, ending)


def commands() -> list[str]:
    return [line[2:] for kind, text in BLOCKS if kind == "console" for line in text.splitlines()]


def test_a_stranger_gets_from_init_to_a_refund_in_the_shops_books(shop: Terminals) -> None:
    for name, (_, text) in zip(("keys.py", "agent.py"), [one for one in BLOCKS if one[0] == "python"], strict=True):
        (shop.folder / name).write_text(shop.here(text))
    typed = iter(commands())
    for command in typed:
        shop.type(command)
        if command == "python agent.py":
            break
    added = next(said for command, said in shop.said.items() if command.startswith("remit person add"))
    code = re.search(r"code=([\w-]+)", added)
    assert code is not None, added
    anna = Anna(f"http://localhost:{shop.desk_port}", code[1])
    anna.browser.headers["accept-language"] = "en"
    anna.allow(shop.said["python agent.py"])
    anna.confirm()
    anna.browser.close()
    assert shop.rest("python agent.py") == [
        "done {'order.paid': '49.90 EUR', 'order.refunded': '0.00 EUR'}",
        "needs_human ('customer',)",
        "done {'order.refunded': '5.00 EUR'}",
    ]
    shop.type(next(typed))
    books = list(shop.said.values())[-1]
    assert "('O-1001', 500, 2)" in books
    shop.stop("remit serve")
    shop.type(next(typed))
    assert next(typed, None) is None
    doctor = next(said for command, said in shop.said.items() if command.startswith("remit doctor"))
    assert "answers, signed, and knows the whole catalogue" in doctor
    assert "0 are not" in next(said for command, said in shop.said.items() if command.startswith("remit check-backoffice"))


def test_what_is_to_be_read_and_typed_takes_half_an_hour_at_most() -> None:
    """At 200 words a minute and one minute for each command."""
    prose = re.sub(r"^```.*?^```", "", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert len(prose.split()) / 200 + len(commands()) <= 30
