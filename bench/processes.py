"""What a server's whole process tree used, as the kernel counts it, and starting and ending such a tree."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
STARTED_S = 60.0


class Unstarted(Exception):  # noqa: N818  # what was found, with its cure
    """A server that is to be compared with did not start; the message says what to do about it."""


class LeftOut(Exception):  # noqa: N818  # what was found, with its cure
    """A part cannot be measured on this machine, and the others can; the message says why."""


def tree(pid: int) -> list[int]:
    """A process and all below it that are alive."""
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                left.extend(int(child) for child in task.read_text().split())
            except OSError:
                continue  # the thread has ended meanwhile
    return found


def cpu_s(pid: int) -> float:
    """User and system seconds of a process tree so far, those of its ended children included."""
    total = 0
    for one in tree(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile, and its parent counts it
        total += sum(int(field) for field in fields[11:15])
    return total * TICK_S


def pss_mb(pid: int) -> float:
    """Memory of a process tree in MB, what is shared counted in proportion."""
    total = 0
    for one in tree(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


@dataclass(frozen=True)
class Started:
    """A server in a process group of its own; what it says goes to a file."""

    name: str
    process: subprocess.Popen[bytes]
    said: Path

    @property
    def pid(self) -> int:
        """Its first process."""
        return self.process.pid

    def wait_until(self, ready: Callable[[], bool], cure: str) -> None:
        """Wait until it serves.

        Raises:
            Unstarted: when it ended, or takes too long.
        """
        until = time.monotonic() + STARTED_S
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            if ready():
                return
            time.sleep(0.1)
        said = [line.strip() for line in self.said.read_text(errors="replace").splitlines() if line.strip()]
        telling = [line for line in said if "error" in line.lower()] or said or ["it said nothing"]
        self.stop()
        raise Unstarted(f"{self.name} did not start ({telling[-1][:300]}); {cure}")

    def stop(self) -> None:
        """End it and what it started."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
                self.process.wait(timeout=5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue


def start(
    name: str,
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    cure: str = "run `make bench`, which installs it",
) -> Started:
    """Start a server with `folder` as its place and the file `said` there for what it says.

    Raises:
        Unstarted: when the program is not there, with the cure.
    """
    said = folder / "said"
    try:
        with said.open("wb") as log:
            process = subprocess.Popen(
                list(command),
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | dict(environment or {}),
                start_new_session=True,
            )
    except FileNotFoundError as missing:
        raise Unstarted(f"{name} did not start: there is no {missing.filename}; {cure}") from None
    return Started(name, process, said)
