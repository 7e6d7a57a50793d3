"""A decision and its ingredients: policy verdicts, record facts, risk consequences and recorded endings."""

from collections.abc import Collection, Mapping
from typing import Final, TypeAlias

from remit.domain.errors import Code, Refused
from remit.domain.mandate.model import Charge
from remit.domain.records import EndReason
from remit.domain.structs import struct
from remit.domain.values import Instant


@struct(frozen=True, kw_only=True)
class RiskThresholds:
    """The risk levels from which each consequence applies."""

    tell: int = 50
    hold: int = 60
    end: int = 90
    confirm: int = 40


@struct(frozen=True, kw_only=True)
class NoConsequence:
    """Go on; `tell` notifies security."""

    tell: bool = False


@struct(frozen=True, kw_only=True)
class HoldTask:
    """Hold the task for a person's review, and notify security."""


@struct(frozen=True, kw_only=True)
class EndTask:
    """End the task, and notify security."""


Consequence: TypeAlias = NoConsequence | HoldTask | EndTask


def risk_consequence(risk: int, settings: RiskThresholds) -> Consequence:
    """Return a risk's consequence for the task."""
    if risk >= settings.end:
        return EndTask()
    if risk >= settings.hold:
        return HoldTask()
    return NoConsequence(tell=risk >= settings.tell)


@struct(frozen=True, kw_only=True)
class Permit:
    """Go ahead; `charges` are reserved with the record."""

    charges: tuple[Charge, ...]
    waiver: int | None = None


@struct(frozen=True, kw_only=True)
class NeedsHuman:
    """Hold until all of these confirm: `customer` and/or `officer:<role>`."""

    who: frozenset[str]
    charges: tuple[Charge, ...]
    reasons: tuple[str, ...]


@struct(frozen=True, kw_only=True)
class Refuse:
    """Refuse: one public code, a detail for the desk, a sentence for the agent, policy ids for the desk only."""

    code: Code
    detail: str
    public: str | None = None
    policies: tuple[str, ...] = ()

    @classmethod
    def of(cls, refused: Refused) -> "Refuse":
        """Return the decision that refuses as an exception does."""
        return cls(code=refused.code, detail=refused.detail, public=refused.public)


Decision: TypeAlias = Permit | NeedsHuman | Refuse


@struct(frozen=True, kw_only=True)
class PolicyVerdict:
    """The policies' answer to one question: allowed or not, by which policies, with which evaluation errors."""

    allowed: bool
    policies: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    annotations: Mapping[str, str] | None = None


@struct(frozen=True, kw_only=True)
class RecordFacts:
    """The backoffice's fresh facts of one record. `version` is the precondition of the act."""

    id: str
    owners: frozenset[str]
    relation: str
    as_of: int
    version: str
    name: str = ""


def relation_of(customer: str, owners: Collection[str], *, public: bool) -> str:
    """Return the relation of a customer to a record: `public`, `owner` or `none`."""
    return "public" if public else "owner" if customer in owners else "none"


ENDED_BY_NO: Final = "ended by no"
"""The counter of a person's final no, among a task's counters."""
LEAKED: Final = "leaked"
"""The counter of credentials seen in a task, among its counters."""
_ENDED: Final = "ended at "


def ending_counter(now: Instant, reason: EndReason) -> str:
    """Return the name of the mandate's counter that records the end of a task under it."""
    return f"{_ENDED}{now} {reason.value}"


def recorded_ending(
    counters: Mapping[tuple[str, str], int], *, task: str, above: Collection[str], opened_at: Instant
) -> EndReason | None:
    """Return the reason of a recorded end that the task's own record does not show yet.

    Either a person declined the whole task, or a task of a mandate above (`above`) has ended since this one was
    opened. ⚔ Its branches are ended one by one afterwards: pending ones, or those left by a fault, are dead already.

    Source: docs/model/model.md#task-end.
    """
    if counters.get((task, ENDED_BY_NO)):
        return EndReason.CUSTOMER_DECLINED
    for scope, key in counters if above else ():
        if scope in above and key.startswith(_ENDED):
            at, _, reason = key.removeprefix(_ENDED).partition(" ")
            if int(at) >= opened_at:
                return EndReason(reason)
    return None
