"""Rules of the desk that look like protection and are none: a desk that has them does not start, or refuses."""

from typing import Any

import pytest

from attacks.arena import SEND_BACK, catalogue, code_of, open_arena, refund
from remit.client import Refused


@pytest.mark.proves("TITLES")
@pytest.mark.parametrize("hidden", ["{amount}", "{payment_method_id}", "{order_id}"])
def test_a_title_that_hides_money_a_record_or_a_recipient_stops_the_start(hidden: str) -> None:
    data = catalogue()
    action = data["action"]["payment.refund"]
    action["title"] = action["title"].replace(hidden, "something")
    with pytest.raises(Refused) as refused, open_arena(catalogue=data):
        pass
    assert refused.value.code == "catalogue.invalid"


@pytest.mark.proves("TITLES")
def test_a_title_that_hides_a_recipient_stops_the_start() -> None:
    data = catalogue()
    data["action"]["order.change_address"]["title"] = "Send order {order_id} elsewhere"
    with pytest.raises(Refused) as refused, open_arena(catalogue=data):
        pass
    assert refused.value.code == "catalogue.invalid"


@pytest.mark.proves("TITLES")
def test_every_param_is_shown_to_who_confirms() -> None:
    with open_arena() as arena:
        reply = arena.sent_back().ask("payment.refund", refund())
        shown = str(arena.anna.get(f"/me/v1/confirmations/{arena.anna.invitation(reply)}")["rendering"])
        assert all(value in shown for value in ("€40.00", "W1", "pm_1"))


@pytest.mark.proves("TITLES")
def test_a_param_that_the_title_leaves_out_is_shown_too() -> None:
    rules = catalogue()
    rules["action"]["order.return"]["title"] = "Send back something of order {order_id}"
    with open_arena(catalogue=rules) as arena:
        reply = arena.task().ask("order.return", SEND_BACK)
        shown = arena.anna.get(f"/me/v1/confirmations/{arena.anna.invitation(reply)}")["rendering"]
        assert "i1" in str(shown)


ALLOW = "@id('all')\npermit (principal, action, resource);\n".replace("'", '"')
TRAPS: dict[str, tuple[str, str]] = {
    "an unknown name inside has": (
        '@id("no")\nforbid (principal, action, resource) when { context has paramz && context.risk >= 0 };',
        "policy.invalid",
    ),
    "an unknown member": (
        '@id("no")\nforbid (principal, action, resource) when { context.params.amonut.amount.greaterThan(decimal("1.00")) };',
        "policy.invalid",
    ),
    "an unknown action": ('@id("no")\nforbid (principal, action == Action::"payment.refnud", resource);', "policy.invalid"),
    "a rule without an id": ("forbid (principal, action, resource) when { context.risk > 100 };", "policy.invalid"),
}


@pytest.mark.proves("CEDAR-TRAPS")
@pytest.mark.parametrize("trap", list(TRAPS)[:3])
def test_a_policy_that_would_silently_never_fire_stops_the_start(trap: str) -> None:
    text, code = TRAPS[trap]
    with pytest.raises(Refused) as refused, open_arena(policies=ALLOW + text):
        pass
    assert refused.value.code == code


@pytest.mark.proves("CEDAR-TRAPS")
def test_a_forbid_whose_condition_fails_to_evaluate_refuses_instead_of_being_skipped() -> None:
    text = (
        ALLOW
        + '@id("no")\nforbid (principal, action == Action::"order.return", resource) when { 9223372036854775807 + context.risk + 1 > 0 };'
    )
    with open_arena(policies=text) as arena:
        task = arena.task()
        with arena.unchanged():
            response = arena.ask(task, "order.return", SEND_BACK)
            assert code_of(response) in {"policy.error", "policy.forbidden"}


@pytest.mark.proves("CEDAR-TRAPS")
def test_a_rule_on_an_area_reaches_every_action_in_it() -> None:
    text = ALLOW + '@id("no-money")\nforbid (principal, action in Action::"area:payment", resource);'
    with open_arena(policies=text) as arena:
        task = arena.task()
        with arena.unchanged():
            arena.refused(arena.ask(task, "order.return", SEND_BACK), "policy.forbidden")


@pytest.mark.proves("POLICY-DEFAULT")
def test_without_a_rule_that_allows_it_nothing_is_done() -> None:
    with open_arena(policies='@id("case")\npermit (principal, action in Action::"area:routine", resource);') as arena:
        task = arena.task()
        with arena.unchanged():
            arena.refused(arena.ask(task, "order.return", SEND_BACK), "policy.no_rule")


@pytest.mark.proves("FLOORS")
def test_no_policy_lowers_a_floor() -> None:
    with open_arena(policies=ALLOW) as arena:
        reply = arena.task().ask("order.return", SEND_BACK)
        assert reply.who == ("customer",)
        assert arena.performed() == []


@pytest.mark.proves("FLOORS")
def test_a_recipient_no_test_pins_needs_the_customer() -> None:
    wanted: dict[str, Any] = {
        "type": "remit_mandate",
        "objective": {"type": "correct-order", "target": {"order": ["W1"]}},
        "powers": [{"power": "represent"}, {"power": "request", "actions": ["order.change_address"]}],
    }
    with open_arena(policies=ALLOW) as arena:
        task = arena.task(wanted)
        reply = task.ask("order.change_address", {"order_id": "W1", "address": "Mallory Street 1, Elsewhere"})
        assert reply.who == ("customer",)
        assert arena.performed() == []


@pytest.mark.proves("FLOORS")
def test_an_unproved_agent_moves_no_money_even_with_the_customers_yes() -> None:
    with open_arena() as arena:
        task = arena.task(agent=arena.agent("spiffe://nobody.example/x", tier="unproved"))
        with arena.unchanged():
            arena.refused(arena.ask(task, "order.return", SEND_BACK), "policy.forbidden")
