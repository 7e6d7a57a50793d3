"""Risk from what happened before: one decaying trail per task, root grant, agent, operator, target and customer.

What an event weighs is in `trajectory_weights`. Policies may read the risk; what follows from it is `consequence`.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias

from remit.domain.errors import Code
from remit.domain.policy.decision import Thresholds
from remit.domain.records import TaskRecord
from remit.domain.values import Instant
from remit.proof.canonical import digest

HALF_LIFE_MS: Final = 12 * 60 * 60 * 1000
REPEATED_ID_SHARE: Final = 0.25
"""A retry of the same wrong number is no sweep; it weighs a quarter."""


class Sign(StrEnum):
    """What a trail shows."""

    ASKED_AGAIN = "asked_again"
    CANARY = "canary"
    DRIFT = "drift"
    OPENED = "opened"
    REFUSALS = "refusals"
    SLICING = "slicing"
    SWEEP = "sweep"


CAPS: Final[Mapping[Sign, int]] = {
    Sign.ASKED_AGAIN: 100,
    Sign.CANARY: 30,
    Sign.DRIFT: 100,
    Sign.OPENED: 30,
    Sign.REFUSALS: 100,
    Sign.SLICING: 100,
    Sign.SWEEP: 100,
}
"""The most one sign can make of the risk. Opening much is a hint and holds nobody alone.

⚔ Nor does a canary: whoever tries values out would learn by being held which of them it was.
"""

CANARY: Final = 15
"""Points for one canary that was seen."""

REFUSED: Final[Mapping[Code, int]] = {
    Code.AGENT_HUMAN_CREDENTIAL: 30,
    Code.CONFIRMATION_DECLINED: 10,
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
"""Points for a refusal by its code. What is not listed weighs nothing: schema errors, faults, the desk's own noes."""

OPENED_AN_ASK: Final = 4
"""How many points of openings one ask explains: its task, its mandate, and mandates that customers did not grant."""

OPENED_FREE: Final = 10
"""Points of openings that say nothing: everybody begins with some before the first ask."""

_OPENED: Final[Mapping[str, int]] = {"agent": 3, "mandate": 1, "task": 1}
_FREE_REPEATS: Final = 2
_FREE_UNCAPPED: Final = 6


def step_points(what: str) -> int:
    """Points for opening one more task, mandate or agent."""
    return _OPENED.get(what, 0)


def slice_points(count: int, *, capped: bool) -> int:
    """Points for the same write on the same target for the `count`-th time within a day.

    ⚔ Ten small refunds instead of one: the third is noticed, the sixth is held, whatever the counters still allow. A
    write without a limited amount cannot be a slice of one; it weighs only when it becomes a loop.
    """
    if capped:
        return min(20, 5 * count - 5) if count > _FREE_REPEATS else 0
    return 4 if count > _FREE_UNCAPPED else 0


_MILLI: Final = 1000
_KEPT: Final = 64
_SLICE_MEMORY_MS: Final = 24 * 60 * 60 * 1000
_ASKS_A_UNIT: Final = 20
"""An agent's or operator's points are weighed against its traffic: so many asks carry one whole share."""


class SubjectKind(StrEnum):
    """Whose trail it is."""

    AGENT = "agent"
    CUSTOMER = "customer"
    GRANT = "grant"
    OPERATOR = "operator"
    TARGET = "target"
    TASK = "task"


@dataclass(frozen=True, slots=True, kw_only=True)
class WasRefused:
    """An ask was refused with this code. `about` names the record it was about, where there is one."""

    code: Code
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAgain:
    """The act (or, `alike`, the same action on the same target with other values) was asked again after a person declined it."""

    alike: bool = False
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WasPermitted:
    """An ask was permitted or sent to a person.

    `write` says whether it changes something, `capped` whether an amount of it is limited, `target` what it acts on.
    """

    action: str
    write: bool
    capped: bool = False
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsDrifted:
    """Words were wider than the ask, contradicted it or could not be read, and were held rather than refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SawCanary:
    """A canary of the desk's was seen in what an agent sent: a sign, never a verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WasOpened:
    """A task was opened, a mandate requested or an agent first seen (`what`: `task`, `mandate`, `agent`)."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Thousandths of a point, as they stood at a moment; they halve with time."""

    milli: int
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class WasLookedAt:
    """People looked at what a task did, and let it go on: these levels of its trail say nothing against anybody any more."""

    levels: Mapping[str, Level]


