"""Management of a receiver's stream: configuration, status, subjects, verification.

Source: SSF 1.0 §8.1.
"""

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.events.kinds import EventType
from remit.domain.events.parties import Receiver
from remit.domain.events.records import Delivery, EventStream, StreamStatus
from remit.domain.events.subjects import subject_text, verify_subject
from remit.domain.structs import replace, struct
from remit.domain.values import Instant, Json, JsonObject
from remit.engine.context import DeskContext
from remit.engine.events.outgoing import (
    MAX_WAITING,
    about_stream,
    event_record,
    find_stream,
    next_entry,
    stream_id,
    topic_of,
    waiting_events,
)
from remit.engine.events.parties import signals_of
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, Versioned

POLL_PATH: Final = "/ssf/v1/poll"
_FULL_S: Final = 60
_TRIES: Final = 8
MAX_EXCLUDED: Final = 200
"""Subjects that one receiver may have removed."""
_MAX_EXCLUDED_LENGTH: Final = 64 * 1024


@struct(frozen=True, kw_only=True)
class StreamRequest:
    """The receiver's part of a stream; None where it says nothing. `sent` is all of it, as sent."""

    events: tuple[str, ...] | None
    delivery: Delivery | None
    endpoint: str
    header: str
    description: str | None
    sent: JsonObject


async def create_stream(desk: DeskContext, receiver: Receiver, request: StreamRequest) -> JsonObject:
    """Create the receiver's stream and return its configuration.

    Raises:
        Refused: `request.conflict` for a second one, `request.malformed` for an address that events must not go to.

    Source: SSF 1.0 §8.1.1.1.
    """
    fresh = EventStream(
        id=stream_id(desk, receiver.name),
        receiver=receiver.name,
        delivery=Delivery.POLL,
        endpoint="",
        header="",
        requested=(),
        description="",
        status=StreamStatus.ENABLED,
        reason="",
        at=desk.world.now(),
        cursor=await next_entry(desk),
    )
    made = await _configured(desk, receiver, fresh, request, whole=True)
    try:
        await desk.store.commit(Commit(puts=(Put(made, 0),)))
    except Conflict:
        detail = "a receiver has one stream at most, and this one has it"
        raise Refused(Code.REQUEST_CONFLICT, detail, public=f"There is a stream already: {detail}.") from None
    return stream_configuration(desk, receiver, made)


async def read_stream(desk: DeskContext, receiver: Receiver, unverified_id: str) -> JsonObject:
    """Return the configuration of the receiver's stream.

    Raises:
        Refused: `request.not_found`, also for another receiver's.
    """
    return stream_configuration(desk, receiver, (await own_stream(desk, receiver, unverified_id)).record)


async def list_streams(desk: DeskContext, receiver: Receiver) -> Sequence[JsonObject]:
    """Return the configurations of all the receiver's streams: one or none."""
    kept = await find_stream(desk, receiver)
    return [] if kept is None else [stream_configuration(desk, receiver, kept.record)]


async def change_stream(
    desk: DeskContext, receiver: Receiver, unverified_id: str, request: StreamRequest, *, whole: bool
) -> JsonObject:
    """Change the named members of the receiver's stream, or (`whole`) replace all of the receiver's members.

    Raises:
        Refused: `request.not_found`, `request.malformed`, `task.busy`.

    Source: SSF 1.0 §8.1.1.3, §8.1.1.4.
    """

    async def change(kept: Versioned[EventStream]) -> tuple[Commit, EventStream]:
        made = await _configured(desk, receiver, kept.record, request, whole=whole)
        _verify_unchanged(stream_configuration(desk, receiver, made), request.sent)
        return Commit(puts=(Put(made, kept.rev, kept.record),)), made

    return stream_configuration(desk, receiver, await _changed(desk, receiver, unverified_id, change))


async def delete_stream(desk: DeskContext, receiver: Receiver, unverified_id: str) -> None:
    """Delete the receiver's stream and the events that wait for it.

    Raises:
        Refused: `request.not_found`, `task.busy`.
    """

    async def change(kept: Versioned[EventStream]) -> tuple[Commit, EventStream]:
        waiting = await waiting_events(desk, kept.record.id, limit=2 * MAX_WAITING)
        drops = (Drop(kept.record, kept.rev), *(Drop(one.record, one.rev) for one in waiting))
        return Commit(drops=drops), kept.record

    await _changed(desk, receiver, unverified_id, change)


def stream_status(stream: EventStream) -> JsonObject:
    """Return the status of a stream."""
    status: dict[str, Json] = {"stream_id": stream.id, "status": stream.status.value}
    return {**status, "reason": stream.reason} if stream.reason else status


