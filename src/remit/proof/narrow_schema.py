"""Narrowing a JSON Schema (2020-12) of params: by tests at paths, by records, by several alternatives.

A narrowed schema accepts every value that the tests accept. It refuses what JSON Schema can express; other limits (money,
sums, times) go into descriptions. It gives no authority: the desk checks each ask against the mandate again.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

Schema: TypeAlias = Mapping[str, object]
Tests: TypeAlias = Mapping[str, Mapping[str, object]]
"""The tests of a power (`where`): path → test → value."""
Steps: TypeAlias = tuple[str | None, ...]
"""A parameter path: names, and None for every element of an array."""

_SEGMENT: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)((?:\[\*\])*)", re.ASCII)
_ANY_CURRENCY: Final = "[A-Z]{3}$"
_UNSAID: Final[Mapping[str, str]] = {
    "after": "Later than {}.",
    "before": "Earlier than {}.",
    "max": "At most {}.",
    "max_sum": "At most {} in sum.",
    "min": "At least {}.",
}
"""Tests that JSON Schema cannot express for every value, as sentences."""
_IN_PLACE: Final = ("allOf", "anyOf", "oneOf")
"""Keywords with schemas of the same value that a mark may stand in."""


def path_steps(path: str) -> Steps:
    """Split a parameter path such as `items[*].id`; empty for a text that is none."""
    steps: list[str | None] = []
    for part in path.split("."):
        match = _SEGMENT.fullmatch(part)
        if match is None:
            return ()
        steps.append(match[1])
        steps.extend([None] * (len(match[2]) // 3))
    return tuple(steps)


def narrow_schema(schema: Schema, where: Tests) -> Schema:
    """Return the schema of params narrowed by the tests of one power. A tested param is required and never empty.

    Source: docs/model/model.md#mandate-tests.
    """
    for path, tests in where.items():
        each = {op: limit for op, limit in tests.items() if op != "max_sum"}
        if "max_sum" in tests:  # a test of the whole array
            whole = path_steps(path.partition("[*]")[0])
            schema = _at(schema, whole, partial(_tested, tests={"max_sum": tests["max_sum"]})) if whole else schema
        if each and path_steps(path):
            schema = _at(schema, path_steps(path), partial(_tested, tests=each))
    return schema


def narrow_records(schema: Schema, targets: Mapping[str, Collection[str]]) -> Schema:
    """Return the schema with every record of a targeted kind (`x-resource`) restricted to the targets.

    Source: docs/model/model.md#target.
    """

    def narrowed(node: Schema) -> Schema:
        allowed = targets.get(str(node.get("x-resource", "")))
        if allowed is None:
            return node
        if "array" in _types(node):
            return {**node, "items": _among(_schema(node.get("items")), sorted(allowed))}
        null = [None] if "null" in _types(node) else []
        return _among(node, [*sorted(allowed), *null])

    return _everywhere(schema, narrowed)


def without_params(schema: Schema, unsayable: Callable[[Schema], bool]) -> Schema | None:
    """Return the schema without the params, at any depth, that must not be said; None where one of them is required."""

    def cut(node: Schema) -> Schema:
        names = {name for name, item in members(node).items() if unsayable(_schema(item))}
        if not names:
            return node
        if names & set(texts(node.get("required"))):
            return {"not": {}}
        return {**node, "properties": {name: item for name, item in members(node).items() if name not in names}}

    left = _everywhere(schema, cut)
    return None if left == {"not": {}} else left


def any_of(alternatives: Sequence[Schema]) -> Schema:
    """Return a schema for params that fit one of several narrowed forms of the same schema.

    Params are described one by one as far as possible; where that would allow a mixture of alternatives, `anyOf` at the
    top says which belong together.
    """
    first = alternatives[0]
    if len(alternatives) == 1:
        return first
    properties: dict[str, object] = {}
    differing: list[str] = []
    for name in members(first):
        nodes = [_schema(members(schema)[name]) for schema in alternatives]
        if all(node == nodes[0] for node in nodes):
            properties[name] = nodes[0]
            continue
        differing.append(name)
        properties[name] = _joined(nodes)
    required = [name for name in texts(first.get("required")) if all(_requires(other, name) for other in alternatives)]
    joined: dict[str, object] = {**first, "properties": properties, "required": required}
    joined["anyOf"] = [
        {
            "properties": {name: members(schema)[name] for name in differing},
            "required": list(texts(schema.get("required"))),
        }
        for schema in alternatives
    ]
    return joined


def matching(where: Tests) -> Schema | None:
    """Return a schema of params that every test of a negative matches; None where that cannot be expressed."""
    matched: list[Schema] = []
    for path, tests in where.items():
        steps, values = path_steps(path), _listed_values(tests)
        if values is None or not steps or None in steps:
            return None
        matched.append(_overlay(steps, {"enum": values}))
    return matched[0] if len(matched) == 1 else {"allOf": matched}


def without_marks(schema: Schema, records: Mapping[str, str]) -> Schema:
    """Return a schema for models: the desk's marks (`x-…`) become descriptions. `records` has the title of each kind."""

    def plain(node: Schema) -> Schema:
        out: Schema = {name: value for name, value in node.items() if not name.startswith("x-")}
        fixed = "const" in node or "enum" in node
        if "x-money" in node and not fixed:
            out = _said(out, "Money such as '40.00 EUR'.")
        if "x-resource" in node and not fixed and "array" not in _types(node):
            kind = str(node["x-resource"])
            out = _said(out, f"Id of one of the customer's records: {records.get(kind, kind)}.")
        return out

    return _everywhere(schema, plain)