Event: TypeAlias = WasRefused | AskedAgain | WasPermitted | WordsDrifted | SawCanary | WasOpened | WasLookedAt


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What one subject has done, small enough to load with every ask.

    `levels` by sign; `asks` is its traffic; `seen` are short digests of records refused as not owned; `repeats` counts
    the same write on the same target.
    """

    kind: SubjectKind
    subject: str
    levels: Mapping[str, Level]
    asks: Level
    seen: tuple[str, ...] = ()
    repeats: Mapping[str, tuple[int, int]]


_UNSLICED: Final = frozenset({SubjectKind.AGENT, SubjectKind.OPERATOR, SubjectKind.CUSTOMER})
"""Whose trails say nothing of slices: many customers' acts meet there."""


def subjects_of(task: TaskRecord) -> tuple[tuple[SubjectKind, str], ...]:
    """Whose trails tell of whatever a task asks; those of customer and targets tell of some of it."""
    return (
        (SubjectKind.TASK, task.id),
        (SubjectKind.GRANT, task.root),
        (SubjectKind.AGENT, task.client_id),
        (SubjectKind.OPERATOR, task.operator),
    )


def new_trail(kind: SubjectKind, subject: str) -> Trail:
    """A subject nothing is known of."""
    return Trail(kind=kind, subject=subject, levels={}, asks=Level(milli=0, at=Instant(0)), repeats={})


def after(trail: Trail, event: Event, now: Instant) -> Trail:
    """The trail after one more event. Schema errors and faults leave no points.

    ⚔ Nor are they traffic: points are divided by it, and what costs an agent nothing would wash away what does.

    Source: docs/model/model.md#trajectory.
    """
    match event:
        case WasRefused(code=code):
            return _with_ask(_refused(trail, event, now), now) if code in REFUSED else trail
        case AskedAgain(alike=alike):
            return _add(trail, Sign.ASKED_AGAIN, 12 if alike else 25, now)
        case WasPermitted():
            return _with_ask(
                _permitted(trail, event, now) if event.write and trail.kind not in _UNSLICED else trail, now
            )
        case WordsDrifted() | SawCanary():
            return _add(trail, *((Sign.CANARY, CANARY) if isinstance(event, SawCanary) else (Sign.DRIFT, 8)), now)
        case WasOpened(what=what):
            return _add(trail, Sign.OPENED, step_points(what), now)
        case WasLookedAt(levels=levels):
            return _looked_at(trail, levels, now)


def _looked_at(trail: Trail, levels: Mapping[str, Level], now: Instant) -> Trail:
    """⚔ What others did stays on the trails of agent and operator: only what was looked at is taken off."""
    if trail.kind not in {SubjectKind.AGENT, SubjectKind.OPERATOR}:
        return _with(trail, levels={})
    left = {
        sign: max(0, _decayed(level, now) - _decayed(levels.get(sign), now)) for sign, level in trail.levels.items()
    }
    return _with(trail, levels={sign: Level(milli=milli, at=now) for sign, milli in left.items() if milli})


def _refused(trail: Trail, event: WasRefused, now: Instant) -> Trail:
    points: float = REFUSED.get(event.code, 0)
    if event.code.startswith("words."):
        return _add(trail, Sign.DRIFT, points, now)
    if event.code is not Code.PARAMS_NOT_OWNED:
        return _add(trail, Sign.REFUSALS, points, now)
    short = digest(event.about)[8:20]
    if short in trail.seen:
        return _add(trail, Sign.SWEEP, points * REPEATED_ID_SHARE, now)
    return _add(replace(trail, seen=(*trail.seen, short)[-_KEPT:]), Sign.SWEEP, points, now)


def _permitted(trail: Trail, event: WasPermitted, now: Instant) -> Trail:
    key = _act_key(event.action, event.target)
    repeats = dict(trail.repeats)
    count, at = repeats.pop(key, (0, int(now)))
    count = count + 1 if now - at < _SLICE_MEMORY_MS else 1
    # The newest stands last, so the oldest are dropped from the front.
    for name, (_, last) in trail.repeats.items():
        if len(repeats) < _KEPT and now - last < _SLICE_MEMORY_MS:
            break
        repeats.pop(name, None)
    repeats[key] = (count, int(now))
    return _add(_with(trail, repeats=repeats), Sign.SLICING, slice_points(count, capped=event.capped), now)


@lru_cache(maxsize=1024)
def _act_key(action: str, target: str) -> str:
    return digest([action, target])[8:20]


