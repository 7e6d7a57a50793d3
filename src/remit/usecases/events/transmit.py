"""Events on their way out: made from the log, a receiver at a time, and pushed where a receiver wants that.

At least once, as notices are (docs/decisions/0053-the-log-is-the-outbox-of-events.md): an event is dropped once its
receiver has taken it, and one that is sent again has the same jti.
"""

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from remit.domain.errors import Fault, Refused
from remit.domain.events.parties import Receiver
from remit.domain.events.records import Delivery, EventStream, OutgoingEvent, StreamStatus
from remit.domain.events.subjects import matches
from remit.domain.structs import replace
from remit.domain.values import Instant, JsonObject, decode_json
from remit.engine.context import DeskContext
from remit.engine.events.from_entries import SENT_KINDS, Signal, is_for, signals_of_entry, subject_for
from remit.engine.events.outgoing import (
    MAX_WAITING,
    drop_events,
    event_record,
    find_stream,
    next_entry,
    stream_id,
    topic_of,
    waiting_events,
)
from remit.engine.events.parties import signals_of, signer_of
from remit.ports.events import HttpReply
from remit.ports.store import Commit, Conflict, Drop, Put, RecordMissing, StoredEntry, Versioned
from remit.usecases.events.streams import delivered_types, open_header

_LOG: Final = logging.getLogger("remit.events")
KEPT_MS: Final = 7 * 24 * 3600 * 1000
"""Time for which an event is kept for a receiver that does not take it."""
LEASE_MS: Final = 60_000
"""Time for which one node pushes to a receiver alone: longer than one round of it may take."""
_AGAIN_MS: Final = (5_000, 30_000, 120_000, 600_000, 1_800_000)
"""Time before an unreachable receiver is tried again."""
_PAGE: Final = 500
_AT_ONCE: Final = 8
"""Events pushed in one round, so that a slow receiver delays the others little."""
_TRIES: Final = 8
_BEHIND: Final = 2000
"""Entries without an event that are looked at before the place is recorded."""
_OK: Final = range(200, 300)
_BAD_REQUEST: Final = 400


