"""Risk from past events: one decaying trail per task, root grant, agent, operator, target and customer.

Policies may read the risk; `decision.risk_consequence` has its consequences.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

from remit.domain.errors import Code
from remit.domain.policy.decision import RiskThresholds
from remit.domain.records import TaskRecord
from remit.domain.structs import replace, struct
from remit.domain.values import Instant
from remit.proof.canonical import digest

HALF_LIFE_MS: Final = 12 * 60 * 60 * 1000
REPEATED_ID_SHARE: Final = 0.25
"""The share of points for a retry of the same wrong id: a retry is no sweep."""


class RiskSign(StrEnum):
    """The signs a trail can show."""

    ASKED_AGAIN = "asked_again"
    CANARY = "canary"
    DRIFT = "drift"
    OPENED = "opened"
    REFUSALS = "refusals"
    SLICING = "slicing"
    SWEEP = "sweep"


CAPS: Final[Mapping[RiskSign, int]] = {
    RiskSign.ASKED_AGAIN: 100,
    RiskSign.CANARY: 30,
    RiskSign.DRIFT: 100,
    RiskSign.OPENED: 30,
    RiskSign.REFUSALS: 100,
    RiskSign.SLICING: 100,
    RiskSign.SWEEP: 100,
}
"""The largest share of each sign in the risk. Opening much is a hint and never enough for a hold.

⚔ Nor is a canary: an agent that tries values out would learn from the hold which of them it was.
"""

CANARY: Final = 15
"""Points for one seen canary."""

REFUSED: Final[Mapping[Code, int]] = {
    Code.AGENT_HUMAN_CREDENTIAL: 30,
    Code.CONFIRMATION_TOO_MANY: 4,
    Code.CREDENTIAL_REPLAYED: 10,
    Code.CREDENTIAL_WRONG_KEY: 10,
    Code.MANDATE_FORBIDDEN: 10,
    Code.MANDATE_LIMIT_EXCEEDED: 6,
    Code.MANDATE_OFF_TARGET: 6,
    Code.MANDATE_POWER_MISSING: 5,
    Code.MANDATE_TOTAL_SPENT: 6,
    Code.MANDATE_USES_SPENT: 5,
    Code.OBJECTIVE_ACTION_OUTSIDE: 5,
    Code.OBJECTIVE_STEP_ORDER: 1,
    Code.PARAMS_NOT_OWNED: 8,
    Code.POLICY_FORBIDDEN: 5,
    Code.POLICY_NO_RULE: 2,
    Code.WORDS_CONTRADICTS: 8,
    Code.WORDS_SECRET: 4,
    Code.WORDS_UNREADABLE: 4,
    Code.WORDS_WIDER: 8,
}
"""Points for a refusal by its code. Unlisted codes weigh nothing: schema errors, faults, the desk's own refusals.

A person's no is no offence of the agent that asked: only asking again is.
"""

IGNORED_NO: Final = 11
"""Points for the first time that a no is not taken, beside those for asking again: the second time holds the task."""

ASKED_AGAIN: Final = 25
"""Points for asking again for the very act a person declined."""

ASKED_ALIKE: Final = 12
"""Points for asking for the same on the same target with other values, or for the very act under a later consent."""

ONE_CUSTOMER: Final = 24
"""The most that one customer's tasks can add to the risk of another customer's, through their agent or operator.

It takes two customers to add a confirmation (40), and three to hold a task (60).
"""

POINTS_A_REFUSAL: Final = 5
"""Points by which refused asks are counted among an agent's or operator's asks."""

QUIET_ASK: Final = 1
"""Points of several customers that one ask without trouble explains: of honest asks, one in five is refused."""

MENDED_FREE: Final = 64
"""Points of refused or stripped words that later mends take off again: eight single ones, halving with time.

