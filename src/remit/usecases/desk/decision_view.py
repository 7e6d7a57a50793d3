"""Everything beside a decision, for an officer of its role: facts, reasons, case, notes and the agent's record.

⚔ For the desk alone: nothing of it reaches the agent, and nothing of it is part of what is signed.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Final

from remit.domain.catalogue.model import CUSTOMER, Catalogue
from remit.domain.confirm.render_values import action_label
from remit.domain.errors import Fault
from remit.domain.policy.confirmers import OFFICER
from remit.domain.policy.visitors import shown_tier
from remit.domain.records import (
    PERMITTED_ASKS,
    AgentRecord,
    AskRecord,
    AskState,
    ConfirmationRecord,
    PersonRecord,
    TaskRecord,
    TaskState,
)
from remit.domain.transcript.entry import Kind
from remit.domain.values import Json, JsonObject, instant_text, list_of, object_of
from remit.domain.words.excess import ask_texts
from remit.engine.ask.authorization_state import load_authorization_state
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.engine.desk import confirmation_answers, risk_facts
from remit.engine.leaks.scan_staff_text import scan_native_notes
from remit.engine.people.names import name_of
from remit.engine.transcript.record import entry_row
from remit.ports.store import RecordMissing
from remit.usecases.confirm.answer import open_invitation, verify_asked
from remit.usecases.confirm.queue_rows import assignment_json, eligible_recipients, handover_roles, rule_reason
from remit.usecases.desk.macros import task_macros
from remit.usecases.desk.record_facts import facts_for_officer

_NOTES: Final = 3
_WRITTEN: Final = 3
_EARLIER: Final = 200
_ENTRIES: Final = 50
_TASKS: Final = 20
_ASKS: Final = 50
_COLLEAGUES: Final = 50
_DAYS: Final = 30
_DAY_MS: Final = 86_400_000
_BLOCKED: Final = frozenset({AskState.REFUSED, AskState.VOID})
_DECLINED: Final = frozenset({AskState.DECLINED, AskState.EXPIRED})


async def decision_view(desk: DeskContext, officer: PersonRecord, confirmation_id: str) -> JsonObject:
    """Return everything beside one waiting confirmation of the officer's role.

    Raises:
        Refused: as `show_invitation`: ⚔ `confirmation.wrong_person` for another role, before anything is read.
    """
    kept, ask_kept = await open_invitation(desk, confirmation_id)
    record, ask = kept.record, ask_kept.record
    word = await verify_asked(desk, record, ask, officer)
    task = (await desk.store.get(TaskRecord, ask.task)).record
    facts, case = await asyncio.gather(facts_for_officer(desk, ask, task.objective), _case(desk, task))
    rows = [await entry_row(desk, one) for one in await desk.store.entries(ref=task.id, limit=_ENTRIES, newest=True)]
    return {
        "confirmation": record.id,
        "as": word,
        "facts": facts,
        "why": _why(desk, record, ask, word, rows),
        "answers": await confirmation_answers(desk, ask),
        "waits_for": sorted(set(record.who) - {one.confirms_as for one in record.answers}),
        "customer_asked": CUSTOMER in record.who,
        "customer": ask.customer,
        "customer_name": await name_of(desk, PersonRecord, ask.customer),
        "case": case,
        "written": await _written_before(desk, task, ask),
        "handed": await _handed(desk, record, rows),
        "agent": await _agent(desk, task),
        "held": await _held(desk, task),
        "due_at": instant_text(record.due),
        "taken": assignment_json(record, word, officer, desk.world.now()),
        **await _recipients(desk, officer, record, ask, word),
        "macros": [dict(one) for one in await task_macros(desk, task)],
    }


async def _case(desk: DeskContext, task: TaskRecord) -> JsonObject:
    """Return the case as the helpdesk has it now, with its last notes."""
    told: dict[str, Json] = {"case": task.case, "state": task.state.value, "reason": task.reason}
    try:
        notes = await scan_native_notes(desk, task)
        view = await desk.helpdesk.read(task.case)
    except Fault as fault:
        return {**told, "subject": "", "open": None, "notes": [], "unreadable": fault.code.value}
    last: list[Json] = [
        {"n": one.n, "at": one.at, "author": one.author, "public": one.public, "native": one.native, "text": one.text}
        for one in notes[-_NOTES:]
    ]
    return {**told, "subject": view.subject, "open": view.open, "notes": last, "unreadable": ""}


async def _written_before(desk: DeskContext, task: TaskRecord, ask: AskRecord) -> list[Json]:
    """Return the free texts of the task's done acts before this ask, such as a complaint's, newest first."""
    found: list[Json] = []
    for kept in await desk.store.find(AskRecord, "ask.task", task.id, limit=_EARLIER, newest=True):
        earlier = kept.record
        action = desk.catalogue.actions.get(earlier.action)
        if action is None or earlier.state is not AskState.DONE or earlier.at > ask.at or earlier.id == ask.id:
            continue
        texts = [text for _, text in ask_texts(action, recorded_params(earlier), None)]
        if texts:
            label = action_label(action)
            found.append({"ask": earlier.id, "act": label, "at": instant_text(earlier.at), "texts": list(texts)})
    return found[:_WRITTEN]


def _why(
    desk: DeskContext, record: ConfirmationRecord, ask: AskRecord, word: str, rows: list[Mapping[str, Json]]
) -> JsonObject:
    """Return the source of this role: an escalation rule, held words, the floor of the area, or a policy."""
    action = desk.catalogue.actions.get(ask.action)
    sent = "policy"
    if record.words:
        sent = "words"
    elif word in record.step:
        sent = "rule"
    elif action is not None and word in desk.catalogue.floors[action.area]:
        sent = "floor"
    return {
        "role": word.removeprefix(OFFICER),
        "sent": sent,
        "rule": record.rule if sent == "rule" else "",
        "reason": rule_reason(desk, record) if sent == "rule" else "",
        "area": str(action.area) if action is not None else "",
        "policies": _policies(ask, rows),
        "then": list(record.then[0].roles) if record.then and word in record.step else [],
        "risk": record.risk,
        "signs": list(record.signs),
    }


def _policies(ask: AskRecord, rows: list[Mapping[str, Json]]) -> list[Json]:
    """Return the policies behind the decision that asked, by its entry."""
    for row in rows:
        if row["kind"] == Kind.ASK_DECIDED.value and object_of(row["envelope"]).get("ask") == ask.id:
            return [str(one) for one in list_of(object_of(row["content"]).get("policies"))]
    return []


async def _handed(desk: DeskContext, record: ConfirmationRecord, rows: list[Mapping[str, Json]]) -> list[Json]:
    """Return the hand-overs of this confirmation with their notes, newest first."""
    found: list[Json] = []
    for row in rows:
        envelope, content = object_of(row["envelope"]), object_of(row["content"])
        if row["kind"] != Kind.CONFIRMATION_HANDED.value:
            continue
        if envelope.get("confirmation") == record.id and content.get("by"):
            by, to = str(content["by"]), str(content.get("to", ""))
            found.append(
                {
                    "by": by,
                    "name": await name_of(desk, PersonRecord, by),
                    "to": _role_or_name(desk.catalogue, to) or await name_of(desk, PersonRecord, to),
                    "note": str(content.get("note", "")),
                    "at": row["at"],
                }
            )
    return found


def _role_or_name(catalogue: Catalogue, to: str) -> str:
    found = catalogue.roles.get(to)
    return "" if found is None else found.title


async def _agent(desk: DeskContext, task: TaskRecord) -> JsonObject:
    """Return the agent's record here: its asks of the last days by their end, over its latest tasks."""
    try:
        agent = (await desk.store.get(AgentRecord, task.client_id)).record
    except RecordMissing:
        agent = None
    since = desk.world.now() - _DAYS * _DAY_MS
    live = await desk.store.find(TaskRecord, "task.live_agent", task.client_id, limit=_TASKS, newest=True)
    tasks = {one.record.id for one in live} | {task.id}
    for entry in await desk.store.entries(ref=task.client_id, limit=_ENTRIES, newest=True):
        named = object_of((await entry_row(desk, entry))["envelope"]).get("task")
        if isinstance(named, str) and len(tasks) < _TASKS:
            tasks.add(named)
    counts: Counter[str] = Counter()
    for one in tasks:
        for ask in await desk.store.find(AskRecord, "ask.task", one, limit=_ASKS, newest=True):
            if ask.record.at >= since:
                counts[_ended(ask.record)] += 1
    return {
        "agent": task.client_id,
        "name": agent.name if agent is not None else task.client_id,
        "operator": task.operator,
        "tier": "unproved" if agent is None else shown_tier(agent, task.jkt).value,
        "since": instant_text(agent.created_at if agent is not None else task.opened_at),
        "days": _DAYS,
        "tasks": len(tasks),
        "allowed": counts["allowed"],
        "blocked": counts["blocked"],
        "declined": counts["declined"],
    }


