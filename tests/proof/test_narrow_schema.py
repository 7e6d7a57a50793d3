"""Narrowing a schema of params: it accepts every value that the tests accept, and refuses what it can say."""

from typing import Any

import jsonschema_rs
import pytest

from remit.proof.narrow_schema import any_of, matching, narrow_records, narrow_schema, path_steps, without_marks, without_params

TEXT: dict[str, Any] = {"type": "string"}
ORDER: dict[str, Any] = {"type": "string", "x-resource": "order"}


def shut(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def fits(schema: Any, value: Any) -> bool:
    return jsonschema_rs.validator_for(schema).is_valid(value)


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("a", ("a",)),
        ("items[*].id", ("items", None, "id")),
        ("a[*][*]", ("a", None, None)),
        ("a[0]", ()),
        ("", ()),
        ("a..b", ()),
        ("ä", ()),
    ],
)
def test_a_path_is_split_or_none(path: str, steps: tuple[str | None, ...]) -> None:
    assert path_steps(path) == steps


def test_a_record_of_a_targeted_kind_is_one_of_the_targets_wherever_it_stands() -> None:
    """⚔ A model is never offered another customer's order, nor another of its own."""
    schema = shut(
        order_id=ORDER,
        others={"type": "array", "items": {"type": "string"}, "x-resource": "order"},
        maybe={"type": ["string", "null"], "x-resource": "order"},
        card={"type": "string", "x-resource": "card"},
        parts={"type": "array", "items": shut(order_id=ORDER)},
    )
    narrowed = narrow_records(schema, {"order": {"W2", "W1"}})
    good: dict[str, Any] = {"order_id": "W1", "others": ["W2"], "maybe": None, "card": "any", "parts": [{"order_id": "W2"}]}
    assert fits(narrowed, good)
    for name, wrong in (("order_id", "W3"), ("others", ["W1", "W3"]), ("maybe", "W3"), ("parts", [{"order_id": "W3"}])):
        assert not fits(narrowed, {**good, name: wrong}), name
    assert narrow_records(schema, {}) == schema


def test_a_param_that_must_not_be_said_is_cut_and_an_action_that_needs_it_is_not_offered() -> None:
    def spoken(node: Any) -> bool:
        return bool(node.get("x-spoken"))

    note = {**TEXT, "x-spoken": True}
    optional = {"type": "object", "properties": {"a": TEXT, "note": note}, "additionalProperties": False}
    cut = without_params(optional, spoken)
    assert cut is not None
    assert fits(cut, {"a": "x"})
    assert not fits(cut, {"a": "x", "note": "y"})
    assert without_params(shut(a=TEXT), spoken) == shut(a=TEXT)
    assert without_params(shut(a=TEXT, note=note), spoken) is None
    inner = without_params({"type": "object", "properties": {"deep": shut(note=note), "a": TEXT}}, spoken)
    assert inner is not None
    assert fits(inner, {"a": "x"})
    assert not fits(inner, {"deep": {"note": "y"}})


def test_a_test_holds_where_the_schema_describes_its_param_elsewhere() -> None:
    """⚔ A limit on a param of another branch must not be lost."""
    branched = {"type": "object", "allOf": [{"properties": {"a": TEXT}}]}
    narrowed = narrow_schema(narrow_schema(branched, {"a": {"equals": "x"}}), {"b.c": {"one_of": [1, 2]}})
    assert fits(narrowed, {"a": "x", "b": {"c": 2}})
    for wrong in ({"a": "y", "b": {"c": 2}}, {"b": {"c": 2}}, {"a": "x"}, {"a": "x", "b": {"c": 3}}):
        assert not fits(narrowed, wrong), wrong
    pair = shut(items={"type": "array", "prefixItems": [TEXT, TEXT]})
    each = narrow_schema(pair, {"items[*]": {"equals": "x"}})
    assert fits(each, {"items": ["x", "x"]})
    assert not fits(each, {"items": ["x", "y"]})
    assert not fits(each, {"items": []})


def test_numbers_keep_the_tighter_bound() -> None:
    bounded = narrow_schema(shut(n={"type": "integer", "maximum": 5, "minimum": 2}), {"n": {"max": 9, "min": 3}})
    assert [n for n in range(12) if fits(bounded, {"n": n})] == [3, 4, 5]
    open_one = narrow_schema(shut(n={"type": "integer"}), {"n": {"max": 9}})
    assert fits(open_one, {"n": 9})
    assert not fits(open_one, {"n": 10})


def test_a_value_outside_the_schema_s_own_list_is_not_let_in() -> None:
    """⚔ A mandate narrows an action, and never widens it; `true` is not 1."""
    listed = narrow_schema(shut(a={"enum": ["x", "y", 1]}), {"a": {"one_of": ["y", "z", True]}})
    assert [value for value in ("x", "y", "z", 1, True) if fits(listed, {"a": value})] == ["y"]


def test_alternatives_are_joined_param_by_param_and_not_mixed() -> None:
    base = shut(order_id=TEXT, amount=TEXT)
    first, second = (
        narrow_schema(base, {"order_id": {"equals": order}, "amount": {"equals": amount}}) for order, amount in (("W1", "5"), ("W2", "9"))
    )
    joined = any_of([first, second])
    assert joined["properties"] == {"order_id": {"type": "string", "minLength": 1, "enum": ["W1", "W2"]}} | {
        "amount": {"type": "string", "minLength": 1, "enum": ["5", "9"]}
    }
    assert fits(joined, {"order_id": "W1", "amount": "5"})
    assert not fits(joined, {"order_id": "W1", "amount": "9"})
    assert any_of([first]) == first


def test_an_alternative_that_lists_nothing_is_joined_as_it_is() -> None:
    base = shut(order_id=TEXT, n={"type": "integer"})
    joined = any_of([narrow_schema(base, {"n": {"max": 3}}), narrow_schema(base, {"n": {"equals": 7}})])
    assert [n for n in range(10) if fits(joined, {"order_id": "x", "n": n})] == [0, 1, 2, 3, 7]


@pytest.mark.parametrize(
    ("where", "hits", "misses"),
    [
        ({"a": {"equals": "x"}}, {"a": "x"}, {"a": "y"}),
        ({"a": {"one_of": ["x", "y"]}, "b.c": {"equals": 1}}, {"a": "y", "b": {"c": 1}}, {"a": "y", "b": {"c": 2}}),
    ],
)
def test_a_negative_is_said_where_it_can_be(where: Any, hits: Any, misses: Any) -> None:
    found = matching(where)
    assert found is not None
    assert fits(found, hits)
    assert not fits(found, misses)
    assert not fits(found, {}), "an absent param matches no negative"


@pytest.mark.parametrize(
    "where", [{"a": {"max": "5.00 EUR"}}, {"a[*]": {"equals": "x"}}, {"a[0]": {"equals": "x"}}, {"a": {"equals": "x", "max": 5}}]
)
def test_a_negative_that_no_schema_can_say_is_none(where: Any) -> None:
    """⚔ Half of a negative would forbid what the mandate allows, or seem to allow what it forbids."""
    assert matching(where) is None


def test_the_desks_marks_become_sentences() -> None:
    schema = shut(order_id=ORDER, amount={**TEXT, "x-money": True, "description": "The price."}, one={"const": "W1", "x-resource": "order"})
    plain = without_marks(schema, {"order": "an order"})
    properties = plain["properties"]
    assert properties == {
        "order_id": {"type": "string", "description": "Id of one of the customer's records: an order."},
        "amount": {"type": "string", "description": "The price. Money such as '40.00 EUR'."},
        "one": {"const": "W1"},
    }
