"""A desk made once by the command line, copied for each test, and a real server process where one is wanted."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from cli.running import Ran, Run, Serve, Serving
from forked import Commands
from remit.__main__ import main
from remit.cli import doctor

ROOT = Path(__file__).parents[2]
NOBODY = 65_534
AS_ROOT = "as root, rights are tested through setpriv and a Python that everybody may run"


@pytest.fixture(autouse=True)
def nothing_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks anybody beyond this machine for a certificate."""

    def nobody(host: str, port: int) -> datetime:
        raise OSError(f"nobody answers at {host} port {port}")

    monkeypatch.setattr(doctor, "certificate_expiry", nobody)


@pytest.fixture
def remit(capfd: pytest.CaptureFixture[str]) -> Run:
    """Run one command in this process."""

    def run(*argv: object) -> Ran:
        capfd.readouterr()
        # A server that should have been refused but serves would hold up every test after it: it is stopped, and the test fails.
        stopping = threading.Timer(20, lambda: os.kill(os.getpid(), signal.SIGTERM))
        stopping.start()
        try:
            code = main([str(one) for one in argv])
        finally:
            stopping.cancel()
            stopping.join()
        told = capfd.readouterr()
        return Ran(code, told.out, told.err)

    return run


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk as `remit init` makes it; copied, never changed."""
    folder = tmp_path_factory.mktemp("made") / "acme"
    assert main(["init", "--json", str(folder)]) == 0
    return folder


@pytest.fixture
def desk(made: Path, tmp_path: Path) -> Path:
    """A fresh copy of a made desk."""
    return Path(shutil.copytree(made, tmp_path / "acme"))


@pytest.fixture(scope="session")
def by_nobody() -> Iterator[Callable[..., Ran]]:
    """Run one command as an account without any rights of root's; skipped where there is no such account to be had."""
    prefix = [] if os.geteuid() else ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp"}
    if prefix and shutil.which("setpriv") is None:
        pytest.skip(AS_ROOT)
    commands = Commands(prefix, environment, "/tmp")

    def run(*argv: object) -> Ran:
        ended = commands.run(argv)
        return Ran(ended.code, ended.out, ended.err)

    try:
        if prefix and run("codes").code:
            pytest.skip(AS_ROOT)
    except (AssertionError, BrokenPipeError):  # an account that may not even start it
        pytest.skip(AS_ROOT)
    yield run
    commands.close()


@pytest.fixture
def nobodys(made: Path) -> Iterator[Path]:
    """A desk that belongs to the account of `by_nobody`, in a folder it can reach."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        desk = Path(shutil.copytree(made, Path(name) / "acme"))
        for file in (Path(name), desk, *desk.rglob("*")) if not os.geteuid() else ():
            os.chown(file, NOBODY, NOBODY)
        yield desk
        for folder in (desk, *desk.rglob("*")):
            if folder.is_dir():
                folder.chmod(0o700)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start `remit serve` on a free port as a process of its own; it has said where it listens when this returns.

    With `command` another command that serves.
    """
    with contextlib.ExitStack() as ending:

        def start(desk: Path, *more: str, command: Sequence[str] = ("serve", "--port", "0"), **environment: str) -> Serving:
            command = [sys.executable, "-m", "remit", *command, "--json", "--config", str(desk), *more]
            process = ending.enter_context(
                subprocess.Popen(
                    command,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
                )
            )
            ending.callback(lambda: process.kill() if process.poll() is None else None)
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, f"exit code {process.wait()}: {process.stderr.read() if process.stderr is not None else None}"
            return Serving(process, json.loads(line))

        yield start
