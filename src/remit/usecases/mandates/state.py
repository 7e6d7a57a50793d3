"""What state a mandate is in as people see it. What a state permits is decided where it is used."""

from remit.domain.mandate.model import MandateState
from remit.domain.records import MandateRecord, TaskRecord
from remit.engine.context import DeskContext
from remit.engine.mandates.live import live_mandates


async def mandate_state(desk: DeskContext, mandate: MandateRecord) -> MandateState:
    """The state of a mandate now: a granted one is over when its time is up, or when nothing can come of it any more.

    It is exhausted once all its tasks were opened and have ended, and so has every branch cut from it. Nobody writes that
    down: it follows from the tasks, and so cannot differ from them.

    Source: docs/model/model.md#mandate-states.
    """
    if mandate.state != MandateState.ACTIVE:
        return MandateState(mandate.state)
    if desk.world.now() >= mandate.expires_at:
        return MandateState.EXPIRED
    if mandate.tasks < mandate.max_tasks or await desk.store.find(TaskRecord, "task.live_mandate", mandate.id, limit=1):
        return MandateState.ACTIVE
    return MandateState.ACTIVE if await _branch_lives(desk, mandate.id) else MandateState.EXHAUSTED


async def _branch_lives(desk: DeskContext, mandate_id: str) -> bool:
    """Whether a branch cut from a mandate can still do something. Branches are at most four deep, and share the tasks of one mandate."""
    async for branch in live_mandates(desk, "mandate.live_parent", mandate_id):
        if await mandate_state(desk, branch) is MandateState.ACTIVE:
            return True
    return False
