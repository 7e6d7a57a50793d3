"""The work of security on an incident: give it an owner, note something, close it. Each is one entry in its time line."""

import contextlib
import re
from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked, said
from remit.domain.incidents.records import DeliveryEvent, IncidentRecord, IncidentState, Resolution
from remit.domain.records import PersonRecord
from remit.domain.structs import replace
from remit.domain.text.normalize import make_visible
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.values import Json
from remit.engine.context import DeskContext
from remit.engine.incidents import deliveries_of, get_incident
from remit.engine.leaks.scan_staff_text import redact_staff_text
from remit.engine.transcript.record import draft_entry, seal_entries
from remit.ports.store import Commit, Conflict, Put, RecordMissing, Versioned
from remit.usecases.incidents.view import incident_row

GUARDS: Final = frozenset({"admin", "security"})
MAX_TEXT: Final = 2000
"""Letters of a note or a reason."""
_SHORTEST: Final = 3


async def assign_incident(desk: DeskContext, person: PersonRecord, incident_id: str, owner: str) -> Mapping[str, Json]:
    """Give an incident an owner, or none with "". Taking it oneself acknowledges it; a colleague does that by taking it.

    Raises:
        Refused: `request.not_found`, `request.conflict` for a closed one, `request.malformed` for an owner who is not of
            security, `task.busy`.
        Fault: `fault.store`.
    """
    kept = await _live(desk, incident_id)
    if owner:
        await _verify_guard(desk, owner)
    before, state = kept.record, kept.record.state
    if owner == person.id:
        state = IncidentState.ACKNOWLEDGED
    elif not owner or owner != before.owner:
        state = IncidentState.OPEN
    event = None
    if state is not before.state:
        event = DeliveryEvent.ACKNOWLEDGED if state is IncidentState.ACKNOWLEDGED else DeliveryEvent.RELEASED
    draft = draft_entry(
        desk,
        Kind.INCIDENT_ASSIGNED,
        envelope={"incident": before.id, "state": state.value},
        desk={"by": person.id, "owner": owner, "owner_before": before.owner},
        refs=(before.id,),
    )
    return await _change(desk, kept, replace(before, owner=owner, state=state), draft, event, reader=person.id)


async def note_incident(desk: DeskContext, person: PersonRecord, incident_id: str, text: str) -> Mapping[str, Json]:
    """Add a note to an incident, closed or not. ⚔ Secrets are taken out of it, and our own are revoked.

    Raises:
        Refused: `request.not_found`, `request.malformed` for no text or too much of it.
        Fault: `fault.store`; nothing is then kept.
    """
    kept = await get_incident(desk, incident_id)
    kept_text = await _text(desk, person, kept.record, text)
    draft = draft_entry(
        desk,
        Kind.INCIDENT_NOTED,
        envelope={"incident": kept.record.id},
        desk={"by": person.id, "note": kept_text},
        subject=_subject(kept.record),
        refs=(kept.record.id,),
    )
    written = await seal_entries(desk, draft)
    await desk.store.commit(Commit(entries=written.rows))
    return await incident_row(desk, kept.record, reader=person.id)


async def close_incident(
    desk: DeskContext, person: PersonRecord, incident_id: str, *, reason: str, resolution: str
) -> Mapping[str, Json]:
    """Close an incident for good, with a reason. ⚔ A later cause opens a new one.

    Raises:
        Refused: `request.not_found`, `request.conflict` for one that is closed, `request.malformed` without a reason,
            `task.busy`.
        Fault: `fault.store`.

    Source: docs/model/model.md#incidents.
    """
    if resolution not in set(Resolution):
        raise Refused(Code.REQUEST_MALFORMED, f"resolution is one of {', '.join(Resolution)}")
    kept = await _live(desk, incident_id)
    kept_reason = await _text(desk, person, kept.record, reason)
    closed = replace(kept.record, state=IncidentState.CLOSED, resolution=resolution, closed_at=desk.world.now())
    draft = draft_entry(
        desk,
        Kind.INCIDENT_CLOSED,
        envelope={"incident": closed.id, "resolution": resolution},
        desk={"by": person.id, "reason": kept_reason},
        subject=_subject(closed),
        refs=(closed.id,),
    )
    return await _change(desk, kept, closed, draft, DeliveryEvent.CLOSED, reader=person.id)


