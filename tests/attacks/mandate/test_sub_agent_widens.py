"""P18: a sub-agent widens the chain. Each hop fits inside the one above, was allowed by the customer, and dies with it."""

import base64
import json
from typing import Any

import pytest

from attacks.sub_agents import CATALOGUE, FACTS, hand_on, mandate, note
from desks.building import ORDER, action
from remit.client.errors import Refused
from remit.sandbox import Sandbox


@pytest.mark.proves("P18")
def test_a_branch_narrows_acts_within_its_part_and_dies_with_what_it_was_cut_from() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        customer = desk.customer("yu")
        parent, child, stranger = desk.agent("parent"), desk.agent("child", operator="courier"), desk.agent("stranger", operator="nobody")
        granted = customer.grant(parent, mandate({"power": "represent"}, note(uses=2), chain=1, chain_operators=["courier"], max_tasks=3))
        wider = (
            mandate(note(uses=3)),
            mandate(note()),
            mandate({"power": "request", "actions": ["order.stop"]}),
            mandate(note(uses=1), chain=1, chain_operators=["courier"]),
        )
        for details in wider:
            with pytest.raises(Refused) as refused:
                hand_on(parent, child, granted.id, details)
            assert refused.value.code == "mandate.invalid"
        with pytest.raises(Refused) as refused:
            hand_on(parent, child, granted.id, mandate(note(uses=1), max_tasks=4))
        assert refused.value.code == "mandate.invalid", "handing on does not multiply tasks"
        with pytest.raises(Refused) as refused:
            hand_on(parent, stranger, granted.id, mandate(note(uses=1)))
        assert refused.value.code == "grant.invalid"
        with pytest.raises(Refused) as refused:
            hand_on(child, child, granted.id, mandate(note(uses=1)))
        assert refused.value.code == "grant.invalid"

        branch = hand_on(parent, child, granted.id, mandate(note(uses=1)))["mandate"]
        with pytest.raises(Refused) as refused:
            parent.open(branch)
        assert refused.value.code == "grant.invalid"
        below, above = child.open(branch), parent.open(granted)
        assert below.ask("order.stop", {"order_id": "W1"}).codes == ["mandate.power_missing"]
        assert below.ask("order.note", {"order_id": "W1"}).outcome == "done"
        assert below.ask("order.note", {"order_id": "W1"}).codes == ["mandate.uses_spent"]
        assert above.ask("order.note", {"order_id": "W1"}).outcome == "done"
        assert above.ask("order.note", {"order_id": "W1"}).codes == ["mandate.uses_spent"], "the branch's act was charged above, too"

        customer.revoke(granted)
        assert below.ask("order.note", {"order_id": "W1"}).codes == ["task.ended"]
        with pytest.raises(Refused):
            child.open(branch)
        kinds = [entry["kind"] for entry in desk.transcript() if entry["envelope"].get("parent") == granted.id]
        assert kinds == ["mandate.granted"]


def actors(token: str) -> list[str]:
    """Who acts by a token, the present one first."""
    body = token.split(".")[1]
    act, found = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["act"], list[str]()
    while act:
        found.append(act["sub"])
        act = act.get("act")
    return found


@pytest.mark.proves("P18", "CHAIN")
def test_a_sixth_actor_is_refused_and_no_token_names_more_than_five() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        customer = desk.customer("yu")
        agents = [desk.agent(f"a{place}", operator=f"op{place}") for place in range(6)]
        more: dict[str, Any] = {"chain_operators": [f"op{place}" for place in range(6)]}
        subject = customer.grant(agents[0], mandate({"power": "represent"}, note(uses=9), chain=5, max_tasks=9, **more)).id
        for hop in range(1, 5):
            part = mandate({"power": "represent"}, note(uses=9), chain=5 - hop, max_tasks=9 - hop, **more)
            subject = hand_on(agents[hop - 1], agents[hop], subject, part)["mandate"]
        before = [one["kind"] for one in desk.transcript()]
        with pytest.raises(Refused) as refused:
            hand_on(agents[4], agents[5], subject, mandate(note(uses=1)))
        assert (refused.value.code, refused.value.body["error"]) == ("request.malformed", "invalid_request")
        assert "nearer to its root" in refused.value.cure
        assert [one["kind"] for one in desk.transcript()] == before
        last = agents[4].open(subject)
        assert actors(last.token) == ["a4", "a3", "a2", "a1", "a0"]
        assert last.ask("order.note", {"order_id": "W1"}).outcome == "done"


