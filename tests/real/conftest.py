"""Tests against other people's servers, which `make test-real` installs and starts; no part of `make test`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from real.rt_server import RtServer
from real.systems import ROWS, table

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table of all live systems, which `tests/real/systems.py` fills."""
    if ROWS:
        terminalreporter.write_line(table(ROWS))
