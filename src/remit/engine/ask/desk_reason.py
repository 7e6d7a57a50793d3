"""What an agent is told of why the desk did not do something: its reason, without what this agent may not be told.

The desk's own people and the customer read the reason as it is.
"""

import asyncio
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import AskRecord, AskState
from remit.engine.ask.authorization_state import load_authorization_state
from remit.engine.context import DeskContext
from remit.engine.leaks.scan import LeakSource
from remit.engine.outbound.check import check_outbound_text

UNDISCLOSED: Final = "The desk gave a reason that cannot be told now."
LATE: Final = "The desk did not answer in time."


def unreachable_reason(code: Code) -> str:
    """Why nothing is told of a desk that cannot be reached, in Remit's own words."""
    return f"The desk cannot be reached ({code})."


_OURS: Final = frozenset({"", LATE, *map(unreachable_reason, Code)})
"""Reasons that say nothing of anybody: Remit gives them itself."""


async def disclosable_reason(desk: DeskContext, task: str, reason: str) -> str:
    """Hold a desk's reason against what the agent of a task may be told, as an officer's text is.

    ⚔ A reason is free text of a system that knows the customer: it names what does not fit, and with it what is uncovered.
    Facts that cannot be read let nothing of it out.

    Source: docs/model/model.md#outbound, docs/model/peers.md#p12.
    """
    if reason in _OURS:
        return reason
    try:
        state = await load_authorization_state(desk, task)
        desk.leak_scanner.present((reason,), LeakSource(where="reason", agent=state.task.record.client_id, task=task))
        async with asyncio.timeout(desk.terms.facts_timeout_s):
            left = (await check_outbound_text(desk, state, reason)).left
        return left if await desk.store.unchanged(state.preconditions) else UNDISCLOSED
    except (Fault, Refused, TimeoutError):
        return UNDISCLOSED


async def current_reason(desk: DeskContext, record: AskRecord) -> str:
    """Why the desk did not do what was asked, as its agent may be told it at this moment.

    ⚔ What the reason names may have been taken away since it was recorded, as with what was told of a result.

    Source: docs/model/model.md#standing-again, #outbound.
    """
    return (
        await disclosable_reason(desk, record.task, record.reason) if record.state is AskState.FAILED else record.reason
    )
