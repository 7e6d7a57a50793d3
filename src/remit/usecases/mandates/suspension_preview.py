"""Preview of a suspension's effects; nothing is changed."""

from collections import Counter
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.records import AskRecord, AskState, MandateRecord, TaskRecord, open_asks_key
from remit.domain.structs import struct
from remit.engine.agents.authenticate import get_agent
from remit.engine.context import DeskContext
from remit.engine.mandates.revoke import is_known
from remit.ports.store import Versioned

LIMIT: Final = 500
"""Maximum mandates and tasks examined; `full` says where there are more."""
_WHATS: Final = frozenset({"agent", "customer", "objective", "operator"})


@struct(frozen=True, kw_only=True)
class SuspensionPreview:
    """The effects of a suspension: `customers` counts those affected; `sent` are acts already under way."""

    known: bool
    mandates: int
    tasks: int
    confirmations: int
    acts: int
    sent: int
    customers: int
    full: bool


async def preview_suspension(desk: DeskContext, *, what: str, name: str) -> SuspensionPreview:
    """Count the mandates and tasks a suspension would end or disable, with all sub-mandates.

    Raises:
        Refused: `request.malformed` for something else, `agent.unknown`, `objective.unknown`.
        Fault: `fault.store`.
    """
    if what not in _WHATS or not name:
        public = marked("Enter one of agent, operator, customer or objective.")
        raise Refused(Code.REQUEST_MALFORMED, "not one of the four", public=public)
    if what == "objective":
        desk.catalogue.objective(name)
    if what == "agent":
        await get_agent(desk, name)
    mandates = {
        one.record.id: one.record
        for one in await desk.store.find(MandateRecord, f"mandate.live_{what}", name, limit=LIMIT)
    }
    tasks = {
        one.record.id: one.record for one in await desk.store.find(TaskRecord, f"task.live_{what}", name, limit=LIMIT)
    }
    full = max(len(mandates), len(tasks)) == LIMIT
    left = list({*mandates, *(one.mandate for one in tasks.values())})
    while left and not full:
        above = left.pop()
        for child in await desk.store.find(MandateRecord, "mandate.live_parent", above, limit=LIMIT):
            if child.record.id not in mandates:
                mandates[child.record.id] = child.record
                left.append(child.record.id)
        below: list[Versioned[TaskRecord]] = list(
            await desk.store.find(TaskRecord, "task.live_mandate", above, limit=LIMIT)
        )
        tasks.update({one.record.id: one.record for one in below})
        full = max(len(mandates), len(tasks)) >= LIMIT
    asks: Counter[AskState] = Counter()
    for task in list(tasks)[:LIMIT]:
        asks.update(
            one.record.state for one in await desk.store.find(AskRecord, "ask.task", open_asks_key(task), limit=LIMIT)
        )
    return SuspensionPreview(
        known=await is_known(desk, what, name),
        mandates=len(mandates),
        tasks=len(tasks),
        confirmations=asks[AskState.WAITING],
        acts=asks[AskState.PERMITTED],
        sent=asks[AskState.ACTING] + asks[AskState.UNKNOWN],
        customers=len({one.customer for one in mandates.values()} | {one.customer for one in tasks.values()}),
        full=full,
    )
