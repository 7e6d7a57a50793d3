"""The port to the helpdesk: cases (tickets there)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class WriteState(StrEnum):
    """What the helpdesk knows of a write by its key."""

    DONE = "done"
    FENCED = "fenced"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """What a case is right now. `merged_into` is empty unless it was merged away; `assignee` empty when nobody has it.

    `reopened` counts how often it was opened again: a case that was closed in between is not the case a task had.
    `reassigned` counts how often it went from one officer to another; its first officer only takes it up.
    """

    id: str
    open: bool
    requester: str
    merged_into: str
    subject: str
    assignee: str = ""
    reopened: int = 0
    reassigned: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNote:
    """One note of a case. `public` notes reach the requester; `author` is `agent`, `officer:<id>`, `customer` or `remit`.

    `native` notes were written in the helpdesk itself, not through Remit; one that is public too is an incident.
    """

    n: int
    at: int
    author: str
    public: bool
    text: str
    native: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A file in a case, cleaned before it came there. Who opens it saves it: it is never shown as a page."""

    n: int
    at: int
    author: str
    name: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeReply:
    """A public note that was written in the helpdesk itself, past Remit: where it stands, never what it says.

    `place` numbers all of them, over all cases, in the order in which they could be read; `n` is the note's number in its case.
    """

    place: int
    case: str
    n: int
    at: int
    author: str


class Helpdesk(Protocol):
    """Where cases live.

    Faults: `fault.case` when it cannot be reached; nothing is then known. Every write takes a key and is idempotent
    by it; a write whose key is fenced is a `fault.case` and changes nothing. Fields and notes of a case never carry authority.
    """

    async def open(self, *, case: str, key: str, requester: str, subject: str, text: str) -> None:
        """Open the case under the id Remit reserved; `text`, when not empty, is its first note, by the agent, not public."""
        ...

    async def read(self, case: str) -> CaseView:
        """Read a case fresh.

        Raises:
            Fault: `fault.case` when it cannot be read or does not exist.
        """
        ...

    async def note(self, *, case: str, key: str, author: str, public: bool, text: str) -> None:
        """Add a note.

        Raises:
            Fault: `fault.case` when there is no such case.
        """
        ...

    async def attach(  # a file and where it goes
        self, *, case: str, key: str, author: str, name: str, media_type: str, data: bytes
    ) -> None:
        """Add a file to the case, for its officers alone.

        Raises:
            Fault: `fault.case` when there is no such case.
        """
        ...

    async def files(self, case: str) -> Sequence[CaseFile]:
        """All files of a case, oldest first."""
        ...

    async def notes(self, case: str) -> Sequence[CaseNote]:
        """All notes, oldest first."""
        ...

    async def native_replies(self, *, after: int, limit: int) -> Sequence[NativeReply]:
        """What was written publicly past Remit, in any case, behind a place, in order of place.

        It is asked all the time: one look, however many cases there are. None may turn up below a place that was given
        before, or it is never told.

        Raises:
            Fault: `fault.case`.

        Source: docs/model/model.md#native-replies.
        """
        ...

    async def close(self, *, case: str, key: str) -> None:
        """Close the case.

        Raises:
            Fault: `fault.case` when there is no such case.
        """
        ...

    async def outcome(self, key: str) -> WriteState:
        """Say what became of a write by its key: done, fenced, or unseen.

        Raises:
            Fault: `fault.case`.
        """
        ...

    async def fence(self, key: str) -> WriteState:
        """Make sure that nothing is ever written by the key from now on; answers `fenced`, or `done` when it already was.

        Durable on return: after `fenced`, a write that was under way all the while must not happen.

        Raises:
            Fault: `fault.case`.
        """
        ...
