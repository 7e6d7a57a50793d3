"""What may leave now of what the desk has answered: standing and case are read again after the last thing that took time."""

from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.records import AskRecord, EndReason
from remit.usecases.look_up import FRESH_S
from remit.usecases.parts import Parts
from remit.usecases.read_case import case_ending, ended_by_case
from remit.usecases.standing import Standing, load_standing, verify_standing
from remit.usecases.still_covered import still_covered

STILL_S: Final = 1.0
"""After so long between a record and its answer everything is looked at again: the process may have been frozen."""


async def told_of_act(parts: Parts, standing: Standing, record: AskRecord, *, read_s: float) -> frozenset[str]:
    """The attributes of an act's result that its agent may be told: what was decided, where nothing moved and the case was just read.

    `read_s` is when the case was read at the earliest, in ticks.

    Raises:
        Refused, Fault: as `told_now`.
    """
    if parts.world.ticks() - read_s <= FRESH_S and await parts.store.stand(standing.expects):
        return frozenset(record.covered)
    return await told_now(parts, record)


async def told_now(parts: Parts, record: AskRecord) -> frozenset[str]:
    """The attributes of an ask's result that its agent may be told at this moment.

    ⚔ The desk may have been long in acting, and the case in being read: whoever was revoked, narrowed or closed meanwhile is told no
    more than what is left. That the act itself reached the objective is no such end.

    Raises:
        Refused: `task.ended` and the standing's own codes; `task.busy` when something moved while the case was read.
        Fault: `fault.case`, `fault.store`: then nothing is told.

    Source: docs/model/model.md#standing-again, #case-reread.
    """
    standing = await load_standing(parts, record.task)
    try:
        verify_standing(standing, parts.world.now(), parts.terms, waiting=True)
    except Refused as refused:
        if refused.code is not Code.TASK_ENDED or standing.task.record.reason != EndReason.OBJECTIVE_REACHED:
            raise
        if standing.customer.record.paused or any(kept.record.state not in {"active", "exhausted"} for kept, _ in standing.chain):
            raise
    ended = await case_ending(parts, standing.task.record.case)
    if ended is not None:
        raise await ended_by_case(parts, record.task, ended)
    if not await parts.store.stand(standing.expects):
        raise Refused(Code.TASK_BUSY, "something moved while the case was read", retry_after_s=1)
    return still_covered(parts, standing, record)
