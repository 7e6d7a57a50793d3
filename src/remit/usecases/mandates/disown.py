"""A customer's report "this wasn't me": end everything the agent has from them, and notify security.

Only this customer's grants end: one report must not stop an agent for all its customers.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.incidents.records import IncidentCause, IncidentKind
from remit.domain.records import AskRecord, MandateRecord, PersonRecord, TaskRecord
from remit.domain.structs import struct
from remit.domain.transcript.entry import Kind, Section
from remit.domain.values import Json
from remit.engine.context import DeskContext
from remit.engine.incidents import commit_with_incident
from remit.engine.mandates.live import live_mandates
from remit.engine.mandates.revoke import revoke_mandate
from remit.engine.transcript.record import draft_entry, open_entry, pseudonym
from remit.ports.store import RecordMissing
from remit.usecases.transcript.contest import contest_entry, verify_own_entry

_SAID: Final = "This was not me."


@struct(frozen=True, kw_only=True)
class Disowned:
    """The result of a report; `took_ms` is until it held on every node, `contest_entry` is "" at the contest limit."""

    agents: tuple[str, ...]
    mandates: tuple[str, ...]
    tasks: tuple[str, ...]
    already_sent: tuple[str, ...]
    took_ms: int
    contest: str


async def disown(desk: DeskContext, person: PersonRecord, entry_id: str, text: str) -> Disowned:
    """End every mandate this customer gave an entry's agent, and its ancestor; report it; contest the entry.

    The ending comes first, so that a later failure leaves it stopped; repeating the report is safe.

    Raises:
        Refused: `request.not_found` for an unknown or foreign entry, or one without an agent, `request.malformed` for a
            text that is too long, `request.conflict` for a report that would change nothing.
        Fault: `fault.store`.
    """
    entry = await verify_own_entry(desk, person, entry_id)
    opened = await open_entry(desk, entry.row, about=person.id)
    mandate = await _mandate_of(desk, person, opened.sections[Section.ENVELOPE].body or {})
    root = await desk.store.get(MandateRecord, mandate.root)
    agents = tuple(dict.fromkeys((mandate.client_id, root.record.client_id)))
    started = desk.world.ticks()
    tasks: list[str] = []
    sent: list[str] = []
    live = [one.id async for one in live_mandates(desk, "mandate.live_customer", person.id) if one.client_id in agents]
    for one in live:
        stopped = await revoke_mandate(desk, one, customer=person.id, by=person.id)
        tasks.extend(ended.task for ended in stopped.tasks)
        sent.extend(ask for ended in stopped.tasks for ask in ended.sent)
    took_ms = round((desk.world.ticks() - started) * 1000)
    reason = text.strip() or _SAID
    made = ""
    try:
        made = (await contest_entry(desk, person, entry_id, reason, agent=mandate.client_id)).id
    except Refused as refused:
        # ⚔ Endless reports would push everything else off security's lists.
        if refused.code is not Code.REQUEST_CONFLICT or not live:
            raise
    draft = draft_entry(
        desk,
        Kind.AGENT_DISOWNED,
        envelope={
            "agent": mandate.client_id,
            "mandate": mandate.id,
            "entry": entry.index,
            "customer": pseudonym(desk, person.id),
            "mandates": list(live),
            "tasks": list(tasks),
            "already_sent": list(sent),
            "took_ms": took_ms,
        },
        customer={"text": reason},
        desk={"customer": person.id, "operator": mandate.operator, "text": reason},
        subject=person.id,
        refs=(person.id, mandate.client_id, mandate.id),
    )
    await commit_with_incident(desk, _cause(mandate, live), draft)
    await desk.notify.incident(
        kind="disowned",
        details={"agent": mandate.client_id, "operator": mandate.operator, "entry": entry_id, "tasks": str(len(tasks))},
    )
    return Disowned(
        agents=agents, mandates=tuple(live), tasks=tuple(tasks), already_sent=tuple(sent), took_ms=took_ms, contest=made
    )


def _cause(mandate: MandateRecord, ended: Sequence[str]) -> IncidentCause:
    """Return the incident of a report, with the mandates that ended by it."""
    return IncidentCause(
        kind=IncidentKind.DISOWNED,
        agent=mandate.client_id,
        operator=mandate.operator,
        customer=mandate.customer,
        ended=tuple(f"mandate {one}" for one in ended),
    )


async def _mandate_of(desk: DeskContext, person: PersonRecord, envelope: Mapping[str, Json]) -> MandateRecord:
    """Return the mandate through which an agent took part in an entry."""
    name = str(envelope.get("mandate", ""))
    try:
        if not name and "task" in envelope:
            name = (await desk.store.get(TaskRecord, str(envelope["task"]))).record.mandate
        if not name and "ask" in envelope:
            name = (await desk.store.get(AskRecord, str(envelope["ask"]))).record.mandate
        mandate = (await desk.store.get(MandateRecord, name)).record if name else None
    except RecordMissing:
        mandate = None
    if mandate is None or mandate.customer != person.id:
        public = marked("No agent was involved in this. If something is wrong, dispute the entry instead.")
        raise Refused(Code.REQUEST_NOT_FOUND, "no agent took part in this entry", public=public)
    return mandate
