"""The port to the people: how somebody learns that something waits or happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from remit.domain.records import LeakReport
from remit.domain.values import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One notice to one person as it leaves the desk. `id` is the same at every try; `address` is "" where none is known.

    `subject` is one line; `text` are paragraphs with an empty line between them; `page` is an address of the desk's own; `foot` is what a
    mail ends with. All of it is in `language`.
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
    """How far it reaches that a letter was not taken: nothing goes this way now, this letter not now, this letter never."""

    CARRIER = "carrier"
    LETTER = "letter"
    NEVER = "never"


class DeliveryFailed(Exception):  # noqa: N818  # it names what is
    """A letter was not taken, as far as is known."""

    def __init__(self, holdup: DeliveryObstacle, reason: str) -> None:
        """Say how far it reaches, and why, in words for the desk's log: no credential, nothing that could break a line."""
        super().__init__(holdup, reason)
        self.holdup = holdup
        self.reason = reason


class Carrier(Protocol):
    """A way by which notices leave the desk: a mail server, somebody's webhook.

    Promises:
    * `carry` has returned once the other side has taken the letter, and in a bounded time either way.
    * After `DeliveryFailed` it is not known that it was taken; it may have been. The same letter is then carried again under
      the same `id`, by which whoever receives it can tell that it is one.
    * Nothing is sent to anybody else, over a connection that is weaker than the settings say, or read by `look`.
    """

    @property
    def name(self) -> str:
        """How the settings call it."""
        ...

    @property
    def needs_address(self) -> bool:
        """Whether a person without an address cannot be reached this way."""
        ...

    async def carry(self, letter: Letter) -> None:
        """Hand over one letter.

        Raises:
            Unsent: it was not taken, as far as is known.
        """
        ...

    async def probe(self) -> str:
        """See that the other side answers and lets us in, sending nothing; says in a few words what was seen.

        Raises:
            Unsent: it does not.
        """
        ...


class CredentialIssuer(Protocol):
    """A way to an owner of credentials that others leak.

    Promises: as a `Carrier`. Nothing of a credential is sent but what the report holds.
    """

    @property
    def name(self) -> str:
        """How the settings call the owner."""
        ...

    async def tell(self, report: LeakReport) -> None:
        """Hand over one report.

        Raises:
            Unsent: it was not taken, as far as is known.
        """
        ...

    async def probe(self) -> str:
        """See that the other side answers, sending nothing; says in a few words what was seen.

        Raises:
            Unsent: it does not.
        """
        ...


class Notify(Protocol):
    """Tells people. Best effort, after the record: a notice that is lost changes nothing that holds.

    A notice carries no secret, no code and no value of a record; it says where to look.
    """

    async def tell(self, *, person: str, address: str, subject: str, text: str, page: str) -> None:
        """Write down a notice with the page to open, for whoever passes it on. Where there are carriers, they are sent instead."""
        ...

    async def incident(self, *, kind: str, details: Mapping[str, str]) -> None:
        """Tell the desk's security people."""
        ...

    def wake(self, topic: str) -> None:
        """Wake whoever waits on a topic (`ask:<id>`, `task:<id>`) in this process. A hint only."""
        ...

    async def wait(self, topic: str, timeout_s: float) -> None:
        """Wait until the topic is woken or the time is over. Never a promise: read again afterwards."""
        ...
