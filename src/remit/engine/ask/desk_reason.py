"""The desk's reason for not acting, redacted for the agent; staff and customer read it unredacted."""

import asyncio
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import AskRecord, AskState
from remit.engine.ask.authorization_state import load_authorization_state
from remit.engine.context import DeskContext
from remit.engine.leaks.scan import LeakSource
from remit.engine.outbound.check import check_outbound_text

UNDISCLOSED: Final = "The reason given can't be shared right now."
LATE: Final = "The support system did not answer in time."


def unreachable_reason(code: Code) -> str:
    """Return Remit's own reason text for a desk that cannot be reached."""
    return f"The support system cannot be reached ({code})."


_OURS: Final = frozenset({"", LATE, *map(unreachable_reason, Code)})
"""Reasons issued by Remit itself, which disclose nothing."""


async def disclosable_reason(desk: DeskContext, task: str, reason: str) -> str:
    """Check a desk's reason against the disclosures allowed to the task's agent, like a staff text.

    ⚔ A reason is free text of a system that knows the customer: it names the mismatch, and with it uncovered data. If
    the facts cannot be read, nothing of it is disclosed.

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
    """Return the reason an agent may be told at this moment.

    ⚔ Values named in the reason may have been withdrawn since it was recorded, as with a result.

    Source: docs/model/model.md#standing-again, #outbound.
    """
    return (
        await disclosable_reason(desk, record.task, record.reason) if record.state is AskState.FAILED else record.reason
    )
