"""Cuts the policies of a desk into one prepared set per action: the ones whose scope can match that action.

Equality with the whole set is proved in tests/contracts/test_policy.py.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cedarpy

from remit.adapters.policy.cedar_check import Node, PolicyFindings, PolicyStatement, entity_literals, policy_error
from remit.adapters.policy.cedar_schema import ActionModel, request_schema


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySlice:
    """The policies of one action, prepared, and what is known of them beforehand.

    `parts` and `params` are the members of the context and of the params that any of them looks at (`params` None: all);
    `schema` describes requests with just these, and `base` holds the action in its groups.
    """

    policies: cedarpy.PolicySet
    schema: cedarpy.Schema
    base: cedarpy.Entities
    parts: frozenset[str]
    params: frozenset[str] | None
    size: int
    confirmation: bool
    confirmers: frozenset[str] | None


def scope_matches(policy: Mapping[str, Node], action: ActionModel) -> bool:
    """Tell whether a policy's scope can match an action.

    Raises:
        Refused: `policy.policy_error` for a scope of unknown form: leaving such a policy out could leave out a `forbid`.
    """
    scope = policy.get("action")
    op = scope.get("op") if isinstance(scope, Mapping) else None
    named = {name for _, name in entity_literals(scope)}
    match op:
        case "All":
            return True
        case "==":
            return action.name in named
        case "in":
            return action.name in named or not action.groups.isdisjoint(named)
        case _:
            raise policy_error(
                [f"an action scope has the unknown form {op!r}"], "Use `action`, `action == …` or `action in …`."
            )


def policy_set(statements: Iterable[PolicyStatement]) -> cedarpy.PolicySet:
    """Prepare a set in which every policy is called by its `@id`."""
    named = {one.id: one.policy for one in statements}
    return cedarpy.PolicySet.from_json_str(json.dumps({"staticPolicies": named, "templates": {}, "templateLinks": []}))


def build_slice(
    action: ActionModel, statements: Iterable[PolicyStatement], readings: Mapping[str, PolicyFindings]
) -> PolicySlice:
    """Prepare the policies of one action."""
    chosen = [one for one in statements if scope_matches(one.policy, action)]
    found = [readings[one.id] for one in chosen]
    parts = _union(one.parts for one in found)
    parts = frozenset(action.context.attributes) if parts is None else parts | {"params"}
    params = _union(one.params for one in found)
    schema = cedarpy.Schema.from_json_str(json.dumps(request_schema(action, parts, params)))
    return PolicySlice(
        policies=policy_set(chosen),
        schema=schema,
        # ⚔ Parsed WITH the schema: without it no action is in any group, and every `forbid` on a group falls silent.
        base=cedarpy.Entities.from_json_str("[]", schema),
        parts=parts,
        params=params,
        size=len(chosen),
        confirmation=any(one.confirmation for one in found),
        confirmers=_union(one.confirmers for one in found),
    )


def _union(sets: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    """All of them together; None when one of them is without bound."""
    together: frozenset[str] = frozenset()
    for one in sets:
        if one is None:
            return None
        together |= one
    return together
