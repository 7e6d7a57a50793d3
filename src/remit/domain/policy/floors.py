"""Who must confirm: the floor of an ask, the rungs of the confirmation ladder, and the strictest of several answers.

Whether policy allows a rung is for the policy port; who really confirmed is for `confirmation`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from remit.domain.catalogue.model import CUSTOMER, Action, Area, Catalogue, Effect, MarkKind, ParamMark
from remit.domain.mandate.cover import ChargedPowers
from remit.domain.mandate.model import ConditionOp, Power
from remit.domain.param_paths import ABSENT, values_at
from remit.domain.policy.decision import Decision, NeedsHuman, Permit, Refuse
from remit.domain.policy.waivers import find_waiver
from remit.domain.values import JsonObject

_PINNING = {ConditionOp.EQUALS, ConditionOp.ONE_OF}


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Who must confirm whatever policy says, why, and the place of the waiver that lowered it, if one did."""

    who: frozenset[str]
    reasons: tuple[str, ...]
    waiver: int | None = None


def confirmation_floor(
    catalogue: Catalogue, action: Action, params: JsonObject, chosen: Sequence[ChargedPowers], *, day: date
) -> Floor:
    """The floor of an ask that a mandate and all above it cover: `chosen` is what each charges, what the customer signed last.

    The floor of the action's area (for disclosure: of its writes); the customer where a sensitive attribute would be
    told, or where a write names a recipient that no test of a charged power pins. A waiver lowers all of it, within
    its limit, and is returned so that its use is marked.

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
    # ⚔ Whoever cuts a branch writes its tests: only what the customer signed says whom the customer saw.
    if action.effect is Effect.WRITE and not _recipients_pinned(action, params, chosen[-1].powers):
        who.add(CUSTOMER)
        reasons.append("recipient.open")
    if not who:
        return Floor(who=frozenset(), reasons=())
    waiver = find_waiver(catalogue, action, params, day=day)
    if waiver is not None:
        return Floor(who=frozenset(), reasons=(*reasons, "waiver"), waiver=waiver)
    return Floor(who=frozenset(who), reasons=tuple(reasons))


def _recipients_pinned(action: Action, params: JsonObject, powers: Sequence[Power]) -> bool:
    """Whether a test of a charged power pins every recipient the params name.

    ⚔ A recipient the customer never saw is where money, access or data would be diverted.
    """
    for mark in action.marks:
        named = mark.kind is MarkKind.RECIPIENT and [
            one for one in values_at(params, mark.path) if one is not ABSENT and one is not None
        ]
        if named and not [power for power in powers if _pins(power, mark)]:
            return False
    return True


def _pins(power: Power, mark: ParamMark) -> bool:
    """Whether a power's test fixes the marked value itself, the list it is in, or the whole object around it."""
    for test in power.where:
        steps = test.path.steps
        if test.op in _PINNING and mark.path.steps[: len(steps)] == steps:
            return True
        if test.op is ConditionOp.SUBSET_OF and mark.path.steps == (*steps, None):
            return True
    return False


def ladder_rungs(needed: frozenset[str], roles: Sequence[str]) -> tuple[frozenset[str], ...]:
    """The confirmation ladder above a floor F: F, then F with the customer, F with one officer, F with both.

    Each set stands once.

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
    """The strictest of several decisions: a refusal (the first), else everybody anyone wants to hear, else a permit.

    An empty list is a mistake of the caller: nothing was asked, so nothing is permitted.

    Raises:
        ValueError: without decisions.

    Source: docs/model/model.md#settle.
    """
    if not decisions:
        message = "nothing was decided"
        raise ValueError(message)
    refusals = [one for one in decisions if isinstance(one, Refuse)]
    if refusals:
        return refusals[0]
    charges = tuple(dict.fromkeys(charge for one in decisions if not isinstance(one, Refuse) for charge in one.charges))
    held = [one for one in decisions if isinstance(one, NeedsHuman)]
    if held:
        return NeedsHuman(
            who=frozenset().union(*(one.who for one in held)),
            charges=charges,
            reasons=tuple(dict.fromkeys(reason for one in held for reason in one.reasons)),
        )
    waivers = [one.waiver for one in decisions if isinstance(one, Permit) and one.waiver is not None]
    return Permit(charges=charges, waiver=waivers[0] if waivers else None)
