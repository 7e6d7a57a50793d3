"""The arena every attack starts from."""

import re
from collections.abc import Iterator

import pytest

from attacks.arena import Arena, open_arena
from attacks.over_mcp import OVER_MCP, install
from remit.engine.agents.replay import ReplayCache


@pytest.fixture(params=["the same process", "another process"])
def process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Who a used credential comes to next: the process that saw it, or one that has the store's word alone."""
    if request.param == "another process":
        monkeypatch.setattr(ReplayCache, "_is_used", lambda *_: False)
    return str(request.param)


@pytest.fixture
def arena() -> Iterator[Arena]:
    with open_arena() as one:
        yield one


PROBE = re.compile(r"P([1-9]|1[0-8])")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `TESTS_DOOR=mcp`, only the probes that agents make are run: through the MCP door."""
    if OVER_MCP:
        items[:] = [one for one in items if any(PROBE.fullmatch(name) for mark in one.iter_markers("proves") for name in mark.args)]


@pytest.fixture(autouse=True)
def asks_by_their_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """The door that asks go through."""
    if OVER_MCP:
        install(monkeypatch)
