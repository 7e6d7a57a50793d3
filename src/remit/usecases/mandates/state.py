"""The state of a mandate as shown to people; permissions are decided where they are used."""

from remit.domain.mandate.model import MandateState
from remit.domain.records import MandateRecord, TaskRecord
from remit.engine.context import DeskContext
from remit.engine.mandates.live import live_mandates


async def mandate_state(desk: DeskContext, mandate: MandateRecord) -> MandateState:
    """Return the state of a mandate now; a granted one is over when expired or exhausted.

    It is exhausted once all its tasks were opened and have ended, and so have its sub-mandates. This is computed from
    the tasks rather than stored, and so cannot differ from them.

    Source: docs/model/model.md#mandate-states.
    """
    if mandate.state != MandateState.ACTIVE:
        return MandateState(mandate.state)
    if desk.world.now() >= mandate.expires_at:
        return MandateState.EXPIRED
    if mandate.tasks < mandate.max_tasks or await desk.store.find(TaskRecord, "task.live_mandate", mandate.id, limit=1):
        return MandateState.ACTIVE
    return MandateState.ACTIVE if await _is_branch_live(desk, mandate.id) else MandateState.EXHAUSTED


async def _is_branch_live(desk: DeskContext, mandate_id: str) -> bool:
    """Return whether a sub-mandate can still act; they are at most four deep, and share one mandate's tasks."""
    async for branch in live_mandates(desk, "mandate.live_parent", mandate_id):
        if await mandate_state(desk, branch) is MandateState.ACTIVE:
            return True
    return False
