"""A received event: verified, recorded once with its cause, and then made true by the use cases that end things today.

The record comes first and is dropped last: if a node dies in between, another one carries the effect out.
"""

import contextlib
import logging
from typing import Final

from remit.domain.errors import Code
from remit.domain.events.kinds import EventEffect, EventType, known_type, short_name
from remit.domain.events.parties import Transmitter
from remit.domain.events.records import ReceivedEvent
from remit.domain.events.security_event import OLDEST_MS, SecurityEvent, SetRefused
from remit.domain.identity.oidc_login import login_id
from remit.domain.records import EndReason, PersonRecord
from remit.domain.transcript.entry import Kind
from remit.domain.values import Json
from remit.engine.context import DeskContext
from remit.engine.events.parties import signals_of
from remit.engine.events.targets import targets_of
from remit.engine.mandates.live import live_mandates
from remit.engine.mandates.revoke import revoke_mandate, suspend
from remit.engine.people.sessions import end_sessions, sign_out_everywhere
from remit.engine.tasks import end_all, end_task
from remit.engine.transcript.record import prepare_entry, pseudonym, seal_entries
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Replayed, ReplayMark, Versioned

_LOG: Final = logging.getLogger("remit.events")
PATIENCE_MS: Final = 30_000
"""Time for which an effect is left to the node that began it."""
_PAGE: Final = 100
_QUIET: Final = frozenset({EventType.STREAM_UPDATED, EventType.VERIFICATION})


async def receive_event(desk: DeskContext, transmitter: Transmitter, unverified: str) -> bool:
    """Take one event; return whether it changed anything. Once this returns, its effect holds on every node.

    ⚔ An event counts once. A repeated one is taken and does nothing, as a transmitter may not have heard of the first.

    Raises:
        Refused: a `SetRefused` for a token that is no event of this transmitter for this desk.
        Fault: `fault.store`, `fault.identity`; the transmitter sends it again.

    Source: RFC 8935 §2; RFC 8417 §2.2 (jti).
    """
    try:
        event = await signals_of(desk.signals).verifier.verify(transmitter, unverified, now=desk.world.now())
    except SetRefused as refused:
        desk.noise.note(refused, desk.world)
        raise
    kind = known_type(event.type)
    if kind is None or kind in _QUIET:
        _LOG.info("%s says %s", transmitter.name, short_name(event.type)[:80], extra={"event": "event.noted"})
        return False
    found = await targets_of(desk, transmitter, event, kind)
    if not found.targets:
        _LOG.info("%s says %s of none here", transmitter.name, short_name(event.type), extra={"event": "event.noted"})
        return False
    record = ReceivedEvent(
        id=login_id(event.issuer, event.jti),
        transmitter=transmitter.name,
        type=short_name(kind),
        effect=found.effect.value,
        targets=found.targets,
        at=desk.world.now(),
    )
    if not await _recorded(desk, record, event):
        with contextlib.suppress(RecordMissing):  # the first one is under way, or was cut short
            await finish_event(desk, await desk.store.get(ReceivedEvent, record.id))
        return False
    desk.on_point("event.recorded")
    await finish_event(desk, Versioned(record, 1))
    return True


async def finish_events(desk: DeskContext) -> int:
    """Carry out effects that a node began and did not finish; return their number.

    Raises:
        Fault: `fault.store`; they stay.
    """
    until = desk.world.now() - PATIENCE_MS
    left = await desk.store.find(ReceivedEvent, "due.received_event", "", high=until, limit=_PAGE)
    for kept in left:
        await finish_event(desk, kept)
    return len(left)


async def finish_event(desk: DeskContext, kept: Versioned[ReceivedEvent]) -> None:
    """Carry out the effect of a recorded event; repeating it changes nothing.

    Raises:
        Fault: `fault.store`; the record stays, and the effect is carried out again.
    """
    effect = EventEffect(kept.record.effect)
    for target in kept.record.targets:
        what, _, name = target.partition(":")
        await _apply(desk, effect, what, name, by=f"events:{kept.record.transmitter}")
    with contextlib.suppress(Conflict, RecordMissing):  # another node finished it too
        await desk.store.commit(Commit(drops=(Drop(kept.record, kept.rev),)))


async def _recorded(desk: DeskContext, record: ReceivedEvent, event: SecurityEvent) -> bool:
    """Record an event with its entries in one commit; return whether it is the first of its jti."""
    written = await seal_entries(desk)
    for target in record.targets:
        what, _, name = target.partition(":")
        customer = name if what == "customer" else ""
        personal = what in {"customer", "officer", "sid"}
        envelope: dict[str, Json] = {
            "transmitter": record.transmitter,
            "event": record.type,
            "effect": record.effect,
            "what": what,
            "name": pseudonym(desk, name) if personal else name,
            **({"customer": pseudonym(desk, customer)} if customer else {}),
        }
        written += await prepare_entry(
            desk,
            Kind.EVENT_RECEIVED,
            envelope=envelope,
            customer={"event": record.type, "effect": record.effect} if customer else None,
            desk={"issuer": event.issuer, "jti": event.jti, "txn": event.txn, "name": name},
            subject=customer,
            refs=(name,),
        )
    mark = ReplayMark(f"event {record.id}", event.issued_at + 2 * OLDEST_MS)
    try:
        await desk.store.commit(Commit(puts=(Put(record, 0),), marks=(mark,), entries=written.rows))
    except Replayed:
        desk.noise.note(SetRefused("invalid_request", "it was taken before", Code.CREDENTIAL_REPLAYED), desk.world)
        return False
    details = {"transmitter": record.transmitter, "event": record.type, "effect": record.effect}
    await desk.notify.incident(kind="event", details=details)
    return True


async def _apply(desk: DeskContext, effect: EventEffect, what: str, name: str, *, by: str) -> None:
    match what:
        case "customer" | "officer":
            await _end_for_person(desk, effect, name, by=by)
        case "sid":
            await end_sessions(desk, "session.sid", name)
        case "task":
            await end_task(desk, name, EndReason.DESK_REVOKED)
        case "mandate":
            await revoke_mandate(desk, name, customer=None, by=by)
        case _ if effect is EventEffect.SUSPEND:
            await suspend(desk, what=what, name=name, reason="an event of its operator", by=by)
        case _:
            await end_all(desk, f"task.live_{what}", name, EndReason.DESK_REVOKED)


async def _end_for_person(desk: DeskContext, effect: EventEffect, person_id: str, *, by: str) -> None:
    """End a person's sign-ins and, as the effect says, a customer's tasks and mandates.

    ⚔ The sign-ins first: a stolen one must not grant a mandate behind those that end here.
    """
    try:
        person = (await desk.store.get(PersonRecord, person_id)).record
    except RecordMissing:
        return
    await sign_out_everywhere(desk, person)
    if person.kind == "customer" and effect is EventEffect.GRANTS:
        for mandate in [one.id async for one in live_mandates(desk, "mandate.live_customer", person.id)]:
            await revoke_mandate(desk, mandate, customer=None, by=by)
    if person.kind == "customer" and effect in {EventEffect.GRANTS, EventEffect.TASKS}:
        await end_all(desk, "task.live_customer", person.id, EndReason.DESK_REVOKED)
