"""The actions that a mandate grants, each with its params' schema as far as the mandate allows it.

Made from two public documents: a `remit_mandate` as granted, and the desk's catalogue (`GET /v1/catalogue`). Nothing here
permits anything: counters, owners, order of steps, words and policies are judged by the desk at each ask.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from remit.proof.narrow_schema import (
    Schema,
    Tests,
    any_of,
    matching,
    members,
    narrow_records,
    narrow_schema,
    path_steps,
    texts,
    without_params,
)

Document: TypeAlias = Mapping[str, object]
_OFFER: Final = ("offer_id", "digest")
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedAction:
    """An action that a mandate grants.

    `schema` is narrowed and keeps the desk's marks (`x-money`, …). `told` are the attributes its answers may hold,
    `confirmed_by` the people the desk asks each time at least, `limits` sentences on what no schema expresses.
    """

    name: str
    title: str
    schema: Schema
    reads: bool
    reversible: bool
    told: tuple[str, ...]
    confirmed_by: tuple[str, ...]
    may_speak: bool
    limits: tuple[str, ...]


def granted_actions(mandate: Document, catalogue: Document) -> tuple[GrantedAction, ...]:
    """Return the actions of the objective that a mandate grants, in the order of the catalogue.

    Source: docs/model/model.md#powers, #mandate-tests, #never, #target.
    """
    objective = _object(_object(catalogue.get("objectives")).get(str(_object(mandate.get("objective")).get("type"))))
    inside = frozenset(texts(objective.get("actions")))
    found = (
        _granted(mandate, catalogue, name, _object(action))
        for name, action in _object(catalogue.get("actions")).items()
        if name in inside
    )
    return tuple(action for action in found if action is not None)


def tool_names(catalogue: Document) -> Mapping[str, str]:
    """Return a name for each action that every model API and MCP accept: letters, digits, `_` and `-`, at most 64.

    `payment.refund` becomes `payment_refund`; names that would meet get a number, by the order of the whole catalogue.
    """
    names: dict[str, str] = {}
    for action in _object(catalogue.get("actions")):
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", action)[:60]
        same = [name for name in names.values() if name == plain or name.rpartition("__")[0] == plain]
        names[action] = f"{plain}__{len(same) + 1}" if same else plain
    return names


def _granted(mandate: Document, catalogue: Document, name: str, action: Document) -> GrantedAction | None:
    told = tuple(one for one in texts(action.get("returns")) if not _silent(mandate, one))
    powers = list(_covering(mandate, catalogue, name, action, told))
    if not powers or _ruled_out(mandate, name, action, told):
        return None
    schema = _sayable(mandate, _object(action.get("params")))
    if schema is None:
        return None
    schema = narrow_records(schema, _targets(mandate))
    taken = action.get("power") == "accept" and set(_OFFER) <= members(schema).keys()
    wheres = [{} if taken else _where(power) for power, _ in powers]
    fitting = [where for where in wheres if all(_reachable(schema, path) for path in where)]
    if not fitting:
        return None
    schema = any_of(_distinct([narrow_schema(schema, where) for where in fitting]))
    heard = frozenset[str]().union(*(attributes for _, attributes in powers))
    return GrantedAction(
        name=name,
        title=_title(str(action.get("title", name)), schema),
        schema=_excluded(mandate, name, action, schema),
        reads=action.get("effect") == "read",
        reversible=action.get("reversible") is not False,
        told=tuple(one for one in told if one in heard or action.get("power") == "represent"),
        confirmed_by=texts(action.get("confirmed_by")),
        may_speak=_may_speak(mandate),
        limits=tuple(dict.fromkeys(limit for power, _ in powers for limit in _limits(power, offer=taken))),
    )


def _covering(
    mandate: Document, catalogue: Document, name: str, action: Document, told: Sequence[str]
) -> Iterator[tuple[Document, frozenset[str]]]:
    """Yield each power that covers an action, with the attributes it lets be told."""
    kind = action.get("power")
    known = _object(catalogue.get("attributes"))
    for power in _objects(mandate.get("powers")):
        if kind == "represent":
            if power.get("power") == "represent" and _may_speak(mandate):
                yield power, frozenset()
            continue
        named = _names(power.get("actions"), name)
        heard = frozenset(one for one in told if _names(power.get("attributes"), one))
        if power.get("power") == "receive" and (named or heard):
            plain = frozenset(one for one in told if not _object(known.get(one)).get("sensitive"))
            if kind == "receive":
                yield power, heard | plain if named else heard
        elif power.get("power") == kind and named:
            yield power, _heard(mandate, told)


def _heard(mandate: Document, told: Sequence[str]) -> frozenset[str]:
    """Return the attributes that some *receive* power lets be told beside an act."""
    powers = [power for power in _objects(mandate.get("powers")) if power.get("power") == "receive"]
    return frozenset(one for one in told if any(_names(power.get("attributes"), one) for power in powers))


def _silent(mandate: Document, attribute: str) -> bool:
    """Return whether an unconditional negative keeps an attribute from being told."""
    return any(
        ("actions" not in one and "attributes" not in one) or _names(one.get("attributes"), attribute)
        for one in _negatives(mandate, "receive")
        if not one.get("where")
    )


def _ruled_out(mandate: Document, name: str, action: Document, told: Sequence[str]) -> bool:
    """Return whether a negative without tests forbids the action whatever its params."""
    kind = str(action.get("power"))
    for one in _negatives(mandate, kind):
        if one.get("where"):
            continue
        unnamed = "actions" not in one and (kind != "receive" or "attributes" not in one)
        if unnamed or _names(one.get("actions"), name):
            return True
    return kind == "receive" and bool(texts(action.get("returns"))) and not told


def _excluded(mandate: Document, name: str, action: Document, schema: Schema) -> Schema:
    """Return the schema without the params that negatives with tests forbid, as far as that can be expressed."""
    forbidden = [
        matching(_where(one))
        for one in _negatives(mandate, str(action.get("power")))
        if one.get("where") and "attributes" not in one and ("actions" not in one or _names(one["actions"], name))
    ]
    stated = [one for one in forbidden if one is not None]
    return {**schema, "not": stated[0] if len(stated) == 1 else {"anyOf": stated}} if stated else schema


def _sayable(mandate: Document, schema: Schema) -> Schema | None:
    """Return the schema without the params that the agent may not say; None where one of them is required."""
    mute = not _may_speak(mandate)

    def unsayable(node: Schema) -> bool:
        if "x-attribute" in node and node.get("type") != "array":
            return not _disclosable(mandate, str(node["x-attribute"]))
        return mute and "x-free-text" in node

    return without_params(schema, unsayable)


def _disclosable(mandate: Document, attribute: str) -> bool:
    return any(
        power.get("power") == "disclose" and _names(power.get("attributes"), attribute)
        for power in _objects(mandate.get("powers"))
    ) and not any(
        not one.get("where") and ("attributes" not in one or _names(one.get("attributes"), attribute))
        for one in _negatives(mandate, "disclose")
    )


def _may_speak(mandate: Document) -> bool:
    represents = any(power.get("power") == "represent" for power in _objects(mandate.get("powers")))
    return represents and not any(_negatives(mandate, "represent"))


def _reachable(schema: Schema, path: str) -> bool:
    """Return whether params can have something at a path: a closed object has declared names only."""
    steps = path_steps(path)
    return bool(steps) and (steps[0] in members(schema) or schema.get("additionalProperties") is not False)


def _distinct(schemas: Sequence[Schema]) -> list[Schema]:
    found: list[Schema] = []
    for schema in schemas:
        if schema not in found:
            found.append(schema)
    return found


def _title(title: str, schema: Schema) -> str:
    """Return an action's title with its placeholders as the only possible value, or as the name of the param."""

    def shown(found: "re.Match[str]") -> str:
        node = _object(members(schema).get(found[1]))
        listed = node.get("enum")
        values = [node["const"]] if "const" in node else list(listed) if isinstance(listed, (list, tuple)) else []
        return str(values[0]) if len(values) == 1 and isinstance(values[0], str) else found[1]

    return _PLACEHOLDER.sub(shown, title)


def _limits(power: Document, *, offer: bool) -> Iterator[str]:
    if "uses" in power:
        yield "Once in all." if power["uses"] == 1 else f"At most {power['uses']} times in all."
    for path, limit in _object(power.get("total")).items():
        yield f"{path}: at most {limit} in all."
    if offer:
        for path, tests in _where(power).items():
            yield from (f"The offer's {path}: {op} {value}." for op, value in tests.items())


def _targets(mandate: Document) -> Mapping[str, tuple[str, ...]]:
    target = _object(_object(mandate.get("objective")).get("target"))
    return {kind: texts(ids) for kind, ids in target.items()}


def _where(power: Document) -> Tests:
    return {path: tests for path, tests in _object(power.get("where")).items() if isinstance(tests, Mapping)}


def _negatives(mandate: Document, kind: str) -> list[Document]:
    return [one for one in _objects(mandate.get("never")) if one.get("power") == kind]


def _names(patterns: object, name: str) -> bool:
    """Return whether one of some names or globs (`area.*`) is this name."""
    return any(
        name == pattern or (pattern.endswith(".*") and name.startswith(pattern[:-1])) for pattern in texts(patterns)
    )


def _object(value: object) -> Document:
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Document]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, (list, tuple)) else []
