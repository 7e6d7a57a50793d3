"""Background of a case for its card: the agent's authentication, risk, answers and timeline."""

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from remit.domain.catalogue.model import Action, MarkKind
from remit.domain.confirm.distinct_names import RecordNames
from remit.domain.confirm.render_mandate import limit_records
from remit.domain.confirm.render_values import Names, part_kind, records_with_parts
from remit.domain.errors import Code, Fault
from remit.domain.mandate.model import Mandate
from remit.domain.param_paths import values_at
from remit.domain.policy.decision import RecordFacts
from remit.domain.policy.risk import overall_risk, risk_signs
from remit.domain.policy.visitors import shown_tier
from remit.domain.records import AgentRecord, AskRecord, ConfirmationRecord, PersonRecord, TaskRecord
from remit.domain.transcript.entry import Kind, Section
from remit.domain.values import Json, JsonObject, instant_text
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.facts import fetch_facts
from remit.engine.context import DeskContext
from remit.engine.people.names import name_of
from remit.engine.transcript.record import entry_row, open_entry
from remit.ports.store import RecordMissing

_ENTRIES = 50


async def authentication_facts(context: DeskContext, task: TaskRecord) -> JsonObject:
    """Return how and when a task's agent authenticated, and since when and by whose change it has its tier."""
    try:
        agent = (await context.store.get(AgentRecord, task.client_id)).record
    except RecordMissing:
        return {}
    found: dict[str, Json] = {
        "how": agent.method,
        "actor": task.actor,
        "key": task.jkt,
        "at": instant_text(task.opened_at),
        "tier": shown_tier(agent, task.jkt).value,
        "tier_by": "",
        "tier_at": instant_text(agent.created_at),
    }
    for entry in await context.store.entries(ref=agent.id, limit=_ENTRIES, newest=True):
        opened = await open_entry(context, entry.row)
        if opened.kind in {Kind.AGENT_TRUSTED, Kind.AGENT_REGISTERED}:
            desk = opened.sections.get(Section.DESK)
            by = None if desk is None or desk.body is None else desk.body.get("by")
            return {**found, "tier_by": str(by or ""), "tier_at": instant_text(opened.at)}
    return found


def risk_facts(desk: DeskContext, state: AuthorizationState) -> JsonObject:
    """Return the present risk of a live task and its causes."""
    now, customer = desk.world.now(), state.task.record.customer
    level = overall_risk(state.trails, now, customer).highest
    return {"level": level, "signs": list(risk_signs(state.trails, now, customer))}


async def confirmation_answers(desk: DeskContext, ask: AskRecord) -> list[Json]:
    """Return the answers to an ask: person, capacity, answer and time."""
    if not ask.confirmation:
        return []
    try:
        record = (await desk.store.get(ConfirmationRecord, ask.confirmation)).record
    except RecordMissing:
        return []
    return [
        {
            "as": one.confirms_as,
            "by": one.person,
            "name": await name_of(desk, PersonRecord, one.person),
            "answer": one.answer,
            "at": instant_text(one.at),
        }
        for one in record.answers
    ]


async def task_timeline(desk: DeskContext, task: TaskRecord) -> list[Mapping[str, Json]]:
    """Return a task's entries with the desk's section, newest first."""
    return [await entry_row(desk, one) for one in await desk.store.entries(ref=task.id, limit=_ENTRIES, newest=True)]


_Places: TypeAlias = dict[tuple[str, str], None]

_NONE: Final[Names] = MappingProxyType({})


async def record_names(
    desk: DeskContext, customer: str, asks: Iterable[tuple[Action, JsonObject]], known: Names
) -> Names:
    """Return the names of every record in the params of asks; `known` are those resolved already.

    Raises:
        Fault: `fault.backoffice`.
    """
    records: _Places = {}
    whole: _Places = {}
    for action, params in asks:
        whole |= dict.fromkeys(records_with_parts(action, params))
        for mark in action.marked(MarkKind.RESOURCE):
            records |= {(mark.of, one): None for value in values_at(params, mark.path) for one in _texts(value)}
    missing = [one for one in records if one not in known]
    return RecordNames({**known, **await _asked(desk, customer, missing, list(whole))})


async def mandate_record_names(desk: DeskContext, customer: str, mandate: Mandate, known: Names = _NONE) -> Names:
    """Return the names of a mandate's target records, of records in its limits, and of the targets' parts.

    Raises:
        Fault: `fault.backoffice`.
    """
    targets = [(kind, one) for kind, ids in mandate.objective.target.items() for one in ids]
    tested = limit_records(mandate, desk.catalogue)
    missing = [one for one in dict.fromkeys([*targets, *tested]) if one not in known]
    return RecordNames({**known, **await _asked(desk, customer, missing, targets)})


async def names_if_reachable(asked: Coroutine[None, None, Names]) -> Names:
    """Return names for a display page; empty while the desk's records cannot be reached."""
    try:
        return await asked
    except Fault:
        return {}


async def _asked(
    desk: DeskContext, customer: str, records: Collection[tuple[str, str]], whole: Collection[tuple[str, str]]
) -> Names:
    names: dict[tuple[str, str], str] = {}
    try:
        async with asyncio.timeout(desk.terms.facts_timeout_s):
            facts = await fetch_facts(desk, list(records), customer=customer) if records else ()
            contents = await desk.backoffice.contents(list(whole), customer=customer) if whole else ()
    except TimeoutError:
        raise Fault(Code.FAULT_BACKOFFICE, "names took too long") from None
    if not isinstance(contents, list | tuple) or len(contents) != len(whole):
        raise Fault(Code.FAULT_BACKOFFICE, "the desk's answer about the parts of records is malformed")
    for place, fact in zip(records, facts, strict=True):
        if fact is not None and _is_seen(desk, customer, place, fact):
            names[place] = fact.name or place[1]
    for (kind, record_id), found in zip(whole, contents, strict=True):
        names |= {(part_kind(kind, record_id), part): name for part, name in found.items()}
    return names


def _is_seen(desk: DeskContext, customer: str, place: tuple[str, str], fact: RecordFacts) -> bool:
    """Return whether this is the requested record, and the customer's own or public."""
    resource = desk.catalogue.resources.get(place[0])
    return fact.id == place[1] and (customer in fact.owners or (resource is not None and resource.public))


def _texts(value: object) -> Iterable[str]:
    found: Iterable[object] = value if isinstance(value, list | tuple) else (value,)
    return [one for one in found if isinstance(one, str)]
