"""Mandates in rarer forms: what they may not say, how they are written back, and how they are shown before signing."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from desks.building import action
from desks.example import NOW, desk, desk_data, mandate
from remit.domain.confirm.render_ask import AskDetails, Budget, render_ask
from remit.domain.confirm.render_mandate import render_mandate
from remit.domain.errors import Code, Refused
from remit.domain.mandate.conditions import condition_holds
from remit.domain.mandate.cover import choose_charges, match_powers
from remit.domain.mandate.model import Condition, ConditionOp
from remit.domain.mandate.narrow import narrows, verify_narrows
from remit.domain.mandate.parse import read_mandate, wire_mandate
from remit.domain.param_paths import parse_path
from remit.domain.policy.confirmers import CUSTOMER
from remit.domain.policy.floors import confirmation_floor
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.values import decode_json
from remit.proof.canonical import canonical

DESK = desk()


def ships(where: Any, **more: Any) -> dict[str, Any]:
    return {"power": "request", "actions": ["order.ship"], "where": where, **more}


def shipping(where: Any) -> Any:
    return mandate(DESK, powers=[ships(where)], never=[])


def shown(one: Any, names: Any = None) -> str:
    return "\n".join(part for line in render_mandate(one, DESK, names or {}).lines for part in (line.text, *line.details))


INVALID: list[tuple[str, dict[str, Any]]] = [
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


@pytest.mark.parametrize(("member", "changed"), INVALID, ids=map(str, range(len(INVALID))))
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
    assert told["email: a@b.example"] == ("This tells the desk something about the customer.",)
    assert [line.text.partition(": ")[2] for line in lines if line.kind == "budget"] == ["9.00 EUR in total.", "3 more times."]
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
        return confirmation_floor(catalogue, peek, {}, [chosen], day=date(2026, 11, 25)).who

    assert who("identity.email") == frozenset()
    assert who("identity.email", "identity.birth_date") == {CUSTOMER}