⚔ Without a limit, a probe of the words check would pay nothing by asking properly after every try.
"""

OPENED_AN_ASK: Final = 4
"""The points of openings explained by one ask: its task, its mandate, and mandates that customers did not grant."""

OPENED_FREE: Final = 10
"""Points of openings without meaning: every agent begins with some before the first ask."""

_OPENED: Final[Mapping[str, int]] = {"agent": 3, "mandate": 1, "task": 1}
_FREE_REPEATS: Final = 2
_FREE_UNCAPPED: Final = 6


def opening_points(what: str) -> int:
    """Return the points for opening one more task, mandate or agent."""
    return _OPENED.get(what, 0)


def slice_points(count: int, *, capped: bool) -> int:
    """Return the points for the same write on the same target for the `count`-th time within a day.

    ⚔ Ten small refunds instead of one: the third is noticed, the sixth is held, whatever the counters still allow. A
    write without a limited amount cannot be a slice of one; it weighs only when it becomes a loop.
    """
    if capped:
        return min(20, 5 * count - 5) if count > _FREE_REPEATS else 0
    return 4 if count > _FREE_UNCAPPED else 0


_MILLI: Final = 1000
_KEPT: Final = 64
_CUSTOMERS: Final = 16
"""Customers kept one by one on the trail of an agent or operator; the lighter ones are added up."""
_OTHERS: Final = "*"
"""The key of the lighter customers, added up."""
_MOST_OF_ONE: Final = 100 * 100 * _MILLI
_SLICE_MEMORY_MS: Final = 24 * 60 * 60 * 1000
_ASKS_A_UNIT: Final = 20
"""The asks that carry one whole share: an agent's or operator's points are weighed against its traffic."""


class SubjectKind(StrEnum):
    """The kinds of subjects with a trail."""

    AGENT = "agent"
    CUSTOMER = "customer"
    GRANT = "grant"
    OPERATOR = "operator"
    TARGET = "target"
    TASK = "task"


@struct(frozen=True, kw_only=True)
class AskRefused:
    """An ask was refused with this code. `about` is its record, where it has one.

    `mend` names refused words, so that a mended message takes their points off again.
    """

    code: Code
    about: str = ""
    mend: str = ""


@struct(frozen=True, kw_only=True)
class AskRepeated:
    """A declined act was asked for again.

    `alike`: the same action on the same target with other values, or the very act under a consent given after the no.
    """

    alike: bool = False
    target: str = ""


@struct(frozen=True, kw_only=True)
class AskPermitted:
    """An ask was permitted or sent to a person.

    `write` marks a change, `capped` a limited amount, `target` its record. `mends` names the refused words that it
    mends.
    """

    action: str
    write: bool
    capped: bool = False
    target: str = ""
    mends: tuple[str, ...] = ()


@struct(frozen=True, kw_only=True)
class WordsDrifted:
    """Words exceeded the ask, contradicted it or were unreadable, and were held rather than refused."""


@struct(frozen=True, kw_only=True)
class CanarySeen:
    """A canary of the desk was seen in an agent's message: a sign, never a verdict."""


@struct(frozen=True, kw_only=True)
class SubjectOpened:
    """A task was opened, a mandate requested or an agent first seen (`what`: `task`, `mandate`, `agent`)."""

    what: str


@struct(frozen=True, kw_only=True)
class RiskLevel:
    """Thousandths of a point at a moment; they halve with time."""

    milli: int
    at: Instant


@struct(frozen=True, kw_only=True)
class TaskReviewed:
    """People reviewed a task and let it go on: these levels of its trail no longer count."""

    levels: Mapping[str, RiskLevel]


RiskHistoryEvent: TypeAlias = (
    AskRefused | AskRepeated | AskPermitted | WordsDrifted | CanarySeen | SubjectOpened | TaskReviewed
)


@struct(frozen=True, kw_only=True)
class RiskHistory:
    """The past of one subject, small enough to load with every ask.

    `levels` by sign; `asks` is its traffic; `seen` are short digests of records refused as not owned; `repeats` counts
    the same write on the same target. `customers` are the points of an agent or operator by `customer_key`; `unmended`
    are the points of words that a mend would take off, `mended` what mends took off already.
    """

    kind: SubjectKind
    subject: str
    levels: Mapping[str, RiskLevel]
    asks: RiskLevel
    seen: tuple[str, ...] = ()
    repeats: Mapping[str, tuple[int, int]]
    customers: Mapping[str, RiskLevel] = field(default_factory=dict)
    unmended: Mapping[str, RiskLevel] = field(default_factory=dict)
    mended: RiskLevel | None = None


_SHARED: Final = frozenset({SubjectKind.AGENT, SubjectKind.OPERATOR})
"""Subjects in whose trails customers meet."""
_UNSLICED: Final = frozenset({SubjectKind.AGENT, SubjectKind.OPERATOR, SubjectKind.CUSTOMER})
"""Subjects without slices: acts of many customers meet in their trails."""


