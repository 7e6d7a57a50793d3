"""The rung "wider grant" of the refusal ladder: the cure is machine-readable, and asking the customer for it works."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from desks.kettle import CATALOGUE, FACTS, MANDATE, REFUND, SHOP
from entrypoints.developer import METADATA, Developer
from remit.client import Refused
from remit.client.keys import ProofKey
from remit.domain.values import Instant, instant_text
from remit.sandbox import Sandbox

LITTLE: dict[str, Any] = {
    **MANDATE,
    "powers": [
        {"power": "represent"},
        {
            "power": "request",
            "actions": ["payment.refund"],
            "uses": 1,
            "total": {"amount": "50.00 EUR"},
            "where": {"amount": {"max": "45.00 EUR"}},
        },
    ],
}
TARGETED: dict[str, Any] = {
    **CATALOGUE,
    "objective": {"help": {**CATALOGUE["objective"]["help"], "target": "order"}},
}


def remediation(header: str) -> Mapping[str, Any]:
    """The decoded parameter."""
    said = header.split('authorization_remediation="')[1].partition('"')[0]
    decoded: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))
    return decoded


def with_the_rest(mandate: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """A mandate and what would cover one more ask, as one."""
    target = {
        kind: [*ids, *mandate["objective"].get("target", {}).get(kind, [])] for kind, ids in more["objective"].get("target", {}).items()
    }
    objective = {**mandate["objective"], **({"target": {kind: list(dict.fromkeys(ids)) for kind, ids in target.items()}} if target else {})}
    return {**mandate, "objective": objective, "powers": [*mandate["powers"], *more["powers"]]}


class Asker(Developer):
    """The developer, asking under a mandate of their own."""

    def __init__(self, desk: Sandbox, mandate: Mapping[str, Any] = LITTLE) -> None:
        self.wanted = mandate
        self.desk, self.agent, self.customer = desk, desk.agent(SHOP), desk.customer("yusuf")
        self.proofs = ProofKey(self.agent.key)
        self.mandate = self.customer.grant(self.agent, mandate)
        self.opened = self.task()

    def refused(self, action: str, params: Mapping[str, Any], code: str) -> httpx.Response:
        answer = self.ask(self.opened, {"action": action, "params": params})
        assert (answer.status_code, answer.json()["code"]) == (401, code), answer.text
        assert METADATA in answer.headers["www-authenticate"]
        assert 'error="insufficient_authorization"' in answer.headers["www-authenticate"]
        return answer

    def cured(self, action: str, params: Mapping[str, Any], code: str) -> Mapping[str, Any]:
        """What the refusal says would cure it; asked for with the rest and granted, it does."""
        said = remediation(self.refused(action, params, code).headers["www-authenticate"])
        assert set(said) == {"authorization_details"}
        (more,) = said["authorization_details"]
        assert more["type"] == "remit_mandate"
        for wanted in (with_the_rest(self.wanted, more), more):
            task = self.agent.open(self.customer.grant(self.agent, wanted))
            reply = task.ask(action, params)
            assert not reply.refused, reply
            task.complete()
        found: Mapping[str, Any] = more
        return found


@pytest.fixture
def asker() -> Iterator[Asker]:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        yield Asker(desk)


def test_an_action_that_is_not_granted_comes_with_the_power_for_just_this(asker: Asker) -> None:
    more = asker.cured("order.note", {"order_id": "W1", "stars": 4, "tags": ["late", "kind"]}, "mandate.power_missing")
    where = {"order_id": {"equals": "W1"}, "stars": {"equals": 4}, "tags": {"equals": ["late", "kind"]}}
    assert more["powers"] == [{"power": "request", "actions": ["order.note"], "where": where, "uses": 1}]
    assert more["objective"] == {"type": "help"}


def test_a_read_comes_with_the_power_to_be_told_and_a_sensitive_one_with_its_attributes(asker: Asker) -> None:
    told = asker.cured("order.read", {"order_id": "W1"}, "mandate.power_missing")
    assert told["powers"] == [{"power": "receive", "actions": ["order.read"], "where": {"order_id": {"equals": "W1"}}, "uses": 1}]
    told = asker.cured("identity.read", {}, "mandate.power_missing")
    assert told["powers"] == [{"power": "receive", "attributes": ["identity.birth_date"], "uses": 1}]


def test_what_is_beyond_a_limit_comes_with_the_power_for_just_this_amount(asker: Asker) -> None:
    more = asker.cured("payment.refund", {**REFUND, "amount": "48.00 EUR"}, "mandate.limit_exceeded")
    assert more["powers"][0]["where"]["amount"] == {"equals": "48.00 EUR"}


def test_what_is_spent_comes_with_the_power_for_once_more(asker: Asker) -> None:
    assert asker.opened.ask("payment.refund", REFUND).needs_human
    assert asker.cured("payment.refund", REFUND, "mandate.uses_spent")["powers"][0]["uses"] == 1


def test_another_record_comes_with_a_target_of_just_this_one() -> None:
    facts = {**FACTS, "owners": {**FACTS["owners"], "order": {"W1": "yusuf", "W2": ["mei"], "W3": "yusuf"}}}
    with Sandbox(TARGETED, facts=facts) as desk:
        asker = Asker(desk, {**MANDATE, "objective": {"type": "help", "target": {"order": ["W1"]}}})
        more = asker.cured("order.read", {"order_id": "W3"}, "mandate.off_target")
        assert more["objective"] == {"type": "help", "target": {"order": ["W3"]}}


def test_an_ask_that_names_no_record_keeps_the_target_there_is() -> None:
    with Sandbox(TARGETED, facts=FACTS) as desk:
        asker = Asker(desk, {**LITTLE, "objective": {"type": "help", "target": {"order": ["W1"]}}})
        assert asker.cured("identity.read", {}, "mandate.power_missing")["objective"]["target"] == {"order": ["W1"]}


def test_an_ask_that_no_mandate_could_pin_comes_without(asker: Asker) -> None:
    for params in ({"order_id": "W1", "tags": []}, {"order_id": "W1", "tags": [f"tag-{number:05}" for number in range(900)]}):
        said = asker.refused("order.note", params, "mandate.power_missing").headers["www-authenticate"]
        assert "authorization_remediation" not in said


def test_a_mandate_that_was_cut_short_and_has_run_out_comes_with_a_fresh_grant() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        assert desk.desk is not None
        world = desk.desk.context.world
        now, end = world.now, Instant(world.now() + 20_000)
        asker = Asker(desk, MANDATE)
        asker.customer.narrow(asker.mandate, {**MANDATE, "expires_at": instant_text(end)})
        world.now = lambda: end  # type: ignore[method-assign]  # only the desk's clock is moved
        answer = asker.refused("order.read", {"order_id": "W1"}, "mandate.expired")
        world.now = now  # type: ignore[method-assign]  # and back
        (more,) = remediation(answer.headers["www-authenticate"])["authorization_details"]
        assert more["powers"][0]["actions"] == ["order.read"]


def test_a_repeated_refusal_carries_the_same_cure(asker: Asker) -> None:
    said = [
        asker.ask(asker.opened, {"action": "order.read", "params": {"order_id": "W1"}}, idempotency_key="same").headers["www-authenticate"]
        for _ in range(2)
    ]
    assert said[0] == said[1]
    assert remediation(said[0])


def test_the_client_hands_the_cure_to_its_developer(asker: Asker) -> None:
    run = asker.desk.room.thread.run
    asker.mandate = asker.customer.grant(asker.agent, LITTLE)
    task = asker.agent.client.mandate(asker.mandate.id).task()
    run(task.open())
    with pytest.raises(Refused) as caught:
        run(task.ask("order.read", {"order_id": "W1"}))
    said = caught.value.challenge["authorization_remediation"]
    (more,) = json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))["authorization_details"]
    assert more["powers"][0]["actions"] == ["order.read"]