def _add(trail: Trail, sign: Sign, points: float, now: Instant) -> Trail:
    if not points:
        return trail
    old = trail.levels.get(sign)
    milli = min(_decayed(old, now) + round(points * _MILLI), _most(trail.kind, sign))
    return _with(trail, levels={**trail.levels, sign: Level(milli=milli, at=now)})


def _most(kind: SubjectKind, sign: Sign) -> int:
    """How high a level may stand: bounded, so that a subject can calm down again; wider where traffic divides it."""
    wide = 100 if kind in {SubjectKind.AGENT, SubjectKind.OPERATOR} else 2
    return CAPS[sign] * _MILLI * wide


def _with_ask(trail: Trail, now: Instant) -> Trail:
    return _with(trail, asks=Level(milli=_decayed(trail.asks, now) + _MILLI, at=now))


def _with(
    trail: Trail,
    *,
    levels: Mapping[str, Level] | None = None,
    asks: Level | None = None,
    repeats: Mapping[str, tuple[int, int]] | None = None,
) -> Trail:
    """The trail with a part of it changed; `dataclasses.replace` takes three times as long, and this runs four times an ask."""
    return Trail(
        kind=trail.kind,
        subject=trail.subject,
        levels=trail.levels if levels is None else levels,
        asks=trail.asks if asks is None else asks,
        seen=trail.seen,
        repeats=trail.repeats if repeats is None else repeats,
    )


def _decayed(level: Level | None, now: Instant) -> int:
    if level is None or not level.milli:
        return 0
    gone = max(0, now - level.at)
    return round(level.milli * math.exp2(-gone / HALF_LIFE_MS))


def trail_risk(trail: Trail, now: Instant) -> int:
    """One trail's risk, 0 to 100.

    An agent's and an operator's points are divided by their traffic: who serves a thousand customers meets more wrong
    numbers than who serves one. A task, a grant and a target are not divided. What they opened counts beyond what
    their asks explain.
    """
    if not trail.levels:
        return 0
    share, used = 1.0, 0
    if trail.kind in {SubjectKind.AGENT, SubjectKind.OPERATOR}:
        asks = _decayed(trail.asks, now)
        share, used = max(1.0, asks / _MILLI / _ASKS_A_UNIT), OPENED_FREE * _MILLI + asks * OPENED_AN_ASK
    # What was opened and is then used for asks is traffic, however much it is; only what is left of it is a sign.
    points = 0.0
    for sign, level in trail.levels.items():
        left = _decayed(level, now) - (used if sign == Sign.OPENED else 0)
        if left > 0:
            points += min(left / _MILLI / share, CAPS[Sign(sign)])
    return min(100, math.floor(points))


@dataclass(frozen=True, slots=True)
class Risk:
    """What the trails of one moment come to: the `highest` risk that counts against an agent, 0 to 100, and the highest `anywhere`."""

    highest: int
    anywhere: int

    def adds_confirmation(self, settings: Thresholds) -> bool:
        """Tell whether the customer must confirm what would otherwise go through.

        ⚔ The customer's own trail leads here and no further: hostile agents must not be able to lock a person out.
        """
        return self.anywhere >= settings.confirm


def _explained(trail: Trail, now: Instant) -> float:
    """How many thousandths of a point of what an agent or operator opened say nothing, for the asks there were."""
    if trail.kind not in {SubjectKind.AGENT, SubjectKind.OPERATOR}:
        return 0
    return OPENED_FREE * _MILLI + _decayed(trail.asks, now) * OPENED_AN_ASK


def signs(trails: Iterable[Trail], now: Instant) -> tuple[str, ...]:
    """What speaks against an agent, the heaviest first: the signs on every trail whose risk counts, each once."""
    points: dict[str, int] = {}
    for trail in trails:
        if trail.kind is not SubjectKind.CUSTOMER and trail_risk(trail, now):
            for sign, level in trail.levels.items():
                left = _decayed(level, now) - (_explained(trail, now) if sign == Sign.OPENED else 0)
                points[sign] = max(points.get(sign, 0), round(left))
    return tuple(
        sorted((sign for sign, milli in points.items() if milli >= _MILLI), key=lambda sign: (-points[sign], sign))
    )


def risk(trails: Iterable[Trail], now: Instant) -> Risk:
    """The highest risk of task, root grant, agent, operator and target. ⚔ The customer's own trail never counts among these.

    Source: docs/model/model.md#trajectory.
    """
    highest = anywhere = 0
    for trail in trails:
        found = trail_risk(trail, now)
        anywhere = max(anywhere, found)
        if trail.kind is not SubjectKind.CUSTOMER:
            highest = max(highest, found)
    return Risk(highest, anywhere)
