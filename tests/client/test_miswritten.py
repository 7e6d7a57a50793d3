"""What an agent's own program wrote wrongly: named with a code and a true cure, and never sent."""

import asyncio
import copy
import pickle
import socket
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from client.fake_desk import CLIENT_KEY, DESK, PROOF_KEY, FakeClock, FakeDesk
from remit.client import Agent, Miswritten, PrivateKeyJwt, ProtocolError, Refused, RemitError, Retries, Unavailable
from remit.client import sync as blocking

MakeAgent = Callable[..., Agent]
POWERS = [{"power": "represent"}]
OWN = "https://helper.example/back"
WISH: dict[str, Any] = {"objective": "return-item", "powers": POWERS}


def begun(agent: Agent, wish: dict[str, Any]) -> None:
    async def main() -> None:
        async with agent:
            await agent.begin(redirect_uri=OWN, **wish)

    asyncio.run(main())


@pytest.mark.parametrize(
    ("member", "meant"),
    [
        ({"nevr": [{"power": "accept"}]}, "Write `never`"),
        ({"expire_at": datetime(2026, 12, 1, tzinfo=UTC)}, "Write `expires_at`"),
        ({"max_task": 1}, "Write `max_tasks`"),
        ({"foo": 1}, "Take it out"),
    ],
)
def test_a_misspelt_member_of_a_wish_is_named_with_the_nearest_known_one_and_nothing_is_sent(
    desk: FakeDesk, make_agent: MakeAgent, member: dict[str, Any], meant: str
) -> None:
    with pytest.raises(Miswritten) as caught:
        begun(make_agent(), WISH | member)
    assert caught.value.code == "mandate.invalid"
    assert f"`{next(iter(member))}`" in caught.value.detail
    assert caught.value.cure.startswith(meant)
    assert desk.requests("/oauth/par") == []


def test_every_way_to_ask_for_a_mandate_refuses_a_misspelt_member(desk: FakeDesk, make_agent: MakeAgent) -> None:
    desk.metadata["backchannel_authentication_endpoint"] = f"{DESK}/oauth/bc-authorize"
    ways: list[Callable[[Agent], Awaitable[object]]] = [
        lambda agent: agent.request_mandate(redirect_uri=OWN, nevr=[], **WISH),
        lambda agent: agent.request_mandate_backchannel(login_hint="ann", nevr=[], **WISH),
    ]

    async def main(way: Callable[[Agent], Awaitable[object]]) -> None:
        async with make_agent() as agent:
            await way(agent)

    for way in ways:
        with pytest.raises(Miswritten) as caught:
            asyncio.run(main(way))
        assert caught.value.code == "mandate.invalid"


@pytest.mark.parametrize(
    ("member", "named"),
    [
        ({"target": "W1001"}, "`target`"),
        ({"target": {"order": "W1001"}}, "`target` of 'order' is a list of ids, not 'W1001'"),
        ({"target": {"order": [1001]}}, "`target` of 'order'"),
        ({"powers": None}, "`powers` is missing"),
        ({"powers": "represent"}, "`powers` is a list of powers"),
        ({"powers": {"power": "represent"}}, "`powers` is a list of powers"),
        ({"powers": ["represent"]}, "`powers` is a list of powers"),
        ({"powers": [{"power": {1, 2}}]}, "not JSON"),
        ({"never": "accept"}, "`never` is a list of powers"),
        ({"never": {"power": "accept"}}, "`never` is a list of powers"),
        ({"objective": None}, "`objective` is missing"),
        ({"objective": 5}, "`objective` is a text"),
        ({"summary": 5}, "`summary` is a text"),
        ({"expires_at": "tomorrow"}, "`expires_at` is a datetime, not 'tomorrow'"),
        ({"max_tasks": "2"}, "`max_tasks` is a whole number"),
        ({"chain": True}, "`chain` is a whole number"),
        ({"chain_operators": "helper.example"}, "`chain_operators` is a list of operators"),
    ],
)
def test_a_member_of_another_kind_is_named_with_a_code_and_a_cure(
    desk: FakeDesk, make_agent: MakeAgent, member: dict[str, Any], named: str
) -> None:
    with pytest.raises(Miswritten) as caught:
        begun(make_agent(), WISH | member)
    assert caught.value.code == "mandate.invalid"
    assert named in caught.value.detail
    assert caught.value.cure
    assert desk.requests("/oauth/par") == []


