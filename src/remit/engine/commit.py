"""Commits whose caller can safely retry on conflict, and the retry."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from remit.domain.errors import Code, Refused
from remit.engine.context import DeskContext
from remit.ports.store import Commit, Committed, Conflict

_TRIES: Final = 8


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


async def retried(change: Callable[[], Awaitable[None]]) -> None:
    """Make a change again, from the records as they are then, while one of them moves meanwhile.

    ⚔ For a change that a person could hold off by moving their own record: an agreement already used up, an erasure.

    Raises:
        Refused: `task.busy` when the records kept moving, and the reasons of `change`.
        Fault: `fault.store`.
    """
    for _ in range(_TRIES):
        with contextlib.suppress(Conflict):
            return await change()
    raise Refused(Code.TASK_BUSY, "it kept changing meanwhile", retry_after_s=1)
