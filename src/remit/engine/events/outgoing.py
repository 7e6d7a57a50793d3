"""Streams and their waiting events: found, made, and dropped."""

from collections.abc import Sequence
from typing import Final

from remit.domain.events.kinds import EventType
from remit.domain.events.parties import Receiver
from remit.domain.events.records import EventStream, OutgoingEvent
from remit.domain.events.security_event import own_claims
from remit.domain.values import Instant, JsonObject
from remit.engine.context import DeskContext
from remit.ports.store import Commit, Conflict, Drop, RecordMissing, Versioned
from remit.proof.canonical import b64url, canonical

MAX_WAITING: Final = 200
"""Events that wait for one receiver; further ones wait in the log."""


def stream_id(desk: DeskContext, receiver: str) -> str:
    """Return the id of a receiver's only stream. ⚔ It cannot be guessed, and opens nothing by itself."""
    return f"stream_{b64url(desk.signer.keyed('event stream', receiver.encode())[:16])}"


def topic_of(stream: str) -> str:
    """Return the topic that is woken when events wait for a stream."""
    return f"events:{stream}"


async def find_stream(desk: DeskContext, receiver: Receiver) -> Versioned[EventStream] | None:
    """Return a receiver's stream, None without one."""
    try:
        return await desk.store.get(EventStream, stream_id(desk, receiver.name))
    except RecordMissing:
        return None


async def waiting_events(
    desk: DeskContext, stream: str, *, limit: int = MAX_WAITING
) -> Sequence[Versioned[OutgoingEvent]]:
    """Return the events that wait for a stream, in order."""
    return await desk.store.find(OutgoingEvent, "event_set.stream", stream, limit=limit)


async def next_entry(desk: DeskContext) -> int:
    """Return the place that the next entry of the log will have: a new stream begins there."""
    newest = await desk.store.entries(newest=True, limit=1)
    return newest[0].index + 1 if newest else 0


def event_record(
    desk: DeskContext,
    receiver: Receiver,
    stream: EventStream,
    *,
    kind: EventType,
    event: JsonObject,
    subject: JsonObject,
    txn: str = "",
) -> OutgoingEvent:
    """Build the next event of a stream; `stream.last` is its number already."""
    jti = b64url(desk.world.random(18))
    now = desk.world.now()
    claims = own_claims(
        issuer=desk.terms.issuer,
        audience=receiver.audience,
        jti=jti,
        at=now,
        kind=kind.value,
        event=event,
        subject=subject,
        txn=txn,
    )
    return OutgoingEvent(
        id=jti, stream=stream.id, number=stream.last, claims=canonical(claims).decode(), at=Instant(now)
    )


def about_stream(stream: EventStream) -> JsonObject:
    """Build the subject of an event about the stream itself (SSF 1.0 §8.1.4.1, §8.1.5)."""
    return {"format": "opaque", "id": stream.id}


async def drop_events(desk: DeskContext, events: Sequence[Versioned[OutgoingEvent]]) -> None:
    """Drop events that were taken; another node may have dropped some of them meanwhile.

    Raises:
        Fault: `fault.store`.
    """
    if not events:
        return
    try:
        await desk.store.commit(Commit(drops=tuple(Drop(one.record, one.rev) for one in events)))
    except (Conflict, RecordMissing):
        for one in events:
            try:
                await desk.store.commit(Commit(drops=(Drop(one.record, one.rev),)))
            except (Conflict, RecordMissing):
                continue
