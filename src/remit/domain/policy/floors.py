"""The confirmation floor of an ask, the rungs of the confirmation ladder, and the strictest of several decisions.

The policy port decides whether a rung is allowed; `confirmers` verifies the people.
"""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from remit.domain.catalogue.model import CUSTOMER, Action, Area, Catalogue, Effect, MarkKind, ParamMark
from remit.domain.mandate.cover import ChargedPowers
from remit.domain.mandate.model import ConditionOp, Power
from remit.domain.param_paths import ABSENT, values_at
from remit.domain.policy.decision import Decision, NeedsHuman, Permit, Refuse
from remit.domain.policy.waivers import find_waiver
from remit.domain.structs import struct
from remit.domain.values import JsonObject

_PINNING = {ConditionOp.EQUALS, ConditionOp.ONE_OF}


@struct(frozen=True, kw_only=True)
class Floor:
    """The confirmers required whatever policy says, the reasons, and the place of a waiver that lowered it."""

    who: frozenset[str]
    reasons: tuple[str, ...]
    waiver: int | None = None


def confirmation_floor(
    catalogue: Catalogue,
    action: Action,
    params: JsonObject,
    chosen: Sequence[ChargedPowers],
    *,
    day: date,
    waivers: bool,
) -> Floor:
    """Return the floor of an ask covered by a mandate and those above: `chosen` are their charges, the customer's last.

    The floor of the action's area (for disclosure: of its writes); the customer where a sensitive attribute would be
    told, or where a write names a recipient that no test of a charged power pins. Where `waivers` count, a waiver
    lowers all of it, within its limit, and is returned so that its use is marked.

    Source: docs/model/model.md#floors.
    """
    who: set[str] = set()
    reasons: list[str] = []
    if action.area is not Area.DISCLOSURE or action.effect is Effect.WRITE:
        who |= catalogue.floors[action.area]
        if who:
            reasons.append(f"area.{action.area}")
    if [name for name in chosen[0].attributes if catalogue.attributes[name].sensitive]:
        who.add(CUSTOMER)
        reasons.append("attribute.sensitive")
    # ⚔ The agent that cuts a branch writes its tests: only the mandate the customer signed shows the known recipients.
    if action.effect is Effect.WRITE and not _recipients_pinned(action, params, chosen[-1].powers):
        who.add(CUSTOMER)
        reasons.append("recipient.open")
    if not who:
        return Floor(who=frozenset(), reasons=())
    waiver = find_waiver(catalogue, action, params, day=day) if waivers else None
    if waiver is not None:
        return Floor(who=frozenset(), reasons=(*reasons, "waiver"), waiver=waiver)
    return Floor(who=frozenset(who), reasons=tuple(reasons))


def _recipients_pinned(action: Action, params: JsonObject, powers: Sequence[Power]) -> bool:
    """Return whether a test of a charged power pins every recipient the params name.

    ⚔ A recipient unknown to the customer is where money, access or data would be diverted.
    """
    for mark in action.marks:
        if mark.kind is not MarkKind.RECIPIENT or any(_pins(power, mark) for power in powers):
            continue
        if any(value is not ABSENT and value is not None for value in values_at(params, mark.path)):
            return False
    return True


def _pins(power: Power, mark: ParamMark) -> bool:
    """Return whether a power's test fixes the marked value itself, its list, or the whole object around it."""
    for test in power.where:
        steps = test.path.steps
        if test.op in _PINNING and mark.path.steps[: len(steps)] == steps:
            return True
        if test.op is ConditionOp.SUBSET_OF and mark.path.steps == (*steps, None):
            return True
    return False


def ladder_rungs(needed: frozenset[str], roles: Sequence[str]) -> tuple[frozenset[str], ...]:
    """Return the ladder above a floor F, each set once: F, F with the customer, F with one officer, F with both.

    `roles` are the role names in catalogue order.

    Source: docs/model/model.md#ladder.
    """
    return _rungs(frozenset(needed), tuple(roles))


@lru_cache(256)
def _rungs(needed: frozenset[str], roles: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    officers = [frozenset({f"officer:{role}"}) for role in roles]
    both = needed | {CUSTOMER}
    ladder = [needed, both, *(needed | officer for officer in officers), *(both | officer for officer in officers)]
    return tuple(dict.fromkeys(ladder))


def strictest_decision(decisions: Sequence[Decision]) -> Decision:
    """Return the strictest of several decisions: the first refusal, else all confirmers together, else a permit.

    Raises:
        ValueError: without decisions, a caller's mistake that must permit nothing.

    Source: docs/model/model.md#settle.
    """
    if not decisions:
        message = "nothing was decided"
        raise ValueError(message)
    refusals = [decision for decision in decisions if isinstance(decision, Refuse)]
    if refusals:
        return refusals[0]
    permits = [decision for decision in decisions if isinstance(decision, Permit)]
    held = [decision for decision in decisions if isinstance(decision, NeedsHuman)]
    passed = [decision for decision in decisions if not isinstance(decision, Refuse)]
    charges = tuple(dict.fromkeys(charge for decision in passed for charge in decision.charges))
    if held:
        return NeedsHuman(
            who=frozenset().union(*(decision.who for decision in held)),
            charges=charges,
            reasons=tuple(dict.fromkeys(reason for decision in held for reason in decision.reasons)),
        )
    waivers = [permit.waiver for permit in permits if permit.waiver is not None]
    return Permit(charges=charges, waiver=waivers[0] if waivers else None)
