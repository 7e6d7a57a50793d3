"""The contract of the params port, on every plug."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.adapters.params.schema import JsonSchemaParams
from remit.domain.errors import Code, Fault, Refused
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.values import decode_json
from remit.ports.params import ParamsValidator

CANARY = "hunter2-canary"


def params_for(properties: dict[str, Any], required: Sequence[str] = ()) -> ParamsValidator:
    schema = {"properties": properties, "required": list(required)}
    return JsonSchemaParams(
        read_catalogue(
            {
                "desk": {"name": "Acme", "currency": "EUR"},
                "resource": {"order": {"title": "order"}},
                "action": {
                    "order.note": {
                        "title": "Note " + " ".join(f"{{{name}}}" for name in properties),
                        "power": "request",
                        "area": "routine",
                        "effect": "write",
                        "params": schema,
                    }
                },
            },
            today=None,
        )
    )


def refusal(plug: ParamsValidator, params: dict[str, Any], action: str = "order.note") -> Refused:
    with pytest.raises(Refused) as caught:
        plug.verify(action, params)
    assert CANARY not in caught.value.detail
    assert CANARY not in (caught.value.public or "")
    return caught.value


def test_what_fits_passes_and_what_is_missing_is_named() -> None:
    plug = params_for({"order_id": {"x-resource": "order"}}, ["order_id"])
    plug.verify("order.note", {"order_id": "W1"})
    refused = refusal(plug, {})
    assert refused.code is Code.PARAMS_INVALID
    assert "'order_id'" in (refused.public or "")


def test_an_unknown_action_is_refused() -> None:
    assert refusal(params_for({"a": {"type": "string"}}), {}, "order.nope").code is Code.ACTION_UNKNOWN


def test_builtin_actions_have_validators_too() -> None:
    assert refusal(params_for({"a": {"type": "string"}}), {"a": CANARY}, "case.comment").code is Code.PARAMS_INVALID


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, ["5", "-1", "9007199254740991"], ['"5"', "5.5", "5.0", "1e2", "true", "null"]),
        ({"type": ["integer", "null"]}, ["5", "null"], ["5.0", "false"]),
        ({"type": "number"}, ["5", "5.0", "1e2", "0.1"], ['"5"', "true", "[5]"]),
        ({"type": "number", "maximum": Decimal("0.3")}, ["0.3", "0.30"], ["0.3000000000000001"]),
        ({"type": "number", "multipleOf": Decimal("0.01")}, ["0.07", "1.15"], ["0.071"]),
        ({"type": "boolean"}, ["true", "false"], ["1", "0", '"true"']),
        ({"type": "string"}, ['"5"', '""'], ["5", "{}"]),
        ({"enum": ["a", 1]}, ['"a"', "1"], ["true", '"1"', '"A"']),
        (
            {"x-money": True},
            ['"40.00 EUR"', '"1 JPY"'],
            ['"40.00"', '"0 EUR"', '"40,00 EUR"', '"-1 EUR"', '"1.5 JPY"', "40", '"40.00 EUR\\n"', '"\uff140.00 EUR"'],
        ),
        ({"type": "array", "items": {"x-money": True}}, ['["1 EUR"]', "[]"], ['["1"]', '"1 EUR"']),
        ({"type": "array", "items": {"type": "string"}, "x-resource": "order"}, ['["a","a"]'], ['"a"', "[1]"]),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, ['["a"]'], ['["a","a"]']),
        ({"type": "string", "format": "date"}, ['"2026-02-28"'], ['"2026-02-30"', '"28.2.2026"']),
        ({"type": "string", "format": "date-time"}, ['"2026-02-28T00:00:00Z"'], ['"2026-02-28T00:00:00"', '"2026-02-28"']),
        ({"type": "string", "format": "email"}, ['"ann@example.com"'], ['"ann"', '"Ann <ann@example.com>"', '"ann@[127.0.0.1]"', '"a@b"']),
        ({"type": "string", "format": "uri"}, ['"https://example.com/a"'], ['"a b"', '"example"']),
        ({"type": "string", "format": "uuid"}, ['"c9bf9e57-1685-4c89-bafb-ff5af830be8a"'], ['"c9bf9e57"']),
        ({"type": "string", "pattern": "^[a-z]+$"}, ['"abc"'], ['"abc\\n"', '"Abc"']),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, ["{}", '{"a":"x"}'], ['{"b":"x"}', '{"a":"x","b":1}', "[]"]),
        ({"type": "object", "additionalProperties": {"type": "string"}}, ['{"b":"x"}'], ['{"b":1}']),
    ],
)
def test_values_are_taken_without_coercion(schema: dict[str, Any], good: list[str], bad: list[str]) -> None:
    plug = params_for({"value": schema})
    for text in good:
        plug.verify("order.note", decode_json(b'{"value":%s}' % text.encode()))
    for text in bad:
        refused = refusal(plug, decode_json(b'{"value":%s}' % text.encode()))
        assert refused.code is Code.PARAMS_INVALID, text
        assert (refused.public or "").startswith("/value")


def test_neither_values_nor_undeclared_names_are_repeated() -> None:
    plug = params_for(
        {
            "kind": {"enum": ["a", "b"]},
            "day": {"type": "string", "format": "date"},
            "code": {"type": "string", "pattern": "^x$"},
            "paid": {"x-money": True},
            "inner": {"type": "object", "properties": {"n": {"type": "integer"}}},
            "open": {"type": "object", "additionalProperties": {"type": "integer"}},
            "either": {"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 3}]},
        }
    )
    for params in (
        {"kind": CANARY},
        {"day": CANARY},
        {"code": CANARY},
        {"paid": CANARY},
        {"inner": CANARY},
        {"inner": {"n": CANARY}},
        {"inner": {CANARY: 1}},
        {"open": {CANARY: CANARY}},
        {"either": CANARY},
        {CANARY: 1},
    ):
        refusal(plug, params)


def test_a_failing_member_deep_inside_is_named_by_its_pointer() -> None:
    plug = params_for({"lines": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}}})
    assert "/lines/1/n" in (refusal(plug, {"lines": [{"n": 1}, {"n": "x"}]}).public or "")


def test_a_stricter_integer_never_loosens_a_negation() -> None:
    plug = params_for({"value": {"type": "number", "not": {"type": "integer"}}})
    assert refusal(plug, decode_json(b'{"value":5.0}')).code is Code.PARAMS_INVALID


def test_a_pattern_made_for_backtracking_costs_nothing() -> None:
    plug = params_for({"value": {"type": "string", "pattern": "^(a+)+$"}})
    assert refusal(plug, {"value": "a" * 60_000 + "b"}).code is Code.PARAMS_INVALID


@pytest.mark.parametrize(
    "schema", [{"type": "string", "format": "zork"}, {"type": "string", "pattern": "("}, {"type": "string", "pattern": "(?=a)"}]
)
def test_a_schema_that_could_not_be_checked_stops_the_start(schema: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        params_for({"value": schema})
    assert caught.value.code is Code.CATALOGUE_INVALID


def test_values_no_decoder_makes_are_a_fault_and_never_a_pass() -> None:
    plug = params_for({"value": {"type": "string"}})
    with pytest.raises(Fault) as caught:
        plug.verify("order.note", {"value": b"bytes"})  # type: ignore[dict-item]
    assert caught.value.code is Code.FAULT_INTERNAL


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FUZZED = params_for(
    {
        "n": {"type": "integer"},
        "m": {"x-money": True},
        "s": {"type": "string"},
        "o": {"type": "object", "properties": {"d": {"type": "number"}}, "required": ["d"]},
        "l": {"type": "array", "items": {"type": "boolean"}},
    },
    ["s"],
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["n", "m", "s", "o", "l"]) | st.text(max_size=3), JSON, max_size=5))
def test_whatever_passes_is_exactly_what_the_schema_says(params: dict[str, Any]) -> None:
    try:
        FUZZED.verify("order.note", params)
    except Refused as refused:
        assert refused.code is Code.PARAMS_INVALID  # noqa: PT017  # either outcome is asserted
        return
    assert params.keys() <= {"n", "m", "s", "o", "l"}
    assert type(params["s"]) is str
    assert type(params.get("n", 0)) is int
    assert "m" not in params
    assert all(type(one) is bool for one in params.get("l", []))
    assert "o" not in params or (params["o"].keys() == {"d"} and type(params["o"]["d"]) in {int, Decimal})
