"""What would have to be granted for an ask that is not covered: for every action of a desk, exactly that ask."""

from collections.abc import Mapping
from typing import Any

import pytest

from desks.example import NOW, desk, mandate
from remit.domain.errors import Refused
from remit.domain.mandate.cover import choose_charges, match_powers, remedy_mandate
from remit.domain.mandate.parse import read_mandate
from remit.domain.values import JsonObject

DESK = desk()
BARE = mandate(DESK, powers=[{"power": "represent", "uses": 1}], never=[])
ASKS: list[tuple[str, dict[str, Any]]] = [
    ("order.read", {"order_id": "W123"}),
    ("profile.read", {}),
    ("order.return", {"order_id": "W123", "item_ids": ["i1", "i2"]}),
    ("payment.refund", {"order_id": "W123", "payment_method_id": "pm_7", "amount": "40.00 EUR"}),
    ("offer.take", {"amount": "40.00 EUR"}),
    ("case.comment", {"text": "The kettle leaks."}),
    ("case.read", {}),
]


def cured(action: str, params: Mapping[str, Any], given: Any = BARE) -> JsonObject:
    found = remedy_mandate(given, DESK, DESK.action(action), params, now=NOW)
    assert found is not None
    return found


def covers(wire: JsonObject, action: str, params: Mapping[str, Any], used: Mapping[str, int] | None = None) -> bool:
    try:
        choose_charges(match_powers(read_mandate(wire, DESK, now=NOW), DESK, DESK.action(action), params), used or {})
    except Refused:
        return False
    return True


@pytest.mark.parametrize(("action", "params"), ASKS)
def test_what_is_named_covers_the_ask_and_no_other_value_of_it(action: str, params: dict[str, Any]) -> None:
    wire = cured(action, params)
    assert covers(wire, action, params)
    for name, value in params.items():
        if not action.startswith("case."):
            other = {**params, name: [*value, "i9"] if isinstance(value, list) else "41.00 EUR" if "EUR" in value else f"{value}0"}
            assert not covers(wire, action, other), (wire, other)
    assert not covers(wire, action, params, {"0/" + action: 1})
    others = [one for one in ASKS if one[0] != action and not (action.startswith("case.") and one[0].startswith("case."))]
    assert not any(covers(wire, *one) for one in others if not one[0].startswith("case.read"))


def test_a_read_that_tells_sensitive_things_alone_names_them_but_for_what_is_ruled_out() -> None:
    private = {"power": "receive", "attributes": ["identity.email"]}
    given = mandate(DESK, powers=[{"power": "represent"}], never=[private])
    assert cured("profile.read", {}, given)["powers"] == [{"power": "receive", "attributes": ["identity.birth_date"], "uses": 1}]
    assert cured("profile.read", {})["powers"] == [{"power": "receive", "actions": ["profile.read"], "uses": 1}]


def test_what_is_told_of_the_customer_comes_with_the_power_to_disclose_it() -> None:
    params = {"order_id": "W123", "address": {"city": "Hamburg"}, "email": "anna@mail.example", "gift": True}
    wire = cured("order.ship", params)
    where = {name: {"equals": value} for name, value in params.items()}
    assert wire["powers"] == [
        {"power": "request", "uses": 1, "actions": ["order.ship"], "where": where},
        {"power": "disclose", "attributes": ["identity.email"], "where": where, "uses": 1},
    ]
    assert covers(wire, "order.ship", params)
    assert not covers(wire, "order.ship", {**params, "email": "bram@mail.example"})


def test_the_target_is_the_records_the_ask_names_or_stays_as_it_is() -> None:
    assert cured("order.read", {"order_id": "W999"})["objective"] == {"type": "return-item", "target": {"order": ["W999"]}}
    assert cured("profile.read", {})["objective"] == {"type": "return-item", "target": {"order": ["W123"]}}


@pytest.mark.parametrize(
    ("action", "params"),
    [
        ("order.return", {"order_id": "W123", "item_ids": []}),  # nothing can pin what is empty
        ("order.read", {"order_id": "[card_number removed]"}),  # a secret was taken out
        ("password.reset", {}),  # no part of the objective
        ("order.read", {"order_id": "W" * 5000}),  # longer than a test may be
    ],
)
def test_where_nothing_can_say_just_that_nothing_is_said(action: str, params: dict[str, Any]) -> None:
    assert remedy_mandate(BARE, DESK, DESK.action(action), params, now=NOW) is None


def test_what_the_customer_ruled_out_is_never_suggested() -> None:
    given = mandate(DESK, powers=[{"power": "represent"}], never=[{"power": "request", "actions": ["order.return"]}])
    assert remedy_mandate(given, DESK, DESK.action("order.return"), {"order_id": "W123", "item_ids": ["i1"]}, now=NOW) is None
