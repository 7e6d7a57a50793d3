"""What an agent is told of why the desk did not do something: its reason, without what this agent may not be told.

The desk's own people and the customer read the reason as it is.
"""

import asyncio
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import AskRecord, AskState
from remit.engine.ask.authorization_state import load_standing
from remit.engine.context import Parts
from remit.engine.leaks.scan import SeenAt
from remit.engine.outbound.check import held_against

UNTOLD: Final = "The desk gave a reason that cannot be told now."
LATE: Final = "The desk did not answer in time."


def unreached(code: Code) -> str:
    """Why nothing is told of a desk that cannot be reached, in Remit's own words."""
    return f"The desk cannot be reached ({code})."


_OURS: Final = frozenset({"", LATE, *map(unreached, Code)})
"""Reasons that say nothing of anybody: Remit gives them itself."""


async def tellable_reason(parts: Parts, task: str, reason: str) -> str:
    """Hold a desk's reason against what the agent of a task may be told, as an officer's text is.

    ⚔ A reason is free text of a system that knows the customer: it names what does not fit, and with it what is uncovered.
    Facts that cannot be read let nothing of it out.

    Source: docs/model/model.md#outbound, docs/model/peers.md#p12.
    """
    if reason in _OURS:
        return reason
    try:
        standing = await load_standing(parts, task)
        parts.leaks.present((reason,), SeenAt(where="reason", agent=standing.task.record.client_id, task=task))
        async with asyncio.timeout(parts.terms.facts_timeout_s):
            left = (await held_against(parts, standing, reason)).left
        return left if await parts.store.stand(standing.expects) else UNTOLD
    except (Fault, Refused, TimeoutError):
        return UNTOLD


async def reason_now(parts: Parts, record: AskRecord) -> str:
    """Why the desk did not do what was asked, as its agent may be told it at this moment.

    ⚔ What the reason names may have been taken away since it was recorded, as with what was told of a result.

    Source: docs/model/model.md#standing-again, #outbound.
    """
    return (
        await tellable_reason(parts, record.task, record.reason) if record.state is AskState.FAILED else record.reason
    )
