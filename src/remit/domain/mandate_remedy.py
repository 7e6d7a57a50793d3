"""What a customer would have to grant for an ask that the mandate does not cover: exactly that ask, once.

It is made of the mandate's objective and of what the agent itself said; no fact about any record goes into it.
"""

from collections.abc import Mapping
from typing import Final

from remit.domain.catalogue import Action, Catalogue, MarkKind, PowerKind
from remit.domain.errors import Code, Refused
from remit.domain.mandate import Mandate
from remit.domain.mandate_covering import choose, cover, disclosed_in
from remit.domain.mandate_negatives import verify_not_forbidden
from remit.domain.mandate_reading import TYPE, read_mandate
from remit.domain.paths import values_at
from remit.domain.secrets import says_removed
from remit.domain.values import Instant, Json, JsonObject
from remit.proof.canonical import canonical

CURED_BY_GRANT: Final = frozenset({
    Code.MANDATE_EXPIRED,
    Code.MANDATE_INACTIVE,
    Code.MANDATE_LIMIT_EXCEEDED,
    Code.MANDATE_OFF_TARGET,
    Code.MANDATE_POWER_MISSING,
    Code.MANDATE_TOTAL_SPENT,
    Code.MANDATE_USES_SPENT,
})  # fmt: skip
"""What a wider or fresh grant would cure: `insufficient_authorization` on the refusal ladder."""


def remedy(mandate: Mandate, catalogue: Catalogue, action: Action, params: JsonObject, *, now: Instant) -> JsonObject | None:
    """The `remit_mandate` that would cover exactly this ask, once; None where none can say just that.

    ⚔ Every param is pinned to the value that was asked, and the target to the records that were named: what a customer signs
    in a hurry lets nothing else through. Whether a named record exists, or whose it is, is not looked up, so that nothing of
    it can be told.

    Source: docs/model/standards.md#remediation, #refusal-ladder; docs/model/model.md#mandate.
    """
    if says_removed(canonical(params).decode()):
        return None  # a secret was taken out: what is left is not what was asked
    try:
        disclosed = disclosed_in(action, params)
        silent = verify_not_forbidden(mandate, action.power, action, params, disclosed)
        where: Mapping[str, Json] = {name: {"equals": value} for name, value in params.items()}
        powers = [_power(catalogue, action, silent, where)]
        if disclosed:
            powers.append({"power": PowerKind.DISCLOSE.value, "attributes": list(disclosed), "where": where, "uses": 1})
        wire: JsonObject = {"type": TYPE, "objective": _objective(mandate, action, params), "powers": powers}
        choose(cover(read_mandate(wire, catalogue, now=now), catalogue, action, params), {})
    except Refused:
        return None
    return wire


def _power(catalogue: Catalogue, action: Action, silent: frozenset[str], where: Mapping[str, Json]) -> JsonObject:
    """The power the action needs. A read whose every return is sensitive is named by these, as its own name does not cover them."""
    power: dict[str, Json] = {"power": action.power.value, "uses": 1}
    if action.power is PowerKind.REPRESENT:
        return power
    tellable = [one for one in action.returns if one not in silent]
    if action.power is PowerKind.RECEIVE and tellable and all(catalogue.attributes[one].sensitive for one in tellable):
        power["attributes"] = tellable
    else:
        power["actions"] = [action.name]
    return {**power, "where": where} if where else power


def _objective(mandate: Mandate, action: Action, params: JsonObject) -> JsonObject:
    """The objective there is, about the records of its kind that the ask names, or as it stands where it names none."""
    target: dict[str, Json] = {}
    for kind, ids in mandate.objective.target.items():
        marked = [mark for mark in action.marked(MarkKind.RESOURCE) if mark.of == kind]
        named = dict.fromkeys(value for mark in marked for value in values_at(params, mark.path) if isinstance(value, str))
        target[kind] = list(named) or list(ids)
    return {"type": mandate.objective.type, **({"target": target} if target else {})}
