"""Matching asks with a mandate, counters, floors and the ladder."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from desks.example import NOW, TODAY, desk, desk_data, mandate
from remit.domain.catalogue.model import CUSTOMER, Catalogue, PowerKind
from remit.domain.errors import Code, Refused
from remit.domain.mandate.cover import ChargedPowers, choose_charges, counter_key, match_powers, remedy_mandate
from remit.domain.mandate.model import Mandate
from remit.domain.mandate.parse import read_mandate
from remit.domain.policy.decision import NeedsHuman, Permit, Refuse
from remit.domain.policy.floors import Floor, confirmation_floor, ladder_rungs, strictest_decision
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.values import JsonObject

DESK = desk()
REFUND = {"order_id": "W123", "payment_method_id": "pm_7", "amount": "40.00 EUR"}


def charged(
    given: Mandate, action: str, params: Mapping[str, Any], used: Mapping[str, int] | None = None, catalogue: Catalogue = DESK
) -> ChargedPowers:
    return choose_charges(match_powers(given, catalogue, catalogue.action(action), params), used or {})


def code_of(given: Mandate, action: str, params: Mapping[str, Any], used: Mapping[str, int] | None = None) -> Code:
    with pytest.raises(Refused) as refused:
        charged(given, action, params, used)
    return refused.value.code


def requests(where: Any, action: str = "order.ship", **more: Any) -> Mandate:
    return mandate(DESK, powers=[{"power": "request", "actions": [action], "where": where, **more}], never=[])


def never(*negatives: Any, powers: Any = None) -> Mandate:
    wide = [
        {"power": "represent"},
        {"power": "receive", "actions": ["order.*", "profile.*"], "attributes": ["identity.*"]},
        {"power": "request", "actions": ["order.*", "payment.refund"]},
        {"power": "accept", "actions": ["offer.take"]},
        {"power": "disclose", "attributes": ["identity.*"]},
    ]
    return mandate(DESK, powers=powers or wide, never=list(negatives))


def ships(**params: Any) -> dict[str, Any]:
    return {"order_id": "W123", **params}


def test_a_covered_refund_is_charged_to_its_own_power_alone() -> None:
    chosen = charged(mandate(DESK), "payment.refund", REFUND)
    (charge,) = chosen.charges
    assert (charge.power, charge.action, charge.uses_room) == (3, "payment.refund", 2)
    (total,) = charge.totals
    assert (total.path, total.amount_micro, total.limit_micro, total.currency) == ("amount", 40_000_000, 50_000_000, "EUR")


WRONG: list[tuple[str, dict[str, Any], Code]] = [
    ("payment.refund", {**REFUND, "amount": "50.01 EUR"}, Code.MANDATE_LIMIT_EXCEEDED),
    ("payment.refund", {**REFUND, "amount": "40.00 USD"}, Code.MANDATE_LIMIT_EXCEEDED),
    ("payment.refund", {**REFUND, "amount": 40}, Code.MANDATE_LIMIT_EXCEEDED),
    ("payment.refund", {**REFUND, "amount": None}, Code.MANDATE_LIMIT_EXCEEDED),
    ("payment.refund", {**REFUND, "payment_method_id": "pm_8"}, Code.MANDATE_LIMIT_EXCEEDED),
    ("payment.refund", {**REFUND, "payment_method_id": "PM_7"}, Code.MANDATE_LIMIT_EXCEEDED),
    ("payment.refund", {"order_id": "W123", "amount": "40.00 EUR"}, Code.MANDATE_LIMIT_EXCEEDED),
    ("payment.refund", {**REFUND, "order_id": "W124"}, Code.MANDATE_OFF_TARGET),
    ("order.return", {"order_id": "W123", "item_ids": ["i3"]}, Code.MANDATE_LIMIT_EXCEEDED),
    ("order.return", {"order_id": "W123", "item_ids": ["i1", "i1"]}, Code.MANDATE_LIMIT_EXCEEDED),
    ("order.return", {"order_id": "W123", "item_ids": []}, Code.MANDATE_LIMIT_EXCEEDED),
    ("order.return", {"order_id": "W123", "item_ids": "i1"}, Code.MANDATE_LIMIT_EXCEEDED),
    ("order.ship", {"order_id": "W123"}, Code.MANDATE_POWER_MISSING),
    ("offer.take", {"amount": "5.00 EUR"}, Code.MANDATE_FORBIDDEN),
    ("profile.read", {}, Code.MANDATE_FORBIDDEN),
    ("product.read", {"product_id": "p"}, Code.MANDATE_POWER_MISSING),
    ("order.read", {"order_id": "W124"}, Code.MANDATE_OFF_TARGET),
]


@pytest.mark.parametrize(("action", "params", "code"), WRONG, ids=map(str, range(len(WRONG))))
def test_what_the_example_mandate_does_not_cover_is_refused(action: str, params: dict[str, Any], code: Code) -> None:
    assert code_of(mandate(DESK), action, params) is code


def test_never_comes_before_a_missing_power_and_that_before_the_target_and_that_before_the_tests() -> None:
    elsewhere = {"order_id": "W999", "payment_method_id": "pm_0", "amount": "900.00 EUR"}
    assert code_of(never({"power": "request"}, powers=[{"power": "represent"}]), "payment.refund", elsewhere) is Code.MANDATE_FORBIDDEN
    assert code_of(never(powers=[{"power": "represent"}]), "payment.refund", elsewhere) is Code.MANDATE_POWER_MISSING
    assert code_of(mandate(DESK), "payment.refund", elsewhere) is Code.MANDATE_OFF_TARGET


HOLDS: list[tuple[Any, dict[str, Any], bool]] = [
    ({"note": {"equals": "a"}}, {"note": "a"}, True),
    ({"note": {"equals": "a"}}, {"note": "A"}, False),
    ({"note": {"equals": ""}}, {"note": ""}, False),
    ({"gift": {"equals": False}}, {"gift": False}, True),
    ({"gift": {"equals": True}}, {"gift": 1}, False),
    ({"address": {"equals": {"city": "Rome", "zip": "1"}}}, {"address": {"zip": "1", "city": "Rome"}}, True),
    ({"address": {"equals": {"city": "Rome"}}}, {"address": {"city": "Rome", "zip": "1"}}, False),
    ({"address": {"equals": {"city": "Rome"}}}, {"address": {}}, False),
    ({"address.city": {"one_of": ["Rome", "Bonn"]}}, {"address": {"city": "Bonn"}}, True),
    ({"address.city": {"one_of": ["Rome", "Bonn"]}}, {"address": {"city": "Paris"}}, False),
    ({"address.city": {"one_of": ["Rome"]}}, {"address": "Rome"}, False),
    ({"contacts": {"subset_of": ["a", "b"]}}, {"contacts": ["b", "a"]}, True),
    ({"contacts[*]": {"one_of": ["a", "b"]}}, {"contacts": ["a", "a"]}, True),
    ({"contacts[*]": {"one_of": ["a", "b"]}}, {"contacts": ["a", "c"]}, False),
    ({"contacts[*]": {"one_of": ["a", "b"]}}, {"contacts": []}, False),
    ({"contacts[*]": {"one_of": ["a", "b"]}}, {"contacts": ["a", None]}, False),
    ({"lines[*].id": {"equals": "x"}}, {"lines": [{"id": "x"}, {"id": "x"}]}, True),
    ({"lines[*].id": {"equals": "x"}}, {"lines": [{"id": "x"}, {}]}, False),
    ({"lines[*].quantity": {"max": 2}}, {"lines": [{"quantity": 2}]}, True),
    ({"lines[*].quantity": {"max": 2}}, {"lines": [{"quantity": Decimal("2.0")}]}, True),
    ({"lines[*].quantity": {"max": 2}}, {"lines": [{"quantity": 2}, {"quantity": 3}]}, False),
    ({"lines[*].quantity": {"max": 2}}, {"lines": [{"quantity": True}]}, False),
    ({"lines[*].quantity": {"min": 1, "max": 2}}, {"lines": [{"quantity": 0}]}, False),
    ({"lines[*].price": {"max_sum": Decimal("0.3")}}, {"lines": [{"price": Decimal("0.1")}, {"price": Decimal("0.2")}]}, True),
    ({"lines[*].price": {"max_sum": 50}}, {"lines": [{"price": 30}, {"price": 21}]}, False),
    ({"lines[*].price": {"max_sum": 50}}, {"lines": [{"price": 30}, {"price": Decimal("20." + "0" * 40 + "1")}]}, False),
    ({"lines[*].price": {"max_sum": 50}}, {"lines": [{"price": 1000}, {"price": -990}]}, False),
    ({"lines[*].price": {"max_sum": 50}}, {"lines": [{"price": 1}, {}]}, False),
    ({"ship_on": {"before": "2026-12-24"}}, {"ship_on": "2026-12-23"}, True),
    ({"ship_on": {"before": "2026-12-24"}}, {"ship_on": "2026-12-24"}, False),
    ({"ship_on": {"before": "2026-12-24"}}, {"ship_on": "2026-12-23T00:00:00Z"}, False),
    ({"ship_on": {"after": "2026-12-24T12:00:00+02:00"}}, {"ship_on": "2026-12-24T10:00:00.000001Z"}, True),
    ({"ship_on": {"after": "2026-12-24T12:00:00+02:00"}}, {"ship_on": "2026-12-24T10:00:00Z"}, False),
    ({"ship_on": {"after": "2026-12-24"}}, {"ship_on": "later"}, False),
    ({"ship_on": {"after": "2026-12-24"}}, {}, False),
]


@pytest.mark.parametrize(("where", "params", "covered"), HOLDS, ids=map(str, range(len(HOLDS))))
def test_a_test_holds_exactly_when_every_value_at_its_path_passes(where: Any, params: dict[str, Any], covered: bool) -> None:
    if covered:
        assert charged(requests(where), "order.ship", ships(**params)).charges
    else:
        assert code_of(requests(where), "order.ship", ships(**params)) is Code.MANDATE_LIMIT_EXCEEDED


FORBIDS: list[tuple[Any, dict[str, Any], bool]] = [
    ({"address.city": {"equals": "Rome"}}, {"address": {"city": "Rome"}}, True),
    ({"address.city": {"equals": "Rome"}}, {"address": {"city": "Bonn"}}, False),
    ({"address.city": {"equals": "Rome"}}, {}, True),
    ({"address.city": {"equals": "Rome"}}, {"address": {"city": ""}}, True),
    ({"address.city": {"equals": "Rome"}}, {"address": {"city": None}}, True),
    ({"contacts[*]": {"equals": "eve"}}, {"contacts": ["ann", "eve"]}, True),
    ({"contacts[*]": {"equals": "eve"}}, {"contacts": ["ann", "bob"]}, False),
    ({"contacts": {"subset_of": ["eve", "mal"]}}, {"contacts": ["ann", "eve"]}, True),
    ({"contacts": {"subset_of": ["eve", "mal"]}}, {"contacts": ["ann"]}, False),
    ({"contacts": {"subset_of": ["eve", "mal"]}}, {"contacts": ["ann", "ann"]}, True),
    ({"lines[*].quantity": {"min": 3}}, {"lines": [{"quantity": 1}, {"quantity": 3}]}, True),
    ({"lines[*].quantity": {"min": 3}}, {"lines": [{"quantity": 1}, {"quantity": 2}]}, False),
    ({"lines[*].quantity": {"min": 3}}, {"lines": [{"quantity": 1}, {"quantity": "many"}]}, True),
    ({"ship_on": {"after": "2026-12-24"}}, {"ship_on": "2026-12-25T00:00:00Z"}, True),
    ({"ship_on": {"after": "2026-12-24"}}, {"ship_on": "2026-12-24"}, False),
    ({"gift": {"equals": True}, "note": {"equals": "x"}}, {"gift": True, "note": "y"}, False),
    ({"gift": {"equals": True}, "note": {"equals": "x"}}, {"gift": True}, True),
]


@pytest.mark.parametrize(("where", "params", "forbidden"), FORBIDS, ids=map(str, range(len(FORBIDS))))
def test_a_negative_matches_any_value_and_whatever_cannot_be_said(where: Any, params: dict[str, Any], forbidden: bool) -> None:
    given = never({"power": "request", "actions": ["order.ship"], "where": where})
    if forbidden:
        assert code_of(given, "order.ship", ships(**params)) is Code.MANDATE_FORBIDDEN
    else:
        assert charged(given, "order.ship", ships(**params)).charges


@pytest.mark.parametrize("amount", ["40.00 EUR", "40.0 EUR", "40 EUR"])
def test_money_written_otherwise_does_not_slip_past_a_negative(amount: str) -> None:
    given = never({"power": "request", "actions": ["payment.refund"], "where": {"amount": {"one_of": ["40.00 EUR"]}}})
    assert code_of(given, "payment.refund", {**REFUND, "amount": amount}) is Code.MANDATE_FORBIDDEN


def test_another_currency_matches_a_negative_and_fails_a_power() -> None:
    given = never({"power": "request", "actions": ["payment.*"], "where": {"amount": {"min": "100.00 EUR"}}})
    assert code_of(given, "payment.refund", {**REFUND, "amount": "5.00 USD"}) is Code.MANDATE_FORBIDDEN
    assert charged(given, "payment.refund", {**REFUND, "amount": "5.00 EUR"}).charges


def test_open_globs_in_never_forbid_actions_declared_later() -> None:
    data = desk_data()
    data["action"]["payment.gift"] = {"title": "Give", "power": "request", "area": "payment", "effect": "write"}
    data["objective"]["return-item"]["actions"].append("payment.gift")
    later = read_catalogue(data, today=None)
    given = mandate(
        later, powers=[{"power": "request", "actions": ["payment.gift"]}], never=[{"power": "request", "actions": ["payment.*"]}]
    )
    with pytest.raises(Refused) as refused:
        match_powers(given, later, later.action("payment.gift"), {})
    assert refused.value.code is Code.MANDATE_FORBIDDEN


def test_speaking_in_the_case_needs_represent_and_never_can_forbid_it() -> None:
    said = {"text": "hello"}
    assert charged(never(), "case.comment", said).charges[0].power == 0
    assert code_of(never({"power": "represent"}), "case.comment", said) is Code.MANDATE_FORBIDDEN
    assert code_of(requests({}), "case.comment", said) is Code.MANDATE_POWER_MISSING


def test_a_read_is_covered_by_name_or_by_an_attribute_it_returns() -> None:
    by_attribute = mandate(DESK, powers=[{"power": "receive", "attributes": ["order.status"]}], never=[])
    by_name = mandate(DESK, powers=[{"power": "receive", "actions": ["order.read", "profile.read", "product.read"]}], never=[])
    read = {"order_id": "W123"}
    assert charged(by_attribute, "order.read", read).attributes == {"order.status"}
    assert charged(by_name, "order.read", read).attributes == {"order.status", "order.items"}
    assert charged(by_name, "profile.read", {}).attributes == {"identity.email"}
    assert charged(by_name, "product.read", {"product_id": "p"}).attributes == frozenset()
    assert code_of(by_attribute, "profile.read", {}) is Code.MANDATE_POWER_MISSING
    assert code_of(by_attribute, "product.read", {"product_id": "p"}) is Code.MANDATE_POWER_MISSING


def test_never_keeps_attributes_back_and_forbids_a_read_of_nothing_else() -> None:
    wide = [{"power": "receive", "actions": ["profile.read"], "attributes": ["identity.*"]}]
    some = never({"power": "receive", "attributes": ["identity.birth_date"]}, powers=wide)
    assert charged(some, "profile.read", {}).attributes == {"identity.email"}
    assert code_of(never({"power": "receive", "attributes": ["identity.*"]}, powers=wide), "profile.read", {}) is Code.MANDATE_FORBIDDEN
    assert code_of(never({"power": "receive", "actions": ["profile.*"]}, powers=wide), "profile.read", {}) is Code.MANDATE_FORBIDDEN
    assert code_of(never({"power": "receive"}, powers=wide), "profile.read", {}) is Code.MANDATE_FORBIDDEN


def test_a_read_through_two_powers_tells_what_both_cover_and_withholds_what_is_spent() -> None:
    given = mandate(
        DESK,
        powers=[{"power": "receive", "attributes": ["order.status"]}, {"power": "receive", "attributes": ["order.items"], "uses": 1}],
        never=[],
    )
    read = {"order_id": "W123"}
    assert charged(given, "order.read", read).attributes == {"order.status", "order.items"}
    spent = {counter_key(1, "order.read"): 1}
    assert charged(given, "order.read", read, spent).attributes == {"order.status"}
    alone = mandate(DESK, powers=[{"power": "receive", "attributes": ["order.items"], "uses": 1}], never=[])
    assert code_of(alone, "order.read", read, {counter_key(0, "order.read"): 1}) is Code.MANDATE_USES_SPENT


def test_tests_of_a_receive_power_apply_to_the_reads_own_params() -> None:
    given = mandate(
        DESK, powers=[{"power": "receive", "attributes": ["order.*", "identity.*"], "where": {"order_id": {"equals": "W123"}}}], never=[]
    )
    assert charged(given, "order.read", {"order_id": "W123"}).attributes
    assert code_of(given, "profile.read", {}) is Code.MANDATE_LIMIT_EXCEEDED


def test_a_write_tells_only_what_receive_powers_cover_by_attribute() -> None:
    target = {"type": "account-help"}
    powers: list[dict[str, Any]] = [{"power": "request", "actions": ["profile.tell"]}]
    without = mandate(DESK, objective=target, powers=powers, never=[])
    told = mandate(DESK, objective=target, powers=[*powers, {"power": "receive", "attributes": ["identity.*"]}], never=[])
    assert charged(without, "profile.tell", {"recipient": "x"}).attributes == frozenset()
    assert charged(told, "profile.tell", {"recipient": "x"}).attributes == {"identity.birth_date"}


def test_params_that_disclose_an_attribute_need_disclose() -> None:
    params = ships(email="a@b.example")
    without = requests({})
    assert code_of(without, "order.ship", params) is Code.MANDATE_POWER_MISSING
    assert code_of(without, "order.ship", ships(email=None)) is Code.MANDATE_POWER_MISSING
    assert charged(without, "order.ship", ships()).charges
    given = never(powers=[{"power": "request", "actions": ["order.ship"]}, {"power": "disclose", "attributes": ["identity.*"], "uses": 1}])
    assert [charge.power for charge in charged(given, "order.ship", params).charges] == [0, 1]
    assert code_of(given, "order.ship", params, {counter_key(1, "order.ship"): 1}) is Code.MANDATE_USES_SPENT
    assert code_of(never({"power": "disclose", "attributes": ["identity.*"]}), "order.ship", params) is Code.MANDATE_FORBIDDEN


def test_one_power_that_discloses_two_attributes_is_charged_once() -> None:
    data = desk_data()
    data["action"]["order.ship"]["params"]["properties"]["born"] = {"x-attribute": "identity.birth_date"}
    catalogue = read_catalogue(data, today=None)
    given = mandate(
        catalogue,
        powers=[{"power": "request", "actions": ["order.ship"]}, {"power": "disclose", "attributes": ["identity.*"], "uses": 1}],
        never=[],
    )
    chosen = charged(given, "order.ship", ships(email="a@b.example", born="1980-01-01"), catalogue=catalogue)
    assert [charge.power for charge in chosen.charges] == [0, 1]


def test_uses_are_spent_one_by_one_and_totals_to_the_last_cent() -> None:
    given = mandate(DESK)
    uses, total = counter_key(3, "payment.refund"), counter_key(3, "amount")
    assert charged(given, "payment.refund", REFUND, {uses: 1, total: 10_000_000}).charges
    assert code_of(given, "payment.refund", REFUND, {uses: 1, total: 10_000_001}) is Code.MANDATE_TOTAL_SPENT
    assert code_of(given, "payment.refund", REFUND, {uses: 2}) is Code.MANDATE_USES_SPENT


def test_the_first_power_with_room_is_charged_alone() -> None:
    given = mandate(
        DESK,
        powers=[
            {"power": "request", "actions": ["payment.refund"], "uses": 1, "where": {"amount": {"max": "50.00 EUR"}}},
            {"power": "request", "actions": ["payment.refund"], "uses": 1},
        ],
        never=[],
    )
    assert [charge.power for charge in charged(given, "payment.refund", REFUND).charges] == [0]
    assert [charge.power for charge in charged(given, "payment.refund", REFUND, {counter_key(0, "payment.refund"): 1}).charges] == [1]
    assert [charge.power for charge in charged(given, "payment.refund", {**REFUND, "amount": "60.00 EUR"}).charges] == [1]


NOT_COUNTED: list[dict[str, Any]] = [
    {"lines": [{"price": -5}]},
    {"lines": [{"price": Decimal("0.0000001")}]},
    {"lines": [{"price": 10**13}]},
    {"lines": [{"price": Decimal("0.1" + "0" * 40 + "1")}]},
    {"lines": [{"price": 1}, {}]},
    {"lines": []},
    {},
]


@pytest.mark.parametrize("params", NOT_COUNTED, ids=map(str, range(len(NOT_COUNTED))))
def test_a_total_that_cannot_be_counted_exactly_or_would_give_room_back_fails(params: dict[str, Any]) -> None:
    given = mandate(DESK, powers=[{"power": "request", "actions": ["order.ship"], "total": {"lines[*].price": 100}}], never=[])
    assert code_of(given, "order.ship", ships(**params)) is Code.MANDATE_LIMIT_EXCEEDED


def test_charges_after_narrowing_hang_on_the_root_grants_power() -> None:
    found = match_powers(mandate(DESK), DESK, DESK.action("payment.refund"), REFUND, roots=(9, 8, 7, 6))
    assert choose_charges(found, {}).charges[0].power == 6


def test_a_speech_act_other_than_the_actions_own_needs_its_own_power() -> None:
    with pytest.raises(Refused) as refused:
        match_powers(never(), DESK, DESK.action("payment.refund"), REFUND, kind=PowerKind.ACCEPT)
    assert refused.value.code is Code.MANDATE_POWER_MISSING


def floor_of(given: Mandate, action: str, params: Mapping[str, Any], day: date = TODAY, catalogue: Catalogue = DESK) -> Floor:
    return confirmation_floor(
        catalogue, catalogue.action(action), params, [charged(given, action, params, catalogue=catalogue)], day=day, waivers=True
    )


def test_areas_set_the_floor() -> None:
    help_with = mandate(DESK, objective={"type": "account-help"}, powers=[{"power": "request", "actions": ["password.reset"]}], never=[])
    assert floor_of(help_with, "password.reset", {}).who == {CUSTOMER, "officer:security"}
    assert floor_of(never(), "order.return", {"order_id": "W123", "item_ids": ["i1"]}).who == {CUSTOMER}
    assert floor_of(never(), "offer.take", {"amount": "1.00 EUR"}).who == {CUSTOMER}
    assert floor_of(never(), "order.ship", ships()).who == frozenset()
    assert floor_of(never(), "case.comment", {"text": "x"}).who == frozenset()
    assert floor_of(never(), "order.read", {"order_id": "W123"}).who == frozenset()


def test_telling_a_sensitive_attribute_needs_the_customer_whatever_the_area() -> None:
    assert floor_of(never(), "profile.read", {}).who == {CUSTOMER}
    by_name = mandate(DESK, powers=[{"power": "receive", "actions": ["profile.read"]}], never=[])
    assert floor_of(by_name, "profile.read", {}).who == frozenset()


def test_a_write_of_area_disclosure_needs_the_customer() -> None:
    given = mandate(
        DESK,
        objective={"type": "account-help"},
        powers=[{"power": "request", "actions": ["profile.tell"], "where": {"recipient": {"equals": "bank"}}}],
        never=[],
    )
    assert floor_of(given, "profile.tell", {"recipient": "bank"}).who == {CUSTOMER}


RECIPIENTS: list[tuple[Any, dict[str, Any], bool]] = [
    ({}, {"contacts": ["a"]}, False),
    ({"contacts": {"subset_of": ["a", "b"]}}, {"contacts": ["a"]}, True),
    ({"contacts[*]": {"one_of": ["a"]}}, {"contacts": ["a"]}, True),
    ({"contacts": {"equals": ["a"]}}, {"contacts": ["a"]}, True),
    ({"contacts": {"subset_of": ["a"]}}, {"contacts": ["a"], "address": {"city": "Rome"}}, False),
    ({"address": {"equals": {"city": "Rome"}}}, {"address": {"city": "Rome"}}, True),
    ({"address.city": {"one_of": ["Rome"]}}, {"address": {"city": "Rome"}}, True),
    ({"address.zip": {"equals": "1"}}, {"address": {"city": "Rome", "zip": "1"}}, False),
    ({"note": {"equals": "x"}}, {"note": "x"}, True),
]


@pytest.mark.parametrize(("where", "params", "pinned"), RECIPIENTS, ids=map(str, range(len(RECIPIENTS))))
def test_a_recipient_that_no_test_pins_needs_the_customer(where: Any, params: dict[str, Any], pinned: bool) -> None:
    assert floor_of(requests(where), "order.ship", ships(**params)).who == (frozenset() if pinned else {CUSTOMER})


def test_a_waiver_lowers_the_floor_within_its_limit_until_its_last_day() -> None:
    small, large = {**REFUND, "amount": "10.00 EUR"}, {**REFUND, "amount": "10.01 EUR"}
    assert floor_of(never(), "payment.refund", small) == Floor(who=frozenset(), reasons=("area.payment", "waiver"), waiver=0)
    assert floor_of(never(), "payment.refund", large).who == {CUSTOMER}
    assert floor_of(never(), "payment.refund", {**small, "amount": "10.00 USD"}).who == {CUSTOMER}
    assert floor_of(never(), "payment.refund", small, day=date(2027, 3, 31)).waiver == 0
    assert floor_of(never(), "payment.refund", small, day=date(2027, 4, 1)).waiver is None


def test_the_ladder_has_each_rung_once_in_catalogue_order() -> None:
    assert ladder_rungs(frozenset(), ("billing", "security")) == (
        frozenset(),
        frozenset({CUSTOMER}),
        frozenset({"officer:billing"}),
        frozenset({"officer:security"}),
        frozenset({CUSTOMER, "officer:billing"}),
        frozenset({CUSTOMER, "officer:security"}),
    )
    assert ladder_rungs(frozenset({CUSTOMER}), ["billing"]) == (frozenset({CUSTOMER}), frozenset({CUSTOMER, "officer:billing"}))


def test_the_strictest_answer_wins_and_nothing_asked_permits_nothing() -> None:
    yes = Permit(charges=(), waiver=0)
    ask = NeedsHuman(who=frozenset({CUSTOMER}), charges=(), reasons=("a",))
    officer = NeedsHuman(who=frozenset({"officer:billing"}), charges=(), reasons=("b", "a"))
    no = Refuse(code=Code.POLICY_FORBIDDEN, detail="")
    assert strictest_decision([yes, ask, no]) is no
    assert strictest_decision([yes, ask, officer]) == NeedsHuman(
        who=frozenset({CUSTOMER, "officer:billing"}), charges=(), reasons=("a", "b")
    )
    assert strictest_decision([yes, yes]) == yes
    with pytest.raises(ValueError, match="nothing"):
        strictest_decision([])


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
