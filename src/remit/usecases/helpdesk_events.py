"""Events of the helpdesk wake Remit: it reads the ticket itself, and believes nothing of the event.

Source: docs/model/model.md#helpdesk-events.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from remit.domain.errors import Fault
from remit.domain.identity.event_signatures import EventScheme, event_ticket, verify_event
from remit.domain.records import TaskRecord, TaskState
from remit.domain.structs import struct
from remit.domain.values import Json
from remit.engine.ask.case_state import case_ending
from remit.engine.context import DeskContext
from remit.engine.tasks import end_task
from remit.usecases.native_replies import take_native_replies

_ROUND: Final = 20
"""Maximum tickets read in one round."""
_TASKS: Final = 50


@struct(frozen=True)
class HelpdeskEvent:
    """An event as it came. `header` returns the one value of a header ("" when absent)."""

    header: Callable[[str], str]
    raw: bytes
    body: Mapping[str, Json]


def note_helpdesk_event(desk: DeskContext, scheme: EventScheme, event: HelpdeskEvent) -> None:
    """Remember the ticket that an event names. ⚔ The reply is the same whether it is one of ours.

    Raises:
        Refused: `credential.missing`, `credential.wrong_key`, `credential.expired` where events are signed;
            `request.malformed`.
    """
    if desk.event_secret:
        verify_event(scheme, desk.event_secret, event.header, event.raw, desk.world.now())
    desk.woken_tickets.add(event_ticket(scheme, event.body))


async def read_woken_tickets(desk: DeskContext) -> int:
    """Read the tickets that events named, end the tasks that their cases end, and take up native replies.

    What cannot be read is left to the next look at its case, which every write and every delivery makes.

    Source: docs/model/model.md#case-reread.
    """
    tickets = desk.woken_tickets.take(_ROUND)
    ended = 0
    for ticket in tickets:
        try:
            async with asyncio.timeout(desk.terms.desk_timeout_s):
                case = await desk.helpdesk.case_of_ticket(ticket)
            ended += await _read(desk, case) if case else 0
        except (Fault, TimeoutError):
            continue
    return ended + (await take_native_replies(desk) if tickets else 0)


async def _read(desk: DeskContext, case: str) -> int:
    found = await desk.store.find(TaskRecord, "task.case", case, limit=_TASKS, newest=True)
    live = [kept.record for kept in found if kept.record.state is not TaskState.ENDED]
    reason = await case_ending(desk, case) if live else None
    if reason is None:
        return 0
    for task in live:
        await end_task(desk, task.id, reason)
    return len(live)
