"""Governance reports of an arena, and the controls that harmless traffic exercises."""

from attacks.arena import Arena
from packaged import FRAMEWORKS
from remit.domain.evidence.report import ControlState, Period, frameworks_named
from remit.usecases.transcript.report import Report, report

EVER = Period(since=None, until=None)
RECORDING = {"5", "T8", "T44", "MEASURE 2.4", "AML.M0024"}
"""The controls that a decision's being on the record exercises: recording itself."""
HARMLESS = RECORDING | {"MAP 3.3", "NHI5:2025", "AML.T0086", "AML.M0033"}
"""And those of a permitted read that was cut to its mandate."""


def told(arena: Arena) -> Report:
    found: Report = arena.run(
        report(arena.context, period=EVER, frameworks=frameworks_named([], FRAMEWORKS), progress=lambda _done, _size: None)
    )
    return found


def exercised(found: Report) -> set[str]:
    return {each.control.id for one in found.evidence for each in one.controls if each.state is ControlState.EXERCISED}
