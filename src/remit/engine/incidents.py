"""Incidents opened and joined in the commit of their cause, and the messages about them.

⚔ Nothing is read or written here unless something happened: an ordinary ask knows nothing of incidents.
"""

import contextlib
from collections.abc import Sequence
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.ids import new_id
from remit.domain.incidents.records import (
    RANKS,
    DeliveryEvent,
    DeliveryRecord,
    IncidentCause,
    IncidentRecord,
    joined_incident,
    opened_incident,
    takes,
    with_ended,
)
from remit.domain.records import AgentRecord, TaskRecord, Tier
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.engine.transcript.record import draft_entry, seal_entries
from remit.ports.store import Commit, Committed, Conflict, Put, RecordMissing, Versioned

MAX_LIVE: Final = 20
"""⚔ Live incidents of one kind and operator, or of all agents that let themselves in: further ones join the newest."""
_BY_ITSELF: Final = frozenset({Tier.VISITOR, Tier.UNPROVED})
"""Tiers of an agent that no person raised."""
_TRIES: Final = 8
_ALONE: Final = Commit()
_TOLD_MS: Final = 3 * 24 * 3600 * 1000
"""Time limit for telling a receiver."""


@struct(frozen=True)
class IncidentChange:
    """The incident of a cause, and the parts that join the commit of the cause for it."""

    id: str
    puts: tuple[Put, ...]
    drafts: tuple[EntryDraft, ...]


async def commit_with_incident(
    desk: DeskContext, cause: IncidentCause, draft: EntryDraft, commit: Commit = _ALONE
) -> Committed:
    """Commit a cause with its entry, and open or join its incident with it: all of it, or nothing.

    ⚔ A cause is never lost to a crowd of others: where its incident keeps moving, its entry joins it all the same, and
    only the incident's number of causes falls behind.

    Raises:
        Conflict, Replayed, LimitReached, Fault: as `Store.commit`, for the caller's own changes.

    Source: docs/model/model.md#incidents.
    """
    cause = await _completed(desk, cause)
    for _ in range(_TRIES):
        change = await _change(desk, cause)
        try:
            return await _commit(desk, change, draft, commit)
        except Conflict as moved:
            if moved.kind != IncidentRecord.KIND:
                raise
    return await _commit(desk, replace(await _change(desk, cause), puts=(), drafts=()), draft, commit)


async def _commit(desk: DeskContext, change: IncidentChange, draft: EntryDraft, commit: Commit) -> Committed:
    written = await seal_entries(desk, of_incident(draft, change.id), *change.drafts)
    entries = (*commit.entries, *written.rows)
    return await desk.store.commit(replace(commit, puts=(*commit.puts, *change.puts), entries=entries))


def of_incident(draft: EntryDraft, incident_id: str) -> EntryDraft:
    """Return an entry that belongs to an incident. ⚔ The desk's section alone says so: no agent or customer learns it."""
    if not incident_id:
        return draft
    return replace(draft, desk={**(draft.desk or {}), "incident": incident_id}, refs=(*draft.refs, incident_id))


async def _completed(desk: DeskContext, cause: IncidentCause) -> IncidentCause:
    """Return a cause with the parties that its task and agent tell."""
    if cause.task:
        with contextlib.suppress(RecordMissing):
            task = (await desk.store.get(TaskRecord, cause.task)).record
            cause = replace(
                cause,
                agent=cause.agent or task.client_id,
                customer=cause.customer or task.customer,
                case=cause.case or task.case,
            )
    if cause.agent:
        with contextlib.suppress(RecordMissing):
            agent = (await desk.store.get(AgentRecord, cause.agent)).record
            let_in = agent.stranger or (agent.let_itself_in and agent.tier in _BY_ITSELF)
            cause = replace(cause, operator=cause.operator or agent.operator, let_itself_in=let_in)
    return cause


