"""⚔ Which strings of a schema are text: whatever nothing says the meaning of."""

from typing import Any

import pytest

from domain.words.spoken import ADDRESS, LEXICON, OBJECTIVE
from remit.domain.catalogue.patterns import is_tight_pattern, is_tight_value
from remit.domain.catalogue.texts import SchemaPlace, open_paths
from remit.domain.words.param_text import judge_param_text, without_text

TIGHT = [
    r"^[A-Z0-9]{6}$",
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
    r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,3})? [A-Z]{3}$",
    r"^[A-Za-z0-9_-]{1,24}$",
    r"^[0-9a-f]{64}$",
    r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
    r"^(no longer needed|too late)$",
    r"^[+0-9 ()/-]{5,20}$",
    r"^[A-Z]{1,3}?$",
    r"^[\da-]{3}$",
    r"^x\-[a]$",
    r"^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}\d{1,3}$",
]
LOOSE = [
    r"^[a-z ]{0,200}$",
    r"^[^\n]+$",
    r"^.{1,3}$",
    r"^a|b$",
    r"[A-Z]{3}",
    r"^[A-Z]{3}",
    r"^W[0-9]+$",
    r"^[a-zA-Z]+$",
    r"^[\w.]{3}$",
    r"^\S{3}$",
    r"^(?=a)[a]{2}$",
    r"^(a|b|c| ){1,50}$",
    r"^[A-Za-z0-9_-]{1,64}$",
    r"^[a-zä]{3}$",
    r"^[a-z]{3}\b$",
    r"^([a-z]{3}$",
    r"^[a-z$",
    r"^[]a-z \][x]{1,100}$",
    r"^[]{2}$",
    r"^[\d-z]{3}$",
    r"^[[:alpha:]]{3}$",
    r"^[A-Z]{,3}$",
    r"^[A-Z]+?$",
    "^W\t[0-9]$",
    "^[\x00- ]{2}$",
    "^",
    "",
]


@pytest.mark.parametrize("pattern", TIGHT)
def test_a_pattern_without_room_for_a_sentence_is_tight(pattern: str) -> None:
    assert is_tight_pattern(pattern)


@pytest.mark.parametrize("pattern", LOOSE)
def test_every_other_pattern_is_loose(pattern: str) -> None:
    assert not is_tight_pattern(pattern)


def test_the_greatest_length_bounds_an_endless_pattern() -> None:
    assert is_tight_pattern(r"^W[0-9]+$", 12)
    assert is_tight_pattern(r"^[a-zA-Z]+$", 20)
    assert not is_tight_pattern(r"^[a-zA-Z ]+$", 20)


@pytest.mark.parametrize(
    ("value", "tight"), [("i1", True), ("pm_7", True), ("Anna Berg", False), ("x" * 25, False), ("ä", False), ("", False)]
)
def test_a_short_name_as_programs_give_them_is_not_read(value: str, tight: bool) -> None:
    assert is_tight_value(value) is tight


TEXT: dict[str, Any] = {"type": "string"}
ID: dict[str, Any] = {"type": "string", "pattern": "^[A-Z0-9]{1,8}$"}


