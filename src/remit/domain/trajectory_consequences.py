"""What follows from a risk: nothing, a word to security, a held task, an ended one, or the customer's own yes."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from remit.domain.trajectory import Trail, trail_risk
from remit.domain.values import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From which risk on something follows."""

    tell: int = 50
    hold: int = 60
    end: int = 90
    confirm: int = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Go on; `tell` says whether security is told."""

    tell: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The task waits until a person has looked at it, and security is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The task ends, and security is told."""


Consequence: TypeAlias = Nothing | Hold | End


def consequence(risk: int, settings: Thresholds) -> Consequence:
    """What follows from a risk for the task."""
    if risk >= settings.end:
        return End()
    if risk >= settings.hold:
        return Hold()
    return Nothing(tell=risk >= settings.tell)


def adds_confirmation(trails: Iterable[Trail], now: Instant, settings: Thresholds) -> bool:
    """Tell whether the customer must confirm what would otherwise go through.

    ⚔ The customer's own trail leads here and no further: hostile agents must not be able to lock a person out.
    """
    return any(trail_risk(trail, now) >= settings.confirm for trail in trails)