async def _change(desk: DeskContext, cause: IncidentCause) -> IncidentChange:
    now = desk.world.now()
    found = await desk.store.find(IncidentRecord, "incident.key", cause.key, limit=1, newest=True)
    if found and takes(found[0].record, now):
        return await _join(desk, found[0], cause, now)
    crowd = await desk.store.find(IncidentRecord, "incident.crowd", cause.crowd, limit=MAX_LIVE, newest=True)
    if len(crowd) >= MAX_LIVE:
        return await _join(desk, crowd[0], cause, now)
    return await _open(desk, cause, found[0].record.id if found else "", now)


async def _join(
    desk: DeskContext, kept: Versioned[IncidentRecord], cause: IncidentCause, now: Instant
) -> IncidentChange:
    joined = joined_incident(kept.record, cause, now=now)
    rises = RANKS[joined.severity] > RANKS[kept.record.severity]
    told = await deliveries_of(desk, joined, DeliveryEvent.RAISED, number=kept.rev + 1) if rises else ()
    return IncidentChange(joined.id, (Put(joined, kept.rev, kept.record), *told), ())


async def _open(desk: DeskContext, cause: IncidentCause, before: str, now: Instant) -> IncidentChange:
    """Open an incident. Its id follows from the one before, so that two causes at one moment open one of them."""
    made_from = desk.signer.keyed("incident", f"{cause.key}\n{before}".encode())
    opened = opened_incident(cause, incident_id=new_id("inc", made_from[:16]), now=now)
    draft = draft_entry(
        desk,
        Kind.INCIDENT_OPENED,
        envelope={"incident": opened.id, "what": opened.kind.value, "severity": opened.severity.value},
        desk={"detail": opened.detail, "agent": opened.agent, "operator": opened.operator},
        refs=tuple(ref for ref in (opened.id, opened.agent) if ref),
    )
    told = await deliveries_of(desk, opened, DeliveryEvent.OPENED, number=1)
    return IncidentChange(opened.id, (Put(opened, 0), *told), (draft,))


async def deliveries_of(
    desk: DeskContext, incident: IncidentRecord, event: DeliveryEvent, *, number: int
) -> Sequence[Put]:
    """Return the messages about a change of an incident, one for each receiver that its severity concerns."""
    receivers = [one for one in desk.receivers if RANKS[incident.severity] >= RANKS[one.least]]
    if not receivers:
        return ()
    now, name = desk.world.now(), ""
    with contextlib.suppress(RecordMissing):
        name = (await desk.store.get(AgentRecord, incident.agent)).record.name if incident.agent else ""
    told = DeliveryRecord(
        id="",
        to="",
        incident=incident.id,
        event=event,
        number=number,
        at=now,
        due_at=now,
        until=Instant(now + _TOLD_MS),
        kind=incident.kind,
        detail=incident.detail,
        severity=incident.severity,
        state=incident.state,
        opened_at=incident.opened_at,
        count=incident.count,
        agent=incident.agent,
        agent_name=name,
        operator=incident.operator,
        task=incident.tasks[-1] if incident.tasks else "",
        case=incident.cases[-1] if incident.cases else "",
        resolution=incident.resolution,
    )
    return [
        Put(
            replace(
                told,
                id=new_id("msg", desk.world.random(16)),
                to=one.name,
                customers=incident.customers if one.names_customers else (),
            ),
            0,
        )
        for one in receivers
    ]


async def get_incident(desk: DeskContext, incident_id: str) -> Versioned[IncidentRecord]:
    """Return an incident.

    Raises:
        Refused: `request.not_found`.
    """
    try:
        return await desk.store.get(IncidentRecord, incident_id)
    except RecordMissing:
        raise Refused(
            Code.REQUEST_NOT_FOUND, "no such incident", public=marked("This incident doesn't exist.")
        ) from None


async def ended_in_incident(desk: DeskContext, incident_id: str, ended: str) -> tuple[Put, ...]:
    """Return the change of the incident from which something is stopped; nothing without one.

    Raises:
        Refused: `request.not_found`.
    """
    if not incident_id:
        return ()
    kept = await get_incident(desk, incident_id)
    return (Put(with_ended(kept.record, ended), kept.rev, kept.record),)
