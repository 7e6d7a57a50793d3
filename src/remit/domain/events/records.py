"""Records of shared signals: a receiver's stream, an event that waits for it, and a received event under way."""

from enum import StrEnum
from typing import ClassVar

from remit.domain.records import NEVER, Link
from remit.domain.structs import struct
from remit.domain.values import Instant


class StreamStatus(StrEnum):
    """The status of a stream: paused keeps its events, disabled drops them."""

    DISABLED = "disabled"
    ENABLED = "enabled"
    PAUSED = "paused"


class Delivery(StrEnum):
    """The ways in which events reach a receiver."""

    POLL = "urn:ietf:rfc:8936"
    PUSH = "urn:ietf:rfc:8935"


@struct(frozen=True, kw_only=True)
class EventStream:
    """The stream of one receiver; `id` follows from its name, so that it has one at most.

    `cursor` is the next entry of the log to look at, `last` the number of the last event made. `header` is the sealed
    `Authorization` of a push, base64 ("" for none), `excluded` the subjects that the receiver removed, as canonical
    JSON. `rests_until` is when an unreachable push is tried again, `missed` how often it failed in a row.
    """

    KIND: ClassVar[str] = "event_stream"
    id: str
    receiver: str
    delivery: Delivery
    endpoint: str
    header: str
    requested: tuple[str, ...]
    description: str
    status: StreamStatus
    reason: str
    at: Instant
    cursor: int
    last: int = 0
    excluded: tuple[str, ...] = ()
    verified_at: Instant = NEVER
    rests_until: Instant = NEVER
    missed: int = 0

    def links(self) -> tuple[Link, ...]:
        """Return no entries: it is looked up by id."""
        return ()


@struct(frozen=True, kw_only=True)
class OutgoingEvent:
    """An event that waits for its receiver; `id` is its jti, `claims` are canonical JSON, signed at each delivery."""

    KIND: ClassVar[str] = "event_set"
    id: str
    stream: str
    number: int
    claims: str
    at: Instant

    def links(self) -> tuple[Link, ...]:
        """Index by stream, in order."""
        return (Link("event_set.stream", self.stream, self.number),)


@struct(frozen=True, kw_only=True)
class ReceivedEvent:
    """A received event with its effect under way; it is dropped once all of it holds.

    `targets` are `kind:name`, such as `customer:anna`.
    """

    KIND: ClassVar[str] = "received_event"
    id: str
    transmitter: str
    type: str
    effect: str
    targets: tuple[str, ...]
    at: Instant

    def links(self) -> tuple[Link, ...]:
        """Index by time, for the node that takes over."""
        return (Link("due.received_event", "", self.at),)
