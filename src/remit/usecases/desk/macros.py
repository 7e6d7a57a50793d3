"""Prepared replies for one case, with the names filled in."""

from collections.abc import Mapping

from remit.domain.catalogue.macros import filled_macro
from remit.domain.records import AgentRecord, PersonRecord, TaskRecord
from remit.domain.values import Json
from remit.engine.context import DeskContext
from remit.engine.outbound.check import case_tasks
from remit.ports.store import RecordMissing


async def case_macros(desk: DeskContext, case: str) -> list[Mapping[str, Json]]:
    """Return the desk's macros for a case, in the reader's language, as typed text: they are checked when sent.

    Raises:
        Refused: `request.not_found`.
    """
    return await task_macros(desk, (await case_tasks(desk, case))[-1])


async def task_macros(desk: DeskContext, task: TaskRecord) -> list[Mapping[str, Json]]:
    """Return the macros for the case of a task."""
    if not desk.catalogue.macros:
        return []
    values = {"case": task.case, "customer": task.customer, "agent": task.client_id}
    try:
        values["customer"] = (await desk.store.get(PersonRecord, task.customer)).record.name or task.customer
        values["agent"] = (await desk.store.get(AgentRecord, task.client_id)).record.name or task.client_id
    except RecordMissing:
        pass
    return [{"name": one.name, "title": one.title, "text": filled_macro(one, values)} for one in desk.catalogue.macros]
