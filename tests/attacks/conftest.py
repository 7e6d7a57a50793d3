"""The arena every attack starts from."""

from collections.abc import Iterator

import pytest

from attacks.arena import Arena, open_arena
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
