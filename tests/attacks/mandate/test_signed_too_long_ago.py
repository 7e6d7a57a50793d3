"""A write that nobody confirms needs a signature that is recent enough, where the desk says so; the refusal tells how recent."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from attacks.arena import COMPLAIN, SEND_BACK, Arena, mandate, open_arena, pushed
from attacks.backchannel import knock, said
from attacks.introspected import grant_token, told
from remit.domain.identity import jws

COMPLAINT = {"kind": "late", "order_id": "W1", "text": "The parcel came late."}


@pytest.fixture
def arena() -> Iterator[Arena]:
    with open_arena(settings={"terms": {"grant_age_s": 3600}}) as one:
        yield one


def task_of(arena: Arena, wanted: dict[str, Any], *, after_s: int) -> Any:
    """A task that is opened some time after the customer signed."""
    agent = arena.agent()
    granted = arena.anna.grant(agent, wanted)
    arena.clock.ahead_ms += after_s * 1000
    opened = arena.exchange(agent, granted.id).json()
    return SimpleNamespace(id=opened["task"], token=opened["access_token"], agent=agent)


@pytest.mark.proves("STEP-UP")
def test_a_write_that_nobody_confirms_needs_a_recent_signature(arena: Arena) -> None:
    task = task_of(arena, COMPLAIN, after_s=3700)
    answer = arena.ask(task, "complaint.file", COMPLAINT)
    body = arena.refused(answer, "mandate.stale")
    assert (answer.status_code, body["cure"]) == (401, "Ask the customer to sign the mandate again.")
    assert answer.headers["www-authenticate"] == 'DPoP error="insufficient_user_authentication", acr_values="phr", max_age="3600"'
    assert arena.performed("complaint.file") == []
    assert arena.ask(task, "order.read", {"order_id": "W1"}).json()["outcome"] == "done"  # a read changes nothing


@pytest.mark.proves("STEP-UP")
def test_a_recent_signature_is_enough(arena: Arena) -> None:
    task = task_of(arena, COMPLAIN, after_s=3500)
    assert arena.ask(task, "complaint.file", COMPLAINT).json()["outcome"] == "done"


@pytest.mark.proves("STEP-UP")
def test_a_yes_to_the_very_act_is_recent(arena: Arena) -> None:
    task = task_of(arena, mandate(), after_s=3700)
    assert arena.ask(task, "order.return", SEND_BACK).json()["decision"] == "needs_human"
    arena.anna.sign_in()
    (waits,) = arena.anna.waiting()
    path = f"/me/v1/confirmations/{waits['confirmation']}"
    shown = arena.anna.get(path)
    arena.anna.post(path, {"answer": "yes", "assertion": arena.anna.passkey.get(shown["options"])})
    assert arena.performed("order.return") == [SEND_BACK]


def test_tokens_and_introspection_tell_when_and_how_the_customer_signed(arena: Arena) -> None:
    agent = arena.agent()
    token, _ = grant_token(arena.anna, agent, mandate(max_tasks=3))
    seen = told(agent, token)
    claims = jws.read(token).claims
    assert claims["acr"] == seen["acr"] == "phr"
    assert claims["auth_time"] == seen["auth_time"]
    assert abs(int(str(seen["auth_time"])) - arena.clock.now() // 1000) < 60
    assert arena.room.raw("GET", "/.well-known/oauth-authorization-server").json()["acr_values_supported"] == ["phr"]


@pytest.mark.parametrize("wish", [{"acr_values": "gold"}, {"acr_values": "silver gold"}])
def test_a_class_of_authentication_that_there_is_not_is_refused(arena: Arena, wish: dict[str, str]) -> None:
    agent = arena.agent()
    arena.anna.grant(agent, mandate())
    assert said(pushed(arena, agent, **wish)) == (400, "unmet_authentication_requirements")
    assert said(knock(arena, agent, **wish)) == (400, "unmet_authentication_requirements")
    for right in ({"acr_values": "phr"}, {"acr_values": "gold phr", "max_age": "0"}):
        assert pushed(arena, agent, **right).status_code == 201
        assert knock(arena, agent, **right).status_code == 200
    assert said(pushed(arena, agent, max_age="-1")) == (400, "invalid_request")
