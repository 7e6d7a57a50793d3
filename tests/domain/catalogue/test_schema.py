"""Mistakes in a catalogue that the first list of mistakes does not make, and schemas in rarer forms."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from desks.example import TODAY, desk, desk_data
from remit.domain.catalogue.model import MarkKind
from remit.domain.catalogue.schema import DIALECT
from remit.domain.errors import Code, Refused
from remit.domain.param_paths import parse_path
from remit.domain.policy.rulebook import read_catalogue

Change = Callable[[dict[str, Any]], object]
RETURN = 'objective."return-item"'


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


def params_of(change: Any) -> dict[str, Any]:
    data = desk_data()
    data["action"]["extra.do"] = {"title": "Do {a}", "power": "request", "area": "routine", "effect": "write", "params": change}
    return data


MISTAKES: list[tuple[Change, str]] = [
    (lambda d: d.update(desk="Acme"), "desk"),
    (lambda d: d.update(action={1: {}}), "action"),
    (lambda d: d["desk"].update(name="   "), "desk.name"),
    (lambda d: d["desk"].update(name=5), "desk.name"),
    (lambda d: d["desk"].update(name="x" * 10_000), "desk.name"),
    (lambda d: d["attribute"]["order.status"].update(sensitive="no"), 'attribute."order.status".sensitive'),
    (lambda d: d["action"]["payment.refund"].update(reversible="false"), 'action."payment.refund".reversible'),
    (lambda d: d["action"]["order.read"].update(returns="order.status"), 'action."order.read".returns'),
    (lambda d: d["action"]["order.read"].update(returns=["order.status", "order.status"]), 'action."order.read".returns'),
    (lambda d: d["action"]["order.read"].update(title="Look at {order_id} {1bad..path}"), 'action."order.read".title'),
    (lambda d: d["objective"]["return-item"].update(examples=[f"please refund lamp {n}" for n in range(1000)]), f"{RETURN}.examples"),
    (lambda d: d.update(waiver={"action": "payment.refund"}), "waiver"),
    (lambda d: d.update(waiver="none"), "waiver"),
    (lambda d: d["waiver"][0].update(ends=20270331), "waiver[0].ends"),
    (lambda d: d["waiver"][0].update(limit=["amount"]), "waiver[0].limit"),
]


@pytest.mark.parametrize(("change", "key"), MISTAKES, ids=map(str, range(len(MISTAKES))))
def test_each_mistake_stops_the_start_and_is_found_by_its_key(change: Change, key: str) -> None:
    data = desk_data()
    change(data)
    with pytest.raises(Refused) as refused:
        read_catalogue(data, today=TODAY)
    assert refused.value.code is Code.CATALOGUE_INVALID
    assert refused.value.detail.startswith(key)


BAD_PARAMS: list[Any] = [
    {"type": "array"},
    {"properties": {"a": {"type": "string", "default": nested(100)}}},
    {"properties": {"a": {"type": "integer", "maximum": 2**60}}},
    {"properties": {"a": {"type": "number", "maximum": Decimal("Infinity")}}},
    {"properties": {"a": {"type": "string"}}, "x-free-text": True},
    {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"type": "string"}}},
    {"$ref": "#/$defs/any", "$defs": {"any": True}, "properties": {"a": {"type": "string"}}},
    {"properties": {"": {"type": "string"}}},
    {"properties": {"a": {"anyOf": [{"type": "string"}, 5]}}},
]


@pytest.mark.parametrize("params", BAD_PARAMS, ids=map(str, range(len(BAD_PARAMS))))
def test_params_that_say_what_cannot_be_checked_are_refused(params: Any) -> None:
    with pytest.raises(Refused) as refused:
        read_catalogue(params_of(params), today=TODAY)
    assert refused.value.code is Code.CATALOGUE_INVALID


def test_a_schema_may_name_its_dialect() -> None:
    schema = (
        read_catalogue(params_of({"$schema": DIALECT, "properties": {"a": {"type": "string"}}}), today=TODAY).actions["extra.do"].schema
    )
    assert "$schema" not in schema


def test_a_branch_that_forbids_everything_is_kept_and_marks_nothing() -> None:
    branches = [{"x-recipient": True, "type": "string"}, False]
    action = read_catalogue(params_of({"properties": {"a": {"anyOf": branches}}}), today=TODAY).actions["extra.do"]
    assert {(str(mark.path), mark.kind) for mark in action.marks} == {("a", MarkKind.RECIPIENT)}
    assert action.schema["properties"]["a"]["anyOf"][1] is False  # type: ignore[index,call-overload]  # JSON


def test_dependent_schemas_describe_the_same_object_and_close_with_it() -> None:
    params = {
        "properties": {
            "a": {
                "type": "object",
                "properties": {"card": {"type": "string"}},
                "dependentSchemas": {"card": {"properties": {"month": {"type": "string"}}}, "none": True},
            }
        }
    }
    action = read_catalogue(params_of(params), today=TODAY).actions["extra.do"]
    assert action.schema["properties"]["a"]["unevaluatedProperties"] is False  # type: ignore[index,call-overload]  # JSON
    assert {"a", "a.card", "a.month"} <= action.declared


def test_a_param_of_several_types_takes_the_tests_of_each() -> None:
    params = {"properties": {"a": {"type": ["integer", "null"]}, "b": True}}
    declared = read_catalogue(params_of(params), today=TODAY).actions["extra.do"].declared
    assert declared == {"a", "b"}
    assert str(parse_path("a")) in declared


def test_an_action_the_catalogue_does_not_list_is_unknown_by_name() -> None:
    with pytest.raises(Refused) as refused:
        desk().action("payment.steal")
    assert refused.value.code is Code.ACTION_UNKNOWN
