"""Reading and writing mandates."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from desks.building import action
from desks.example import NOW, desk, desk_data, mandate, mandate_data
from remit.domain.confirm.render_ask import AskDetails, Budget, render_ask
from remit.domain.confirm.render_mandate import render_mandate
from remit.domain.errors import Code, Refused
from remit.domain.mandate.conditions import condition_holds
from remit.domain.mandate.cover import choose_charges, match_powers
from remit.domain.mandate.model import Condition, ConditionOp
from remit.domain.mandate.narrow import narrows, verify_narrows
from remit.domain.mandate.parse import DEFAULT_LIFE_MS, read_mandate, wire_mandate
from remit.domain.param_paths import parse_path
from remit.domain.policy.confirmers import CUSTOMER
from remit.domain.policy.floors import confirmation_floor
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.values import decode_json
from remit.proof.canonical import canonical

DESK = desk()


def refund(**changed: Any) -> dict[str, Any]:
    return {"power": "request", "actions": ["payment.refund"], **changed}


def ship(**where: Any) -> dict[str, Any]:
    return {"power": "request", "actions": ["order.ship"], "where": where}


def test_the_example_mandate_reads_and_writes_back_equal() -> None:
    read = mandate(DESK)
    again = read_mandate(decode_json(canonical(wire_mandate(read))), DESK, now=NOW)
    assert again == read
    assert wire_mandate(again) == wire_mandate(read)


def test_what_is_left_out_has_its_default() -> None:
    data = {name: value for name, value in mandate_data().items() if name not in {"never", "expires_at", "max_tasks", "chain"}}
    read = read_mandate(data, DESK, now=NOW)
    assert (read.never, read.max_tasks, read.chain, read.expires_at) == ((), 1, 0, NOW + DEFAULT_LIFE_MS)


def test_globs_in_powers_are_expanded_and_in_never_stay_open() -> None:
    read = mandate(
        DESK,
        powers=[{"power": "request", "actions": ["order.*"]}, {"power": "receive", "actions": ["order.*"], "attributes": ["order.*"]}],
        never=[{"power": "request", "actions": ["future.*", "payment.*"]}, {"power": "disclose", "attributes": ["identity.*"]}],
    )
    assert read.powers[0].actions == ("order.return", "order.ship")
    assert read.powers[1].actions == ("order.read",)
    assert read.powers[1].attributes == ("order.status", "order.items")
    assert read.never[0].actions == ("future.*", "payment.*")
    assert wire_mandate(read)["never"] == [
        {"power": "request", "actions": ["future.*", "payment.*"]},
        {"power": "disclose", "attributes": ["identity.*"]},
    ]


INVALID: list[tuple[str, dict[str, Any]]] = [
    ("mandate.surprise", {"surprise": 1}),
    ("type", {"type": "other"}),
    ("objective.target", {"objective": {"type": "return-item"}}),
    ("objective.target", {"objective": {"type": "account-help", "target": {"order": ["W1"]}}}),
    ("objective.target.product", {"objective": {"type": "return-item", "target": {"product": ["p"]}}}),
    ("objective.target.order", {"objective": {"type": "return-item", "target": {"order": []}}}),
    ("objective.target.order", {"objective": {"type": "return-item", "target": {"order": ["W1", "W1"]}}}),
    ("objective.target.order[0]", {"objective": {"type": "return-item", "target": {"order": [1]}}}),
    ("objective.secret", {"objective": {"type": "return-item", "target": {"order": ["W1"]}, "secret": 1}}),
    ("objective.summary", {"objective": {"type": "return-item", "target": {"order": ["W1"]}, "summary": "x" * 501}}),
    ("powers", {"powers": []}),
    ("powers", {"powers": [{"power": "represent"}] * 65}),
    ("never", {"never": [{"power": "accept"}] * 65}),
    ("powers[0].power", {"powers": [{"power": "rule"}]}),
    ("powers[0].power", {"powers": [{"actions": ["payment.refund"]}]}),
    ("powers[0]", {"powers": [{"power": "request"}]}),
    ("powers[0]", {"powers": [{"power": "receive"}]}),
    ("powers[0]", {"powers": ["represent"]}),
    ("powers[0].actions", {"powers": [{"power": "represent", "actions": ["case.open"]}]}),
    ("powers[0].attributes", {"powers": [refund(attributes=["order.status"])]}),
    ("powers[0].actions[0]", {"powers": [{"power": "request", "actions": ["password.reset"]}]}),
    ("powers[0].actions[0]", {"powers": [{"power": "request", "actions": ["order.read"]}]}),
    ("powers[0].actions[0]", {"powers": [{"power": "request", "actions": ["*"]}]}),
    ("powers[0].actions[0]", {"powers": [{"power": "request", "actions": ["ghost.*"]}]}),
    ("powers[0].actions[0]", {"powers": [{"power": "request", "actions": ["case.open"]}]}),
    ("powers[0].actions", {"powers": [{"power": "request", "actions": []}]}),
    ("powers[0].actions", {"powers": [{"power": "request", "actions": ["payment.refund", "payment.refund"]}]}),
    ("powers[0].attributes[0]", {"powers": [{"power": "receive", "attributes": ["ghost.name"]}]}),
    ("powers[0].uses", {"powers": [refund(uses=0)]}),
    ("powers[0].uses", {"powers": [refund(uses=True)]}),
    ("powers[0].uses", {"powers": [refund(uses="2")]}),
    ("powers[0].where.ghost", {"powers": [refund(where={"ghost": {"equals": 1}})]}),
    (
        "powers[0].where.amount",
        {"powers": [{"power": "request", "actions": ["payment.refund", "order.return"], "where": {"amount": {"max": "5.00 EUR"}}}]},
    ),
    ("powers[0].where.amount.like", {"powers": [refund(where={"amount": {"like": "5"}})]}),
    ("powers[0].where.amount", {"powers": [refund(where={"amount": {}})]}),
    ("powers[0].where.amount.max", {"powers": [refund(where={"amount": {"max": 50}})]}),
    ("powers[0].where.amount.max", {"powers": [refund(where={"amount": {"max": "50"}})]}),
    ("powers[0].where.amount.max", {"powers": [refund(where={"amount": {"max": "0.00 EUR"}})]}),
    ("powers[0].where.amount.equals", {"powers": [refund(where={"amount": {"equals": "lots"}})]}),
    ("powers[0].where.order_id.equals", {"powers": [refund(where={"order_id": {"equals": 5}})]}),
    ("powers[0].where.order_id.one_of", {"powers": [refund(where={"order_id": {"one_of": []}})]}),
    ("powers[0].where.order_id.subset_of", {"powers": [refund(where={"order_id": {"subset_of": ["W1"]}})]}),
    ("powers[0].where.order_id.max", {"powers": [refund(where={"order_id": {"max": 5}})]}),
    ("powers[0].where.lines.max_sum", {"powers": [ship(lines={"max_sum": 5})]}),
    ("powers[0].where.gift.before", {"powers": [ship(gift={"before": "2026-12-01"})]}),
    ("powers[0].where.ship_on.before", {"powers": [ship(ship_on={"before": "tomorrow"})]}),
    ("powers[0].where.ship_on.before", {"powers": [ship(ship_on={"before": "2026-02-30"})]}),
    ("powers[0].where.order_id.one_of", {"powers": [refund(where={"order_id": {"one_of": [str(n) for n in range(1001)]}})]}),
    ("powers[0].total", {"powers": [refund(total={})]}),
    ("powers[0].total.order_id", {"powers": [refund(total={"order_id": 5})]}),
    ("powers[0].total.amount", {"powers": [refund(total={"amount": 50})]}),
    ("powers[0].total", {"powers": [{"power": "receive", "attributes": ["order.*"], "total": {"amount": 1}}]}),
    ("powers[0].preapproved", {"powers": [refund(preapproved=True)]}),
    ("powers[0].preapproved", {"powers": [refund(preapproved=True, uses=1, where={"order_id": {"equals": "W123"}})]}),
    ("powers[0].preapproved", {"powers": [{"power": "accept", "actions": ["offer.take"], "preapproved": True}]}),
    ("never[0].uses", {"never": [{"power": "accept", "uses": 1}]}),
    ("never[0].actions[0]", {"never": [{"power": "request", "actions": ["payment.ghost"]}]}),
    ("never[0].actions[0]", {"never": [{"power": "accept", "actions": ["payment.refund"]}]}),
    ("never[0].attributes[0]", {"never": [{"power": "receive", "attributes": ["identity.ghost"]}]}),
    ("never[0].where.ghost", {"never": [{"power": "request", "where": {"ghost": {"equals": 1}}}]}),
    ("expires_at", {"expires_at": "2020-01-01T00:00:00Z"}),
    ("expires_at", {"expires_at": None}),
    ("expires_at", {"expires_at": 5}),
    ("max_tasks", {"max_tasks": 0}),
    ("chain", {"chain": 6}),
    ("chain", {"chain": -1}),
    ("chain_operators", {"chain_operators": ["o"]}),
]


@pytest.mark.parametrize(("member", "changed"), INVALID, ids=map(str, range(len(INVALID))))
def test_a_mandate_with_a_mistake_is_refused_and_names_the_member(member: str, changed: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        mandate(DESK, **changed)
    assert refused.value.code is Code.MANDATE_INVALID
    assert refused.value.public is not None
    assert refused.value.public.startswith(member)


@pytest.mark.parametrize("wire", [None, [], "mandate", 5, {"type": "remit_mandate"}], ids=map(str, range(5)))
def test_what_is_no_mandate_is_refused(wire: Any) -> None:
    with pytest.raises(Refused) as refused:
        read_mandate(wire, DESK, now=NOW)
    assert refused.value.code is Code.MANDATE_INVALID


@pytest.mark.parametrize("name", ["ghost", "Return-Item", "", "return-item\n"], ids=map(str, range(4)))
def test_an_unknown_objective_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        mandate(DESK, objective={"type": name, "target": {"order": ["W1"]}})
    assert refused.value.code in {Code.OBJECTIVE_UNKNOWN, Code.MANDATE_INVALID}


def test_a_power_may_be_approved_in_advance_only_when_everything_is_pinned() -> None:
    pinned = {"order_id": {"equals": "W123"}, "payment_method_id": {"equals": "pm_7"}, "amount": {"equals": "40.00 EUR"}}
    assert mandate(DESK, powers=[refund(preapproved=True, uses=1, where=pinned)]).powers[0].preapproved


def test_actions_of_settings_and_free_text_are_never_approved_in_advance() -> None:
    for objective, name in (("account-help", "password.reset"), ("return-item", "order.ship")):
        target = {"target": {"order": ["W123"]}} if objective == "return-item" else {}
        with pytest.raises(Refused) as refused:
            mandate(
                DESK,
                objective={"type": objective, **target},
                powers=[{"power": "request", "actions": [name], "uses": 1, "preapproved": True}],
            )
        assert refused.value.code is Code.MANDATE_INVALID


def test_a_totals_counter_cannot_be_mistaken_for_an_actions() -> None:
    data = desk_data()
    data["action"]["order.ship"]["params"]["properties"]["payment"] = {"type": "object", "properties": {"refund": {"type": "number"}}}
    with pytest.raises(Refused) as refused:
        mandate(read_catalogue(data, today=None), powers=[{"power": "request", "actions": ["order.ship"], "total": {"payment.refund": 5}}])
    assert refused.value.code is Code.MANDATE_INVALID


def test_tests_may_reach_into_what_the_desk_left_open_and_nowhere_else() -> None:
    data = desk_data()
    data["action"]["order.ship"]["params"]["properties"].update(
        parcels={"type": "array"}, labels={"type": "object", "additionalProperties": True}, box={"type": "object"}
    )
    catalogue = read_catalogue(data, today=None)
    for path in ("parcels[*]", "parcels[*].weight", "labels.colour", "labels.deep[*].er"):
        power = {"power": "request", "actions": ["order.ship"], "where": {path: {"max": 5}}}
        assert mandate(catalogue, powers=[power]).powers[0].where
    for path in ("parcels.weight", "box.colour", "note.colour", "note[*]", "lines[*].colour", "contacts[*].colour", "contacts[*][*]"):
        with pytest.raises(Refused) as refused:
            mandate(catalogue, powers=[{"power": "request", "actions": ["order.ship"], "where": {path: {"max": 5}}}])
        assert refused.value.code is Code.MANDATE_INVALID


def ships(where: Any, **more: Any) -> dict[str, Any]:
    return {"power": "request", "actions": ["order.ship"], "where": where, **more}


def shipping(where: Any) -> Any:
    return mandate(DESK, powers=[ships(where)], never=[])


def shown(one: Any, names: Any = None) -> str:
    return "\n".join(part for line in render_mandate(one, DESK, names or {}).lines for part in (line.text, *line.details))


CANNOT_SAY: list[tuple[str, dict[str, Any]]] = [
    ("powers[0].where", {"powers": [ships("note")]}),
    ("powers[0].where", {"powers": [ships({f"labels.n{n}": {"equals": "x"} for n in range(65)})]}),
    ("powers[0].where.9bad", {"powers": [ships({"9bad": {"equals": "x"}})]}),
    ("powers[0].where.note", {"powers": [ships({"note ": {"equals": "x"}})]}),
    ("powers[0].total.lines[*].price", {"powers": [ships({}, total={"lines[*].price": 0})]}),
    ("powers[0].total.lines[*].price", {"powers": [ships({}, total={"lines[*].price": "lots"})]}),
    ("powers[0].where.note.equals", {"powers": [ships({"note": {"equals": None}})]}),
    ("powers[0].preapproved", {"powers": [{"power": "request", "actions": ["payment.refund"], "preapproved": "yes"}]}),
    ("powers", {"powers": {"power": "represent"}}),
    ("powers[0].actions", {"powers": [{"power": "request", "actions": "payment.refund"}]}),
]


@pytest.mark.parametrize(("member", "changed"), CANNOT_SAY, ids=map(str, range(len(CANNOT_SAY))))
def test_each_mistake_names_its_member(member: str, changed: dict[str, Any]) -> None:
    data = desk_data()
    data["action"]["order.ship"]["params"]["properties"]["labels"] = {"type": "object", "additionalProperties": True}
    with pytest.raises(Refused) as refused:
        mandate(read_catalogue(data, today=None), **changed)
    assert refused.value.code is Code.MANDATE_INVALID
    assert str(refused.value.public).startswith(member)


def test_what_a_mandate_says_rarely_is_written_back_too() -> None:
    pinned = {"order_id": {"equals": "W123"}, "payment_method_id": {"equals": "pm_7"}, "amount": {"equals": "40.00 EUR"}}
    power = {"power": "request", "actions": ["payment.refund"], "uses": 1, "where": pinned, "preapproved": True}
    one = mandate(DESK, powers=[power], chain=1, chain_operators=["sub.example"])
    assert wire_mandate(one)["chain_operators"] == ["sub.example"]
    assert read_mandate(decode_json(canonical(wire_mandate(one))), DESK, now=NOW) == one
    general = mandate(DESK, objective={"type": "account-help"}, powers=[{"power": "represent"}], never=[])
    assert read_mandate(decode_json(canonical(wire_mandate(general))), DESK, now=NOW) == general
    assert "target" not in wire_mandate(general)["objective"]  # type: ignore[operator]  # JSON


def test_another_objective_or_another_operator_in_the_chain_is_wider() -> None:
    wide = mandate(DESK, chain=2, chain_operators=["a.example"])
    assert narrows(mandate(DESK, chain=1, chain_operators=["a.example"]), wide)
    with pytest.raises(Refused) as refused:
        verify_narrows(mandate(DESK, chain=1, chain_operators=["a.example", "b.example"]), wide)
    assert str(refused.value.public).startswith("chain_operators")
    other = mandate(DESK, objective={"type": "account-help"}, powers=[{"power": "represent"}], never=[])
    with pytest.raises(Refused) as refused:
        verify_narrows(other, mandate(DESK))
    assert str(refused.value.public).startswith("objective.type")


def test_a_test_further_up_that_fixes_nothing_settles_nothing_inside() -> None:
    assert not narrows(shipping({"lines": {"one_of": [[{"price": 2}], [{"price": 9}]]}}), shipping({"lines[*].price": {"max": 5}}))
    assert not narrows(shipping({"contacts": {"subset_of": ["a"]}}), shipping({"address.city": {"equals": "Rome"}}))
    data = desk_data()
    data["action"]["order.ship"]["params"]["properties"]["parcels"] = {"type": "array"}
    open_desk = read_catalogue(data, today=None)

    def of(where: Any) -> Any:
        return mandate(open_desk, powers=[ships(where)], never=[])

    assert narrows(of({"parcels": {"subset_of": [{"kg": 2}, {"kg": 3}]}}), of({"parcels[*].kg": {"max": 3}}))
    assert not narrows(of({"parcels": {"subset_of": [{"kg": 2}, {"kg": 4}]}}), of({"parcels[*].kg": {"max": 3}}))
    assert not narrows(of({"parcels": {"subset_of": [{"kg": 2}, {"kg": 3}]}}), of({"parcels[*].kg": {"max_sum": 3}}))
    assert narrows(of({"parcels": {"subset_of": [{"kg": 2}]}}), of({"parcels[*].kg": {"max_sum": 3}}))


@pytest.mark.parametrize(
    ("op", "limit", "value", "held"),
    [
        (ConditionOp.AFTER, "2026-12-01", "2026-12-02", True),
        (ConditionOp.AFTER, "2026-12-01", "2026-12-01", False),
        (ConditionOp.AFTER, "2026-12-01", 20261202, False),
        (ConditionOp.BEFORE, "2026-12-01", None, False),
        (ConditionOp.BEFORE, "2026-12-01", "2026-11-30T00:00:00Z", False),
        (ConditionOp.MAX, "not a limit", 1, False),
        (ConditionOp.BEFORE, "not a day", "2026-12-01", False),
        (ConditionOp.MAX, 5, True, False),
    ],
)
def test_what_cannot_be_compared_does_not_hold(op: ConditionOp, limit: Any, value: Any, held: bool) -> None:
    assert condition_holds(Condition(path=parse_path("x"), op=op, value=limit), {"x": value}) is held


def test_a_mandate_is_shown_with_names_lists_globs_and_warnings() -> None:
    one = mandate(
        DESK,
        powers=[
            {"power": "represent"},
            {
                "power": "request",
                "actions": ["payment.refund"],
                "where": {"order_id": {"one_of": ["W123", "W124"]}, "payment_method_id": {"equals": "pm_7"}},
            },
            ships({"gift": {"equals": True}, "lines[*].price": {"max": 5}}),
        ],
        never=[{"power": "accept", "actions": ["offer.*"]}, {"power": "request", "actions": ["future.*"]}],
    )
    text = shown(one, {("order", "W123"): "kettle", ("payment_method", "pm_7"): "Visa"})
    assert "W123 (kettle), W124" in text
    assert "pm_7 (Visa)" in text
    assert "everything under “offer.*” (Take the offer of …)" in text
    assert "everything under “future.*” (nothing yet)" in text
    assert "“Refund … for order … to …” cannot be undone" in text
    assert "“Send order … to …, told to …” cannot be undone" not in text
    assert "gift: " in text


def test_a_mandate_without_a_summary_has_no_words_of_the_agent() -> None:
    silent = mandate(DESK, objective={"type": "return-item", "target": {"order": ["W123"]}})
    assert not any(line.theirs for line in render_mandate(silent, DESK, {}).lines)


def test_an_ask_is_shown_as_it_is_with_nothing_where_nothing_is_given() -> None:
    ship = DESK.action("order.ship")
    ask = AskDetails(
        action=ship,
        params={"order_id": "W1", "email": "a@b.example", "address": "Rome", "gift": True},
        names={},
        agent="spiffe://h.example/a",
        operator="h.example",
        customer="Yusuf",
        budgets=(
            Budget(action="order.ship", uses_left=None, total_left="9.00 EUR"),
            Budget(action="order.ship", uses_left=3, total_left=None),
        ),
    )
    lines = render_ask(ask, DESK).lines
    told = {line.text: line.details for line in lines if line.kind == "param"}
    assert told["email: a@b.example"] == ("This gives support information about the customer.",)
    assert [line.text.partition(": ")[2] for line in lines if line.kind == "budget"] == ["€9.00 in total.", "3 more times."]
    assert not any(line.kind == "irreversible" for line in lines)
    assert any("—" in line.text for line in lines if line.kind == "act")
    nested = replace(ship, title="Send to {address.city}")
    assert any(line.text == "Send to —" for line in render_ask(replace(ask, action=nested), DESK).lines)


def test_a_disclosing_read_has_the_floor_of_what_it_tells_and_not_of_its_area() -> None:
    data = desk_data()
    data["action"]["profile.peek"] = action(
        "Peek at the profile", "receive", "disclosure", effect="read", returns=["identity.email", "identity.birth_date"]
    )
    data["objective"]["account-help"]["actions"].append("profile.peek")
    catalogue = read_catalogue(data, today=None)
    peek = catalogue.action("profile.peek")

    def who(*attributes: str) -> frozenset[str]:
        one = mandate(
            catalogue, objective={"type": "account-help"}, powers=[{"power": "receive", "attributes": list(attributes)}], never=[]
        )
        chosen = choose_charges(match_powers(one, catalogue, peek, {}), lambda _charges: True)
        return confirmation_floor(catalogue, peek, {}, [chosen], day=date(2026, 11, 25), waivers=True).who

    assert who("identity.email") == frozenset()
    assert who("identity.email", "identity.birth_date") == {CUSTOMER}
