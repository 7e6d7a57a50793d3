"""Views for security: agents, suspensions, events and changes."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from remit.domain.confirm.render_values import quoted_text
from remit.domain.records import AgentRecord, PersonRecord, Suspension, TaskRecord
from remit.domain.text.normalize import make_visible
from remit.domain.transcript.entry import Kind
from remit.domain.values import Json, instant_text
from remit.engine.confirm.invite import WHAT as RULES
from remit.engine.context import DeskContext
from remit.engine.people.names import name_of
from remit.engine.tasks import has_moved_or_leaked
from remit.engine.transcript.record import entry_row
from remit.usecases.transcript.officers_named import for_security, names_officers

EVENTS: Final = frozenset({
    Kind.AGENT_DISOWNED,
    Kind.AGENT_SUSPENDED,
    Kind.CANARY_SEEN,
    Kind.CONTEST_RAISED,
    Kind.CREDENTIAL_MISUSED,
    Kind.INCIDENT_CLOSED,
    Kind.LEAK_FOUND,
    Kind.LOG_RECOVERED,
    Kind.MESSAGE_BLOCKED,
    Kind.NOISE_COUNTED,
    Kind.TASK_HELD,
    Kind.WAIVER_USED,
})  # fmt: skip
CHANGES: Final = frozenset({
    *(Kind.AGENT_REGISTERED, Kind.AGENT_RESUMED, Kind.AGENT_TRUSTED, Kind.PERSON_CHANGED, Kind.POLICY_CHANGED),
    *(Kind.CANARY_PLANTED, Kind.CANARY_REMOVED),
})  # fmt: skip
_PAGE: Final = 200
_SHOWN: Final = 25
_LATELY: Final = 300
_LOOKED_AT: Final = 2000


async def list_agents(desk: DeskContext) -> list[Mapping[str, Json]]:
    """List the registered agents, newest first."""
    stopped = {one.record.id for one in await desk.store.find(Suspension, "suspension.active", "", limit=1000)}
    return [
        {**agent_row(one.record), "operator_suspended": f"operator:{one.record.operator}" in stopped}
        for one in await desk.store.find(AgentRecord, "agent.all", "", limit=_PAGE, newest=True)
    ]


def agent_row(agent: AgentRecord) -> Mapping[str, Json]:
    """Return one agent as people see it."""
    return {
        "client_id": agent.id,
        "actor": agent.actor,
        "operator": agent.operator,
        "name": agent.name,
        "tier": agent.tier.value,
        "method": agent.method,
        "redirect_uris": list(agent.redirect_uris),
        "registered_at": instant_text(agent.created_at),
        "suspended": agent.suspended,
    }


async def list_suspensions(desk: DeskContext) -> list[Mapping[str, Json]]:
    """List active suspensions: agents, operators, customers and objectives; then the tasks held for their risk.

    `alone` is whether one person may resume it: of the first held tasks, that of the rest is not looked up.
    """
    found: list[Mapping[str, Json]] = [
        {"what": "agent", "name": one.record.id, "reason": one.record.suspended, "by": "", "at": None, "alone": False}
        for one in await desk.store.find(AgentRecord, "agent.all", "", limit=1000)
        if one.record.suspended
    ]
    for kept in await desk.store.find(Suspension, "suspension.active", "", limit=1000):
        what, _, name = kept.record.id.partition(":")
        one = kept.record
        at = instant_text(one.at)
        by = one.by if names_officers(desk, "security") else ""
        found.append({"what": what, "name": name, "reason": one.reason, "by": by, "at": at, "alone": False})
    for number, held in enumerate(await desk.store.find(TaskRecord, "task.held", "", limit=1000)):
        task = held.record
        alone = number < _PAGE and not await has_moved_or_leaked(desk, task.id)
        at = instant_text(task.opened_at)
        reason = desk.catalogue.say(
            "{agent}, acting for {customer}: the risk was too high",
            agent=quoted_text(await name_of(desk, AgentRecord, task.client_id), desk.catalogue.say),
            customer=make_visible(await name_of(desk, PersonRecord, task.customer)),
        )
        whose: Mapping[str, Json] = {"agent": task.client_id, "customer": task.customer}
        found.append({"what": "task", "name": task.id, "reason": reason, "by": "", "at": at, "alone": alone, **whose})
    return found


async def list_officers(desk: DeskContext) -> list[Mapping[str, Json]]:
    """List the desk's own people and their roles."""
    found = await desk.store.find(PersonRecord, "person.kind", "officer", limit=_PAGE)
    return [
        {"id": one.record.id, "name": one.record.name, "email": one.record.email, "roles": list(one.record.roles)}
        for one in found
    ]


async def list_customers(desk: DeskContext) -> list[Mapping[str, Json]]:
    """List the newest customers, to look up an id."""
    found = await desk.store.find(PersonRecord, "person.kind", "customer", limit=_PAGE, newest=True)
    return [{"id": one.record.id, "name": one.record.name} for one in found]


async def list_events(desk: DeskContext) -> list[Mapping[str, Json]]:
    """List the events for security among the newest entries, newest first."""
    return [for_security(desk, one) for one in await _newest(desk, EVENTS, among=_LOOKED_AT, most=_PAGE)]


async def list_decisions(desk: DeskContext) -> list[Mapping[str, Json]]:
    """List the newest decisions on agents' asks, newest first, with their risk and its causes."""
    found = await _newest(desk, frozenset({Kind.ASK_DECIDED}), among=_LATELY, most=_SHOWN)
    return [for_security(desk, one) for one in found]


async def list_changes(desk: DeskContext) -> list[Mapping[str, Json]]:
    """List changes of how the desk decides, newest first: all rules; agents, trust and roles of recent entries."""
    rules = [await entry_row(desk, one) for one in await desk.store.entries(ref=RULES, limit=_SHOWN, newest=True)]
    others = await _newest(desk, CHANGES, among=_LOOKED_AT, most=_SHOWN)
    found = {_place(one): one for one in (*rules, *others) if _of_the_desk(one)}
    return [for_security(desk, found[place]) for place in sorted(found, reverse=True)[:_SHOWN]]


def _of_the_desk(row: Mapping[str, Json]) -> bool:
    """Return whether the desk made a change; customers' changes to their own account are theirs."""
    envelope, content = row["envelope"], row["content"]
    if row["kind"] != Kind.PERSON_CHANGED or not isinstance(envelope, Mapping):
        return True
    by_desk = isinstance(content, Mapping) and bool(content.get("by"))
    return by_desk or envelope.get("as") == "officer" or "roles" in envelope


def _place(row: Mapping[str, Json]) -> int:
    place = row["entry"]
    return place if isinstance(place, int) else 0


async def _newest(desk: DeskContext, kinds: AbstractSet[Kind], *, among: int, most: int) -> list[Mapping[str, Json]]:
    """Return the newest entries of some kinds, among a limited number; only those are opened."""
    found = [one for one in await desk.store.entries(limit=among, newest=True) if one.row.kind in kinds]
    return [await entry_row(desk, one) for one in found[:most]]