def _ended(ask: AskRecord) -> str:
    if ask.state in PERMITTED_ASKS:
        return "allowed"
    return "blocked" if ask.state in _BLOCKED else "declined" if ask.state in _DECLINED else "open"


async def _held(desk: DeskContext, task: TaskRecord) -> JsonObject | None:
    """Return why a task is on hold and the people able to resume it; None for one that is not."""
    if task.state is not TaskState.HELD:
        return None
    risk = risk_facts(desk, await load_authorization_state(desk, task.id))
    people: dict[str, str] = {}
    for role in ("security", "admin"):
        for one in await desk.store.find(PersonRecord, "person.role", role, limit=5):
            people[one.record.id] = one.record.name or one.record.id
    return {**risk, "task": task.id, "people": sorted(people.values())}


async def _recipients(
    desk: DeskContext, officer: PersonRecord, record: ConfirmationRecord, ask: AskRecord, word: str
) -> JsonObject:
    role = word.removeprefix(OFFICER)
    people = [one.record for one in await desk.store.find(PersonRecord, "person.role", role, limit=_COLLEAGUES)]
    able = await eligible_recipients(desk, record, ask, word, people)
    return {
        "colleagues": [{"id": one.id, "name": one.name} for one in able if one.key != officer.key],
        "roles": handover_roles(desk, record, word),
    }