class EventTransmitter:
    """One process's transmitter; `told` receives the outcome of each push: sent, put_off, failed."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told
        self._seen: dict[str, int] = {}

    async def round(self, desk: DeskContext) -> int:
        """Make the events of new entries and push those that wait; return how many were processed.

        Raises:
            Fault: `fault.store`; all of it stays.
        """
        done = 0
        for receiver in signals_of(desk.signals).receivers.values():
            try:
                done += await self._serve(desk, receiver)
            except (Conflict, RecordMissing):
                continue  # another node, or the receiver itself, was faster: the next round looks again
        return done

    async def _serve(self, desk: DeskContext, receiver: Receiver) -> int:
        if receiver.push_url:
            await settle_stream(desk, receiver)
        kept = await find_stream(desk, receiver)
        if kept is None or kept.record.status is StreamStatus.DISABLED:
            return 0
        waiting = await _fresh(desk, kept.record)
        made = await self._collect(desk, receiver, kept, MAX_WAITING - len(waiting))
        pushes = kept.record.delivery is Delivery.PUSH and kept.record.status is StreamStatus.ENABLED
        if not pushes or (not waiting and not made):
            return made
        return made + await self._push(desk, receiver)

    async def _collect(self, desk: DeskContext, receiver: Receiver, kept: Versioned[EventStream], room: int) -> int:
        """Make the events of the next entries, as far as there is room; the others wait in the log."""
        stream = kept.record
        low = max(stream.cursor, self._seen.get(stream.id, 0))
        entries = await desk.store.entries(low=low, limit=_PAGE) if room > 0 else ()
        if not entries:
            return 0
        batch = await _events_of(desk, receiver, stream, entries, room)
        self._seen[stream.id] = batch.cursor
        if not batch.events and batch.cursor - stream.cursor < _BEHIND:
            return 0
        after = replace(stream, cursor=batch.cursor, last=batch.last)
        puts = (Put(after, kept.rev, stream), *(Put(one, 0) for one in batch.events))
        try:
            # ⚔ Of several nodes one gets past here: an entry becomes one event.
            await desk.store.commit(Commit(puts=puts))
        except BaseException:
            self._seen.pop(stream.id, None)
            raise
        desk.notify.wake(topic_of(stream.id))
        return len(batch.events)

    async def _push(self, desk: DeskContext, receiver: Receiver) -> int:
        kept = await find_stream(desk, receiver)
        now = desk.world.now()
        if kept is None or now < kept.record.rests_until:
            return 0
        stream = replace(kept.record, rests_until=Instant(now + LEASE_MS))
        # ⚔ Of several nodes one gets past here; a crash behind it ends with the lease.
        await desk.store.commit(Commit(puts=(Put(stream, kept.rev, kept.record),)))
        taken: list[Versioned[OutgoingEvent]] = []
        failed = False
        for one in await waiting_events(desk, stream.id, limit=_AT_ONCE):
            if await self._deliver(desk, receiver, stream, one.record):
                taken.append(one)
                continue
            failed = True
            break
        await drop_events(desk, taken)
        await _rest(desk, receiver, stream.missed + 1 if failed else 0)
        return len(taken)

    async def _deliver(self, desk: DeskContext, receiver: Receiver, stream: EventStream, event: OutgoingEvent) -> bool:
        """Push one event; return whether it is settled, taken or refused for good."""
        header = receiver.push_header if receiver.push_url else await open_header(desk, stream.header)
        signals, token = signals_of(desk.signals), signer_of(desk.signals).sign(event.claims)
        try:
            reply = await signals.posts.post(
                stream.endpoint,
                private_network=receiver.private_network,
                media_type="application/secevent+jwt",
                header=header,
                content=token.encode(),
            )
        except Fault as fault:
            return self._put_off(receiver, event, fault.detail)
        if reply.status in _OK:
            self._told("sent")
            return True
        err = _err(reply)
        if err != "invalid_request":  # any other answer can be cured at either end, and is tried again
            return self._put_off(receiver, event, f"status {reply.status} {err}".strip())
        self._told("failed")
        _LOG.error("%s refused event %s: %s", receiver.name, event.id, err, extra={"event": "event.refused"})
        return True

    def _put_off(self, receiver: Receiver, event: OutgoingEvent, reason: str) -> bool:
        self._told("put_off")
        _LOG.warning(
            "event %s was not taken by %s, and is tried again: %s",
            event.id,
            receiver.name,
            reason,
            extra={"event": "event.put_off"},
        )
        return False


async def _rest(desk: DeskContext, receiver: Receiver, missed: int) -> None:
    """End the lease of a push; after a miss the receiver is left alone for a while. A changed stream is read again."""
    rest_ms = _AGAIN_MS[min(missed, len(_AGAIN_MS)) - 1] if missed else 0
    for _ in range(_TRIES):
        kept = await find_stream(desk, receiver)
        if kept is None:
            return
        after = replace(kept.record, missed=missed, rests_until=Instant(desk.world.now() + rest_ms))
        with contextlib.suppress(Conflict):
            await desk.store.commit(Commit(puts=(Put(after, kept.rev, kept.record),)))
            return


async def settle_stream(desk: DeskContext, receiver: Receiver) -> None:
    """Make the stream of a receiver as the settings fix it; nothing is written where it is so already.

    Raises:
        Fault: `fault.store`.
    """
    kept = await find_stream(desk, receiver)
    if kept is None:
        now = desk.world.now()
        made = EventStream(
            id=stream_id(desk, receiver.name),
            receiver=receiver.name,
            delivery=Delivery.PUSH,
            endpoint=receiver.push_url,
            header="",
            requested=(),
            description="",
            status=StreamStatus.ENABLED,
            reason="",
            at=now,
            cursor=await next_entry(desk),
        )
        await desk.store.commit(Commit(puts=(Put(made, 0),)))
    elif kept.record.endpoint != receiver.push_url or kept.record.delivery is not Delivery.PUSH:
        moved = replace(
            kept.record, delivery=Delivery.PUSH, endpoint=receiver.push_url, header="", rests_until=Instant(0), missed=0
        )
        await desk.store.commit(Commit(puts=(Put(moved, kept.rev, kept.record),)))


@dataclass(slots=True)
class _Batch:
    """The events of some entries, the place after the last entry, and the number of the last event."""

    cursor: int
    last: int
    events: list[OutgoingEvent] = field(default_factory=list)


async def _events_of(
    desk: DeskContext, receiver: Receiver, stream: EventStream, entries: Sequence[StoredEntry], room: int
) -> _Batch:
    batch = _Batch(stream.cursor, stream.last)
    wanted = delivered_types(receiver, stream)
    for entry in entries:
        if entry.row.kind in SENT_KINDS:
            if len(batch.events) >= room:
                return batch
            for signal in await _signals(desk, entry):
                await _add(desk, receiver, stream, signal, batch, wanted=wanted, txn=f"entry-{entry.index}")
        batch.cursor = entry.index + 1
    return batch


async def _add(
    desk: DeskContext,
    receiver: Receiver,
    stream: EventStream,
    signal: Signal,
    batch: _Batch,
    *,
    wanted: Sequence[str],
    txn: str,
) -> None:
    if signal.type not in wanted or not is_for(receiver, signal):
        return
    subject = await subject_for(desk, receiver, signal)
    if any(matches(_pattern(one), subject) for one in stream.excluded):
        return
    batch.last += 1
    numbered = replace(stream, last=batch.last)
    batch.events.append(
        event_record(desk, receiver, numbered, kind=signal.type, event=signal.event, subject=subject, txn=txn)
    )


async def _signals(desk: DeskContext, entry: StoredEntry) -> tuple[Signal, ...]:
    """Return an entry's events: none where its records are gone, so that it holds up no later ones."""
    try:
        return await signals_of_entry(desk, entry)
    except (RecordMissing, Refused):
        _LOG.error("no event can be made of entry %d", entry.index, extra={"event": "event.unmade"})
        return ()


async def _fresh(desk: DeskContext, stream: EventStream) -> Sequence[Versioned[OutgoingEvent]]:
    """Return the waiting events; ones that were not taken for too long are dropped, and said to be."""
    waiting = await waiting_events(desk, stream.id)
    oldest = desk.world.now() - KEPT_MS
    stale = [one for one in waiting if one.record.at < oldest]
    for one in stale:
        _LOG.error(
            "event %s for %s was not taken in seven days", one.record.id, stream.receiver, extra={"event": "event.lost"}
        )
    if stale:
        await desk.store.commit(Commit(drops=tuple(Drop(one.record, one.rev) for one in stale)))
    return [one for one in waiting if one.record.at >= oldest]


def _pattern(text: str) -> JsonObject:
    value = decode_json(text.encode())
    return value if isinstance(value, dict) else {}


def _err(reply: HttpReply) -> str:
    """Return the error name of a refused push (RFC 8935 §2.3), "" for none that can be read."""
    if reply.status != _BAD_REQUEST:
        return ""
    try:
        value = decode_json(reply.body, max_bytes=64 * 1024, max_members=64)
    except Refused:
        return ""
    err = value.get("err") if isinstance(value, dict) else None
    return err if isinstance(err, str) and err.isidentifier() and len(err) <= 40 else ""  # noqa: PLR2004  # no name is longer
