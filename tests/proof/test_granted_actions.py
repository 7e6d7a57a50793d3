"""Schemas narrowed by a mandate: they accept whatever the mandate covers, and nothing that its tests can express against."""

import random
from typing import Any

import jsonschema_rs
import pytest

from desks.building import MONEY, ORDER, PAYMENT_METHOD, action
from desks.shop import CATALOGUE, MANDATE
from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Refused
from remit.domain.mandate.cover import match_powers
from remit.domain.mandate.parse import read_mandate, wire_mandate
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.values import Instant
from remit.proof.granted_actions import GrantedAction, granted_actions, tool_names
from remit.proof.narrow_schema import without_marks
from remit.usecases.desk.catalogue import show_catalogue

NOW = Instant(1_790_000_000_000)


def catalogue_of(raw: dict[str, Any]) -> Catalogue:
    return read_catalogue(raw, today=None)


SHOP = catalogue_of(CATALOGUE)


def granted(mandate: dict[str, Any], catalogue: Catalogue = SHOP) -> dict[str, GrantedAction]:
    wire = wire_mandate(read_mandate(mandate, catalogue, now=NOW))
    return {one.name: one for one in granted_actions(wire, show_catalogue(catalogue))}


def mandate_with(*powers: dict[str, Any], never: tuple[dict[str, Any], ...] = (), **more: Any) -> dict[str, Any]:
    return {**MANDATE, "powers": list(powers), "never": list(never), **more}


def fits(schema: Any, params: dict[str, Any]) -> bool:
    return jsonschema_rs.validator_for(schema).is_valid(params)


def test_only_granted_actions_are_there() -> None:
    found = granted(MANDATE)
    assert set(found) == {
        "order.read",
        "order.return",
        "payment.refund",
        "offer.accept",
        "case.open",
        "case.comment",
        "case.read",
        "case.close",
    }
    assert found["order.read"].told == ("order.status", "order.items", "order.address")
    assert found["payment.refund"].confirmed_by == ("customer",)
    assert not found["payment.refund"].reversible


def test_tests_and_target_become_schema() -> None:
    found = granted(MANDATE)
    sent_back = found["order.return"].schema
    assert fits(sent_back, {"order_id": "W1001", "item_ids": ["i2"]})
    for wrong in (
        {"order_id": "W1003", "item_ids": ["i1"]},
        {"order_id": "W1001", "item_ids": []},
        {"order_id": "W1001", "item_ids": ["i3"]},
    ):
        assert not fits(sent_back, wrong)
    refund = found["payment.refund"].schema
    assert fits(refund, {"order_id": "W1001", "payment_method_id": "pm_8", "amount": "40.00 EUR"})
    assert not fits(refund, {"order_id": "W1001", "payment_method_id": "pm_9", "amount": "40.00 EUR"})
    assert not fits(refund, {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "40.00 USD"})
    assert refund["properties"]["amount"]["description"] == "At most 129.90 EUR."  # type: ignore[index]
    assert found["payment.refund"].limits == ("At most 3 times in all.", "amount: at most 129.90 EUR in all.")


def test_alternative_powers_are_not_mixed() -> None:
    first = {
        "power": "request",
        "actions": ["payment.refund"],
        "where": {"payment_method_id": {"equals": "pm_7"}, "amount": {"equals": "1.00 EUR"}},
    }
    other = {
        "power": "request",
        "actions": ["payment.refund"],
        "where": {"payment_method_id": {"equals": "pm_8"}, "amount": {"equals": "2.00 EUR"}},
    }
    schema = granted(mandate_with({"power": "represent"}, first, other))["payment.refund"].schema
    assert fits(schema, {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "1.00 EUR"})
    assert fits(schema, {"order_id": "W1001", "payment_method_id": "pm_8", "amount": "2.00 EUR"})
    assert not fits(schema, {"order_id": "W1001", "payment_method_id": "pm_8", "amount": "1.00 EUR"})


def test_never_takes_actions_and_values_away() -> None:
    powers = MANDATE["powers"]
    assert "payment.refund" not in granted(mandate_with(*powers, never=({"power": "request", "actions": ["payment.*"]},)))
    assert "offer.accept" not in granted(mandate_with(*powers, never=({"power": "accept"},)))
    silent = granted(mandate_with(*powers, never=({"power": "represent"},)))
    assert not any(name.startswith("case.") for name in silent)
    assert not silent["order.return"].may_speak
    assert "order.read" not in granted(mandate_with(*powers, never=({"power": "receive", "attributes": ["order.*"]},)))
    narrow = granted(
        mandate_with(
            *powers, never=({"power": "request", "where": {"payment_method_id": {"equals": "pm_8"}}, "actions": ["payment.refund"]},)
        )
    )
    assert not fits(narrow["payment.refund"].schema, {"order_id": "W1001", "payment_method_id": "pm_8", "amount": "1.00 EUR"})
    assert fits(narrow["payment.refund"].schema, {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "1.00 EUR"})


