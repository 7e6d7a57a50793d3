"""Agents and operators as security sees them: identity, present work, and history."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.incidents.records import IncidentRecord
from remit.domain.records import (
    PERMITTED_ASKS,
    AgentRecord,
    AskRecord,
    AskState,
    MandateRecord,
    Suspension,
    TaskRecord,
)
from remit.domain.transcript.entry import Kind, logged_envelope
from remit.domain.values import Json, instant_text
from remit.engine.agents.authenticate import get_agent
from remit.engine.context import DeskContext
from remit.engine.transcript.record import entry_row
from remit.ports.store import RecordMissing
from remit.usecases.desk.security_view import agent_row
from remit.usecases.incidents.view import ANY, IncidentFilter, list_incidents
from remit.usecases.transcript.officers_named import for_security

AGENTS: Final = 200
"""Agents of one list."""
_AGENTS: Final = 20
"""Agents of an operator whose entries stand in its history."""
_MERGED: Final = re.compile(r"\A([a-z]+):/(?!/)")
"""An id as an address has it behind a proxy that makes one slash of two."""
_LIVE: Final = 2000
_ENTRIES: Final = 40
_GRANTS: Final = 400
_MANDATES: Final = 100
_ASKS: Final = 1000


async def agent_rows(desk: DeskContext, *, operator: str = "") -> list[Mapping[str, Json]]:
    """List agents, newest first, each with its running `tasks`, its `incidents` that are not closed, and its stop."""
    index, key = ("agent.operator", operator) if operator else ("agent.all", "")
    found = await desk.store.find(AgentRecord, index, key, limit=AGENTS, newest=True)
    tasks = Counter(
        one.record.client_id for one in await desk.store.find(TaskRecord, "task.live", "", limit=_LIVE, newest=True)
    )
    live = await desk.store.find(IncidentRecord, "incident.live", "", limit=_LIVE)
    incidents = Counter(agent for one in live for agent in one.record.agents)
    stopped = {one.record.id for one in await desk.store.find(Suspension, "suspension.active", "", limit=_LIVE)}
    return [
        {
            **agent_row(one.record),
            "operator_suspended": f"operator:{one.record.operator}" in stopped,
            "tasks": tasks[one.record.id],
            "incidents": incidents[one.record.id],
        }
        for one in found
    ]


async def read_agent(desk: DeskContext, client_id: str) -> Mapping[str, Json]:
    """Return one agent: its registration, `keys` in a word, `decisions` and `customers` of its newest permissions, the
    tasks that run now, its incidents and its newest entries.

    Raises:
        Refused: `agent.unknown`.
        Fault: `fault.store`.
    """
    agent = (await get_agent(desk, _MERGED.sub(r"\1://", client_id))).record
    decisions, customers = await _history(desk, agent.id)
    tasks = await desk.store.find(TaskRecord, "task.live_agent", agent.id, limit=_MANDATES, newest=True)
    return {
        **agent_row(agent),
        "operator_suspended": await _is_stopped(desk, agent.operator),
        "keys": _keys_in_a_word(agent.keys),
        "known_by": agent.known_by,
        "decisions": dict(decisions),
        "customers": customers,
        "tasks": [task_row(desk, one.record) for one in tasks],
        "incidents": await list_incidents(desk, IncidentFilter(state=ANY, agent=agent.id)),
        "entries": await _entries(desk, agent.id),
    }


async def read_operator(desk: DeskContext, operator: str) -> Mapping[str, Json]:
    """Return one operator: its agents, the tasks that run now, its customers, its incidents and its newest entries.

    Raises:
        Refused: `request.not_found` for one without agents that is not stopped either.
        Fault: `fault.store`.
    """
    agents = await agent_rows(desk, operator=operator)
    suspension = await _suspension(desk, operator)
    if not agents and suspension is None:
        public = marked("No agent is run by this operator.")
        raise Refused(Code.REQUEST_NOT_FOUND, "no agent is run by it", public=public)
    tasks = await desk.store.find(TaskRecord, "task.live_operator", operator, limit=_MANDATES, newest=True)
    mandates = await desk.store.find(MandateRecord, "mandate.live_operator", operator, limit=_LIVE)
    stopped = suspension is not None and suspension.active
    return {
        "operator": operator,
        "suspended": stopped,
        "reason": suspension.reason if suspension is not None and stopped else "",
        "first_seen_at": min((str(one["registered_at"]) for one in agents), default=None),
        "agents": agents,
        "customers": len({one.record.customer for one in mandates}),
        "tasks": [task_row(desk, one.record) for one in tasks],
        "incidents": await list_incidents(desk, IncidentFilter(state=ANY, operator=operator)),
        "entries": await _entries(desk, operator, *(str(one["client_id"]) for one in agents[:_AGENTS])),
    }


def task_row(desk: DeskContext, task: TaskRecord) -> Mapping[str, Json]:
    """Return one running task."""
    objective = desk.catalogue.objectives.get(task.objective)
    return {
        "task": task.id,
        "case": task.case,
        "customer": task.customer,
        "agent": task.client_id,
        "objective": task.objective,
        "title": objective.title if objective is not None else task.objective,
        "state": task.state.value,
        "opened_at": instant_text(task.opened_at),
    }


async def _suspension(desk: DeskContext, operator: str) -> Suspension | None:
    try:
        return (await desk.store.get(Suspension, f"operator:{operator}")).record
    except RecordMissing:
        return None


async def _is_stopped(desk: DeskContext, operator: str) -> bool:
    found = await _suspension(desk, operator)
    return found is not None and found.active


async def _entries(desk: DeskContext, *refs: str) -> Sequence[Mapping[str, Json]]:
    """Return the newest entries under some look-up ids, newest first."""
    found = {one.index: one for ref in refs for one in await desk.store.entries(ref=ref, limit=_ENTRIES, newest=True)}
    opened = [await entry_row(desk, found[place]) for place in sorted(found, reverse=True)[:_ENTRIES]]
    return [for_security(desk, one) for one in opened]


async def _history(desk: DeskContext, client_id: str) -> tuple[Mapping[str, int], int]:
    """Return the decisions on the asks of an agent's newest mandates, and the number of their customers."""
    found = await desk.store.entries(ref=client_id, limit=_GRANTS, newest=True)
    granted = [one.row for one in found if one.row.kind == Kind.MANDATE_GRANTED][:_MANDATES]
    counted: Counter[str] = Counter({"allowed": 0, "blocked": 0, "declined": 0, "waiting": 0})
    left = _ASKS
    for row in granted:
        mandate = str(logged_envelope(row.envelope, row.leaf).get("mandate", ""))
        for task in await desk.store.find(TaskRecord, "task.mandate", mandate, limit=_MANDATES):
            if left <= 0:
                break
            asks = await desk.store.find(AskRecord, "ask.task", task.record.id, limit=left)
            left -= len(asks)
            counted.update(word for one in asks if (word := _decided(one.record)))
    return counted, len({row.subject for row in granted if row.subject})


def _decided(ask: AskRecord) -> str:
    """Return the word for a decision ("" for a void ask)."""
    if ask.state in PERMITTED_ASKS:
        return "allowed"
    return {
        AskState.REFUSED: "blocked",
        AskState.WAITING: "waiting",
        AskState.DECLINED: "declined",
        AskState.EXPIRED: "declined",
    }.get(ask.state, "")


def _keys_in_a_word(keys: str) -> str:
    """Return where an agent's keys come from: an address, a file, or their number."""
    source = json.loads(keys)
    if not source:
        return ""
    inline = source.get("jwks")
    if isinstance(inline, Mapping):
        found = inline.get("keys")
        return str(len(found)) if isinstance(found, list) else "1"
    return next((str(value) for value in source.values() if isinstance(value, str)), "")
