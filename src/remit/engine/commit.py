"""Keeping a change that somebody made, who can simply make it again."""

from remit.domain.errors import Code, Refused
from remit.engine.context import DeskContext
from remit.ports.store import Commit, Committed, Conflict


async def commit_retryable(desk: DeskContext, change: Commit) -> Committed:
    """Commit a change, whole or not at all.

    Raises:
        Refused: `task.busy` when something it stands on moved meanwhile.
        Fault: `fault.store`.
    """
    try:
        return await desk.store.commit(change)
    except Conflict:
        raise Refused(Code.TASK_BUSY, "it changed meanwhile", retry_after_s=1) from None