def subjects_of(task: TaskRecord) -> tuple[tuple[SubjectKind, str], ...]:
    """Return the subjects whose trails cover all asks of a task; those of customer and targets cover some."""
    return (
        (SubjectKind.TASK, task.id),
        (SubjectKind.GRANT, task.root),
        (SubjectKind.AGENT, task.client_id),
        (SubjectKind.OPERATOR, task.operator),
    )


def new_risk_history(kind: SubjectKind, subject: str) -> RiskHistory:
    """Return the empty history of a new subject."""
    return RiskHistory(kind=kind, subject=subject, levels={}, asks=RiskLevel(milli=0, at=Instant(0)), repeats={})


@lru_cache(maxsize=1024)
def customer_key(customer: str) -> str:
    """Return the key of a customer's points on the trail of an agent or operator, "" for no customer."""
    return digest(customer)[8:20] if customer else ""


def advance_risk_history(trail: RiskHistory, event: RiskHistoryEvent, now: Instant, customer: str = "") -> RiskHistory:
    """Return the trail after one more event in a task of `customer`. Schema errors and faults leave no points.

    ⚔ Nor are they traffic: points are divided by it, and events that cost an agent nothing would dilute real ones.

    Source: docs/model/model.md#trajectory.
    """
    of = customer_key(customer)
    advanced = trail
    match event:
        case AskRefused(code=code):
            if code not in REFUSED:
                return trail
            advanced = _refused(trail, event, now, of)
        case AskPermitted(mends=mends):
            if mends:
                advanced = _mend(trail, mends, now, of)
            if event.write and trail.kind not in _UNSLICED:
                advanced = _permitted(advanced, event, now, of)
        case AskRepeated(alike=alike):
            first = not _decayed(trail.levels.get(RiskSign.ASKED_AGAIN), now)
            points = (ASKED_ALIKE if alike else ASKED_AGAIN) + (IGNORED_NO if first else 0)
            return _add(trail, RiskSign.ASKED_AGAIN, points, now, of)
        case WordsDrifted() | CanarySeen():
            sign, points = (RiskSign.CANARY, CANARY) if isinstance(event, CanarySeen) else (RiskSign.DRIFT, 8)
            return _add(trail, sign, points, now, of)
        case SubjectOpened(what=what):
            return _add(trail, RiskSign.OPENED, opening_points(what), now, of)
        case TaskReviewed(levels=levels):
            return _looked_at(trail, levels, now, of)
    # An ask that was permitted, or refused for its contents, is traffic.
    return replace(advanced, asks=RiskLevel(milli=_decayed(trail.asks, now) + _MILLI, at=now))


def _looked_at(trail: RiskHistory, levels: Mapping[str, RiskLevel], now: Instant, of: str) -> RiskHistory:
    """Remove reviewed levels. ⚔ On the trails of agent and operator, the levels from other tasks stay."""
    if trail.kind not in _SHARED:
        return replace(trail, levels={})
    left = {
        sign: max(0, _decayed(level, now) - _decayed(levels.get(sign), now)) for sign, level in trail.levels.items()
    }
    reviewed = sum(_decayed(level, now) for sign, level in levels.items() if sign in trail.levels)
    return replace(
        trail,
        levels={sign: RiskLevel(milli=milli, at=now) for sign, milli in left.items() if milli},
        customers=_lowered(trail.customers, of, reviewed, now),
    )


def _lowered(levels: Mapping[str, RiskLevel], name: str, milli: int, now: Instant) -> Mapping[str, RiskLevel]:
    """Return levels with one lowered, and gone at zero."""
    if name not in levels:
        return levels
    left = _decayed(levels[name], now) - milli
    rest = {one: level for one, level in levels.items() if one != name}
    return rest if left <= 0 else {**rest, name: RiskLevel(milli=left, at=now)}


