"""A case as a chronological story for auditors: grants, asks, decisions, confirmations, acts and replies."""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.policy.visitors import shown_tier
from remit.domain.records import AgentRecord, MandateRecord, PersonRecord, TaskRecord
from remit.domain.structs import struct
from remit.domain.values import Json, instant_text
from remit.engine.context import DeskContext
from remit.engine.outbound.check import case_tasks
from remit.engine.people.names import name_of
from remit.engine.transcript.record import entry_row
from remit.ports.store import RecordMissing, StoredEntry

PAGE: Final = 200


@struct(frozen=True, kw_only=True)
class CaseStory:
    """One page of a story; `after` is the next page's start, None on the last."""

    case: str
    customer: str
    customer_name: str
    tasks: Sequence[Mapping[str, Json]]
    entries: Sequence[Mapping[str, Json]]
    after: int | None


async def case_story(desk: DeskContext, case: str, *, low: int) -> CaseStory:
    """Return a page of a case's story from entry `low` on, over its tasks, their mandates and all ancestors.

    Raises:
        Refused: `request.not_found`.
        Fault: `fault.store`.
    """
    tasks = await case_tasks(desk, case)
    refs: dict[str, None] = {case: None}
    for task in tasks:
        refs[task.id] = None
        name = task.mandate
        while name and name not in refs:
            refs[name] = None
            name = (await desk.store.get(MandateRecord, name)).record.parent
    found: dict[int, StoredEntry] = {}
    for ref in refs:
        found.update({one.index: one for one in await desk.store.entries(ref=ref, low=low, limit=PAGE)})
    # The overall first ones are among the first of each.
    places = sorted(found)[:PAGE]
    customer = tasks[-1].customer
    return CaseStory(
        case=case,
        customer=customer,
        customer_name=await name_of(desk, PersonRecord, customer),
        tasks=[await _task(desk, one) for one in tasks],
        entries=[await entry_row(desk, found[place]) for place in places],
        after=places[-1] + 1 if len(places) == PAGE else None,
    )


async def _task(desk: DeskContext, task: TaskRecord) -> Mapping[str, Json]:
    try:
        agent = (await desk.store.get(AgentRecord, task.client_id)).record
        name, tier = agent.name, shown_tier(agent, task.jkt).value
    except RecordMissing:
        name, tier = task.client_id, ""
    return {
        "task": task.id,
        "mandate": task.mandate,
        "agent": task.client_id,
        "agent_name": name,
        "operator": task.operator,
        "tier": tier,
        "objective": task.objective,
        "state": task.state.value,
        "reason": task.reason,
        "opened_at": instant_text(task.opened_at),
    }
