"""A decision and everything that goes into it: who must confirm, why, what is withheld."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from remit.domain.errors import Code
from remit.domain.mandate.model import Charge
from remit.domain.records import EndReason
from remit.domain.values import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskThresholds:
    """From which risk on something follows."""

    tell: int = 50
    hold: int = 60
    end: int = 90
    confirm: int = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class NoConsequence:
    """Go on; `tell` says whether security is told."""

    tell: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldTask:
    """The task waits until a person has looked at it, and security is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndTask:
    """The task ends, and security is told."""


Consequence: TypeAlias = NoConsequence | HoldTask | EndTask


def risk_consequence(risk: int, settings: RiskThresholds) -> Consequence:
    """What follows from a risk for the task."""
    if risk >= settings.end:
        return EndTask()
    if risk >= settings.hold:
        return HoldTask()
    return NoConsequence(tell=risk >= settings.tell)


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Go ahead; `charges` are reserved with the record."""

    charges: tuple[Charge, ...]
    waiver: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsHuman:
    """These must all confirm first: `customer` and/or `officer:<role>`."""

    who: frozenset[str]
    charges: tuple[Charge, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """No: one public code, a detail for the desk, a sentence for the asker, policy ids for the desk only."""

    code: Code
    detail: str
    public: str | None = None
    policies: tuple[str, ...] = ()


Decision: TypeAlias = Permit | NeedsHuman | Refuse


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVerdict:
    """What the desk's policies say to one question: allowed or not, by which policies, with which evaluation errors.

    `wanted` is whether a denial depends on who has confirmed (so climbing the ladder can help).
    """

    allowed: bool
    policies: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    annotations: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFacts:
    """What the backoffice says of one record, fresh. `version` is the precondition the act carries."""

    id: str
    owners: frozenset[str]
    relation: str
    as_of: int
    version: str
    name: str = ""


ENDED_BY_NO: Final = "ended by no"
"""Counts, among what a task has done, the answers that said no to all of it."""
_ENDED: Final = "ended at "


def ending_counter(now: Instant, reason: EndReason) -> str:
    """The counter's name that says, among those of a mandate, that a task under it ended."""
    return f"{_ENDED}{now} {reason.value}"


def recorded_ending(
    counters: Mapping[tuple[str, str], int], *, task: str, above: Collection[str], opened_at: Instant
) -> EndReason | None:
    """Why a task is over though its own record does not say so yet, if it is.

    A person said no to all of it, or a task of a mandate above (`above`) has ended since this one was opened. ⚔ Its branches are
    ended one by one after that: what is under way meanwhile, or was left over by a fault, is dead all the same.

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