async def change_status(
    desk: DeskContext, receiver: Receiver, unverified_id: str, *, status: StreamStatus, reason: str
) -> JsonObject:
    """Change the status of the receiver's stream; a change is told by an event of its own, unless nothing flows.

    Raises:
        Refused: `request.not_found`, `task.busy`.

    Source: SSF 1.0 §8.1.2.2, §8.1.5.
    """

    async def change(kept: Versioned[EventStream]) -> tuple[Commit, EventStream]:
        return await _with_status(desk, receiver, kept, status, reason)

    made = await _changed(desk, receiver, unverified_id, change)
    desk.notify.wake(topic_of(made.id))
    return stream_status(made)


async def add_subject(desk: DeskContext, receiver: Receiver, unverified_id: str, subject: JsonObject) -> None:
    """Send events of a subject again. All subjects are in a stream until the receiver removes them.

    Raises:
        Refused: `request.not_found`, `request.malformed`, `task.busy`.

    Source: SSF 1.0 §8.1.3.2.
    """
    await _exclude(desk, receiver, unverified_id, subject, excluded=False)


async def remove_subject(desk: DeskContext, receiver: Receiver, unverified_id: str, subject: JsonObject) -> None:
    """Send no more events of a subject.

    Raises:
        Refused: `request.not_found`, `request.malformed` also when too many are removed, `task.busy`.

    Source: SSF 1.0 §8.1.3.3.
    """
    await _exclude(desk, receiver, unverified_id, subject, excluded=True)


async def verify_stream(desk: DeskContext, receiver: Receiver, unverified_id: str, *, state: str) -> None:
    """Send a verification event with the receiver's state.

    ⚔ At most one in the stream's interval: requests fill no stream.

    Raises:
        Refused: `request.not_found`, `request.rate_limited`, `task.busy`.

    Source: SSF 1.0 §8.1.4.2.
    """

    async def change(kept: Versioned[EventStream]) -> tuple[Commit, EventStream]:
        stream, now = kept.record, desk.world.now()
        interval_ms = signals_of(desk.signals).verification_interval_s * 1000
        if now < stream.verified_at + interval_ms:
            wait_s = (stream.verified_at + interval_ms - now) // 1000 + 1
            raise Refused(Code.REQUEST_RATE_LIMITED, "verified a moment ago", retry_after_s=wait_s)
        if len(await waiting_events(desk, stream.id)) >= MAX_WAITING:
            raise Refused(Code.REQUEST_RATE_LIMITED, "its events are not taken", retry_after_s=_FULL_S)
        made = replace(stream, last=stream.last + 1, verified_at=Instant(now))
        event: JsonObject = {"state": state} if state else {}
        about = about_stream(made)
        told = event_record(desk, receiver, made, kind=EventType.VERIFICATION, event=event, subject=about)
        return Commit(puts=(Put(made, kept.rev, stream), Put(told, 0))), made

    made = await _changed(desk, receiver, unverified_id, change)
    desk.notify.wake(topic_of(made.id))


async def _changed(
    desk: DeskContext,
    receiver: Receiver,
    unverified_id: str,
    change: Callable[[Versioned[EventStream]], Awaitable[tuple[Commit, EventStream]]],
) -> EventStream:
    """Change the receiver's stream, again where a job of the desk moved it meanwhile.

    Raises:
        Refused: `request.not_found`, `task.busy`, and as `change` does.
    """
    for _ in range(_TRIES):
        commit, made = await change(await own_stream(desk, receiver, unverified_id))
        try:
            await desk.store.commit(commit)
        except (Conflict, RecordMissing):
            continue
        return made
    raise Refused(Code.TASK_BUSY, "the stream kept changing", retry_after_s=1)


async def _with_status(
    desk: DeskContext, receiver: Receiver, kept: Versioned[EventStream], status: StreamStatus, reason: str
) -> tuple[Commit, EventStream]:
    before = kept.record
    if before.status is status:
        made = replace(before, reason=reason)
        return Commit(puts=(Put(made, kept.rev, before),)), made
    # ⚔ What happened while it was disabled is never told later: the stream begins at the present again.
    cursor = await next_entry(desk) if before.status is StreamStatus.DISABLED else before.cursor
    made = replace(before, status=status, reason=reason, cursor=cursor, last=before.last + 1)
    waiting = await waiting_events(desk, before.id, limit=2 * MAX_WAITING)
    put = Put(made, kept.rev, before)
    if status is StreamStatus.DISABLED:
        return Commit(puts=(put,), drops=tuple(Drop(one.record, one.rev) for one in waiting)), made
    if len(waiting) >= MAX_WAITING:
        return Commit(puts=(put,)), made
    told: JsonObject = {"status": status.value, **({"reason": reason} if reason else {})}
    about = about_stream(made)
    event = event_record(desk, receiver, made, kind=EventType.STREAM_UPDATED, event=told, subject=about)
    return Commit(puts=(put, Put(event, 0))), made


