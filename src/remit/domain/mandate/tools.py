"""The actions a mandate grants, each with its params narrowed to the values it lets pass: tools for a model.

⚔ A tool is an offer, never authority: every call is matched with the mandate again. What a schema cannot say exactly
(amounts of money, days, sums, counters) stands in words beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from remit.domain.catalogue.model import Action, Catalogue, MarkKind, PowerKind
from remit.domain.mandate.cover import granting_powers
from remit.domain.mandate.model import Condition, ConditionOp, Mandate, Power
from remit.domain.param_paths import ParamPath
from remit.domain.values import Json, JsonObject, deep_equal, is_list

Schema = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedAction:
    """A granted action: the schema of its params as far as granted, and further limits in words."""

    action: Action
    schema: JsonObject
    limits: tuple[str, ...]


def granted_actions(mandate: Mandate, catalogue: Catalogue) -> tuple[GrantedAction, ...]:
    """Return the actions of the objective that the mandate grants, by name.

    Source: docs/model/wire.md#agents-way; docs/model/model.md#powers, #never, #target.
    """
    objective = catalogue.objectives.get(mandate.objective.type)
    if objective is None:
        return ()
    found = []
    for name in sorted(objective.actions):
        action = catalogue.actions.get(name)
        if action is None:
            continue
        powers = granting_powers(mandate, catalogue, action)
        hidden = _undisclosable(mandate, action)
        required = action.schema.get("required", ())
        if not powers or (is_list(required) and hidden.intersection(str(one) for one in required)):
            continue
        schema = _narrowed(action, powers, mandate.objective.target, hidden)
        found.append(GrantedAction(action=action, schema=schema, limits=_limits(powers)))
    return tuple(found)


def _undisclosable(mandate: Mandate, action: Action) -> frozenset[str]:
    """Return the params that would disclose an attribute the mandate does not let be disclosed."""
    granted = {
        name
        for power in mandate.powers
        if power.power is PowerKind.DISCLOSE and power.attributes is not None
        for name in power.attributes
    }
    marks = [mark for mark in action.marked(MarkKind.ATTRIBUTE) if len(mark.path.steps) == 1]
    return frozenset([str(mark.path) for mark in marks if mark.of not in granted])


def _narrowed(
    action: Action, powers: Sequence[Power], target: Mapping[str, tuple[str, ...]], hidden: frozenset[str]
) -> JsonObject:
    schema = _copied(action.schema)
    properties = schema.get("properties")
    if isinstance(properties, dict):
        for name in hidden:
            properties.pop(name, None)
    for mark in action.marked(MarkKind.RESOURCE):
        if mark.of in target:
            _at(schema, mark.path, partial(_restrict_items, allowed=target[mark.of]))
    tested = [{str(test.path) for test in power.where} for power in powers]
    for path in sorted(set.intersection(*tested)) if tested else ():
        _apply(schema, [[test for test in power.where if str(test.path) == path] for power in powers])
    return schema


def _copied(node: JsonObject) -> Schema:
    """Copy a schema without our own annotations, which say nothing to a model."""
    copied: Schema = {}
    for key, value in node.items():
        if key == "properties" and isinstance(value, Mapping):
            copied[key] = {name: _copied(one) if isinstance(one, Mapping) else one for name, one in value.items()}
        elif key == "items" and isinstance(value, Mapping):
            copied[key] = _copied(value)
        elif key == MarkKind.MONEY:
            copied["description"] = "An amount with its currency, such as 40.00 EUR"
        elif not key.startswith("x-"):
            copied[key] = list(value) if is_list(value) else value
    return copied


def _at(schema: Schema, path: ParamPath, change: "Callable[[Schema], None]") -> Schema | None:
    """Change the node at a path; nothing where the schema is not declared as far as that. Return its parent."""
    node, parent = schema, schema
    for step in path.steps:
        held = node.get("items") if step is None else node.get("properties")
        parent = node
        if step is not None:
            held = held.get(step) if isinstance(held, dict) else None
        if not isinstance(held, dict):
            return None
        node = held
    change(node)
    return parent


def _restrict(node: Schema, allowed: Sequence[Json]) -> None:
    listed = node.get("enum")
    kept = list(allowed)
    if is_list(listed):
        kept = [one for one in listed if any(deep_equal(one, other) for other in allowed)]
    node.pop("enum", None)
    node.pop("const", None)
    if len(kept) == 1:
        node["const"] = kept[0]
    else:
        node["enum"] = kept


def _restrict_items(node: Schema, allowed: Sequence[Json]) -> None:
    items = node.get("items")
    if isinstance(items, dict):
        _restrict(items, allowed)
    else:
        _restrict(node, allowed)


def _apply(schema: Schema, tests: Sequence[Sequence[Condition]]) -> None:
    """Narrow the node of one path, which every alternative power tests, to the union of their allowed values."""
    path = tests[0][0].path
    required = len(path.steps) == 1
    exact = [_values(found) for found in tests]
    subsets = [_values(found, subset=True) for found in tests]
    parent = None
    if all(one is not None for one in exact):
        parent = _at(schema, path, lambda node: _restrict(node, _union(exact)))
    elif all(one is not None for one in subsets):
        parent = _at(schema, path, lambda node: _restrict_set(node, _union(subsets)))
    else:
        parent = _at(schema, path, lambda node: _bound(node, tests))
    if parent is not None and required:
        _require(parent, str(path.steps[0]))


def _bound(node: Schema, tests: Sequence[Sequence[Condition]]) -> None:
    for op, keyword, widest in ((ConditionOp.MAX, "maximum", max), (ConditionOp.MIN, "minimum", min)):
        bounds = [_number(found, op) for found in tests]
        known = [one for one in bounds if one is not None]
        if len(known) == len(bounds):
            node[keyword] = widest(known)


def _require(parent: Schema, name: str) -> None:
    """⚔ A tested param that is absent fails: say so before a model leaves it out."""
    listed = parent.get("required")
    names = [str(one) for one in listed] if is_list(listed) else []
    parent["required"] = names if name in names else [*names, name]


def _restrict_set(node: Schema, allowed: Sequence[Json]) -> None:
    items = node.get("items")
    if isinstance(items, dict):
        _restrict(items, allowed)
    node["minItems"], node["uniqueItems"] = 1, True


def _values(tests: Sequence[Condition], *, subset: bool = False) -> Sequence[Json] | None:
    """Return the values that tests of one path allow, where they list them."""
    for test in tests:
        if not subset and test.op is ConditionOp.EQUALS:
            return [test.value]
        listed = ConditionOp.SUBSET_OF if subset else ConditionOp.ONE_OF
        if test.op is listed and is_list(test.value):
            return test.value
    return None


def _union(alternatives: Sequence[Sequence[Json] | None]) -> list[Json]:
    found: list[Json] = []
    for values in alternatives:
        found.extend(one for one in values or () if not any(deep_equal(one, other) for other in found))
    return found


def _number(tests: Sequence[Condition], op: ConditionOp) -> int | None:
    return next((one.value for one in tests if one.op is op and type(one.value) is int), None)


_IN_WORDS: Mapping[ConditionOp, str] = {
    ConditionOp.AFTER: "after",
    ConditionOp.BEFORE: "before",
    ConditionOp.MAX: "at most",
    ConditionOp.MAX_SUM: "in sum at most",
    ConditionOp.MIN: "at least",
}


def _limits(powers: Sequence[Power]) -> tuple[str, ...]:
    """Return the limits of a single power in words; of alternatives none, since another one may allow more."""
    if len(powers) != 1:
        return ()
    power = powers[0]
    tests = [f"{test.path} {_IN_WORDS[test.op]} {test.value}" for test in power.where if test.op in _IN_WORDS]
    totals = [f"{total.path} in all asks together at most {total.limit}" for total in power.totals]
    uses = [] if power.uses is None else ["once" if power.uses == 1 else f"at most {power.uses} times"]
    return (*tests, *totals, *uses)