def members(node: Schema) -> Mapping[str, object]:
    """Return the described properties of a schema."""
    properties = node.get("properties")
    return properties if isinstance(properties, Mapping) else {}


def texts(value: object) -> tuple[str, ...]:
    """Return a JSON array's texts; none for anything else."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, (list, tuple)) else ()


def _at(node: Schema, steps: Steps, change: Callable[[Schema], Schema]) -> Schema:
    """Change the schema at a path, and require every step to it."""
    if not steps:
        return change(node)
    step, rest = steps[0], steps[1:]
    if step is None:
        if "prefixItems" not in node:
            return {**node, "items": _at(_schema(node.get("items")), rest, change), "minItems": _least(node)}
    elif step in members(node):
        properties = {**members(node), step: _at(_schema(members(node)[step]), rest, change)}
        required = dict.fromkeys([*texts(node.get("required")), step])
        return {**_without_null(node), "properties": properties, "required": list(required)}
    present = node.get("allOf")
    others = list(present) if isinstance(present, (list, tuple)) else []
    return {**node, "allOf": [*others, _overlay(steps, change({}))]}


def _overlay(steps: Steps, leaf: Schema) -> Schema:
    """Build a schema that demands something at a path and leaves the rest open."""
    for step in reversed(steps):
        leaf = {"items": leaf, "minItems": 1} if step is None else {"properties": {step: leaf}, "required": [step]}
    return leaf


def _tested(node: Schema, tests: Mapping[str, object]) -> Schema:
    """Narrow one value by its tests."""
    node = _not_empty(_without_null(node))
    for op, limit in tests.items():
        match op:
            case "equals":
                node = {**{name: value for name, value in node.items() if name != "enum"}, "const": limit}
            case "one_of":
                node = _among(node, list(_items(limit)))
            case "subset_of":
                least = {"minItems": _least(node), "maxItems": len(_items(limit)), "uniqueItems": True}
                node = {**node, "items": _among(_schema(node.get("items")), list(_items(limit))), **least}
            case "max" | "min" if not isinstance(limit, str):
                node = _bounded(
                    node, "maximum" if op == "max" else "minimum", limit, tighter=min if op == "max" else max
                )
            case _:
                node = _said(_in_currency(node, limit), _UNSAID.get(op, f"{op} {{}}.").format(limit))
    return node


def _bounded(node: Schema, word: str, limit: object, *, tighter: Callable[..., object]) -> Schema:
    present = node.get(word)
    return {**node, word: limit if present is None else tighter(present, limit)}


def _in_currency(node: Schema, limit: object) -> Schema:
    """Fix the currency of money: another one fails any test of the amount."""
    pattern, currency = node.get("pattern"), str(limit).rpartition(" ")[2]
    if "x-money" in node and isinstance(pattern, str) and pattern.endswith(_ANY_CURRENCY):
        return {**node, "pattern": f"{pattern.removesuffix(_ANY_CURRENCY)}{currency}$"}
    return node


def _said(node: Schema, sentence: str) -> Schema:
    present = node.get("description")
    return {**node, "description": f"{present} {sentence}" if present else sentence}


def _among(node: Schema, values: Sequence[object]) -> Schema:
    """Restrict a schema to some values, and to its own if it lists them."""
    known = _listed_values({"equals": node["const"]} if "const" in node else {"one_of": node.get("enum")})
    kept = [value for value in values if known is None or any(_same(value, other) for other in known)]
    plain = {name: value for name, value in node.items() if name not in {"const", "enum"}}
    return {**plain, "const": kept[0]} if len(kept) == 1 else {**plain, "enum": kept}


def _same(one: object, other: object) -> bool:
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def _listed_values(tests: Mapping[str, object]) -> list[object] | None:
    """Return the only values that tests accept; None where they accept more than can be listed, or test more."""
    if set(tests) == {"equals"}:
        return [tests["equals"]]
    if set(tests) == {"one_of"} and isinstance(tests["one_of"], (list, tuple)):
        return list(tests["one_of"])
    return None


def _joined(nodes: Sequence[Schema]) -> Schema:
    """Return a schema that accepts whatever one of several accepts, listed values as one list."""
    values: list[object] = []
    for node in nodes:
        listed = node.get("enum", [node["const"]] if "const" in node else None)
        if not isinstance(listed, (list, tuple)):
            return {"anyOf": list(nodes)}
        values.extend(value for value in listed if not any(_same(value, other) for other in values))
    plain = {name: value for name, value in nodes[0].items() if name not in {"enum", "const", "description"}}
    return {**plain, "enum": values}


def _requires(schema: Schema, name: str) -> bool:
    return name in texts(schema.get("required"))


def _not_empty(node: Schema) -> Schema:
    """Return the schema without empty texts, arrays and objects, which fail every test."""
    kinds = _types(node)
    if kinds == ("string",) and "enum" not in node:
        return node if "pattern" in node else {**node, "minLength": max(1, _number(node, "minLength"))}
    return {**node, "minItems": _least(node)} if kinds == ("array",) else node


def _least(node: Schema) -> int:
    return max(1, _number(node, "minItems"))


def _number(node: Schema, word: str) -> int:
    value = node.get(word, 0)
    return value if isinstance(value, int) else 0


def _without_null(node: Schema) -> Schema:
    kinds = _types(node)
    if "null" not in kinds:
        return node
    left = [kind for kind in kinds if kind != "null"]
    return {**node, "type": left[0] if len(left) == 1 else left} if left else node


def _types(node: Schema) -> tuple[str, ...]:
    kind = node.get("type")
    return (kind,) if isinstance(kind, str) else texts(kind)


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else ()


def _schema(node: object) -> Schema:
    return node if isinstance(node, Mapping) else {}


def _everywhere(node: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """Change every schema that a parameter path reaches, the inner ones first."""
    out = dict(node)
    for name, value in node.items():
        if name == "properties" and isinstance(value, Mapping):
            out[name] = {member: _everywhere(_schema(item), change) for member, item in value.items()}
        elif name == "items" and isinstance(value, Mapping):
            out[name] = _everywhere(value, change)
        elif name in (*_IN_PLACE, "prefixItems") and isinstance(value, (list, tuple)):
            out[name] = [_everywhere(_schema(item), change) for item in value]
    return change(out)
