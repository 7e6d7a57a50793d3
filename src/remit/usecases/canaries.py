"""Canaries: planted, removed, and recorded when seen; evidence, never a verdict.

⚔ No answer to an agent waits for these records or reads them. Recognition is in `domain/secrets/canaries`.
"""

import contextlib
from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.i18n import marked, said
from remit.domain.incidents.records import IncidentCause, IncidentKind
from remit.domain.policy.risk import CanarySeen, SubjectKind, subjects_of
from remit.domain.records import AgentRecord, CanaryRecord, TaskRecord
from remit.domain.secrets.canaries import CanaryKind, canary_pattern
from remit.domain.structs import struct
from remit.domain.transcript.entry import Kind
from remit.domain.values import Json, instant_text
from remit.engine.context import DeskContext
from remit.engine.incidents import commit_with_incident
from remit.engine.leaks.scan import MAX_CANARIES, CanarySighting
from remit.engine.transcript.record import draft_entry, prepare_entry
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Replayed, ReplayMark, RiskEvent

_ONCE_MS: Final = 24 * 3600 * 1000
"""Period in which the same canary in the same task is not reported again."""
_MAX_LENGTH: Final = 200
_MADE: Final[Mapping[str, str]] = {
    CanaryKind.ATTRIBUTE: "{}",
    CanaryKind.EMAIL: "{}@mail.invalid",
    CanaryKind.RECORD: "R-{}",
    CanaryKind.TOKEN: "sk_live_{}",
}


@struct(frozen=True, kw_only=True)
class NewCanary:
    """A canary to plant; without a `value` a plain one is generated, to be put at `place`."""

    kind: str
    name: str
    place: str
    value: str = ""


async def plant_canary(desk: DeskContext, new: NewCanary, *, by: str) -> tuple[CanaryRecord, str]:
    """Plant a canary, and return it with its value, shown only this once.

    Raises:
        Refused: `request.malformed`, `request.conflict` for a value that is planted already.
        Fault: `fault.store`.

    Source: docs/model/model.md#canaries.
    """
    kinds = ", ".join(CanaryKind)
    if new.kind not in set(CanaryKind):
        public = said("The kind must be one of {kinds}.", kinds=kinds)
        raise Refused(Code.REQUEST_MALFORMED, f"kind must be one of {kinds}", public=public)
    for text in (new.name, new.place):
        if not text.strip() or len(text) > _MAX_LENGTH or not text.isprintable():
            public = said(
                "Enter the canary's name and location, in at most {count} characters each.", count=_MAX_LENGTH
            )
            raise Refused(Code.REQUEST_MALFORMED, "a canary has a name and a place", public=public)
    if len(await desk.store.find(CanaryRecord, "canary.all", "", limit=MAX_CANARIES)) >= MAX_CANARIES:
        full = marked("There are too many canaries. Remove one first.")
        raise Refused(Code.REQUEST_CONFLICT, "too many canaries", public=full)
    value = new.value or _MADE[new.kind].format(desk.world.random(12).hex())
    found = canary_pattern(value)
    record = CanaryRecord(
        id=desk.leak_scanner.keyed(found.plain),
        kind=new.kind,
        name=new.name,
        place=new.place,
        by=by,
        at=desk.world.now(),
        atoms=found.shape.atoms,
        letters=found.shape.letters,
    )
    # ⚔ The canary's name says where it is: it is the desk's alone, as is its id.
    written = await prepare_entry(
        desk, Kind.CANARY_PLANTED, envelope={"kind_of": new.kind}, desk={"by": by, "canary": record.id, **_told(record)}
    )
    try:
        await desk.store.commit(Commit(puts=(Put(record, 0),), entries=written.rows))
    except Conflict:
        raise Refused(
            Code.REQUEST_CONFLICT, "planted already", public=marked("This value is already a canary.")
        ) from None
    desk.leak_scanner.forget()
    return record, value


