"""Tests against other people's servers, which `make test-real` installs and starts; no part of `make test`."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from real.rt_server import RtServer
from real.samba_server import SAMBA, SambaServer
from real.slapd_server import SLAPD, SlapdServer
from real.systems import ROWS, table

SYSTEMS = {
    "rt": ("Request Tracker 5", shutil.which("rt-setup-database-5") is not None),
    "slapd": ("OpenLDAP", Path(SLAPD).exists()),
    "samba": ("Active Directory (Samba)", Path(SAMBA).exists()),
}
"""Systems by the name of their fixture: what they are called, and whether `make real` has installed them here."""

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
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlapdServer]:
    """OpenLDAP with the example's rights, made anew and started once."""
    server = SlapdServer(tmp_path_factory.mktemp("slapd"), Path(__file__).parent / "openldap")
    server.make()
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SambaServer]:
    """A domain controller with the example's rights, made anew and started once."""
    server = SambaServer(tmp_path_factory.mktemp("samba"))
    server.make()
    server.start()
    try:
        server.seed()
        yield server
    finally:
        server.stop()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of systems that are not installed; the summary names those."""
    left_out = [item for item in items if any(not SYSTEMS[name][1] for name in systems_of(item))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


def systems_of(item: pytest.Item) -> set[str]:
    """The systems that a test needs, by their fixtures."""
    return SYSTEMS.keys() & {*getattr(item, "fixturenames", ())}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the systems that are not installed, and show the table of the others, which `tests/real/systems.py` fills."""
    for name, installed in SYSTEMS.values() if os.environ.get("TESTS_REAL") else ():
        if not installed:
            terminalreporter.write_line(f"remit: NOT RUN: tests against a real {name}")
    if ROWS:
        terminalreporter.write_line(table(ROWS))
