"""The dialect of a helpdesk product: a few requests, none of which is trusted to happen exactly once."""

from collections.abc import Sequence
from dataclasses import field
from typing import Protocol

from remit.domain.structs import struct


@struct(frozen=True, kw_only=True)
class TicketView:
    """The present state of a ticket. `merged_into` is a ticket, or empty; `changes` as in `CaseView`."""

    open: bool
    requester: str
    merged_into: str
    subject: str
    assignee: str
    reopened: int
    reassigned: int


@struct(frozen=True, kw_only=True)
class TicketFile:
    """A file of an entry by its reference at the helpdesk."""

    ref: str
    name: str
    media_type: str


@struct(frozen=True, kw_only=True)
class TicketEntry:
    """One note or reply of a ticket. `own` ones were written by Remit's account, `author` is the account's name."""

    n: int
    at: int
    author: str
    own: bool
    public: bool
    text: str
    files: Sequence[TicketFile] = field(default=())


@struct(frozen=True, kw_only=True)
class NativeEntry:
    """A public reply by another account: its place over all tickets, its ticket, time, author and their address."""

    place: int
    ticket: str
    at: int
    author: str
    address: str


@struct(frozen=True, kw_only=True)
class Capabilities:
    """The limits of a product, and the connector's answer to each.

    `search_lag_ms` is the age from which on a search surely finds a new ticket; until then the one that the journal
    holds counts, and an opening whose answer was lost waits. `settled_ms` is the age of a public reply from which on
    none can appear below it. Without `files` a file stays at Remit, and the note names it. Without `owner_history` the
    first officer that a read of the ticket showed is kept, and another one is a reassignment. Without `proves_authors`
    an account can write in another's name: no reply is a draft.
    """

    search_lag_ms: int = 0
    settled_ms: int = 5_000
    files: bool = True
    owner_history: bool = True
    proves_authors: bool = True


class HelpdeskDialect(Protocol):
    """Requests to one product. Every method raises `fault.case` when the answer is none; a write may then have arrived.

    A write that the product refuses is a fault too, however politely it answered: writes are read again.
    """

    async def create(self, *, case: str, requester: str, subject: str) -> str:
        """Create a ticket that carries the case in its searchable field, without a message, and return its id."""

    async def find(self, case: str) -> Sequence[str]:
        """Return the tickets by Remit's account that carry the case, oldest first."""

    async def add(self, ticket: str, *, public: bool, text: str, file: tuple[str, str, bytes] | None = None) -> None:
        """Add an internal note or a public reply, with a file (name, media type, data) where one is given."""

    async def close(self, ticket: str) -> None:
        """Close the ticket."""

    async def mark(self, ticket: str, *, identity: str, state: str) -> None:
        """Write into the card's fields, those that the product has; they are a convenience, and nothing rests on them."""

    async def view(self, ticket: str) -> TicketView:
        """Read the ticket fresh."""

    async def entries(self, ticket: str) -> Sequence[TicketEntry]:
        """Return all notes and replies, oldest first."""

    async def file_data(self, ref: str) -> bytes:
        """Return the content of a file."""

    async def native(self, *, after: int, before_ms: int, limit: int) -> Sequence[NativeEntry]:
        """Return public replies by other accounts after a place and older than a time, in order of place."""

    async def probe(self) -> Sequence[str]:
        """Verify the account, the queue and the searchable field, and return the card's fields that are missing.

        Raises:
            Fault: `fault.case` with what is missing.
        """