DEEP = catalogue_of({
    **CATALOGUE,
    "action": {
        **CATALOGUE["action"],
        "order.note": action(
            "Change order {order_id}: {items}, {contact}, {amount}, {to}",
            "request",
            "routine",
            {
                "order_id": ORDER,
                "amount": MONEY,
                "items": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}, "n": {"type": "integer"}}}},
                "contact": {"type": "object", "properties": {"phone": {"type": ["string", "null"], "x-attribute": "contact.phone"}, "city": {"type": "string"}}},
                "phone": {"type": "string", "x-attribute": "contact.phone"},
                "reason": {"type": "string", "x-free-text": True},
                "to": {**PAYMENT_METHOD, "type": ["string", "null"]},
                "day": {"type": "string", "format": "date"},
            },
            required=["order_id"],
        ),
    },
})  # fmt: skip


def test_params_that_may_not_be_said_are_not_offered() -> None:
    request = {"power": "request", "actions": ["order.note"]}
    assert {"phone", "reason"}.isdisjoint(granted(mandate_with(request), DEEP)["order.note"].schema["properties"])  # type: ignore[call-overload]
    disclose = {"power": "disclose", "attributes": ["contact.phone"]}
    assert {"phone", "reason"} <= granted(mandate_with(request, disclose, {"power": "represent"}), DEEP)["order.note"].schema[
        "properties"
    ].keys()  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_covered_fits_and_whatever_fits_is_covered(seed: int) -> None:
    chance = random.Random(seed)
    pools: dict[str, list[Any]] = {
        "order_id": ["W1001", "W1003"],
        "amount": ["1.00 EUR", "5.00 EUR", "5.00 USD"],
        "items": [[], [{"id": "i1", "n": 1}], [{"id": "i2", "n": 4}], [{"id": "i1", "n": 2}, {"id": "i2", "n": 9}], [{"n": 1}]],
        "contact": [{}, {"city": "Bonn"}, {"city": "Ulm", "phone": None}],
        "to": ["pm_7", "pm_8", None],
        "day": ["2026-12-01", "2026-12-09"],
        "reason": ["cold"],
        "phone": ["+49"],
    }
    tests: list[tuple[str, str, Any]] = [
        ("to", "one_of", ["pm_7", "pm_9"]),
        ("to", "equals", "pm_8"),
        ("items[*].id", "one_of", ["i1", "i2"]),
        ("items[*].id", "equals", "i1"),
        ("items[*].n", "max", 4),
        ("items[*].n", "min", 2),
        ("contact.city", "equals", "Bonn"),
        ("amount", "equals", "5.00 EUR"),
    ]
    said = [("items[*].n", "max_sum", 5), ("amount", "max", "3.00 EUR"), ("day", "before", "2026-12-05")]
    inexact = chance.random() < 0.5
    powers: list[dict[str, Any]] = []
    for _ in range(chance.randint(1, 3)):
        where: dict[str, dict[str, Any]] = {}
        for path, op, value in chance.sample(tests + (said if inexact else []), chance.randint(0, 3)):
            where.setdefault(path, {})[op] = value
        powers.append({"power": "request", "actions": ["order.note"], **({"where": where} if where else {})})
    never = ({"power": "request", "where": {"to": {"equals": "pm_7"}, "order_id": {"equals": "W1001"}}},) if chance.random() < 0.3 else ()
    represent = ({"power": "represent"},) if chance.random() < 0.7 else ()
    wire = mandate_with(*represent, *powers, never=never)
    mandate, found = read_mandate(wire, DEEP, now=NOW), granted(wire, DEEP)["order.note"]
    narrowed = jsonschema_rs.validator_for(dict(found.schema))
    whole = jsonschema_rs.validator_for(dict(DEEP.action("order.note").schema))
    agreed = 0
    for _ in range(300):
        params = {name: chance.choice(pool) for name, pool in pools.items() if name == "order_id" or chance.random() < 0.6}
        try:
            match_powers(mandate, DEEP, DEEP.action("order.note"), params, speaks="reason" in params)
            covered = whole.is_valid(params)
        except Refused:
            covered = False
        fit = narrowed.is_valid(params)
        assert fit or not covered, params
        if not inexact and not never:
            assert covered or not fit, params
        agreed += covered
    assert agreed or never or seed


def test_every_action_has_a_tool_name_of_its_own() -> None:
    names = tool_names({"actions": {key: {} for key in ["a.b_c", "a_b.c", "payment.refund", f"x.{'y' * 80}", f"x.{'y' * 81}"]}})
    assert names["payment.refund"] == "payment_refund"
    assert len(set(names.values())) == 5
    assert all(len(name) <= 64 for name in names.values())


def test_marks_become_descriptions_for_models() -> None:
    schema = without_marks(
        granted(mandate_with({"power": "request", "actions": ["payment.refund"]}))["payment.refund"].schema,
        {"payment_method": "payment method"},
    )
    assert schema["properties"] == {  # type: ignore[comparison-overlap]
        "order_id": {"type": "string", "const": "W1001"},
        "payment_method_id": {"type": "string", "description": "Id of one of the customer's records: payment method."},
        "amount": {
            "type": "string",
            "pattern": "^(0|[1-9][0-9]{0,11})(\\.[0-9]{1,3})? [A-Z]{3}$",
            "description": "Money such as '40.00 EUR'.",
        },
    }
