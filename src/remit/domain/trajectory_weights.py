"""What each event weighs in a trail, and how fast it fades.

Tuned so that honest traffic with a few wrong numbers stays far below the first threshold; the rules are in `trajectory`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from remit.domain.errors import Code

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
