"""Tests against other people's servers, which `make test-real` installs and starts; no part of `make test`."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from real.rt_server import RtServer
from real.slapd_server import SlapdServer
from real.systems import ROWS, table

SYSTEMS: Final = {
    "Request Tracker 5": ("rt-setup-database-5", ["test_rt.py", "test_rt_desk.py"]),
    "OpenLDAP": ("slapd", ["test_openldap.py", "test_openldap_desk.py"]),
    "Active Directory (Samba)": ("samba", ["test_samba.py"]),
}
"""Each real system with the program that has to be there, and its tests."""


def _missing() -> Mapping[str, Sequence[str]]:
    path = f"{os.environ['PATH']}:/usr/sbin"
    return {name: tests for name, (program, tests) in SYSTEMS.items() if shutil.which(program, path=path) is None}


if os.environ.get("TESTS_REAL"):
    collect_ignore = [test for tests in _missing().values() for test in tests]
else:
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
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlapdServer]:
    """OpenLDAP with the example's rights, made anew and started once."""
    server = SlapdServer(tmp_path_factory.mktemp("slapd"), Path(__file__).parent / "openldap")
    server.make()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table of all live systems, which `tests/real/systems.py` fills, and name those that were not tried."""
    for name in _missing() if os.environ.get("TESTS_REAL") else ():
        terminalreporter.write_line(f"remit: NOT RUN: tests against a real {name}")
    if ROWS:
        terminalreporter.write_line(table(ROWS))
