"""Governance evidence: counted facts, and for each control whether they exercise it. There is no score."""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.evidence.facts import SET_UP, TITLES, EvidenceFact, facts_of
from remit.domain.evidence.frameworks import Control, Framework
from remit.domain.i18n import marked
from remit.domain.structs import struct
from remit.domain.transcript.entry import Kind
from remit.domain.values import Instant, JsonObject, instant_text, verify_instant

PLACES: Final = 5
"""The number of first entries listed for each figure."""
MEANING: Final = marked(
    "Exercised: entries in this log show the control at work. Not exercised: no entry does, so the log says nothing "
    "about it. Neither is a score. A control isn't better because it's exercised often."
)
SUMS: Final[Mapping[EvidenceFact, tuple[EvidenceFact, ...]]] = {
    EvidenceFact.DECIDED: (
        EvidenceFact.PERMITTED_AT_ONCE,
        EvidenceFact.HELD,
        EvidenceFact.PERMITTED_AFTER,
        EvidenceFact.REFUSED,
    ),
    EvidenceFact.ANSWERED: (
        EvidenceFact.ANSWERED_YES,
        EvidenceFact.ANSWERED_LESS,
        EvidenceFact.ANSWERED_NO,
        EvidenceFact.ANSWERED_NOT,
        EvidenceFact.ANSWERED_WITHDRAWN,
    ),
    EvidenceFact.ACT_PERFORMED: (
        EvidenceFact.ACT_DONE,
        EvidenceFact.ACT_FAILED,
        EvidenceFact.ACT_UNKNOWN,
        EvidenceFact.ACT_VOID,
    ),
}
"""The leading sums and their parts."""
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class ControlState(StrEnum):
    """The evidence state of a control."""

    EXERCISED = "exercised"
    NOT_EXERCISED = "not exercised"


@struct(frozen=True, kw_only=True)
class CountedEntry:
    """The countable part of an entry: its place in the log, its kind and its envelope."""

    index: int
    kind: Kind
    envelope: JsonObject


@struct(frozen=True, kw_only=True)
class FactCount:
    """The number of entries with a fact, and the first of them."""

    total: int
    places: tuple[int, ...]


@struct(frozen=True, kw_only=True)
class Figures:
    """The counts: every entry once under its kind, and under each of its facts."""

    kinds: Mapping[Kind, int]
    facts: Mapping[EvidenceFact, FactCount]

    @property
    def entries(self) -> int:
        """Return the number of counted entries."""
        return sum(self.kinds.values())

    @property
    def set_up(self) -> int:
        """Return the number of set-up entries among them."""
        return sum(self.kinds.get(kind, 0) for kind in SET_UP)

    def of(self, fact: EvidenceFact) -> FactCount:
        """Return the count of one fact."""
        return self.facts.get(fact, NO_COUNT)


NO_COUNT: Final = FactCount(total=0, places=())
NO_FIGURES: Final = Figures(kinds={}, facts={})


@struct(frozen=True, kw_only=True)
class Period:
    """The time from `since` until before `until`; None is unbounded."""

    since: Instant | None
    until: Instant | None

    def holds(self, at: Instant) -> bool:
        """Return whether a moment lies in it."""
        return (self.since is None or self.since <= at) and (self.until is None or at < self.until)


@struct(frozen=True, kw_only=True)
class ControlEvidence:
    """The evidence for one control."""

    control: Control
    state: ControlState
    shown: Mapping[EvidenceFact, FactCount]
    beside: Mapping[EvidenceFact, FactCount]


@struct(frozen=True, kw_only=True)
class Evidence:
    """The evidence for one framework."""

    framework: Framework
    controls: tuple[ControlEvidence, ...]


def count_facts(entries: Iterable[CountedEntry]) -> Figures:
    """Count entries.

    Raises:
        Refused: `log.damaged` naming the entry with unknown content.
    """
    kinds: dict[Kind, int] = {}
    totals: dict[EvidenceFact, int] = {}
    places: dict[EvidenceFact, list[int]] = {}
    for entry in sorted(entries, key=attrgetter("index")):
        kinds[entry.kind] = kinds.get(entry.kind, 0) + 1
        for fact in _facts(entry):
            totals[fact] = totals.get(fact, 0) + 1
            first = places.setdefault(fact, [])
            if len(first) < PLACES:
                first.append(entry.index)
    return Figures(
        kinds=kinds, facts={fact: FactCount(total=total, places=tuple(places[fact])) for fact, total in totals.items()}
    )


