"""Handing a part of a mandate on to another agent, as two programs do it: each with its own identity and key, at a real desk."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse

from attacks.sub_agents import CATALOGUE, FACTS, mandate, note
from client.fake_desk import FakeDesk, Seen
from remit.client import Agent, Branch, Introduction, Miswritten, ProtocolError, Refused, Unavailable, calls
from remit.client import sync as blocking
from remit.sandbox import Sandbox, SandboxAgent

PART: dict[str, Any] = {"objective": "help", "target": {"order": ["W1"]}, "powers": [note(uses=1)]}


@pytest.fixture
def shop() -> Iterator[Sandbox]:
    with Sandbox(CATALOGUE, facts=FACTS) as shop:
        yield shop


def granted(shop: Sandbox, agent: SandboxAgent) -> str:
    wanted = mandate({"power": "represent"}, note(uses=2), chain=1, chain_operators=["courier"], max_tasks=3)
    return shop.customer("yu").grant(agent, wanted).id


def program(shop: Sandbox, agent: SandboxAgent) -> blocking.Agent:
    """The agent as its own program has it: a client of its own, with the same identity and key."""
    issuer, transport = shop.room.issuer, shop.room.transport
    return blocking.Agent(desk=issuer, identity=agent.identity, key=agent.key, transport=transport, on=shop.room.thread)


def test_two_programs_hand_on_a_part_by_a_line_of_text(shop: Sandbox) -> None:
    above, below = shop.agent("above"), shop.agent("below", operator="courier")
    with program(shop, above) as first, program(shop, below) as second:
        line = second.introduce().to_text()
        branch = first.mandate(granted(shop, above)).hand_on(Introduction.from_text(line), **PART)
        assert [one["powers"] for one in branch.authorization_details] == [[note(uses=1)]]
        with second.mandate(branch.id).task() as task:
            assert task.ask("order.note", {"order_id": "W1"}).outcome == "done"
            with pytest.raises(Refused) as caught:
                task.ask("order.note", {"order_id": "W1"})
            assert caught.value.code == "mandate.uses_spent"
        with pytest.raises(Refused) as caught, first.mandate(branch.id).task():
            pass
        assert caught.value.code == "grant.invalid", "the part is the other agent's alone"


def test_an_introduction_serves_once_and_what_would_widen_is_refused(shop: Sandbox) -> None:
    above, below = shop.agent("above"), shop.agent("below", operator="courier")
    with program(shop, above) as first, program(shop, below) as second:
        held, once = first.mandate(granted(shop, above)), second.introduce()
        with pytest.raises(Refused) as caught:
            held.hand_on(second.introduce(), **{**PART, "powers": [note(uses=3)]})
        assert caught.value.code == "mandate.invalid"
        held.hand_on(once, **PART)
        with pytest.raises(Refused) as caught:
            held.hand_on(once, **PART)
        assert caught.value.code == "credential.replayed"
        with pytest.raises(Refused) as caught:
            held.hand_on(first.introduce(), **PART)
        assert caught.value.code == "grant.invalid", "the customer named another operator"


def test_the_sandbox_hands_on_too(shop: Sandbox) -> None:
    above, below = shop.agent("above"), shop.agent("below", operator="courier")
    branch = above.hand_on(granted(shop, above), below, mandate(note(uses=1)))
    assert below.open(branch).ask("order.note", {"order_id": "W1"}).outcome == "done"


def test_the_assertion_is_not_shown() -> None:
    one = Introduction(client_id="c", assertion_type="t", assertion="very-secret", key_thumbprint="k")
    assert "very-secret" not in repr(one)
    assert Introduction.from_text(one.to_text()) == one


@pytest.mark.parametrize(
    "bad", ["", "{}", "[]", '{"client_id": "c"}', '{"client_id": 1, "assertion_type": "t"}', "\ud800", None, 7, b"bytes"]
)
def test_what_is_no_introduction_is_told(bad: Any) -> None:
    with pytest.raises(Miswritten) as caught:
        Introduction.from_text(bad)
    assert caught.value.code == "request.malformed"
    assert "introduce()" in caught.value.cure


def handed(agent: Agent, **changed: Any) -> Branch:
    async def main() -> Branch:
        async with agent:
            return await agent.mandate("mandate_1").hand_on(changed.pop("other", agent.introduce()), **PART, **changed)

    return asyncio.run(main())


@pytest.mark.parametrize("changed", [{"other": "text"}, {"other": None}, {"chian": 1}, {"expires_at": "tomorrow"}])
def test_what_is_miswritten_is_not_sent(desk: FakeDesk, make_agent: Callable[..., Agent], changed: dict[str, Any]) -> None:
    with pytest.raises(Miswritten):
        handed(make_agent(), **changed)
    assert desk.requests("/oauth/token") == []


def test_a_lost_answer_is_not_sent_again_because_the_introduction_counts_once(desk: FakeDesk, make_agent: Callable[..., Agent]) -> None:
    def lost(_: Seen) -> None:
        raise httpx.ReadError("gone")

    desk.trouble("/oauth/token", lost)
    with pytest.raises(Unavailable):
        handed(make_agent())
    (sent,) = desk.requests("/oauth/token")
    assert sent.form["actor_token"] != sent.form["client_assertion"]
    assert json.loads(sent.form["authorization_details"])[0]["objective"] == {"type": "help", "target": {"order": ["W1"]}}


@pytest.mark.parametrize(
    "changed",
    [{"issued_token_type": calls.ACCESS_TOKEN}, {"mandate": None}, {"authorization_details": []}, {"authorization_details": [{}]}],
)
def test_an_answer_that_is_no_part_of_a_mandate_is_refused(
    desk: FakeDesk, make_agent: Callable[..., Agent], changed: dict[str, Any]
) -> None:
    good = {
        "access_token": "man_2",
        "issued_token_type": calls.MANDATE_TOKEN,
        "token_type": "N_A",
        "mandate": "man_2",
        "authorization_details": [{"type": "remit_mandate"}],
    }
    desk.trouble("/oauth/token", lambda _: JSONResponse(good), lambda _: JSONResponse(good | changed))
    assert handed(make_agent()).id == "man_2"
    with pytest.raises(ProtocolError):
        handed(make_agent())
