"""Tests against other people's servers, which `make test-real` installs and starts; no part of `make test`."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest

from real.helpdesks import LiveCase, LiveHelpdesk, LiveRoundup, LiveRt
from real.live_server import LiveServer
from real.medusa_server import INSTALLED as MEDUSA
from real.medusa_server import MedusaServer
from real.pretix_server import INSTALLED as PRETIX
from real.pretix_server import PretixServer
from real.prism import installed as document_installed
from real.privacyidea_server import INSTALLED as PRIVACYIDEA
from real.privacyidea_server import PrivacyIdeaServer
from real.roundup_server import BIN, RoundupServer
from real.rt_server import RtServer
from real.samba_server import SAMBA, SambaServer
from real.slapd_server import SLAPD, SlapdServer
from real.systems import ROWS, table
from real.tryton_server import INSTALLED as TRYTON
from real.tryton_server import TrytonServer

Server = TypeVar("Server", bound=LiveServer)
HERE = Path(__file__).parent
NUMBERS = count(1)
SYSTEMS = {
    "rt": ("Request Tracker 5", shutil.which("rt-setup-database-5") is not None),
    "roundup": ("roundup 2.6.0", (BIN / "roundup-server").exists()),
    "slapd": ("OpenLDAP", Path(SLAPD).exists()),
    "samba": ("Active Directory (Samba)", Path(SAMBA).exists()),
    "medusa": ("Medusa 2.21.2", (MEDUSA / ".done").exists()),
    "privacyidea": ("privacyIDEA 3.14", (PRIVACYIDEA / ".done").exists()),
    "tryton": ("Tryton 8.2", (TRYTON / ".done").exists()),
    "pretix": ("pretix 2026.8.0", (PRETIX / ".done").exists()),
    **{name: (f"document of {name}, behind prism", document_installed(name)) for name in ("intercom", "zendesk", "freshdesk", "jira")},
}
"""Systems by the name of their fixture or param: what they are called, and whether `make real` has installed them here."""

if not os.environ.get("TESTS_REAL"):
    collect_ignore_glob = ["test_*.py"]


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """A server made and started, and closed at the end."""
    try:
        server.open()
        yield server
    finally:
        server.close()


@pytest.fixture(scope="session")
def rt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RtServer]:
    """Request Tracker 5 on SQLite."""
    with running(RtServer(tmp_path_factory.mktemp("rt"), HERE / "rt")) as server:
        yield server


@pytest.fixture(scope="session")
def roundup() -> Iterator[RoundupServer]:
    """roundup on SQLite, in a folder that its account may enter."""
    memory = Path("/dev/shm")  # where an fsync costs nothing
    with (
        tempfile.TemporaryDirectory(prefix="roundup-", dir=memory if memory.is_dir() else None) as home,
        running(RoundupServer(Path(home))) as server,
    ):
        yield server


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlapdServer]:
    """OpenLDAP with the example's rights."""
    with running(SlapdServer(tmp_path_factory.mktemp("slapd"), HERE / "openldap")) as server:
        yield server


@pytest.fixture(scope="session")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SambaServer]:
    """A domain controller with the example's rights."""
    with running(SambaServer(tmp_path_factory.mktemp("samba"))) as server:
        yield server


@pytest.fixture(scope="session")
def medusa(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MedusaServer]:
    """Medusa 2 on a PostgreSQL of its own."""
    with running(MedusaServer(tmp_path_factory.mktemp("medusa"))) as server:
        yield server


@pytest.fixture(scope="session")
def pretix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PretixServer]:
    """pretix with PostgreSQL, on the schema that `make real-pretix` made."""
    with running(PretixServer(tmp_path_factory.mktemp("pretix"))) as server:
        yield server


@pytest.fixture(scope="session")
def privacyidea(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivacyIdeaServer]:
    """privacyIDEA on SQLite, with the realm that `make real` made."""
    with running(PrivacyIdeaServer(tmp_path_factory.mktemp("privacyidea"))) as server:
        yield server


@pytest.fixture(scope="session")
def tryton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrytonServer]:
    """Tryton with PostgreSQL, on the database that `make real` made."""
    with running(TrytonServer(tmp_path_factory.mktemp("tryton"))) as server:
        yield server


@pytest.fixture(params=["rt", "roundup"])
def helpdesk(request: pytest.FixtureRequest) -> LiveHelpdesk:
    """Each helpdesk with a dialect."""
    server = request.getfixturevalue(request.param)
    return LiveRt(server) if request.param == "rt" else LiveRoundup(server)


@pytest.fixture
def desk(helpdesk: LiveHelpdesk, tmp_path: Path) -> LiveCase:
    """A case at it."""
    return LiveCase(helpdesk, tmp_path / "journal.db", f"case_{next(NUMBERS)}x{time.time_ns()}")


@pytest.hookimpl(tryfirst=True)  # before groups are read
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests of systems that are not installed, which the summary names, and group the others by system."""
    left_out = [item for item in items if any(not SYSTEMS[name][1] for name in systems_of(item))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    for item in items:  # each system is started once, by one process; a test without any belongs to no group
        if needed := systems_of(item):
            item.add_marker(pytest.mark.xdist_group(" ".join(sorted(needed))))


def systems_of(item: pytest.Item) -> set[str]:
    """The systems that a test needs, by its fixtures and their params."""
    params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return SYSTEMS.keys() & {*getattr(item, "fixturenames", ()), *(one for one in params.values() if isinstance(one, str))}


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand the rows of a worker to the process that shows the table."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["rows"] = ROWS


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the rows of a worker that ended."""
    ROWS.extend(getattr(node, "workeroutput", {}).get("rows", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the systems that are not installed, and show the table of the others, which `tests/real/systems.py` fills."""
    for name, installed in SYSTEMS.values() if os.environ.get("TESTS_REAL") else ():
        if not installed:
            terminalreporter.write_line(f"remit: NOT RUN: tests against a real {name}")
    if ROWS:
        terminalreporter.write_line(table(sorted(ROWS, key=lambda row: (row["system"], row["act"]))))
