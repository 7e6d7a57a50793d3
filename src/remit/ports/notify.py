"""The port for notices to people: pending requests and events."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol

from remit.domain.incidents.records import DeliveryRecord, Severity
from remit.domain.records import LeakReport
from remit.domain.structs import struct
from remit.domain.values import Instant


@struct(frozen=True, kw_only=True)
class Letter:
    """One notice to one person as it leaves the desk. `id` is the same at every try; `address` is "" where unknown.

    `subject` is one line; `text` are paragraphs with an empty line between them; `page` is an address of the desk's
    own; `foot` ends a mail. All of it is in `language`.
    """

    id: str
    at: Instant
    person: str
    address: str
    subject: str
    text: str
    page: str
    foot: str
    language: str


class DeliveryObstacle(StrEnum):
    """The scope of a failed delivery: the whole carrier for now, this letter for now, this letter for good."""

    CARRIER = "carrier"
    LETTER = "letter"
    NEVER = "never"


class DeliveryFailed(Exception):  # noqa: N818  # named after the state
    """A letter was not delivered, as far as is known."""

    def __init__(self, holdup: DeliveryObstacle, reason: str) -> None:
        """Carry the scope and a reason for the desk's log, without credentials or line breaks."""
        super().__init__(holdup, reason)
        self.holdup = holdup
        self.reason = reason


class Carrier(Protocol):
    """A way by which notices leave the desk: a mail server, a webhook.

    Promises:
    * `carry` returns once the other side has taken the letter, and in a bounded time either way.
    * After `DeliveryFailed` the letter may still have been taken. It is then carried again under the same `id`, by
      which the receiver can recognise it.
    * It sends to no other party, over no connection weaker than the settings say; `probe` sends nothing.
    """

    @property
    def name(self) -> str:
        """Return its name in the settings."""

    @property
    def needs_address(self) -> bool:
        """Return whether a person without an address cannot be reached this way."""

    async def carry(self, letter: Letter) -> None:
        """Deliver one letter.

        Raises:
            DeliveryFailed: it was not taken, as far as is known.
        """

    async def probe(self) -> str:
        """Verify that the other side answers and accepts us, sending nothing; returns a short description.

        Raises:
            DeliveryFailed: it does not.
        """


class CredentialIssuer(Protocol):
    """A way to an issuer of credentials that others leak.

    Promises: as a `Carrier`. Nothing of a credential is sent beyond the report.
    """

    @property
    def name(self) -> str:
        """Return the issuer's name in the settings."""

    async def tell(self, report: LeakReport) -> None:
        """Deliver one report.

        Raises:
            DeliveryFailed: it was not taken, as far as is known.
        """

    async def probe(self) -> str:
        """Verify that the other side answers, sending nothing; returns a short description.

        Raises:
            DeliveryFailed: it does not.
        """


class IncidentReceiver(Protocol):
    """A way to a system that watches incidents: a pager, a chat, a SIEM, a file.

    Promises: as a `Carrier`, under the delivery's id at every try. ⚔ Nothing is sent beyond the members of the
    delivery.
    """

    @property
    def name(self) -> str:
        """Return the receiver's name in the settings."""

    @property
    def names_customers(self) -> bool:
        """Return whether the settings let it know customers' ids."""

    @property
    def least(self) -> Severity:
        """Return the severity below which it is told nothing."""

    async def send(self, delivery: DeliveryRecord) -> None:
        """Deliver one message.

        Raises:
            DeliveryFailed: it was not taken, as far as is known.
        """

    async def probe(self) -> str:
        """Verify that the other side answers, sending nothing; returns a short description.

        Raises:
            DeliveryFailed: it does not.
        """


class Callbacks(Protocol):
    """Small posts to addresses that agents registered.

    Promises: https to public addresses alone (loopback where the desk itself is on it), the name resolved once, no
    redirects, five seconds; nothing of the answer but its status is read.
    """

    def verify(self, url: str) -> None:
        """Verify that an address may be posted to.

        Raises:
            Refused: `request.malformed`.
        """

    async def post(self, url: str, *, bearer: str, body: bytes) -> None:
        """Post JSON with a bearer token.

        Raises:
            DeliveryFailed: it was not taken, as far as is known.
        """


class Changes(Protocol):
    """A live subscription to a topic.

    Promises: a wake-up since the subscription, or since the last `wait` returned, is never missed: the next `wait`
    returns at once. While wake-ups of other nodes may be missed, `wait` returns early, so that the caller reads again.
    """

    async def wait(self, timeout_s: float) -> bool:
        """Wait until the topic is woken or the time is over; return whether it was woken. Read again either way."""


class Notify(Protocol):
    """Notifies people. Best effort, after the record: a lost notice changes no state.

    A notice carries no secret, no code and no value of a record, only a page to open.
    """

    async def tell(self, *, person: str, address: str, subject: str, text: str, page: str) -> None:
        """Log a notice with its page, to be passed on by hand. With carriers, notices are sent instead."""

    async def incident(self, *, kind: str, details: Mapping[str, str]) -> None:
        """Notify the desk's security people."""

    def wake(self, topic: str) -> None:
        """Wake the waiters of a topic (`ask:<id>`, `task:<id>`) in this process. A hint only."""

    def subscribe(self, topic: str) -> AbstractContextManager["Changes"]:
        """Hear of a topic from now on. Waiting goes through `engine/long_poll.py`, which reads afterwards."""
