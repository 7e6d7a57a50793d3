"""What a tool's schema says of a mandate: narrower where it is exact, and never wider than what would pass."""

from typing import Any

import pytest

from desks.example import desk, mandate
from remit.domain.mandate.tools import GrantedAction, granted_actions

SHIP = "order.ship"


def granted(*powers: dict[str, Any], never: list[dict[str, Any]] | None = None) -> dict[str, GrantedAction]:
    """The granted actions of a mandate with these powers, by name."""
    catalogue = desk()
    read = mandate(catalogue, powers=list(powers), never=never or [])
    return {one.action.name: one for one in granted_actions(read, catalogue)}


def schema(*powers: dict[str, Any], action: str = SHIP) -> dict[str, Any]:
    """The schema of one action."""
    found: Any = granted(*powers)[action].schema
    return dict(found)


def ship(**where: Any) -> dict[str, Any]:
    return {"power": "request", "actions": [SHIP], "where": where}


def test_the_target_is_the_one_value_of_its_params() -> None:
    found = schema(ship())
    assert found["properties"]["order_id"] == {"type": "string", "const": "W123"}
    assert found["required"] == ["order_id"]
    assert found["additionalProperties"] is False


def test_annotations_of_ours_are_left_out_and_money_is_said_in_words() -> None:
    refund = schema({"power": "request", "actions": ["payment.refund"]}, action="payment.refund")
    assert "x-" not in str(refund)
    assert "40.00 EUR" in refund["properties"]["amount"]["description"]


@pytest.mark.parametrize(
    ("where", "node"),
    [
        ({"ship_on": {"equals": "today"}}, {"type": "string", "minLength": 1, "const": "today"}),
        ({"ship_on": {"one_of": ["today", "monday"]}}, {"type": "string", "minLength": 1, "enum": ["today", "monday"]}),
        ({"gift": {"equals": True}}, {"type": "boolean", "const": True}),
    ],
)
def test_exact_conditions_are_values_and_make_the_param_required(where: dict[str, Any], node: dict[str, Any]) -> None:
    found = schema(ship(**where))
    (name,) = where
    assert found["properties"][name] == node
    assert found["required"] == ["order_id", name]


def test_bounds_of_numbers_and_conditions_inside_params_are_said_where_they_stand() -> None:
    found = schema(ship(**{"lines[*].quantity": {"max": 3, "min": 1}, "address.city": {"equals": "Hamburg"}}))
    quantity = found["properties"]["lines"]["items"]["properties"]["quantity"]
    assert (quantity["maximum"], quantity["minimum"]) == (3, 1)
    assert found["properties"]["address"]["properties"]["city"]["const"] == "Hamburg"
    assert set(found["required"]) == {"order_id", "lines", "address"}


def test_of_alternative_powers_the_widest_is_said() -> None:
    both = schema(ship(ship_on={"equals": "today"}), ship(ship_on={"one_of": ["today", "monday"]}))
    assert both["properties"]["ship_on"]["enum"] == ["today", "monday"]
    free = schema(ship(ship_on={"equals": "today"}), ship())
    assert {"type": "string"} in free["properties"]["ship_on"]["anyOf"]
    assert "ship_on" not in free["required"]


def test_a_list_is_of_the_granted_items() -> None:
    found = schema(
        {"power": "request", "actions": ["order.return"], "where": {"item_ids": {"subset_of": ["i1", "i2"]}}}, action="order.return"
    )
    assert found["properties"]["item_ids"] == {
        "type": "array", "items": {"type": "string", "enum": ["i1", "i2"]}, "minItems": 1, "maxItems": 2, "uniqueItems": True,
    }  # fmt: skip


def test_a_param_that_discloses_what_may_not_be_disclosed_is_left_out() -> None:
    assert "email" not in schema(ship())["properties"]
    told = schema(ship(), {"power": "disclose", "attributes": ["identity.email"]})
    assert "email" in told["properties"]


def test_limits_that_no_schema_says_are_in_words() -> None:
    power = {"power": "request", "actions": ["payment.refund"], "uses": 2, "total": {"amount": "50.00 EUR"}}
    assert granted(power)["payment.refund"].limits == ("At most 2 times in all", "amount: at most 50.00 EUR in all")
    assert granted({**power, "uses": 1})["payment.refund"].limits[0] == "Once in all"


def test_what_is_not_granted_or_ruled_out_is_no_tool() -> None:
    assert set(granted({"power": "receive", "attributes": ["order.status"]})) == {"order.read"}
    request = {"power": "request", "actions": [SHIP]}
    assert granted(request, never=[request]) == {}
    assert set(granted(request, never=[{**request, "where": {"gift": {"equals": True}}}])) == {SHIP}
    assert {"case.open", "case.read"} <= set(granted({"power": "represent"}))
    assert granted({"power": "represent"}, request, never=[{"power": "represent"}]).keys() == {SHIP}
    assert granted({"power": "receive", "attributes": ["order.status"]}, never=[{"power": "receive", "attributes": ["order.*"]}]) == {}