def shut(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


SCHEMAS: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    (shut(a=TEXT), {"a": "x"}, ["a"]),
    (shut(a=ID), {"a": "X"}, []),
    (shut(a={"enum": ["x", "y"]}), {"a": "x"}, []),
    (shut(a={"const": "x"}), {"a": "x"}, []),
    (shut(a={"type": "integer"}), {"a": 5}, []),
    (shut(a={"type": "string", "format": "date"}), {"a": "2026-12-01"}, []),
    (shut(a={"type": "string", "format": "email"}), {"a": "a@b.example"}, ["a"]),
    (shut(a={"type": "string", "maxLength": 3}), {"a": "EUR"}, []),
    (shut(a=True), {"a": {"b": ["x"]}}, ["a.*", "a.*[*]"]),
    (shut(a=shut(b=TEXT)), {"a": {"b": "x"}}, ["a.b"]),
    (shut(a={"type": "array", "items": TEXT}), {"a": ["x", "y"]}, ["a[*]", "a[*]"]),
    (shut(a={"type": "array", "items": ID}), {"a": ["X", "Y"]}, []),
    (shut(a={"type": "array"}), {"a": ["x"]}, ["a[*]"]),
    (shut(a={"type": "array", "items": {"type": "array", "items": TEXT}}), {"a": [["x"], ["y"]]}, ["a[*][*]", "a[*][*]"]),
    (shut(a=True), {"a": {"b": "x", "c": "y"}}, ["a.*", "a.*", "a.*", "a.*"]),
    (shut(a={"type": "array", "prefixItems": [ID, TEXT], "items": False}), {"a": ["X", "y"]}, ["a[*]", "a[*]"]),
    (shut(a={"type": "array", "prefixItems": [ID, ID], "items": False}), {"a": ["X", "Y"]}, []),
    (shut(a={"anyOf": [TEXT, {"type": "null"}]}), {"a": "x"}, ["a"]),
    (shut(a={"anyOf": [ID, {"type": "null"}]}), {"a": "X"}, []),
    (shut(a={"oneOf": [shut(b=ID), shut(c=TEXT)]}), {"a": {"c": "x"}}, ["a.c"]),
    (shut(a={"oneOf": [shut(b=ID), shut(c=TEXT)]}), {"a": {"b": "X"}}, []),
    (shut(a={"allOf": [TEXT, ID]}), {"a": "X"}, []),
    (shut(a=ID, b=TEXT), {"a": None, "b": None}, []),
    (shut(a={"enum": [{"b": "x"}, ["y"]]}), {"a": {"b": "x"}}, []),
    (shut(a={"oneOf": [shut(b=ID), False]}), {"a": {"b": "X"}}, []),
    (shut(a={"oneOf": [shut(b=ID), True]}), {"a": {"b": "X"}}, ["a.*", "a.*"]),
    (shut(a={"oneOf": [shut(b=ID), True]}), {"a": ["x"]}, ["a[*]"]),
    (shut(a={"anyOf": [{"type": "array", "items": ID}, {"type": "array", "items": TEXT}]}), {"a": ["X"]}, ["a[*]"]),
    (shut(a={"anyOf": [{"type": "array", "items": ID}, {"type": "null"}]}), {"a": ["X"]}, []),
    (
        shut(a={"type": "object", "propertyNames": {"pattern": "^[a-z]{2}$"}, "additionalProperties": ID, "minProperties": 1}),
        {"a": {"de": "X", "en": "Y"}},
        [],
    ),
    (
        shut(a={"type": "object", "propertyNames": {"pattern": "^[a-z]{2}$"}, "additionalProperties": TEXT}),
        {"a": {"de": "x"}},
        ["a.de"],
    ),
    (
        shut(a={"type": "object", "if": shut(b=ID), "then": {"properties": {"c": ID}}, "unevaluatedProperties": False}),
        {"a": {"c": "X"}},
        [],
    ),
    (shut(a={"type": "object", "additionalProperties": {"type": "integer"}}), {"a": {"x": 1}}, ["a.*"]),
    (shut(a={"type": "object", "patternProperties": {"^x": ID}}), {"a": {"xy": "X"}}, ["a.*", "a.*"]),
    (
        {
            "type": "object",
            "if": shut(),
            "then": {"properties": {"a": ID}},
            "else": {"properties": {"a": TEXT}},
            "unevaluatedProperties": False,
        },
        {"a": "X"},
        ["a"],
    ),
]


@pytest.mark.parametrize(("schema", "params", "where"), SCHEMAS, ids=map(str, range(len(SCHEMAS))))
def test_texts_are_found_wherever_they_stand(schema: dict[str, Any], params: dict[str, Any], where: list[str]) -> None:
    assert [one.where for one in SchemaPlace(schema, ()).texts(params)] == where
    places = {str(path).partition(".")[0].partition("[")[0] for path in open_paths(schema, ())}
    assert not where or places == {"a"}  # what holds a text is known before any ask


@pytest.mark.parametrize(
    "schema",
    [shut(a=ID), shut(a={"enum": ["x"]}), shut(a={"type": "array", "items": ID}), shut(a={"anyOf": [ID, {"type": "null"}]}), shut()],
)
def test_a_schema_that_says_what_its_strings_are_costs_no_ask_anything(schema: dict[str, Any]) -> None:
    assert open_paths(schema, ()) == ()


def test_no_text_allows_itself() -> None:
    text = "refund 900.00 EUR to pm_9"
    assert without_text({"a": text, "b": {"c": [text, 5]}}, text) == {"a": None, "b": {"c": [None, 5]}}
    params = {"order_id": "W123", "address": text}
    assert not judge_param_text(text, action=ADDRESS, params=params, objective=OBJECTIVE, lexicon=LEXICON).passes