def merge_figures(one: Figures, other: Figures) -> Figures:
    """Add the figures of two parts of a log."""
    kinds = one.kinds.keys() | other.kinds.keys()
    return Figures(
        kinds={kind: one.kinds.get(kind, 0) + other.kinds.get(kind, 0) for kind in kinds},
        facts={fact: _both(one.of(fact), other.of(fact)) for fact in one.facts.keys() | other.facts.keys()},
    )


def evaluate_controls(figures: Figures, frameworks: Sequence[Framework]) -> tuple[Evidence, ...]:
    """Evaluate each control by the figures.

    ⚔ A control without facts is not exercised, whatever the configuration; so is every control of an empty log.

    Source: docs/model/peers.md#p5; docs/model/product.md#governance.
    """
    return tuple(
        Evidence(framework=framework, controls=tuple(_shown(control, figures) for control in framework.controls))
        for framework in frameworks
    )


def read_period(since: str, until: str) -> Period:
    """Parse a period: days (`2026-11-25`, midnight UTC) or RFC 3339 times; "" is unbounded.

    Raises:
        Refused: `request.malformed`.
    """
    period = Period(since=_moment(since, "since"), until=_moment(until, "until"))
    if period.since is not None and period.until is not None and period.since >= period.until:
        raise _malformed("since must be before until")
    return period


def frameworks_named(names: Iterable[str], frameworks: Sequence[Framework]) -> tuple[Framework, ...]:
    """Return the frameworks of these names, all of them without a name.

    Raises:
        Refused: `request.malformed` for an unknown one.
    """
    wanted, known = set(names), {framework.name: framework for framework in frameworks}
    if not wanted <= known.keys():
        raise _malformed(f"framework must be one of {', '.join(known)}")
    return tuple(framework for name, framework in known.items() if not wanted or name in wanted)


def evidence_json(found: Sequence[Evidence], figures: Figures) -> JsonObject:
    """Return figures and evidence as JSON: every figure with its first entries."""
    return {
        "meaning": MEANING,
        "counted": {"entries": figures.entries, "set_up": figures.set_up},
        "kinds": {kind.value: figures.kinds[kind] for kind in Kind if kind in figures.kinds},
        "figures": [_figure(fact, figures.of(fact)) for fact in EvidenceFact],
        "frameworks": [_framework(one) for one in found],
    }


def period_json(period: Period) -> JsonObject:
    """Return a period as JSON."""
    return {
        "since": None if period.since is None else instant_text(period.since),
        "until": None if period.until is None else instant_text(period.until),
    }


def _framework(evidence: Evidence) -> JsonObject:
    framework = evidence.framework
    return {
        "framework": framework.name,
        "title": framework.title,
        "controls": [
            {
                "id": found.control.id,
                "title": found.control.title,
                "does": found.control.does,
                "state": found.state.value,
                "shown": [_figure(fact, count) for fact, count in found.shown.items()],
                "beside": [_figure(fact, count) for fact, count in found.beside.items()],
            }
            for found in evidence.controls
        ],
        "silent": [{"id": each.id, "title": each.title, "why": each.why} for each in framework.silent],
        "rest": framework.rest,
    }


def _figure(fact: EvidenceFact, found: FactCount) -> JsonObject:
    return {"fact": fact.value, "title": TITLES[fact], "total": found.total, "entries": list(found.places)}


def _shown(control: Control, figures: Figures) -> ControlEvidence:
    shown = {fact: figures.of(fact) for fact in control.shown}
    return ControlEvidence(
        control=control,
        state=ControlState.EXERCISED if any(one.total for one in shown.values()) else ControlState.NOT_EXERCISED,
        shown=shown,
        beside={fact: figures.of(fact) for fact in control.beside},
    )


def _facts(entry: CountedEntry) -> tuple[EvidenceFact, ...]:
    try:
        return facts_of(entry.kind, entry.envelope)
    except Refused as refused:
        raise Refused(refused.code, f"entry {entry.index}: {refused.detail}") from None


def _both(one: FactCount, other: FactCount) -> FactCount:
    return FactCount(total=one.total + other.total, places=tuple(sorted((*one.places, *other.places))[:PLACES]))


def _moment(text: str, where: str) -> Instant | None:
    if not text:
        return None
    try:
        return verify_instant(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text, where=where)
    except Refused:
        raise _malformed(f"{where} must be a day such as 2026-11-25 or an RFC 3339 time") from None


def _malformed(reason: str) -> Refused:
    return Refused(Code.REQUEST_MALFORMED, reason, public=f"The request cannot be accepted: {reason}.")
