"""The port to the helpdesk: cases (tickets there)."""

from collections.abc import Sequence
from dataclasses import field
from enum import StrEnum
from typing import Protocol

from remit.domain.structs import struct


class WriteState(StrEnum):
    """The helpdesk's knowledge of a write by its key."""

    DONE = "done"
    FENCED = "fenced"
    UNSEEN = "unseen"


@struct(frozen=True, kw_only=True)
class CaseView:
    """The present state of a case. `merged_into` is empty unless it was merged away, `assignee` without one.

    `reopened` counts reopenings: a case that was closed in between is not the case a task had. `reassigned` counts
    changes from one officer to another; the first officer only takes the case up.
    """

    id: str
    open: bool
    requester: str
    merged_into: str
    subject: str
    assignee: str = ""
    reopened: int = 0
    reassigned: int = 0


@struct(frozen=True, kw_only=True)
class CaseNote:
    """One note of a case. `public` ones reach the requester; `author`: `agent`, `officer:<id>`, `customer` or `remit`.

    `native` notes were written in the helpdesk itself, not through Remit; one that is public too is an incident.
    """

    n: int
    at: int
    author: str
    public: bool
    text: str
    native: bool = False


@struct(frozen=True, kw_only=True)
class CaseFile:
    """A file of a case, cleaned before. Opening it saves it: it is never shown as a page."""

    n: int
    at: int
    author: str
    name: str
    media_type: str
    data: bytes = field(repr=False)


@struct(frozen=True, kw_only=True)
class NativeReply:
    """A public note written in the helpdesk itself, past Remit: its place, never its text.

    `place` numbers all of them, over all cases, in the order of becoming readable; `n` is the number in its case.
    """

    place: int
    case: str
    n: int
    at: int
    author: str
    address: str = ""
    """The e-mail address that the helpdesk has verified for its author's account; empty where it has none."""


@struct(frozen=True, kw_only=True)
class TicketCard:
    """An agent's case at a glance for officers of the helpdesk: two short values for fields of its own, and a text."""

    identity: str
    state: str
    text: str


class Helpdesk(Protocol):
    """The system of cases.

    Faults: `fault.case` when it cannot be reached; nothing is then known. Every write takes a key and is idempotent by
    it; a write with a fenced key is a `fault.case` and changes nothing. Fields and notes of a case carry no authority.
    """

    @property
    def shows_cards(self) -> bool:
        """Whether officers read tickets elsewhere than on Remit's pages, so that a ticket carries a card."""

    async def open(self, *, case: str, key: str, requester: str, subject: str, text: str) -> None:
        """Open the case under the id Remit reserved; a non-empty `text` is its first note, by the agent, not public."""

    async def read(self, case: str) -> CaseView:
        """Read a case fresh.

        Raises:
            Fault: `fault.case` when it cannot be read or does not exist.
        """

    async def note(self, *, case: str, key: str, author: str, public: bool, text: str) -> None:
        """Add a note.

        Raises:
            Fault: `fault.case` when there is no such case.
        """

    async def attach(self, *, case: str, key: str, author: str, name: str, media_type: str, data: bytes) -> None:
        """Add a file to the case, for its officers alone.

        Raises:
            Fault: `fault.case` when there is no such case.
        """

    async def card(self, *, case: str, key: str, card: TicketCard) -> None:
        """Put the case's present card into its ticket: an internal note, and fields where the helpdesk has them.

        Nothing where no cards are shown. ⚔ No text of another author may pass for a card.

        Raises:
            Fault: `fault.case` when there is no such case.
        """

    async def case_of_ticket(self, ticket: str) -> str:
        """Return the case of a ticket, by the id that the helpdesk's own events give it; "" for one without a case."""

    async def files(self, case: str) -> Sequence[CaseFile]:
        """Return all files of a case, oldest first."""

    async def notes(self, case: str) -> Sequence[CaseNote]:
        """Return all notes, oldest first."""

    async def native_replies(self, *, after: int, limit: int) -> Sequence[NativeReply]:
        """Return public notes written past Remit, in any case, after a place, in order of place.

        Called all the time: one query, however many cases there are. None may appear below a place returned before, or
        it is never reported.

        Raises:
            Fault: `fault.case`.

        Source: docs/model/model.md#native-replies.
        """

    async def close(self, *, case: str, key: str) -> None:
        """Close the case.

        Raises:
            Fault: `fault.case` when there is no such case.
        """

    async def outcome(self, key: str) -> WriteState:
        """Return the fate of a write by its key: done, fenced, or unseen.

        Raises:
            Fault: `fault.case`.
        """

    async def fence(self, key: str) -> WriteState:
        """Make sure the key never writes from now on; answers `fenced`, or `done` when it already had.

        Durable on return: after `fenced`, a write still under way must not happen.

        Raises:
            Fault: `fault.case`.
        """