@pytest.mark.proves("P18", "FLOORS")
def test_a_branch_pins_no_recipient_in_the_customers_place() -> None:
    send = action(
        "Send the invoice of {order_id} to {to}", "request", "routine", {"order_id": ORDER, "to": {"type": "string", "x-recipient": True}}
    )
    rules = {
        **CATALOGUE,
        "action": {"order.send": send},
        "objective": {"help": {"title": "Help with an order", "target": "order", "actions": ["order.send"]}},
    }
    elsewhere = {"order_id": "W1", "to": "mule@elsewhere.example"}
    with Sandbox(rules, facts=FACTS) as desk:
        customer = desk.customer("yu")
        top, below = desk.agent("top", operator="courier"), desk.agent("below", operator="courier")
        power = {"power": "request", "actions": ["order.send"], "uses": 5}
        granted = customer.grant(top, mandate({"power": "represent"}, power, chain=1, chain_operators=["courier"], max_tasks=3))
        pinned = mandate({**power, "where": {"to": {"equals": elsewhere["to"]}}})
        for task in (top.open(granted), below.open(hand_on(top, below, granted.id, pinned)["mandate"])):
            assert list(task.ask("order.send", elsewhere).who) == ["customer"]


@pytest.mark.proves("P18", "NARROWING")
@pytest.mark.parametrize("left", [{}, {"chain": 1, "chain_operators": ["other"]}])
def test_a_branch_does_nothing_once_the_customer_took_back_that_it_is_handed_on(left: dict[str, Any]) -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        customer = desk.customer("yu")
        top, below = desk.agent("top", operator="owner"), desk.agent("below", operator="courier")
        powers = ({"power": "represent"}, note(uses=5))
        granted = customer.grant(top, mandate(*powers, chain=1, chain_operators=["courier", "other"], max_tasks=4))
        branch = hand_on(top, below, granted.id, mandate(note(uses=3), max_tasks=2))["mandate"]
        task = below.open(branch)
        assert task.ask("order.note", {"order_id": "W1"}).outcome == "done"
        customer.narrow(granted, mandate(*powers, max_tasks=4, **left))
        assert task.ask("order.note", {"order_id": "W1"}).codes == ["mandate.inactive"]
        with pytest.raises(Refused) as refused:
            below.open(branch)
        assert refused.value.code == "mandate.inactive"
        assert top.open(granted).ask("order.note", {"order_id": "W1"}).outcome == "done"


@pytest.mark.proves("P18", "NARROWING")
def test_a_chain_that_was_made_shorter_holds_for_the_hops_there_are() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        customer = desk.customer("yu")
        top, middle, bottom = (desk.agent(name, operator="courier") for name in ("top", "middle", "bottom"))
        powers: tuple[dict[str, Any], ...] = ({"power": "represent"}, note(uses=5))
        named = {"chain_operators": ["courier"], "max_tasks": 3}
        granted = customer.grant(top, mandate(*powers, chain=2, **named))
        between = hand_on(top, middle, granted.id, mandate(note(uses=3), chain=1, **named | {"max_tasks": 2}))["mandate"]
        last = bottom.open(hand_on(middle, bottom, between, mandate(note(uses=1)))["mandate"])
        customer.narrow(granted, mandate(*powers, chain=1, **named))
        assert last.ask("order.note", {"order_id": "W1"}).codes == ["mandate.inactive"]
        assert middle.open(between).ask("order.note", {"order_id": "W1"}).outcome == "done"


@pytest.mark.proves("P18", "DECLINE-BINDS")
@pytest.mark.parametrize("first", ["above", "below"])
def test_what_was_declined_is_not_asked_again_through_a_branch_nor_above_it(first: str) -> None:
    rules = {**CATALOGUE, "action": {**CATALOGUE["action"], "order.note": {**CATALOGUE["action"]["order.note"], "area": "payment"}}}
    with Sandbox(rules, facts=FACTS) as desk:
        customer = desk.customer("yu")
        top, below = desk.agent("top", operator="owner"), desk.agent("below", operator="courier")
        powers = ({"power": "represent"}, note(uses=5))
        granted = customer.grant(top, mandate(*powers, chain=1, chain_operators=["courier"], max_tasks=3))
        branch = hand_on(top, below, granted.id, mandate(note(uses=3)))["mandate"]
        tasks = [top.open(granted), below.open(branch)]
        asks, again = tasks if first == "above" else tasks[::-1]
        customer.decline(asks.ask("order.note", {"order_id": "W1"}))
        assert again.ask("order.note", {"order_id": "W1"}).codes == ["confirmation.declined"]
        assert customer.waiting() == []
