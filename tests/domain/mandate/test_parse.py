"""Reading and writing mandates."""

from typing import Any

import pytest

from desks.example import NOW, desk, desk_data, mandate, mandate_data
from remit.domain.errors import Code, Refused
from remit.domain.mandate.parse import DEFAULT_LIFE_MS, read_mandate, wire_mandate
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
    for objective, action in (("account-help", "password.reset"), ("return-item", "order.ship")):
        target = {"target": {"order": ["W123"]}} if objective == "return-item" else {}
        with pytest.raises(Refused) as refused:
            mandate(
                DESK,
                objective={"type": objective, **target},
                powers=[{"power": "request", "actions": [action], "uses": 1, "preapproved": True}],
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
