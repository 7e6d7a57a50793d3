"""What follows from a risk for a task: nothing, security is told, it waits for a person, or it ends.

How a risk comes about is in `trajectory`.
"""

from dataclasses import dataclass
from typing import TypeAlias


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
