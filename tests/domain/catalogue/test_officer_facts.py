"""Facts beside a decision: which attributes an officer sees, the actions that read them, and what stops the start."""

from copy import deepcopy
from typing import Any

import pytest

from desks.building import ORDER, PAYMENT_METHOD, action
from desks.shop import CATALOGUE
from remit.domain.catalogue.model import Catalogue
from remit.domain.catalogue.officer_facts import customer_attributes, named_records, record_readers, shown_attributes
from remit.domain.errors import Code, Refused
from remit.domain.policy.rulebook import read_catalogue

ITEMS = {"type": "array", "items": {"type": "object", "properties": {"order_id": ORDER}}}


def catalogue(**shown: list[str]) -> Catalogue:
    """The shop, with `shown_to_officers` of a refund (`action`) and of its objective (`objective`)."""
    data: dict[str, Any] = deepcopy(CATALOGUE)
    for key, names in shown.items():
        kind, name = {"action": ("action", "payment.refund"), "objective": ("objective", "return-item")}[key]
        data[kind][name]["shown_to_officers"] = names
    data["action"]["order.find"] = action(
        "Find {text} in order {order_id}", "receive", "routine", {"text": {"type": "string"}, "order_id": ORDER}, effect="read"
    )
    data["action"]["order.compare"] = action("Compare {items}", "request", "routine", {"items": ITEMS})
    data["action"]["order.merge"] = action(
        "Merge {order_ids} into {to} for {card}",
        "request",
        "routine",
        {"order_ids": {"type": "array", "items": ORDER}, "to": ORDER, "card": PAYMENT_METHOD},
    )
    return read_catalogue(data, today=None)


def shown(made: Catalogue, name: str = "payment.refund", objective: str = "return-item") -> set[str]:
    return set(shown_attributes(made, made.actions[name], made.objectives.get(objective)))


def test_a_record_is_read_by_the_action_that_needs_its_id_alone() -> None:
    found = [(one.action.name, one.kind, one.param) for one in record_readers(catalogue().actions)]
    assert found == [("order.read", "order", "order_id")]


def test_every_record_of_an_ask_is_named_once_wherever_it_stands() -> None:
    actions = catalogue().actions
    params = {"order_ids": ["W1", "W2", "W1"], "to": "W2", "card": "pm_7"}
    assert sorted(named_records(actions["order.merge"], params)) == [("order", "W1"), ("order", "W2"), ("payment_method", "pm_7")]
    assert named_records(actions["order.compare"], {"items": [{"order_id": "W3"}, {}]}) == [("order", "W3")]
    assert named_records(actions["order.note"], {}) == []


def test_without_a_list_an_officer_sees_the_plain_attributes_of_the_named_records() -> None:
    """⚔ A sensitive attribute is shown to officers only where the catalogue says so."""
    assert shown(catalogue()) == {"order.status", "order.items"}
    assert shown(catalogue(), "account.unlock") == set()


def test_the_list_of_an_action_counts_before_that_of_its_objective() -> None:
    made = catalogue(action=["order.address"], objective=["account.credit"])
    assert shown(made) == {"order.address"}
    assert shown(made, "order.note") == {"account.credit"}
    assert shown(made, "order.note", objective="") == {"order.status", "order.items"}
    assert shown(catalogue(action=[], objective=["account.credit"])) == set()


def test_attributes_of_no_record_are_the_customers_own() -> None:
    made = catalogue()
    assert customer_attributes(made, frozenset({"order.status", "identity.birth_date", "account.credit"})) == [
        "account.credit",
        "identity.birth_date",
    ]


@pytest.mark.parametrize("key", ["action", "objective"])
@pytest.mark.parametrize(
    ("name", "said"),
    [("order.weight", "no attribute 'order.weight' is declared"), ("payment_method.kind", "no action reads 'payment_method.kind'")],
)
def test_a_fact_that_cannot_be_read_stops_the_start(key: str, name: str, said: str) -> None:
    """An officer would decide beside an empty place."""
    data: dict[str, Any] = deepcopy(CATALOGUE)
    data["attribute"]["payment_method.kind"] = {"title": "kind of payment"}
    table = data["action"]["payment.refund"] if key == "action" else data["objective"]["return-item"]
    table["shown_to_officers"] = ["order.status", name]
    with pytest.raises(Refused) as refused:
        read_catalogue(data, today=None)
    assert refused.value.code is Code.CATALOGUE_INVALID
    assert said in refused.value.detail
    assert ".shown_to_officers" in refused.value.detail
