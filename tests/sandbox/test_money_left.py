"""What is told as left of a total is money in its own currency: it can be asked for, and nothing more."""

import pytest

from remit.domain.mandate_limits import left_text
from remit.sandbox import Sandbox
from sandbox.kettle_desk import CATALOGUE, FACTS, MANDATE, REFUND, SHOP

CURRENCIES = [
    ("JPY", "6000 JPY", "4000 JPY", "2000 JPY"),
    ("BHD", "10.500 BHD", "0.125 BHD", "10.375 BHD"),
    ("EUR", "50.00 EUR", "40.5 EUR", "9.50 EUR"),
]


@pytest.mark.parametrize(("currency", "total", "spent", "left"), CURRENCIES, ids=[row[0] for row in CURRENCIES])
def test_exactly_what_is_told_as_left_can_still_be_asked_for(currency: str, total: str, spent: str, left: str) -> None:
    catalogue = {**CATALOGUE, "desk": {"name": "Acme", "currency": currency}}
    power = {"power": "request", "actions": ["payment.refund"], "total": {"amount": total}}
    with Sandbox(catalogue, facts=FACTS) as desk:
        customer, agent = desk.customer("yusuf"), desk.agent(SHOP)
        task = agent.open(customer.grant(agent, {**MANDATE, "powers": [{"power": "represent"}, power]}))
        asked = task.ask("payment.refund", {**REFUND, "amount": spent})
        shown = customer.get(f"/me/v1/confirmations/{customer.invitation(asked)}")["rendering"]["lines"]
        assert [line["text"].partition(": ")[2] for line in shown if line["kind"] == "budget"] == [f"{left} in total."]
        assert customer.confirm(asked).outcome == "done"
        assert task.status()["budgets"] == [{"power": "request", "action": "payment.refund", "total_left": {"amount": left}}]
        assert customer.confirm(task.ask("payment.refund", {**REFUND, "amount": left})).outcome == "done"


def test_less_than_the_smallest_unit_is_never_rounded_up_to_one() -> None:
    assert [left_text(999_999, unit) for unit in ("JPY", "EUR", "BHD", "")] == ["0 JPY", "0.99 EUR", "0.999 BHD", "0.999999"]
    assert [left_text(0, unit) for unit in ("JPY", "EUR", "BHD", "")] == ["0 JPY", "0.00 EUR", "0.000 BHD", "0"]
    assert left_text(5_000_000, "") == "5"
