"""Fresh reads of a task's case, and their effect on the task; never dependent on a webhook."""

import asyncio

from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import EndReason, TaskRecord
from remit.engine.context import DeskContext
from remit.engine.tasks import end_task


async def case_ending(desk: DeskContext, case_id: str) -> EndReason | None:
    """Read a task's case fresh, and return why it ends the task, if it does.

    Raises:
        Fault: `fault.case` when it cannot be read: then nothing acts and nothing is delivered.

    Source: docs/model/model.md#case-reread.
    """
    try:
        async with asyncio.timeout(desk.terms.desk_timeout_s):
            case = await desk.helpdesk.read(case_id)
    except TimeoutError:
        raise Fault(Code.FAULT_CASE, "reading the case took too long") from None
    if case.id != case_id or case.merged_into:
        return EndReason.CASE_MERGED
    if case.requester != desk.terms.requester or case.reassigned:
        return EndReason.CASE_REASSIGNED
    if not case.open or case.reopened:
        # Reopening revives nothing: the case was closed after the task began.
        return EndReason.CASE_CLOSED
    return None


async def verify_case(desk: DeskContext, task: TaskRecord) -> None:
    """Verify that the case still carries its task; otherwise end the task on the spot.

    Raises:
        Refused: `task.ended`.
        Fault: `fault.case` when the case cannot be read.
    """
    ended = await case_ending(desk, task.case)
    if ended is not None:
        raise await end_task_by_case(desk, task.id, ended)


async def end_task_by_case(desk: DeskContext, task_id: str, reason: EndReason) -> Refused:
    """End a task because of its case, and return the refusal for its agent."""
    await end_task(desk, task_id, reason)
    return Refused(Code.TASK_ENDED, f"the task ended: {reason}", public=f"The task ended: {reason.replace('_', ' ')}.")
