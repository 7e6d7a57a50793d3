"""The process of another people's server: started with a log, awaited until it answers, killed with its workers."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

_PATIENCE_S = 90


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


class LiveServer:
    """A server with its files in a folder. A subclass says how it is started, and when it answers."""

    environment: Mapping[str, str] | None = None

    def __init__(self, home: Path) -> None:
        self.home = home
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str | Path]:
        """The command that starts it in its folder."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Ask it something; an error of HTTP says that it does not answer yet."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.home,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            try:
                if self.answers():
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        raise AssertionError((self.home / "server.log").read_text()[-2000:])

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Kill it with its workers; its data stand."""
        if self._process is not None:
            os.killpg(self._process.pid, how)
            self._process.wait()
            self._process = None

    def crash(self) -> None:
        """Kill it, and start it again."""
        self.stop()
        self.start()

    def make(self) -> None:
        """Make what it needs before it is started for the first time."""

    def open(self) -> None:
        """Make it, and start it."""
        self.make()
        self.start()

    def close(self) -> None:
        """Kill it with all that was started for it."""
        self.stop()
