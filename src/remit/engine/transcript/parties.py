"""The parties of entries, for people who read them: the agents behind an ask, a task or a mandate, and the staff."""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.records import AgentRecord, MandateRecord, PersonRecord, TaskRecord
from remit.domain.structs import struct
from remit.domain.transcript.people_named import doers
from remit.domain.values import Json, object_of
from remit.engine.context import DeskContext
from remit.engine.people.names import name_of
from remit.ports.store import RecordMissing

_PLACES: Final = ("ask", "task", "mandate")
"""Members of an envelope whose agent is always the same."""
_STAFF: Final = 200


@struct(frozen=True)
class AgentParty:
    """An agent of an entry, by its client id; without name and operator where its registration is gone."""

    client_id: str
    name: str = ""
    operator: str = ""


async def entry_agents(desk: DeskContext, rows: Sequence[Mapping[str, Json]]) -> Mapping[str, AgentParty]:
    """Return the agents of entries, by every id that the entries carry: their ask, task, mandate and client id."""
    envelopes = [object_of(row["envelope"]) for row in rows]
    clients: dict[str, str] = {}
    for one in envelopes:
        agent = str(one.get("agent") or (one.get("name", "") if one.get("what") == "agent" else ""))
        if agent:
            clients |= {agent: agent, **{str(one[place]): agent for place in _PLACES if one.get(place)}}
    for one in envelopes:
        await _add_by_records(desk, one, clients)
    parties = {client: await _party(desk, client) for client in set(clients.values())}
    return {place: parties[client] for place, client in clients.items()}


async def _add_by_records(desk: DeskContext, envelope: Mapping[str, Json], clients: dict[str, str]) -> None:
    """Add the agent of an entry that names it by its task or its mandate alone."""
    task, mandate, ask = (str(envelope.get(one, "")) for one in ("task", "mandate", "ask"))
    try:
        if task and task not in clients:
            clients[task] = (await desk.store.get(TaskRecord, task)).record.client_id
        if mandate and mandate not in clients:
            clients[mandate] = (await desk.store.get(MandateRecord, mandate)).record.client_id
    except RecordMissing:
        return
    if ask and task in clients:
        clients.setdefault(ask, clients[task])


async def _party(desk: DeskContext, client_id: str) -> AgentParty:
    try:
        agent = (await desk.store.get(AgentRecord, client_id)).record
    except RecordMissing:
        return AgentParty(client_id)
    return AgentParty(client_id, agent.name, agent.operator)


async def entry_customers(desk: DeskContext, rows: Sequence[Mapping[str, Json]]) -> Sequence[str]:
    """Return the id of each entry's customer, by its task or its mandate; "" for an entry of neither."""
    envelopes = [object_of(row["envelope"]) for row in rows]
    places = [(str(one.get("task", "")), str(one.get("mandate", ""))) for one in envelopes]
    found = {place: await _customer(desk, *place) for place in dict.fromkeys(places)}
    return [found[place] for place in places]


async def customer_names(desk: DeskContext, rows: Sequence[Mapping[str, Json]]) -> Sequence[str]:
    """Return the names of the customers of entries."""
    found = sorted({*await entry_customers(desk, rows)} - {""})
    return [await name_of(desk, PersonRecord, one) for one in found]


async def _customer(desk: DeskContext, task: str, mandate: str) -> str:
    try:
        if task:
            return (await desk.store.get(TaskRecord, task)).record.customer
        if mandate:
            return (await desk.store.get(MandateRecord, mandate)).record.customer
    except RecordMissing:
        pass
    return ""


async def entry_staff(desk: DeskContext, rows: Sequence[Mapping[str, Json]]) -> Mapping[str, str]:
    """Return the names of the people that the desk's section of entries names, by id. ⚔ For readers of the desk alone."""
    found: dict[str, str] = {}
    for row in rows:
        content = object_of(row["content"])
        for one in (*doers(content), content.get("owner")):
            if isinstance(one, str) and one and one not in found:
                found[one] = await name_of(desk, PersonRecord, one)
    return found


async def staff_names(desk: DeskContext) -> Sequence[str]:
    """Return the names of the desk's officers, of `_STAFF` at most."""
    found = await desk.store.find(PersonRecord, "person.kind", "officer", limit=_STAFF)
    return tuple(one.record.name or one.record.id for one in found)
