"""What an agent is told of why the desk did not do something: its reason, without what this agent may not be told.

The desk's own people and the customer read the reason as it is.
"""

import asyncio
from typing import Final

from remit.domain.errors import Fault, Refused
from remit.usecases.check_reply import held_against
from remit.usecases.parts import Parts
from remit.usecases.standing import load_standing

UNTOLD: Final = "The desk gave a reason that cannot be told now."


async def tellable_reason(parts: Parts, task: str, reason: str) -> str:
    """Hold a desk's reason against what the agent of a task may be told, as an officer's text is.

    ⚔ A reason is free text of a system that knows the customer: it names what does not fit, and with it what is uncovered.
    Facts that cannot be read let nothing of it out.

    Source: 2-model.md §7 (Outbound), 7-peers.md P12.
    """
    if not reason:
        return ""
    try:
        standing = await load_standing(parts, task)
        async with asyncio.timeout(parts.terms.facts_timeout_s):
            return (await held_against(parts, standing, reason)).left
    except (Fault, Refused, TimeoutError):
        return UNTOLD
