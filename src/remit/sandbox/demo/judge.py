"""Whether a step ended as expected: pure functions. `scenario` holds the expected results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class StepVerdict(StrEnum):
    """The verdict on a step."""

    FINE = "fine"
    GOT_THROUGH = "got through"
    NOT_DONE = "honest work was not done"
    OTHERWISE = "stopped, but not for the reason it must be"
    UNKNOWN = "not an expected step"
    MISSING = "was not tried"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One step of one agent, as the table shows it. `confirmed_by` names the person who answered."""

    agent: str
    step: str
    tried: str
    decision: str
    code: str
    why: str
    confirmed_by: str
    outcome: str
    pid: int


Expected = Mapping[str, frozenset[str]]
"""Refusal codes expected by step, one of which must occur; without codes the step is honest and must be done."""


def judge_step(row: StepRow, expected: Expected) -> StepVerdict:
    """Judge a step. ⚔ An attack counts as stopped only by the gate's own reason: a dead desk stops everything."""
    if row.step not in expected:
        return StepVerdict.UNKNOWN
    codes = expected[row.step]
    done = row.decision != "refuse"
    if not codes:
        return StepVerdict.FINE if done and row.outcome == "done" else StepVerdict.NOT_DONE
    if done:
        return StepVerdict.GOT_THROUGH
    return StepVerdict.FINE if row.code in codes else StepVerdict.OTHERWISE


def judge_all(rows: Sequence[StepRow], expected: Mapping[str, Expected]) -> list[tuple[str, StepVerdict]]:
    """Return every bad verdict as (`agent: step`, verdict). An untried step proves nothing, so it counts too."""
    found: list[tuple[str, StepVerdict]] = [
        (f"{row.agent}: {row.step}", verdict)
        for row in rows
        if (verdict := judge_step(row, expected.get(row.agent, {}))) is not StepVerdict.FINE
    ]
    tried = {(row.agent, row.step) for row in rows}
    return found + [
        (f"{agent}: {step}", StepVerdict.MISSING)
        for agent, steps in expected.items()
        for step in steps
        if (agent, step) not in tried
    ]