async def remove_canary(desk: DeskContext, canary: str, *, by: str) -> CanaryRecord:
    """Remove a canary, which ends its detection.

    Raises:
        Refused: `request.not_found`.
        Fault: `fault.store`.
    """
    try:
        kept = await desk.store.get(CanaryRecord, canary)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such canary") from None
    written = await prepare_entry(
        desk,
        Kind.CANARY_REMOVED,
        envelope={"kind_of": kept.record.kind},
        desk={"by": by, "canary": canary, **_told(kept.record)},
    )
    try:
        await desk.store.commit(Commit(drops=(Drop(kept.record, kept.rev),), entries=written.rows))
    except Conflict:
        raise Refused(Code.REQUEST_NOT_FOUND, "it was taken away meanwhile") from None
    desk.leak_scanner.forget()
    return kept.record


async def list_canaries(desk: DeskContext) -> list[Mapping[str, Json]]:
    """List the canaries, newest first, without values, which are not stored."""
    found = await desk.store.find(CanaryRecord, "canary.all", "", limit=MAX_CANARIES, newest=True)
    return [canary_row(one.record) for one in found]


def canary_row(canary: CanaryRecord) -> Mapping[str, Json]:
    """Return one canary as the desk's security people see it."""
    return {"id": canary.id, **_told(canary), "by": canary.by, "at": instant_text(canary.at)}


async def record_canaries(desk: DeskContext) -> int:
    """Record sighted canaries, raise their senders' risk, and notify security; return the number reported.

    Reported once a day per canary and task, over all nodes. ⚔ The entry is not indexed by task: an agent browsing its
    own entries would find it.

    Raises:
        Fault: `fault.store`; the rest is tried again.
    """
    await desk.leak_scanner.refresh_canaries()
    seen = desk.leak_scanner.take()
    done = 0
    for place, one in enumerate(seen):
        try:
            with contextlib.suppress(Replayed, RecordMissing):
                await _record(desk, one)
                done += 1
        except Fault:
            desk.leak_scanner.again(seen[place:])
            raise
    return done


async def _record(desk: DeskContext, seen: CanarySighting) -> None:
    canary = (await desk.store.get(CanaryRecord, seen.canary)).record
    at, now = seen.at, desk.world.now()
    subjects, operator, customer = await _trails_of(desk, seen)
    draft = draft_entry(
        desk,
        Kind.CANARY_SEEN,
        envelope={"where": at.where, "agent": at.agent},
        desk={
            "canary": canary.id,
            **_told(canary),
            "sent_by": at.person or at.agent,
            "sent_in": at.task,
            "operator": operator,
            "seen_at": instant_text(seen.first),
        },
        refs=tuple(ref for ref in (at.agent,) if ref),
    )
    await commit_with_incident(
        desk,
        IncidentCause(kind=IncidentKind.CANARY, agent=at.agent, operator=operator, customer=customer, task=at.task),
        draft,
        Commit(
            marks=(ReplayMark(f"canary {canary.id} {at.where} {at.task or at.agent or at.person}", now + _ONCE_MS),),
            steps=tuple(RiskEvent(kind, subject, CanarySeen(), now, customer) for kind, subject in subjects),
        ),
    )
    who = {"agent": at.agent, "operator": operator, "task": at.task, "person": at.person}
    details = {
        "where": at.where,
        "canary": canary.name,
        "planted": canary.place,
        **{name: one for name, one in who.items() if one},
    }
    await desk.notify.incident(kind="canary", details=details)


async def _trails_of(desk: DeskContext, seen: CanarySighting) -> tuple[tuple[tuple[SubjectKind, str], ...], str, str]:
    """Return the trails, operator and customer of a sighting; none for staff, or without a proved sender."""
    at = seen.at
    with contextlib.suppress(RecordMissing):
        if at.task:
            task = (await desk.store.get(TaskRecord, at.task)).record
            return (() if at.person else subjects_of(task)), task.operator, task.customer
        if at.agent:
            agent = (await desk.store.get(AgentRecord, at.agent)).record
            return ((SubjectKind.AGENT, agent.id), (SubjectKind.OPERATOR, agent.operator)), agent.operator, ""
    return (), "", ""


def _told(canary: CanaryRecord) -> Mapping[str, Json]:
    return {"kind": canary.kind, "name": canary.name, "place": canary.place}
