"""A world for the client's tests: a fake desk, a fake clock, an agent that is at home there."""

from collections.abc import Callable
from typing import Any

import pytest

from client.fake_desk import CLIENT_KEY, DESK, PROOF_KEY, FakeClock, FakeDesk
from remit.client import Agent, PrivateKeyJwt


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def desk(clock: FakeClock) -> FakeDesk:
    return FakeDesk(clock, CLIENT_KEY)


@pytest.fixture
def make_agent(desk: FakeDesk, clock: FakeClock) -> Callable[..., Agent]:
    def make(**changed: Any) -> Agent:
        settings: dict[str, Any] = {
            "desk": DESK,
            "identity": PrivateKeyJwt("https://helper.example/agent", CLIENT_KEY, "k1"),
            "key": PROOF_KEY,
            "transport": desk.transport(),
            "clock": clock.clock(),
        }
        agent = Agent(**(settings | changed))
        desk.known_mandate(agent.key_thumbprint)
        return agent

    return make
