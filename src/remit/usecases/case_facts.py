"""What stands behind a case, for its card: how the agent proved itself, what speaks against it, who answered what, and what happened."""

from collections.abc import Mapping

from remit.domain.records import AgentRecord, AskRecord, ConfirmationRecord, Person, TaskRecord
from remit.domain.trajectory import risk, signs
from remit.domain.transcript import Kind, Section
from remit.domain.values import Json, JsonObject, instant_text
from remit.ports.store import Missing
from remit.usecases.parts import Parts
from remit.usecases.recording import entry_row, open_row
from remit.usecases.standing import Standing

_ENTRIES = 50


async def proof_of(parts: Parts, task: TaskRecord) -> JsonObject:
    """How the agent of a task proved itself and when, and since when it has its tier, set by whom."""
    try:
        agent = (await parts.store.get(AgentRecord, task.client_id)).record
    except Missing:
        return {}
    found: dict[str, Json] = {
        "how": agent.method,
        "actor": task.actor,
        "key": task.jkt,
        "at": instant_text(task.opened_at),
        "tier": agent.tier.value,
        "tier_by": "",
        "tier_at": instant_text(agent.created_at),
    }
    for entry in await parts.store.entries(ref=agent.id, limit=_ENTRIES, newest=True):
        opened = await open_row(parts, entry.row)
        if opened.kind in {Kind.AGENT_TRUSTED, Kind.AGENT_REGISTERED}:
            desk = opened.sections.get(Section.DESK)
            by = None if desk is None or desk.body is None else desk.body.get("by")
            return {**found, "tier_by": str(by or ""), "tier_at": instant_text(opened.at)}
    return found


def risk_of(parts: Parts, standing: Standing) -> JsonObject:
    """The risk of a live task, as it stands now, and what it comes from."""
    now = parts.world.now()
    return {"level": risk(standing.trails, now).highest, "signs": list(signs(standing.trails, now))}


async def answers_to(parts: Parts, ask: AskRecord) -> list[Json]:
    """Who answered an ask, as whom, what and when."""
    if not ask.confirmation:
        return []
    try:
        record = (await parts.store.get(ConfirmationRecord, ask.confirmation)).record
    except Missing:
        return []
    return [
        {"as": one.confirms_as, "by": one.person, "name": await _name(parts, one.person), "answer": one.answer, "at": instant_text(one.at)}
        for one in record.answers
    ]


async def timeline(parts: Parts, task: TaskRecord) -> list[Mapping[str, Json]]:
    """What is on the record about a task, with the desk's own section, the newest first."""
    return [await entry_row(parts, one) for one in await parts.store.entries(ref=task.id, limit=_ENTRIES, newest=True)]


async def _name(parts: Parts, person_id: str) -> str:
    try:
        return (await parts.store.get(Person, person_id)).record.name or person_id
    except Missing:
        return person_id
