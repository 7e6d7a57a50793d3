"""Cuts the policies of a desk into one prepared set per action: the ones whose scope can match that action.

Equality with the whole set is proved in tests/contracts/test_policy.py.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cedarpy

from remit.adapters.policy.cedar_names import Node, Reading, entity_literals
from remit.adapters.policy.cedar_schema import ActionModel
from remit.adapters.policy.cedar_texts import Statement, invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The policies of one action, prepared, and what is known of them beforehand."""

    policies: cedarpy.PolicySet
    size: int
    confirmation: bool
    confirmers: frozenset[str] | None


def applies(policy: Mapping[str, Node], action: ActionModel) -> bool:
    """Tell whether a policy's scope can match an action.

    Raises:
        Refused: `policy.invalid` for a scope of unknown form: leaving such a policy out could leave out a `forbid`.
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
            raise invalid([f"an action scope has the unknown form {op!r}"], "Use `action`, `action == …` or `action in …`.")


def policy_set(statements: Iterable[Statement]) -> cedarpy.PolicySet:
    """Prepare a set in which every policy is called by its `@id`."""
    named = {one.id: one.policy for one in statements}
    return cedarpy.PolicySet.from_json_str(json.dumps({"staticPolicies": named, "templates": {}, "templateLinks": []}))


def slice_of(action: ActionModel, statements: Iterable[Statement], readings: Mapping[str, Reading]) -> Slice:
    """Prepare the policies of one action."""
    chosen = [one for one in statements if applies(one.policy, action)]
    words: frozenset[str] | None = frozenset()
    for one in chosen:
        more = readings[one.id].confirmers
        words = None if words is None or more is None else words | more
    return Slice(
        policies=policy_set(chosen),
        size=len(chosen),
        confirmation=any(readings[one.id].confirmation for one in chosen),
        confirmers=words,
    )