def _mend(trail: RiskHistory, mends: Iterable[str], now: Instant, of: str) -> RiskHistory:
    """Take off the points of words that were asked again without, up to `MENDED_FREE` (of agents by traffic)."""
    for name in mends:
        cost = _decayed(trail.unmended.get(name), now)
        if not cost:
            continue
        taken = _decayed(trail.mended, now)
        shares, _ = _traffic(trail, now)
        free = min(cost, round(MENDED_FREE * _MILLI * shares) - taken)
        trail = replace(
            trail,
            levels=_lowered(trail.levels, RiskSign.DRIFT, free, now),
            customers=_lowered(trail.customers, of, free, now),
            unmended={one: level for one, level in trail.unmended.items() if one != name},
            mended=RiskLevel(milli=taken + free, at=now),
        )
    return trail


def _refused(trail: RiskHistory, event: AskRefused, now: Instant, of: str) -> RiskHistory:
    points: float = REFUSED.get(event.code, 0)
    if event.code.startswith("words."):
        return _add(_with_unmended(trail, event.mend, points, now), RiskSign.DRIFT, points, now, of)
    if event.code is not Code.PARAMS_NOT_OWNED:
        return _add(trail, RiskSign.REFUSALS, points, now, of)
    short = digest(event.about)[8:20]
    if short in trail.seen:
        return _add(trail, RiskSign.SWEEP, points * REPEATED_ID_SHARE, now, of)
    return _add(replace(trail, seen=(*trail.seen, short)[-_KEPT:]), RiskSign.SWEEP, points, now, of)


def _with_unmended(trail: RiskHistory, name: str, points: float, now: Instant) -> RiskHistory:
    """Return the trail with words that can be mended; the newest are kept."""
    if not name:
        return trail
    level = RiskLevel(milli=_decayed(trail.unmended.get(name), now) + round(points * _MILLI), at=now)
    others = [(one, old) for one, old in trail.unmended.items() if one != name]
    return replace(trail, unmended={**dict(others[1 - _KEPT :]), name: level})


def _permitted(trail: RiskHistory, event: AskPermitted, now: Instant, of: str) -> RiskHistory:
    key = _act_key(event.action, event.target)
    repeats = dict(trail.repeats)
    count, at = repeats.pop(key, (0, int(now)))
    count = count + 1 if now - at < _SLICE_MEMORY_MS else 1
    # The newest is last, so the oldest are dropped from the front.
    for name, (_, last) in trail.repeats.items():
        if len(repeats) < _KEPT and now - last < _SLICE_MEMORY_MS:
            break
        repeats.pop(name, None)
    repeats[key] = (count, int(now))
    return _add(replace(trail, repeats=repeats), RiskSign.SLICING, slice_points(count, capped=event.capped), now, of)


@lru_cache(maxsize=1024)
def _act_key(action: str, target: str) -> str:
    return digest([action, target])[8:20]


def _add(trail: RiskHistory, sign: RiskSign, points: float, now: Instant, of: str) -> RiskHistory:
    if not points:
        return trail
    more = round(points * _MILLI)
    milli = min(_decayed(trail.levels.get(sign), now) + more, _most(trail.kind, sign))
    named = trail.kind in _SHARED and sign is not RiskSign.OPENED
    return replace(
        trail,
        levels={**trail.levels, sign: RiskLevel(milli=milli, at=now)},
        customers=_of_customer(trail.customers, of, more, now) if named else trail.customers,
    )


def _of_customer(customers: Mapping[str, RiskLevel], of: str, more: int, now: Instant) -> Mapping[str, RiskLevel]:
    """Add to a customer's points, and add up the lightest ones where there are too many to name."""
    own = min(_decayed(customers.get(of), now) + more, _MOST_OF_ONE)
    found = {**customers, of: RiskLevel(milli=own, at=now)}
    if len(found) - (_OTHERS in found) <= _CUSTOMERS:
        return found
    light = min((one for one in found if one not in {_OTHERS, of}), key=lambda one: _decayed(found[one], now))
    counted = min(_decayed(found.pop(light), now), ONE_CUSTOMER * _MILLI)
    found[_OTHERS] = RiskLevel(milli=min(_decayed(found.get(_OTHERS), now) + counted, _MOST_OF_ONE), at=now)
    return found


def _most(kind: SubjectKind, sign: RiskSign) -> int:
    """Return a level's bound, so that a subject can calm down again; wider where traffic divides it."""
    wide = 100 if kind in _SHARED else 2
    return CAPS[sign] * _MILLI * wide


def _decayed(level: RiskLevel | None, now: Instant) -> int:
    if level is None or not level.milli:
        return 0
    gone = max(0, now - level.at)
    return round(level.milli * math.exp2(-gone / HALF_LIFE_MS))