async def own_stream(desk: DeskContext, receiver: Receiver, unverified_id: str) -> Versioned[EventStream]:
    """Return the receiver's own stream.

    ⚔ Another receiver's stream answers as one that does not exist.

    Raises:
        Refused: `request.not_found`.
    """
    kept = await find_stream(desk, receiver)
    if kept is None or kept.record.id != unverified_id:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such stream of this receiver")
    return kept


def delivered_types(receiver: Receiver, stream: EventStream) -> tuple[str, ...]:
    """Return the types that a stream carries: of those allowed by the settings, the requested ones."""
    return tuple(kind for kind in receiver.events if not stream.requested or kind in stream.requested)


def stream_configuration(desk: DeskContext, receiver: Receiver, stream: EventStream) -> JsonObject:
    """Build a stream's configuration. ⚔ The receiver's own secret header is not shown again."""
    poll = stream.delivery is Delivery.POLL
    endpoint = f"{desk.terms.issuer}{POLL_PATH}/{stream.id}" if poll else stream.endpoint
    shown: dict[str, Json] = {
        "stream_id": stream.id,
        "iss": desk.terms.issuer,
        "aud": receiver.audience,
        "events_supported": list(receiver.events),
        "events_requested": list(stream.requested or receiver.events),
        "events_delivered": list(delivered_types(receiver, stream)),
        "delivery": {"method": stream.delivery.value, "endpoint_url": endpoint},
        "min_verification_interval": signals_of(desk.signals).verification_interval_s,
    }
    return {**shown, "description": stream.description} if stream.description else shown


_OURS: Final = ("iss", "aud", "events_supported", "events_delivered", "min_verification_interval")


def _verify_unchanged(expected: Mapping[str, Json], sent: JsonObject) -> None:
    """Refuse a change of the members that only the transmitter says (SSF 1.0 §8.1.1.3)."""
    for name in _OURS:
        if name in sent and sent[name] != expected[name]:
            raise Refused(
                Code.REQUEST_MALFORMED, f"{name} is the transmitter's to say", public=f"{name} is set by the server."
            )


async def _configured(
    desk: DeskContext, receiver: Receiver, stream: EventStream, request: StreamRequest, *, whole: bool
) -> EventStream:
    """Apply a receiver's request to a stream.

    ⚔ An address for pushes is a caller's: special-use addresses are refused now, and again at each resolution.
    """
    made = stream
    if request.events is not None or whole:
        made = replace(made, requested=request.events or ())
    if request.description is not None or whole:
        made = replace(made, description=request.description or "")
    if request.delivery is Delivery.PUSH:
        posts = signals_of(desk.signals).posts
        endpoint = posts.verify_url(request.endpoint, private_network=receiver.private_network)
        header = await seal_header(desk, request.header)
        made = replace(made, delivery=Delivery.PUSH, endpoint=endpoint, header=header, missed=0, rests_until=Instant(0))
    elif request.delivery is Delivery.POLL or whole:
        made = replace(made, delivery=Delivery.POLL, endpoint="", header="")
    return made


async def _exclude(
    desk: DeskContext, receiver: Receiver, unverified_id: str, subject: JsonObject, *, excluded: bool
) -> None:
    verify_subject(subject)
    named = subject_text(subject)

    async def change(kept: Versioned[EventStream]) -> tuple[Commit, EventStream]:
        stream = kept.record
        others = tuple(one for one in stream.excluded if one != named)
        after = (*others, named) if excluded else others
        if len(after) > MAX_EXCLUDED or sum(map(len, after)) > _MAX_EXCLUDED_LENGTH:
            detail = f"at most {MAX_EXCLUDED} subjects, of {_MAX_EXCLUDED_LENGTH} characters in all, can be removed"
            raise Refused(Code.REQUEST_MALFORMED, detail, public=detail.capitalize() + ".")
        made = replace(stream, excluded=after)
        return Commit(puts=(Put(made, kept.rev, stream),)), made

    await _changed(desk, receiver, unverified_id, change)


async def seal_header(desk: DeskContext, header: str) -> str:
    """Seal the `Authorization` of pushes under the desk's own content key, which is in no backup of the store."""
    return base64.b64encode(await desk.vault.seal("", header.encode())).decode() if header else ""


async def open_header(desk: DeskContext, sealed: str) -> str:
    """Open a sealed `Authorization`.

    Raises:
        Fault: `fault.store`.
    """
    return (await desk.vault.unseal("", base64.b64decode(sealed))).decode() if sealed else ""
