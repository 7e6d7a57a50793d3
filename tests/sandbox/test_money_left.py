"""What is told as left of a total is money in its own currency: it can be asked for, and nothing more."""

from typing import Any

import pytest

from attacks.sub_agents import hand_on
from desks.kettle import CATALOGUE, FACTS, MANDATE, REFUND, SHOP
from remit.domain.mandate.parse_where import format_remaining
from remit.sandbox import Sandbox, SandboxCustomer, SandboxReply

CURRENCIES = [
    ("JPY", "6000 JPY", "4000 JPY", "2000 JPY", "¥2,000"),
    ("BHD", "10.500 BHD", "0.125 BHD", "10.375 BHD", "10.375 BHD"),
    ("EUR", "50.00 EUR", "40.5 EUR", "9.50 EUR", "€9.50"),
]


def shown_left(customer: SandboxCustomer, asked: SandboxReply) -> list[str]:
    """What a signer is told of the room there is after this ask."""
    shown = customer.get(f"/me/v1/confirmations/{customer.invitation(asked)}")["rendering"]["lines"]
    return [line["text"].partition(": ")[2] for line in shown if line["kind"] == "budget"]


def refunding(total: str, uses: int, **more: Any) -> dict[str, Any]:
    """A mandate that refunds, up to a total and so many times."""
    power = {"power": "request", "actions": ["payment.refund"], "uses": uses, "total": {"amount": total}}
    return {**MANDATE, "powers": [{"power": "represent"}, power], **more}


@pytest.mark.parametrize(("currency", "total", "spent", "left", "shown"), CURRENCIES, ids=[row[0] for row in CURRENCIES])
def test_exactly_what_is_told_as_left_can_still_be_asked_for(currency: str, total: str, spent: str, left: str, shown: str) -> None:
    catalogue = {**CATALOGUE, "desk": {"name": "Acme", "currency": currency}}
    power = {"power": "request", "actions": ["payment.refund"], "total": {"amount": total}}
    with Sandbox(catalogue, facts=FACTS) as desk:
        customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
        task = agent.open(customer.grant(agent, {**MANDATE, "powers": [{"power": "represent"}, power]}))
        asked = task.ask("payment.refund", {**REFUND, "amount": spent})
        assert shown_left(customer, asked) == [f"{shown} in total."]
        assert customer.confirm(asked).outcome == "done"
        assert task.status()["budgets"] == [{"power": "request", "action": "payment.refund", "total_left": {"amount": left}}]
        assert customer.confirm(task.ask("payment.refund", {**REFUND, "amount": left})).outcome == "done"


def test_less_than_the_smallest_unit_is_never_rounded_up_to_one() -> None:
    assert [format_remaining(999_999, unit) for unit in ("JPY", "EUR", "BHD", "")] == ["0 JPY", "0.99 EUR", "0.999 BHD", "0.999999"]
    assert [format_remaining(0, unit) for unit in ("JPY", "EUR", "BHD", "")] == ["0 JPY", "0.00 EUR", "0.000 BHD", "0"]
    assert format_remaining(5_000_000, "") == "5"


@pytest.mark.parametrize(
    ("spent_above", "left"),
    [("20.00 EUR", "1 more time, €5.00 in total."), ("42.00 EUR", "1 more time, €3.00 in total.")],
    ids=["the branch has less", "the mandate above has less"],
)
def test_a_signer_is_shown_the_smallest_of_the_totals_of_a_chain(spent_above: str, left: str) -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        customer, parent, child = desk.customer("yusuf"), desk.agent(SHOP), desk.agent("courier", operator="courier")
        granted = customer.grant(parent, refunding("50.00 EUR", 4, chain=1, chain_operators=["courier"], max_tasks=2))
        branch = hand_on(parent, child, granted.id, refunding("10.00 EUR", 2))["mandate"]
        above = parent.open(granted).ask("payment.refund", {**REFUND, "amount": spent_above})
        assert customer.confirm(above).outcome == "done"
        below = child.open(branch)
        asked = below.ask("payment.refund", {**REFUND, "amount": "5.00 EUR"})
        assert shown_left(customer, asked) == [left]
        assert customer.confirm(asked).outcome == "done"
        over = below.ask("payment.refund", {**REFUND, "amount": "5.01 EUR"})
        assert over.codes == ["mandate.total_spent"]


def test_a_signer_is_shown_the_smallest_total_of_each_unit() -> None:
    properties = {"amount": {"x-money": True}, "points": {"type": "number"}, "tip": {"x-money": True}, "toll": {"x-money": True}}
    action = {**CATALOGUE["action"]["payment.refund"], "title": "Pay {amount} {tip} {toll}", "params": {"properties": properties}}
    catalogue = {**CATALOGUE, "action": {**CATALOGUE["action"], "payment.refund": action}}
    total = {"amount": "50.00 EUR", "points": 9, "tip": "80.00 EUR", "toll": "70.00 USD"}
    power = {"power": "request", "actions": ["payment.refund"], "total": total}
    with Sandbox(catalogue, facts=FACTS) as desk:
        customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
        task = agent.open(customer.grant(agent, {**MANDATE, "powers": [{"power": "represent"}, power]}))
        asked = task.ask("payment.refund", {"amount": "40.00 EUR", "points": 4, "tip": "1.00 EUR", "toll": "30.00 USD"})
        assert shown_left(customer, asked) == ["5, €10.00, $40.00 in total."]