def risk_of_history(trail: RiskHistory, now: Instant, customer: str = "") -> int:
    """Return one trail's risk for a task of `customer`, 0 to 100.

    An agent's and an operator's points are divided by their traffic: an agent of a thousand customers meets more wrong
    numbers than an agent of one. A task, a grant and a target are not divided. Openings count beyond those that asks
    explain.

    ⚔ On an agent's or operator's trail, a customer's task is judged by that customer's own evidence in full, or by that
    of all customers, of which each counts no more than `ONE_CUSTOMER`: one customer's trouble is not another's.
    """
    share, used = _traffic(trail, now)
    # Openings that asks then use are traffic, however many; only the rest is a sign.
    points = opened = 0.0
    for sign, level in trail.levels.items():
        left = _decayed(level, now) - (used if sign == RiskSign.OPENED else 0)
        if left > 0:
            counted = min(left / _MILLI / share, CAPS[RiskSign(sign)])
            points, opened = (points, counted) if sign == RiskSign.OPENED else (points + counted, opened)
    if points and trail.kind in _SHARED:
        points = min(points, _evidence(trail, now, customer_key(customer)) / _MILLI / share)
    return min(100, math.floor(points + opened))


def _traffic(trail: RiskHistory, now: Instant) -> tuple[float, float]:
    """Return the shares that an agent's or operator's points are divided by, and the opening points its asks explain.

    Opening points are in thousandths. Points of other subjects are not divided, and their openings not explained.
    """
    if trail.kind not in _SHARED:
        return 1.0, 0.0
    asks = _decayed(trail.asks, now)
    return max(1.0, asks / _MILLI / _ASKS_A_UNIT), OPENED_FREE * _MILLI + asks * OPENED_AN_ASK


def _evidence(trail: RiskHistory, now: Instant, of: str) -> int:
    """Return the thousandths of points that count against a customer's task on the trail of its agent or operator.

    Asks that left no points explain some of what happened to others: a few bad days in a row are no attack.
    """
    most = ONE_CUSTOMER * _MILLI
    points = {name: _decayed(level, now) for name, level in trail.customers.items()}
    across = sum(milli if name == _OTHERS else min(milli, most) for name, milli in points.items())
    quiet = max(0, _decayed(trail.asks, now) - sum(points.values()) // POINTS_A_REFUSAL)
    return max(points.get(of, 0), across - quiet * QUIET_ASK)


@struct(frozen=True)
class RiskScore:
    """The risk of all trails at one moment: the `highest` that counts against an agent, and the highest `anywhere`."""

    highest: int
    anywhere: int

    def adds_confirmation(self, settings: RiskThresholds) -> bool:
        """Return whether the customer must confirm an otherwise permitted ask.

        ⚔ The customer's own trail leads here and no further: hostile agents must not be able to lock a person out.
        """
        return self.anywhere >= settings.confirm


def risk_signs(trails: Iterable[RiskHistory], now: Instant, customer: str) -> tuple[str, ...]:
    """Return the signs against an agent, the heaviest first: those on every trail whose risk counts, each once."""
    points: dict[str, int] = {}
    for trail in trails:
        if trail.kind is not SubjectKind.CUSTOMER and risk_of_history(trail, now, customer):
            _, explained = _traffic(trail, now)
            for sign, level in trail.levels.items():
                left = _decayed(level, now) - (explained if sign == RiskSign.OPENED else 0)
                points[sign] = max(points.get(sign, 0), round(left))
    counted = [sign for sign, milli in points.items() if milli >= _MILLI]
    return tuple(sorted(counted, key=lambda sign: (-points[sign], sign)))


def overall_risk(trails: Iterable[RiskHistory], now: Instant, customer: str) -> RiskScore:
    """Return the highest risk of task, root grant, agent, operator and target for a task of `customer`.

    ⚔ Never the customer's own trail.

    Source: docs/model/model.md#trajectory.
    """
    highest = anywhere = 0
    for trail in trails:
        found = risk_of_history(trail, now, customer) if trail.levels else 0
        anywhere = max(anywhere, found)
        if trail.kind is not SubjectKind.CUSTOMER:
            highest = max(highest, found)
    return RiskScore(highest, anywhere)
