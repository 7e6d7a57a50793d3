"""Narrowing: what fits inside what, by example and by property."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desks.example import NOW, desk, mandate, mandate_data
from remit.domain.errors import Code, Refused
from remit.domain.mandate.cover import Coverage, choose_charges, match_powers
from remit.domain.mandate.model import Mandate
from remit.domain.mandate.narrow import narrows, verify_delegation_chain, verify_narrows
from remit.domain.mandate.parse import read_mandate, wire_mandate

DESK = desk()


def ships(where: Any = None, **more: Any) -> Mandate:
    return mandate(DESK, powers=[{"power": "request", "actions": ["order.ship"], "where": where or {}, **more}], never=[])


def never(*negatives: Any) -> Mandate:
    return mandate(DESK, never=list(negatives))


INSIDE: list[tuple[Any, Any]] = [
    ({"note": {"equals": "a"}}, {"note": {"one_of": ["a", "b"]}}),
    ({"note": {"equals": "a"}}, {}),
    ({"note": {"one_of": ["a"]}}, {"note": {"equals": "a"}}),
    ({"note": {"one_of": ["b", "a"]}}, {"note": {"one_of": ["a", "b", "c"]}}),
    ({"note": {"one_of": ["a", "b"], "equals": "b"}}, {"note": {"equals": "b"}}),
    ({"contacts": {"subset_of": ["a"]}}, {"contacts": {"subset_of": ["a", "b"]}}),
    ({"contacts": {"equals": ["a", "b"]}}, {"contacts": {"subset_of": ["a", "b"]}}),
    ({"contacts": {"subset_of": ["a"]}}, {"contacts": {"equals": ["a"]}}),
    ({"contacts": {"subset_of": ["a", "b"]}}, {"contacts[*]": {"one_of": ["a", "b", "c"]}}),
    ({"contacts": {"equals": ["a"]}}, {"contacts[*]": {"equals": "a"}}),
    ({"address": {"equals": {"city": "Rome", "zip": "1"}}}, {"address.city": {"one_of": ["Rome"]}}),
    ({"lines[*].quantity": {"max": 1}}, {"lines[*].quantity": {"max": 2}}),
    ({"lines[*].quantity": {"min": 2, "max": 2}}, {"lines[*].quantity": {"equals": 2}}),
    ({"lines[*].quantity": {"one_of": [1, 2, 9], "max": 2}}, {"lines[*].quantity": {"one_of": [2, 1]}}),
    ({"lines[*].quantity": {"equals": 5}}, {"lines[*].quantity": {"min": 5, "max": 5}}),
    ({"lines[*].price": {"max_sum": 4}}, {"lines[*].price": {"max_sum": 5}}),
    ({"lines": {"equals": [{"price": 2}, {"price": 3}]}}, {"lines[*].price": {"max_sum": 5}}),
    ({"ship_on": {"before": "2026-12-01"}}, {"ship_on": {"before": "2026-12-02"}}),
    ({"ship_on": {"equals": "2026-12-01"}}, {"ship_on": {"before": "2026-12-02", "after": "2026-11-30"}}),
    ({"ship_on": {"after": "2026-12-01T02:00:00+02:00"}}, {"ship_on": {"after": "2026-12-01T00:00:00Z"}}),
]

OUTSIDE: list[tuple[Any, Any]] = [
    ({}, {"note": {"equals": "a"}}),
    ({"note": {"one_of": ["a", "c"]}}, {"note": {"one_of": ["a", "b"]}}),
    ({"contacts": {"subset_of": ["a", "c"]}}, {"contacts": {"subset_of": ["a", "b"]}}),
    ({"contacts": {"equals": ["a", "a"]}, "gift": {"equals": True}}, {"contacts": {"equals": ["a"]}}),
    ({"contacts[*]": {"one_of": ["a"]}}, {"contacts": {"subset_of": ["a"]}}),
    ({"lines[*].quantity": {"max": 3}}, {"lines[*].quantity": {"max": 2}}),
    ({"lines[*].quantity": {"max": 2}}, {"lines[*].quantity": {"one_of": [1, 2]}}),
    ({"lines[*].quantity": {"min": 1}}, {"lines[*].quantity": {"max": 2}}),
    ({"lines[*].price": {"one_of": [1], "max_sum": 9}}, {"lines[*].price": {"max_sum": 5}}),
    ({"lines[*].price": {"max": 1}}, {"lines[*].price": {"max_sum": 5}}),
    ({"ship_on": {"before": "2026-12-01T00:00:00Z"}}, {"ship_on": {"before": "2026-12-02"}}),
    ({"address": {"equals": {"zip": "1", "city": "Rome"}}}, {"address.city": {"equals": "Bonn"}}),
]


@pytest.mark.parametrize(("tight", "loose"), INSIDE, ids=map(str, range(len(INSIDE))))
def test_tighter_tests_fit_inside_looser_ones(tight: Any, loose: Any) -> None:
    assert narrows(ships(tight), ships(loose))


@pytest.mark.parametrize(("tight", "loose"), OUTSIDE, ids=map(str, range(len(OUTSIDE))))
def test_looser_or_other_tests_do_not_fit(tight: Any, loose: Any) -> None:
    assert not narrows(ships(tight), ships(loose))


NEGATIVES: list[tuple[Any, Any, bool]] = [
    ({"power": "accept"}, {"power": "accept", "actions": ["offer.take"]}, True),
    ({"power": "accept", "actions": ["offer.*"]}, {"power": "accept", "actions": ["offer.take"]}, True),
    ({"power": "accept", "actions": ["offer.take"]}, {"power": "accept", "actions": ["offer.*"]}, False),
    ({"power": "accept", "actions": ["offer.take"]}, {"power": "accept"}, False),
    ({"power": "receive", "attributes": ["identity.*"]}, {"power": "receive", "attributes": ["identity.email"]}, True),
    ({"power": "receive", "attributes": ["identity.*"]}, {"power": "disclose", "attributes": ["identity.*"]}, False),
    (
        {"power": "request", "actions": ["order.ship"], "where": {"note": {"one_of": ["a", "b"]}}},
        {"power": "request", "actions": ["order.ship"], "where": {"note": {"equals": "a"}}},
        True,
    ),
    (
        {"power": "request", "actions": ["order.ship"], "where": {"note": {"equals": "a"}}},
        {"power": "request", "actions": ["order.ship"], "where": {"note": {"one_of": ["a", "b"]}}},
        False,
    ),
    (
        {"power": "request", "actions": ["order.ship"]},
        {"power": "request", "actions": ["order.ship"], "where": {"note": {"equals": "a"}}},
        True,
    ),
    (
        {"power": "request", "actions": ["order.ship"], "where": {"note": {"equals": "a"}}},
        {"power": "request", "actions": ["order.ship"]},
        False,
    ),
    (
        {"power": "request", "actions": ["payment.refund"], "where": {"amount": {"min": "50.00 EUR"}}},
        {"power": "request", "actions": ["payment.refund"], "where": {"amount": {"min": "100.00 EUR"}}},
        True,
    ),
]


@pytest.mark.parametrize(("mine", "theirs", "fits"), NEGATIVES, ids=map(str, range(len(NEGATIVES))))
def test_in_never_the_narrower_mandate_must_rule_out_at_least_as_much(mine: Any, theirs: Any, fits: bool) -> None:
    assert narrows(never(mine), never(theirs)) is fits
    assert narrows(never(mine, {"power": "represent"}), never(theirs)) is fits
    assert not narrows(never(), never(theirs))


TERMS: list[dict[str, Any]] = [
    {"expires_at": "2026-12-02T00:00:00Z"},
    {"max_tasks": 2},
    {"chain": 1},
    {"objective": {"type": "return-item", "target": {"order": ["W123", "W124"]}}},
    {"powers": [{"power": "receive", "attributes": ["order.*", "identity.email"]}]},
    {
        "powers": [
            {
                "power": "request",
                "actions": ["order.return"],
                "where": {"order_id": {"equals": "W123"}, "item_ids": {"subset_of": ["i1", "i2"]}},
            }
        ]
    },
    {"powers": [{"power": "accept", "actions": ["offer.take"]}]},
    {"never": [{"power": "accept"}]},
]


@pytest.mark.parametrize("changed", TERMS, ids=map(str, range(len(TERMS))))
def test_nothing_may_grow(changed: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        verify_narrows(mandate(DESK, **changed), mandate(DESK))
    assert refused.value.code is Code.MANDATE_INVALID


def test_two_powers_never_join_to_hold_one() -> None:
    wide = mandate(
        DESK,
        powers=[{"power": "request", "actions": [name]} for name in ("order.return", "order.ship")],
        never=[],
    )
    assert not narrows(mandate(DESK, powers=[{"power": "request", "actions": ["order.return", "order.ship"]}], never=[]), wide)


def test_narrowing_says_where_each_power_hangs() -> None:
    whole = mandate_data()
    assert verify_narrows(mandate(DESK, powers=[whole["powers"][3], whole["powers"][0]]), mandate(DESK)) == (3, 0)


def test_totals_and_uses_may_only_shrink() -> None:
    limited = ships(uses=2, total={"lines[*].price": 50})
    assert narrows(ships(uses=1, total={"lines[*].price": 50}), limited)
    assert not narrows(ships(uses=3, total={"lines[*].price": 50}), limited)
    assert not narrows(ships(total={"lines[*].price": 50}), limited)
    assert not narrows(ships(uses=2), limited)
    assert not narrows(ships(uses=2, total={"lines[*].price": 51}), limited)


NOTES = st.sampled_from(["a", "b", "c", ""])
NUMBERS = st.integers(min_value=-1, max_value=4)
MONEY = st.sampled_from(["1 EUR", "1.00 EUR", "2.00 EUR", "2.5 EUR", "2.00 USD"])
DAYS = st.sampled_from(["2026-12-01", "2026-12-02", "2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z"])
LISTS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3)
LINES = st.lists(st.fixed_dictionaries({}, optional={"id": NOTES, "quantity": NUMBERS, "price": NUMBERS}), max_size=2)


def ops_at(ops: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=ops).filter(bool)


def several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values, min_size=1, max_size=3)


SHIP_WHERE = st.fixed_dictionaries(
    {},
    optional={
        "note": ops_at({"equals": NOTES, "one_of": several(NOTES)}),
        "contacts": ops_at({"equals": LISTS, "subset_of": several(st.sampled_from(["a", "b", "c"])), "one_of": several(LISTS)}),
        "contacts[*]": ops_at({"equals": NOTES, "one_of": several(NOTES)}),
        "lines[*].quantity": ops_at({"max": NUMBERS, "min": NUMBERS, "equals": NUMBERS, "one_of": several(NUMBERS)}),
        "lines[*].price": ops_at({"max_sum": NUMBERS, "max": NUMBERS, "equals": NUMBERS}),
        "lines": ops_at({"equals": LINES}),
        "ship_on": ops_at({"before": DAYS, "after": DAYS, "equals": DAYS}),
        "gift": ops_at({"equals": st.booleans()}),
    },
)
REFUND_WHERE = st.fixed_dictionaries(
    {}, optional={"amount": ops_at({"max": MONEY, "min": MONEY, "equals": MONEY, "one_of": several(MONEY)})}
)
PATTERNS = st.sampled_from(["identity.*", "identity.email", "order.*", "order.status"])
NAMES = st.lists(PATTERNS, min_size=1, max_size=2, unique=True)


def acting(actions: Any, where: Any) -> Any:
    return {"power": "request", "actions": actions, "where": where}


POWERS = st.one_of(
    st.builds(acting, st.just(["order.ship"]), SHIP_WHERE),
    st.builds(acting, st.just(["payment.refund"]), REFUND_WHERE),
    st.builds(lambda names: {"power": "receive", "attributes": names}, NAMES),
    st.builds(
        lambda names: {"power": "receive", "actions": names},
        st.sampled_from([["order.read"], ["profile.read"], ["order.read", "profile.read"]]),
    ),
    st.builds(lambda names: {"power": "disclose", "attributes": names}, NAMES),
)
NEGATIVE = st.one_of(
    POWERS,
    st.sampled_from([{"power": "request"}, {"power": "receive"}, {"power": "disclose"}, {"power": "request", "actions": ["order.*"]}]),
)
MANDATES = st.builds(
    lambda powers, negatives: mandate(DESK, powers=powers, never=negatives),
    st.lists(POWERS, min_size=1, max_size=3),
    st.lists(NEGATIVE, max_size=2),
)
ASKS = st.one_of(
    st.tuples(
        st.just("order.ship"),
        st.fixed_dictionaries(
            {"order_id": st.just("W123")},
            optional={
                "note": NOTES,
                "contacts": LISTS,
                "lines": LINES,
                "ship_on": DAYS,
                "gift": st.booleans(),
                "email": st.just("a@b.example"),
            },
        ),
    ),
    st.tuples(st.just("payment.refund"), st.fixed_dictionaries({"order_id": st.just("W123")}, optional={"amount": MONEY})),
    st.tuples(st.just("order.read"), st.just({"order_id": "W123"})),
    st.tuples(st.just("profile.read"), st.just({})),
)


def covers(one: Mandate, action: str, params: Mapping[str, Any]) -> Coverage | None:
    try:
        return match_powers(one, DESK, DESK.action(action), params)
    except Refused:
        return None


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Mandate, Mandate]:
    """A mandate, and one made from its parts: powers dropped and tests added, negatives added."""
    wide = draw(MANDATES)
    wire: Any = wire_mandate(wide)
    powers = [dict(power) for power in wire["powers"] if draw(st.booleans())] or [dict(wire["powers"][0])]
    for power in powers:
        if power["power"] == "request":
            extra = draw(SHIP_WHERE if power["actions"] == ["order.ship"] else REFUND_WHERE)
            where = dict(power.get("where", {}))
            for path, ops in extra.items():
                where[path] = {**ops, **where.get(path, {})}
            power["where"] = where
    negatives = [*wire["never"], *draw(st.lists(NEGATIVE, max_size=1))]
    return read_mandate({**wire, "powers": powers, "never": negatives}, DESK, now=NOW), wide


@settings(max_examples=100, deadline=None)
@given(pair=st.one_of(st.tuples(MANDATES, MANDATES), cuts()), asks=st.lists(ASKS, min_size=1, max_size=6))
def test_what_a_narrower_mandate_covers_the_wider_covers_too(pair: tuple[Mandate, Mandate], asks: list[tuple[str, dict[str, Any]]]) -> None:
    tight, loose = pair
    if not narrows(tight, loose):
        return
    for action, params in asks:
        inner = covers(tight, action, params)
        if inner is not None:
            outer = covers(loose, action, params)
            assert outer is not None
            assert choose_charges(inner, {}).attributes <= choose_charges(outer, {}).attributes


@settings(max_examples=100, deadline=None)
@given(pair=cuts())
def test_dropping_powers_and_adding_tests_and_negatives_narrows(pair: tuple[Mandate, Mandate]) -> None:
    tight, loose = pair
    assert narrows(tight, loose)


@settings(max_examples=100, deadline=None)
@given(one=MANDATES)
def test_a_mandate_narrows_itself_and_survives_the_wire(one: Mandate) -> None:
    assert narrows(one, one)
    assert read_mandate(wire_mandate(one), DESK, now=NOW) == one


@settings(max_examples=80, deadline=None)
@given(pair=cuts(), third=MANDATES)
def test_narrowing_is_transitive(pair: tuple[Mandate, Mandate], third: Mandate) -> None:
    tight, middle = pair
    if narrows(middle, third):
        assert narrows(tight, third)


@settings(max_examples=100, deadline=None)
@given(tight=SHIP_WHERE, loose=SHIP_WHERE, params=st.lists(ASKS, min_size=1, max_size=6))
def test_implied_tests_hold_and_implied_negatives_match(tight: Any, loose: Any, params: list[tuple[str, dict[str, Any]]]) -> None:
    ship = {"power": "request", "actions": ["order.ship"]}
    positive = narrows(ships(tight), ships(loose))
    powers = [ship, {"power": "disclose", "attributes": ["identity.*"]}]
    outer = mandate(DESK, powers=powers, never=[{**ship, "where": tight}])
    inner = mandate(DESK, powers=powers, never=[{**ship, "where": loose}])
    negative = narrows(inner, outer)
    for action, asked in params:
        if positive and covers(ships(tight), action, asked) is not None:
            assert covers(ships(loose), action, asked) is not None
        if negative and covers(outer, action, asked) is None:
            assert covers(inner, action, asked) is None


def chained(*hops: tuple[str, int, tuple[str, ...]]) -> list[tuple[str, Mandate]]:
    """Mandates from the nearest to the customer's: whose each is, how far it may go on, and to whom."""
    return [(operator, replace(mandate(DESK), chain=chain, chain_operators=to)) for operator, chain, to in hops]


@pytest.mark.parametrize(
    ("chain", "stands"),
    [
        ([("helper", 0, ())], True),
        ([("courier", 0, ()), ("helper", 1, ("courier",))], True),
        ([("courier", 0, ()), ("helper", 0, ("courier",))], False),
        ([("courier", 0, ()), ("helper", 1, ("other",))], False),
        ([("third", 0, ()), ("courier", 1, ("third",)), ("helper", 2, ("courier", "third"))], True),
        ([("third", 0, ()), ("courier", 1, ("third",)), ("helper", 1, ("courier", "third"))], False),
        ([("third", 0, ()), ("courier", 1, ("third",)), ("helper", 2, ("courier",))], False),
        ([("third", 0, ()), ("courier", 0, ("third",)), ("helper", 2, ("courier", "third"))], False),
    ],
)
def test_a_branch_stands_while_every_mandate_above_allows_all_hops_below_it(chain: Any, stands: bool) -> None:
    if stands:
        verify_delegation_chain(chained(*chain))
        return
    with pytest.raises(Refused) as caught:
        verify_delegation_chain(chained(*chain))
    assert caught.value.code is Code.MANDATE_INACTIVE
