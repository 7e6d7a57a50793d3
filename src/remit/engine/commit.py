"""Commits whose caller can safely retry on conflict."""

from remit.domain.errors import Code, Refused
from remit.engine.context import DeskContext
from remit.ports.store import Commit, Committed, Conflict


async def commit_retryable(desk: DeskContext, change: Commit) -> Committed:
    """Commit a change whole or not at all; the caller can safely retry on conflict.

    Raises:
        Refused: `task.busy` when a precondition moved meanwhile.
        Fault: `fault.store`.
    """
    try:
        return await desk.store.commit(change)
    except Conflict:
        raise Refused(Code.TASK_BUSY, "it changed meanwhile", retry_after_s=1) from None