def test_what_is_left_out_or_none_is_no_mistake(desk: FakeDesk, make_agent: MakeAgent) -> None:
    nothing = dict.fromkeys(("target", "never", "summary", "expires_at", "max_tasks", "chain", "chain_operators"))
    begun(make_agent(), WISH | nothing)
    begun(make_agent(), WISH | {"powers": tuple(POWERS), "target": {"order": ("W1",)}})
    assert len(desk.requests("/oauth/par")) == 2


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"desk": None}, "desk is an address, not a value of type NoneType"),
        ({"desk": "https://[desk"}, "desk is an address"),
        ({"desk": "https://desk.example:http"}, "desk is an address"),
        ({"identity": "x"}, "identity is not a str"),
        ({"identity": None}, "identity is not a NoneType"),
        ({"identity": PrivateKeyJwt}, "identity is not a PrivateKeyJwt"),
    ],
)
def test_an_agent_is_not_made_of_what_is_no_desk_or_no_identity(make_agent: MakeAgent, changed: dict[str, Any], named: str) -> None:
    with pytest.raises(Miswritten) as caught:
        make_agent(**changed)
    assert caught.value.code == "settings.invalid"
    assert named in str(caught.value)
    assert caught.value.cure


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"params": None}, "params.invalid"),
        ({"params": "W1"}, "params.invalid"),
        ({"params": {"order_id": object()}}, "params.invalid"),
        ({"params": {"amount": float("nan")}}, "params.invalid"),
        ({"action": None}, "request.malformed"),
        ({"words": 5}, "request.malformed"),
        ({"attachments": "a.txt"}, "request.malformed"),
        ({"attachments": ["a.txt"]}, "request.malformed"),
        ({"attachments": [{"name": "a.txt", "media_type": "text/plain"}]}, "request.malformed"),
        ({"attachments": [{"name": "a.txt", "media_type": "text/plain", "data_b64": b"aGk="}]}, "request.malformed"),
        ({"attachments": None}, "request.malformed"),
        ({"idempotency_key": 3}, "request.malformed"),
        ({"idempotency_key": ""}, "request.malformed"),
        ({"idempotency_key": "two words"}, "request.malformed"),
        ({"idempotency_key": "k" * 256}, "request.malformed"),
    ],
)
def test_an_ask_of_the_wrong_kind_is_named_and_not_sent(desk: FakeDesk, make_agent: MakeAgent, changed: dict[str, Any], code: str) -> None:
    async def main() -> None:
        async with make_agent() as agent, agent.mandate("mandate_1").task() as task:
            with pytest.raises(Miswritten) as caught:
                await task.ask(**({"action": "order.read", "params": {}} | changed))
            assert caught.value.code == code
            assert caught.value.cure

    asyncio.run(main())
    assert desk.requests("/asks") == []


def test_a_mistake_is_a_refusal_of_this_client_and_a_python_error_as_well() -> None:
    mistake = Miswritten("mandate.invalid", detail="`nevr` is no argument", cure="Write `never`.")
    assert isinstance(mistake, RemitError)
    assert isinstance(mistake, Refused)
    assert isinstance(mistake, ValueError)
    assert isinstance(mistake, TypeError)
    assert str(mistake) == "mandate.invalid: `nevr` is no argument. Cure: Write `never`."


def test_a_desk_under_another_name_is_told_with_both_addresses(desk: FakeDesk, make_agent: MakeAgent) -> None:
    desk.metadata["issuer"] = "http://localhost:8080"
    with pytest.raises(ProtocolError) as caught:
        begun(make_agent(), WISH)
    assert DESK in str(caught.value)
    assert "'http://localhost:8080'" in str(caught.value)


def test_where_no_server_runs_the_error_is_short_and_names_the_address(clock: FakeClock) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{bound.getsockname()[1]}"
        identity = PrivateKeyJwt("https://helper.example/agent", CLIENT_KEY, "k1")
        agent = blocking.Agent(desk=address, identity=identity, key=PROOF_KEY, retries=Retries(attempts=2), clock=clock.clock())
        with pytest.raises(Unavailable) as down, agent:
            agent.begin(redirect_uri=OWN, objective="return-item", powers=POWERS)
    assert down.value.code == "desk.unavailable"
    assert str(down.value).startswith(f"desk.unavailable: nothing can be reached at {address} (ConnectError). Cure: Check the address.")
    told = "".join(traceback.format_exception(down.value))
    assert "httpcore" not in told
    assert "During handling" not in told
    assert "direct cause" not in told


def test_a_refusal_is_copied_and_pickled_whole() -> None:
    """An agent in a process of its own hands its refusal to the one that started it; what cannot be pickled hangs or breaks a pool."""
    told = Refused("a.b", title="t", detail="d", cure="c", status=403, retry_after_s=3, challenge={"scope": "ask"}, body={"ask": "ask_1"})
    for again in (pickle.loads(pickle.dumps(told)), copy.copy(told), copy.deepcopy(told)):
        assert (type(again), str(again), again.args, again.__dict__) == (Refused, str(told), told.args, told.__dict__)
    down = Unavailable("desk.unavailable")
    down.idempotency_key = "k"
    assert pickle.loads(pickle.dumps(down)).idempotency_key == "k"
    assert isinstance(pickle.loads(pickle.dumps(Miswritten("request.malformed", cure="c"))), ValueError)
