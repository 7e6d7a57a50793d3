"""Selection of the desk's policies into one prepared set per action: those whose scope can match it.

Equality with the whole set is proved in tests/contracts/test_policy.py.
"""

import json
from collections.abc import Iterable, Mapping

import cedarpy

from remit.adapters.policy.cedar_check import Node, PolicyFindings, PolicyStatement, entity_literals, policy_error
from remit.adapters.policy.cedar_schema import ActionModel, request_schema
from remit.domain.structs import struct


@struct(frozen=True, kw_only=True)
class PolicySlice:
    """Prepared policies of one action, with what is known of them beforehand.

    `parts` and `params` are the members of the context and the params that any of them reads (`params` None: all);
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
    """Whether a policy's scope can match an action.

    Raises:
        Refused: `policy.invalid` for a scope of unknown form: skipping such a policy could skip a `forbid`.
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
    """Prepare a set in which every policy is named by its `@id`."""
    named = {statement.id: statement.policy for statement in statements}
    return cedarpy.PolicySet.from_json_str(json.dumps({"staticPolicies": named, "templates": {}, "templateLinks": []}))


def build_slice(
    action: ActionModel, statements: Iterable[PolicyStatement], readings: Mapping[str, PolicyFindings]
) -> PolicySlice:
    """Prepare the policies of one action."""
    chosen = [statement for statement in statements if scope_matches(statement.policy, action)]
    found = [readings[statement.id] for statement in chosen]
    parts = _union(reading.parts for reading in found)
    parts = frozenset(action.context.attributes) if parts is None else parts | {"params"}
    params = _union(reading.params for reading in found)
    schema = cedarpy.Schema.from_json_str(json.dumps(request_schema(action, parts, params)))
    return PolicySlice(
        policies=policy_set(chosen),
        schema=schema,
        # ⚔ Parsed WITH the schema: without it no action is in any group, and no `forbid` on a group fires.
        base=cedarpy.Entities.from_json_str("[]", schema),
        parts=parts,
        params=params,
        size=len(chosen),
        confirmation=any(reading.confirmation for reading in found),
        confirmers=_union(reading.confirmers for reading in found),
    )


def _union(sets: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    """Unite sets; None when one of them is unbounded."""
    together: frozenset[str] = frozenset()
    for names in sets:
        if names is None:
            return None
        together |= names
    return together
