"""Tests against other people's servers, which `make test-real` installs and starts; no part of `make test`."""

import os
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from real.helpdesks import LiveCase, LiveHelpdesk, LiveRoundup, LiveRt
from real.roundup_server import RoundupServer
from real.rt_server import RtServer
from real.systems import ROWS, table

NUMBERS = count(1)

if not os.environ.get("TESTS_REAL"):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def rt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtServer]:
    """Request Tracker 5 on SQLite, made anew and started once."""
    server = RtServer(tmp_path_factory.mktemp("rt"), Path(__file__).parent / "rt")
    server.make()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def roundup() -> Iterator[RoundupServer]:
    """roundup on SQLite, made anew and started once, in a folder that its account may enter."""
    memory = Path("/dev/shm")  # where an fsync costs nothing
    with tempfile.TemporaryDirectory(prefix="roundup-", dir=memory if memory.is_dir() else None) as home:
        server = RoundupServer(Path(home))
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(params=["rt", "roundup"])
def helpdesk(request: pytest.FixtureRequest) -> LiveHelpdesk:
    """Each helpdesk with a dialect."""
    server = request.getfixturevalue(request.param)
    return LiveRt(server) if request.param == "rt" else LiveRoundup(server)


@pytest.fixture
def desk(helpdesk: LiveHelpdesk, tmp_path: Path) -> LiveCase:
    """A case at it."""
    return LiveCase(helpdesk, tmp_path / "journal.db", f"case_{next(NUMBERS)}x{time.time_ns()}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table of all live systems, which `tests/real/systems.py` fills."""
    if ROWS:
        terminalreporter.write_line(table(ROWS))
