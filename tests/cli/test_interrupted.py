"""Ctrl-C at any moment: one line or nothing, exit code 130, no traceback, and nothing half written.

The signal goes to the whole group of processes, as a terminal sends it, at random moments of each command.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cli.running import Run, far

SRC = Path(__file__).parents[2] / "src"
TIMES = int(os.environ.get("TESTS_INTERRUPTS", "4"))
STOPPED = frozenset({130, -signal.SIGINT})
"""Ended by Ctrl-C; the second before Python listens to signals, which a shell calls 130, too."""

pytestmark = pytest.mark.xdist_group("interrupts")


def listening() -> None:
    """Heed Ctrl-C, also where the tests were started in the background, which a shell has ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupted(argv: Sequence[object], after_s: float, cwd: Path) -> tuple[int, str]:
    """The exit code of a command that was interrupted after a while, and its standard error."""
    process = subprocess.Popen(
        [sys.executable, "-m", "remit", *(str(one) for one in argv)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        start_new_session=True,
        preexec_fn=listening,  # noqa: PLW1509  # no thread of ours holds a lock here
    )
    time.sleep(after_s)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    try:
        said = process.communicate(timeout=90)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return process.returncode, said


def moments(name: str, longest_s: float) -> list[float]:
    """Random moments of a command, from the first on at which Python itself has begun."""
    random.seed(f"{name} {os.environ.get('TESTS_SEED', '')}")
    return [random.uniform(0.1, longest_s) for _ in range(TIMES)]


def ended_cleanly(name: str, code: int, said: str) -> bool:
    """Whether a command ended with one line or nothing. Its own code: what came too late interrupted nothing."""
    lines = [line for line in said.splitlines() if line and not line.startswith("{")]  # a server's log is JSON
    assert "Traceback" not in said, said
    assert "KeyboardInterrupt" not in said, said
    if code in STOPPED:
        assert len(lines) <= 1, said
    else:
        assert code == 0 or (code == 1 and name == "doctor"), (code, said)
    return code in STOPPED


LONG: dict[str, tuple[Callable[[Path, Path], list[object]], float]] = {
    "check": (lambda desk, _: ["check", "--config", desk], 2.0),
    "doctor": (lambda desk, _: ["doctor", "--config", desk], 3.0),
    "export": (lambda desk, new: ["export", "--config", desk, new], 1.5),
    "init": (lambda _, new: ["init", new], 2.0),
    "migrate": (lambda desk, _: ["migrate", "--config", desk], 2.0),
    "person invite": (lambda desk, _: ["person", "invite", "anna", "--config", desk], 2.0),
    "policy test": (lambda desk, _: ["policy", "test", "--config", desk], 1.5),
    "report": (lambda desk, _: ["report", "--config", desk], 1.5),
    "serve": (lambda desk, _: ["serve", "--port", "0", "--config", desk], 4.0),
    "verify-log": (lambda desk, _: ["verify-log", "--config", desk], 1.5),
}


@pytest.mark.parametrize("name", LONG)
def test_ctrl_c_ends_a_command_with_one_line_and_leaves_nothing_half_written(remit: Run, made: Path, tmp_path: Path, name: str) -> None:
    command, longest_s = LONG[name]
    for number, after_s in enumerate(moments(name, longest_s)):
        room = tmp_path / str(number)
        room.mkdir()
        desk = Path(shutil.copytree(made, room / "acme"))
        code, said = interrupted(command(desk, room / "new"), after_s, room)
        stopped = ended_cleanly(name, code, said)
        left = {one.name for one in room.iterdir()} - {"acme"}
        if name == "init":
            assert left == (set() if stopped else {"new"}), (after_s, code, said)
        elif name == "export" and left:
            assert remit("export", "--config", desk, room / "new").code == 0
            assert not list((room / "new").rglob("*.new"))
        else:
            assert left == set()
        assert remit("verify-log", "--config", desk).code == 0
        assert remit("check", "--config", desk).code == 0


def test_ctrl_c_ends_the_records_service(made: Path, tmp_path: Path) -> None:
    desk = Path(shutil.copytree(made, tmp_path / "acme"))
    far(desk)
    for after_s in moments("desk serve", 2.5):
        ended_cleanly("desk serve", *interrupted(["desk", "serve", "--config", desk], after_s, tmp_path))


def test_ctrl_c_ends_a_demo_and_the_next_one_runs(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    for after_s in (0.4, *moments("demo", 9.0)[:2]):
        code, said = interrupted(["demo", "--json", "--port", "0", "--dir", folder], after_s, tmp_path)
        assert "Traceback" not in said, said
        assert code in {0, *STOPPED}, (after_s, code, said)
        stopped = subprocess.run(
            [sys.executable, "-m", "remit", "demo", "--stop", "--dir", folder],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(SRC)},
        )
        assert "No demo runs" in stopped.stdout


def test_an_interrupt_within_a_callback_is_not_lost() -> None:
    program = """
import signal, sys, time, weakref
import remit.__main__ as command
sys.unraisablehook = command._unraised
class Thing: pass
thing = Thing()
kept = weakref.ref(thing, lambda _: command._interrupt(signal.SIGINT, None))
try:
    del thing
    time.sleep(20)
except KeyboardInterrupt:
    print("stopped")
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PYTHONPATH": str(SRC)}
    )
    assert (ended.stdout, ended.stderr) == ("stopped\n", "")


def test_a_second_ctrl_c_while_a_command_ends_shows_no_traceback(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "remit", "init", tmp_path / "new"],
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SRC)},
        preexec_fn=listening,  # noqa: PLW1509  # no thread of ours holds a lock here
    )
    time.sleep(1.0)
    for _ in range(20):
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    said = process.communicate(timeout=60)[1]
    assert "Traceback" not in said
    assert process.returncode in {0, *STOPPED}, said
    assert (tmp_path / "new").exists() == (process.returncode == 0)