async def list_guards(desk: DeskContext) -> list[Mapping[str, Json]]:
    """List the possible owners of an incident."""
    found: dict[str, str] = {}
    for role in sorted(GUARDS):
        for one in await desk.store.find(PersonRecord, "person.role", role, limit=200):
            found.setdefault(one.record.id, one.record.name)
    return [{"id": person, "name": name} for person, name in sorted(found.items(), key=lambda one: one[1].lower())]


async def _change(
    desk: DeskContext,
    kept: Versioned[IncidentRecord],
    changed: IncidentRecord,
    draft: EntryDraft,
    event: DeliveryEvent | None,
    *,
    reader: str,
) -> Mapping[str, Json]:
    told = () if event is None else await deliveries_of(desk, changed, event, number=kept.rev + 1)
    written = await seal_entries(desk, draft)
    try:
        await desk.store.commit(Commit(puts=(Put(changed, kept.rev, kept.record), *told), entries=written.rows))
    except Conflict:
        raise Refused(Code.TASK_BUSY, "the incident moved meanwhile", retry_after_s=1) from None
    return await incident_row(desk, changed, reader=reader)


async def _live(desk: DeskContext, incident_id: str) -> Versioned[IncidentRecord]:
    kept = await get_incident(desk, incident_id)
    if kept.record.is_closed:
        public = marked("This incident is already closed.")
        raise Refused(Code.REQUEST_CONFLICT, "the incident is closed", public=public)
    return kept


async def _verify_guard(desk: DeskContext, person_id: str) -> None:
    try:
        person = (await desk.store.get(PersonRecord, person_id)).record
    except RecordMissing:
        person = None
    if person is None or person.kind != "officer" or not GUARDS & set(person.roles):
        public = said(
            "{name} isn't part of the security team. Choose a person with the role security or admin.",
            name=make_visible(person_id),
        )
        raise Refused(Code.REQUEST_MALFORMED, "the owner is not of security", public=public)


async def _text(desk: DeskContext, person: PersonRecord, incident: IncidentRecord, text: str) -> str:
    if not text.strip() or len(text) > MAX_TEXT:
        public = said("Enter a text of at most {count} characters.", count=MAX_TEXT)
        raise Refused(Code.REQUEST_MALFORMED, "a text, and not too long", public=public)
    await _verify_erasable(desk, incident, text)
    return await redact_staff_text(desk, text.strip(), where="incident", by=person)


async def _verify_erasable(desk: DeskContext, incident: IncidentRecord, text: str) -> None:
    """Verify that a text which no customer's key protects names none of the incident's customers.

    ⚔ With several customers it is under the desk's own key, and no erasure reaches it.

    Raises:
        Refused: `request.malformed`.
    """
    for customer in incident.customers if not _subject(incident) else ():
        names = [customer]
        with contextlib.suppress(RecordMissing):
            record = (await desk.store.get(PersonRecord, customer)).record
            names += [record.email, record.name, *(one for one in record.name.split() if len(one) >= _SHORTEST)]
        if any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", text, re.IGNORECASE) for one in names if one):
            public = marked(
                "This incident concerns several customers, so its texts can't be erased with one of them. Write it "
                "without customers' names, IDs and e-mail addresses."
            )
            raise Refused(Code.REQUEST_MALFORMED, "a customer is named in a text that stays", public=public)


def _subject(incident: IncidentRecord) -> str:
    """Return the customer whose content key protects a text about an incident: the only one it concerns."""
    return incident.customers[0] if len(incident.customers) == 1 else ""
