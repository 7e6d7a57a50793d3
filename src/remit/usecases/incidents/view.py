"""Incidents as security sees them: the list with its filters, and one with its time line."""

from collections.abc import Mapping
from typing import Final

from remit.domain import saved_views
from remit.domain.errors import Code, Refused
from remit.domain.incidents.records import RANKS, IncidentKind, IncidentRecord, IncidentState, Severity
from remit.domain.records import AgentRecord, PersonRecord, TaskRecord, TaskState
from remit.domain.structs import struct
from remit.domain.values import Json, instant_text
from remit.engine.context import DeskContext
from remit.engine.incidents import get_incident
from remit.engine.tasks import has_moved_or_leaked
from remit.engine.transcript.record import entry_row
from remit.ports.store import RecordMissing
from remit.usecases.transcript.officers_named import for_security, names_officers

LIMIT: Final = 500
"""Maximum incidents looked at for a list."""
TIMELINE: Final = 100
"""Entries of one page of a time line."""
LIVE: Final = "live"
"""The filter for everything that is not closed."""
ANY: Final = "all"
FILTERS: Final = saved_views.PARAMETERS["security"]
"""The members of a filter."""


@struct(frozen=True, kw_only=True)
class IncidentFilter:
    """The filter of a list: `state` is a state, `live` or `all`; the others are "" where they do not matter.

    `owner` is a person's id, or `-` for incidents without an owner.
    """

    state: str = LIVE
    severity: str = ""
    kind: str = ""
    agent: str = ""
    operator: str = ""
    owner: str = ""

    def verify(self) -> None:
        """Verify the words.

        Raises:
            Refused: `request.malformed`.
        """
        known = (
            ("state", self.state, {LIVE, ANY, *IncidentState}),
            ("severity", self.severity, {"", *Severity}),
            ("kind", self.kind, {"", *IncidentKind}),
        )
        for name, value, words in known:
            if value not in words:
                raise Refused(Code.REQUEST_MALFORMED, f"{name} is none of {', '.join(sorted(words - {''}))}")

    def shows(self, incident: IncidentRecord) -> bool:
        """Return whether an incident is in the list."""
        return (
            (self.state in {ANY, incident.state} or (self.state == LIVE and not incident.is_closed))
            and self.severity in {"", incident.severity}
            and self.kind in {"", incident.kind}
            and (not self.agent or self.agent in incident.agents)
            and self.operator in {"", incident.operator}
            and (not self.owner or incident.owner == ("" if self.owner == "-" else self.owner))
        )


async def list_incidents(desk: DeskContext, wanted: IncidentFilter, *, reader: str = "") -> list[Mapping[str, Json]]:
    """List incidents: the most severe first, and of these the newest, among the newest `LIMIT`.

    Raises:
        Refused: `request.malformed` for a filter that names nothing.
        Fault: `fault.store`.
    """
    wanted.verify()
    if wanted.owner not in {"", "-", reader} and not names_officers(desk, "security"):
        return []  # ⚔ else the filter would name the owner
    index, key = "incident.all", ""
    if wanted.agent:
        index, key = "incident.agent", wanted.agent
    elif wanted.operator:
        index, key = "incident.operator", wanted.operator
    elif wanted.state not in {ANY, IncidentState.CLOSED}:
        index = "incident.live"
    found = await desk.store.find(IncidentRecord, index, key, limit=LIMIT, newest=True)
    shown = [one.record for one in found if wanted.shows(one.record)]
    shown.sort(key=lambda one: (one.is_closed, -RANKS[one.severity], -one.last_at))
    return [await incident_row(desk, one, reader=reader) for one in shown]


async def count_live(desk: DeskContext) -> tuple[int, int]:
    """Return the numbers of incidents that are not closed, and of those of them without an owner."""
    found = await desk.store.find(IncidentRecord, "incident.live", "", limit=LIMIT)
    return len(found), sum(not one.record.owner for one in found)


async def incident_row(desk: DeskContext, incident: IncidentRecord, *, reader: str = "") -> Mapping[str, Json]:
    """Return one incident as security sees it; names are those of now, "" where nothing of that id is known.

    ⚔ Where the desk does not name officers to security, its owner is `owned` alone, to all but the owner, the `reader`.
    """
    owner = incident.owner if names_officers(desk, "security") or incident.owner == reader else ""
    return {
        "incident": incident.id,
        "kind": incident.kind.value,
        "detail": incident.detail,
        "severity": incident.severity.value,
        "state": incident.state.value,
        "owner": owner,
        "owner_name": await _name(desk, PersonRecord, owner),
        "owned": bool(incident.owner),
        "agent": incident.agent,
        "agent_name": await _name(desk, AgentRecord, incident.agent),
        "agents": list(incident.agents),
        "operator": incident.operator,
        "customers": [{"id": one, "name": await _name(desk, PersonRecord, one)} for one in incident.customers],
        "cases": list(incident.cases),
        "tasks": list(incident.tasks),
        "ended": list(incident.ended),
        "count": incident.count,
        "opened_at": instant_text(incident.opened_at),
        "last_at": instant_text(incident.last_at),
        "resolution": incident.resolution,
        "closed_at": instant_text(incident.closed_at) if incident.is_closed else None,
    }


async def _name(desk: DeskContext, kind: type[AgentRecord] | type[PersonRecord], record_id: str) -> str:
    if not record_id:
        return ""
    try:
        return (await desk.store.get(kind, record_id)).record.name
    except RecordMissing:
        return ""


async def read_incident(desk: DeskContext, incident_id: str, *, low: int = 0, reader: str = "") -> Mapping[str, Json]:
    """Return one incident with its time line from entry `low` on, oldest first; `more` is where the next page begins.

    `held` are its tasks on hold; `alone` is whether one person may let one go on.

    Raises:
        Refused: `request.not_found`.
        Fault: `fault.store`.
    """
    incident = (await get_incident(desk, incident_id)).record
    found = await desk.store.entries(ref=incident.id, low=low, limit=TIMELINE + 1)
    shown = found[:TIMELINE]
    return {
        **await incident_row(desk, incident, reader=reader),
        "held": [{"task": one, "alone": alone} for one, alone in await _held(desk, incident)],
        "timeline": [for_security(desk, await entry_row(desk, one)) for one in shown],
        "more": found[TIMELINE].index if len(found) > TIMELINE else None,
    }


async def _held(desk: DeskContext, incident: IncidentRecord) -> list[tuple[str, bool]]:
    """Return the tasks of an incident that are on hold, and whether one person may let each go on."""
    found: list[tuple[str, bool]] = []
    for task in incident.tasks:
        try:
            state = (await desk.store.get(TaskRecord, task)).record.state
        except RecordMissing:
            continue
        if state is TaskState.HELD:
            found.append((task, not await has_moved_or_leaked(desk, task)))
    return found
