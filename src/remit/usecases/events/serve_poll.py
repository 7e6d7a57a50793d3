"""Events fetched by a receiver: acknowledged ones go, the next ones are signed and handed out.

Source: RFC 8936 §2.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.events.parties import Receiver
from remit.domain.events.records import Delivery, OutgoingEvent, StreamStatus
from remit.domain.structs import struct
from remit.engine.context import DeskContext
from remit.engine.events.outgoing import drop_events, topic_of, waiting_events
from remit.engine.events.parties import signer_of
from remit.engine.long_poll import read_awaited
from remit.ports.store import RecordMissing, Versioned
from remit.usecases.events.streams import own_stream

_LOG: Final = logging.getLogger("remit.events")
MAX_EVENTS: Final = 100
"""Events in one answer, and named in one request."""
_EVERY_S: Final = 5.0


@struct(frozen=True, kw_only=True)
class PollRequest:
    """A receiver's request: how many events at most, those taken, those refused with their reason, and the wait."""

    most: int
    taken: tuple[str, ...]
    refused: Mapping[str, str]
    wait_s: float


@struct(frozen=True)
class PollAnswer:
    """Signed events by their jti, in order, and whether more of them wait."""

    sets: Mapping[str, str]
    more: bool


async def serve_poll(desk: DeskContext, receiver: Receiver, unverified_id: str, asked: PollRequest) -> PollAnswer:
    """Take a receiver's acknowledgements and hand out its next events.

    ⚔ A jti of another stream acknowledges nothing. An event stays until it is acknowledged.

    Raises:
        Refused: `request.not_found`, also for another receiver's stream, and for one that is pushed.
        Fault: `fault.store`.

    Source: RFC 8936 §2.2 to §2.4.
    """
    kept = await own_stream(desk, receiver, unverified_id)
    if kept.record.delivery is not Delivery.POLL:
        raise Refused(Code.REQUEST_NOT_FOUND, "the stream is pushed")
    stream = kept.record.id
    for jti, reason in asked.refused.items():
        _LOG.error("%s refused event %s: %s", receiver.name, jti, reason, extra={"event": "event.refused"})
    await drop_events(desk, await _named(desk, stream, (*asked.taken, *asked.refused)))
    signer = signer_of(desk.signals)

    async def read() -> Sequence[Versioned[OutgoingEvent]]:
        if (await own_stream(desk, receiver, unverified_id)).record.status is not StreamStatus.ENABLED:
            return ()
        return await waiting_events(desk, stream, limit=asked.most + 1)

    if not asked.most:
        return PollAnswer({}, more=bool(await read()))
    found = await read_awaited(desk, topic_of(stream), read, bool, wait_s=asked.wait_s, every_s=_EVERY_S)
    sets = {one.record.id: signer.sign(one.record.claims) for one in found[: asked.most]}
    return PollAnswer(sets, more=len(found) > asked.most)


async def _named(desk: DeskContext, stream: str, jtis: Sequence[str]) -> list[Versioned[OutgoingEvent]]:
    """Return the named events that wait for this stream."""
    found: list[Versioned[OutgoingEvent]] = []
    for jti in dict.fromkeys(jtis):
        try:
            kept = await desk.store.get(OutgoingEvent, jti)
        except RecordMissing:
            continue
        if kept.record.stream == stream:
            found.append(kept)
    return found
