"""The port over a company's own helpdesk: every write is journalled before it is sent, and looked up before a retry.

Each note ends with a line of its key and author, by which it is found again. ⚔ Only the last line of a note by Remit's
own account counts: a line in an agent's text, or in an officer's note, is text. ⚔ Each line of an agent's or
customer's text begins with its author, so that none passes for Remit's own in the helpdesk's pages.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from weakref import WeakValueDictionary

from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.adapters.helpdesk.remote.dialect import Capabilities, HelpdeskDialect, TicketEntry, TicketView
from remit.adapters.helpdesk.remote.journal import JournalEntry, JournalState, WriteJournal, WriteKind
from remit.domain.errors import Code, Fault
from remit.domain.structs import struct
from remit.ports.helpdesk import CaseFile, CaseNote, CaseView, NativeReply, TicketCard, WriteState
from remit.ports.world import World

QUIET_MS: Final = 30_000
"""Time after which a request that was sent cannot arrive any more: longer than the client and the helpdesk wait."""
_CAPABLE: Final = Capabilities()
SETTLED_MS: Final = _CAPABLE.settled_ms
"""Age of a reply from which on none can appear below it, where the product says nothing else."""
_MARK: Final = re.compile(
    r"\s*\nremit:(?P<key>[A-Za-z0-9_.:-]{1,200}) by (?P<author>agent|customer|remit|officer:[^\s]{1,200})\s*\Z"
)
_KEPT: Final = "A file, kept at Remit: "
_OPENINGS: Final = frozenset({WriteKind.OPEN, WriteKind.OPEN_NOTED})
_FOREIGN: Final = frozenset({"agent", "customer"})
_BAR: Final = " | "
_BREAK: Final = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
"""Every end of a line that some page draws as one."""
_CASE: Final = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)


@struct(frozen=True)
class _Step:
    """One request of a write: whether it happened, and the request."""

    happened: Callable[[], Awaitable[bool]]
    send: Callable[[], Awaitable[object]]


class RemoteHelpdesk:
    """Connector of one helpdesk. Nothing that the helpdesk says of a write counts before it was read again."""

    shows_cards: Final = True

    def __init__(
        self, dialect: HelpdeskDialect, database: DeskJobs, world: World, capabilities: Capabilities = _CAPABLE
    ) -> None:
        """Keep the journal in the desk's own database; `capabilities` are the product's limits."""
        self._dialect = dialect
        self.capabilities = capabilities
        self._world = world
        self._journal = WriteJournal(database, world)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def open(self, *, case: str, key: str, requester: str, subject: str, text: str) -> None:
        """Open a ticket that carries the case; its text is the first internal note.

        Raises:
            Fault: `fault.case`.
        """
        if _CASE.fullmatch(case) is None:
            raise Fault(Code.FAULT_CASE, "a case's id cannot be written into the helpdesk")

        async def found() -> bool:
            return bool(await self._found_ticket(case, opening=True))

        async def create() -> None:
            await self._journal.keep_ticket(
                case, await self._dialect.create(case=case, requester=requester, subject=subject)
            )

        steps = [_Step(found, create)]
        if text:
            steps.append(self._note_step(case, key, "agent", public=False, text=text))
        await self._once(case, key, WriteKind.OPEN_NOTED if text else WriteKind.OPEN, steps)

    async def read(self, case: str) -> CaseView:
        """Read a case fresh.

        Raises:
            Fault: `fault.case`.
        """
        ticket = await self._ticket(case)
        seen = await self._dialect.view(ticket)
        merged = seen.merged_into
        if merged:
            merged = (await self._journal.cases([merged])).get(merged, f"ticket:{merged}")
        return CaseView(
            id=case,
            open=seen.open and not merged,
            requester=seen.requester,
            merged_into=merged,
            subject=seen.subject,
            assignee=seen.assignee,
            reopened=seen.reopened,
            reassigned=await self._reassigned(ticket, seen),
        )

    async def note(self, *, case: str, key: str, author: str, public: bool, text: str) -> None:
        """Add an internal note, or a public reply.

        Raises:
            Fault: `fault.case`.
        """
        await self._once(case, key, WriteKind.NOTE, [self._note_step(case, key, author, public=public, text=text)])

    async def card(self, *, case: str, key: str, card: TicketCard) -> None:
        """Add the card as an internal note, after its short values were written into the ticket's fields.

        Raises:
            Fault: `fault.case`.
        """
        step = self._note_step(case, key, "remit", public=False, text=card.text)

        async def send() -> None:
            await self._dialect.mark(await self._ticket(case), identity=card.identity, state=card.state)
            await step.send()

        await self._once(case, key, WriteKind.NOTE, [_Step(step.happened, send)])

    async def attach(self, *, case: str, key: str, author: str, name: str, media_type: str, data: bytes) -> None:
        """Add a file in an internal note, whose text is the file's name: a helpdesk may change the name itself.

        A product that takes no files gets the note alone, and the file stays at Remit.

        Raises:
            Fault: `fault.case`.
        """
        file = (name, media_type, data) if self.capabilities.files else None
        text = name if file else f"{_KEPT}{name}"
        await self._once(
            case, key, WriteKind.NOTE, [self._note_step(case, key, author, public=False, text=text, file=file)]
        )

    async def case_of_ticket(self, ticket: str) -> str:
        """Return the case of a ticket that Remit opened.

        Raises:
            Fault: `fault.case`.
        """
        return (await self._journal.cases([ticket])).get(ticket, "")

    async def files(self, case: str) -> Sequence[CaseFile]:
        """Return the files that Remit added, oldest first.

        Raises:
            Fault: `fault.case`.
        """
        found: list[CaseFile] = []
        for entry in await self._dialect.entries(await self._ticket(case)):
            mark = _mark(entry)
            for file in entry.files if mark is not None else ():
                data = await self._dialect.file_data(file.ref)
                found.append(
                    CaseFile(
                        n=len(found) + 1,
                        at=entry.at,
                        author=mark["author"] if mark else entry.author,
                        name=_note(entry).text or file.name,
                        media_type=file.media_type,
                        data=data,
                    )
                )
        return tuple(found)

    async def notes(self, case: str) -> Sequence[CaseNote]:
        """Return all notes and replies, oldest first; `n` is the entry's number in the whole helpdesk.

        Raises:
            Fault: `fault.case`.
        """
        return tuple(_note(entry) for entry in await self._dialect.entries(await self._ticket(case)) if not entry.files)

    async def native_replies(self, *, after: int, limit: int) -> Sequence[NativeReply]:
        """Return public replies by officers in the helpdesk itself, in tickets of cases.

        Raises:
            Fault: `fault.case`.
        """
        before_ms = self._world.now() - self.capabilities.settled_ms
        seen = await self._dialect.native(after=after, before_ms=before_ms, limit=limit)
        cases = await self._journal.cases({entry.ticket for entry in seen})
        return tuple(
            NativeReply(
                place=entry.place,
                case=cases.get(entry.ticket, f"ticket:{entry.ticket}"),
                n=entry.place,
                at=entry.at,
                author=f"officer:{entry.author}",
                address=entry.address if self.capabilities.proves_authors else "",
            )
            for entry in seen
        )

    async def close(self, *, case: str, key: str) -> None:
        """Close the ticket.

        Raises:
            Fault: `fault.case`.
        """

        async def closed() -> bool:
            return not (await self._dialect.view(await self._ticket(case))).open

        async def send() -> None:
            await self._dialect.close(await self._ticket(case))

        await self._once(case, key, WriteKind.CLOSE, [_Step(closed, send)])

    async def outcome(self, key: str) -> WriteState:
        """Return the fate of a write; while a request may still arrive, it is not known.

        Raises:
            Fault: `fault.case`, also while it is not known.
        """
        entry = await self._journal.find(key)
        if entry is None:
            return WriteState.UNSEEN
        if entry.state is not JournalState.SENT:
            return WriteState(entry.state.value)
        async with self._lock(entry.case):
            if await self._arrived(entry):
                return WriteState.DONE
        self._verify_quiet(entry)
        return WriteState.UNSEEN

    async def fence(self, key: str) -> WriteState:
        """Fence a key. One by which something was sent is fenced once that can arrive no more, and did not.

        Raises:
            Fault: `fault.case`, also while it is not known.
        """
        entry = await self._journal.fence(key)
        if entry.state is not JournalState.SENT:
            return WriteState(entry.state.value)
        async with self._lock(entry.case):
            if await self._arrived(entry):
                return WriteState.DONE
            self._verify_quiet(entry)
            await self._journal.settle_fenced(entry)
        return WriteState.FENCED

    async def _once(self, case: str, key: str, what: WriteKind, steps: Sequence[_Step]) -> None:
        """Carry out the steps of a write unless its key was used; what may have arrived is looked up first."""
        new = what in _OPENINGS
        async with self._lock(case):
            if not new:
                await self._ticket(case)
            entry = await self._journal.begin(key, case, what)
            if entry.case != case or entry.state is JournalState.FENCED:
                raise Fault(Code.FAULT_CASE, "the key was fenced, or used for another case")
            if entry.state is JournalState.DONE:
                return
            if entry.fresh and new and await self._journal.ticket(case):
                await self._journal.drop(entry)
                raise Fault(Code.FAULT_CASE, "the case is open already")
            if not entry.fresh:
                await self._retry(entry, steps)
            else:
                for step in steps:
                    await step.send()
            for step in steps:
                if not await step.happened():
                    raise Fault(Code.FAULT_CASE, "the helpdesk accepted a write and did not carry it out")
            await self._journal.settle_done(key)

    async def _retry(self, entry: JournalEntry, steps: Sequence[_Step]) -> None:
        """Send the steps that did not happen, once none of the last try can arrive any more."""
        missing = [step for step in steps if not await step.happened()]
        if missing:
            self._verify_quiet(entry)
            await self._journal.send_again(entry)
            for step in missing:
                await step.send()

    def _note_step(
        self,
        case: str,
        key: str,
        author: str,
        *,
        public: bool,
        text: str,
        file: tuple[str, str, bytes] | None = None,
    ) -> _Step:
        marked = f"{_spoken(author, text)}\nremit:{key} by {author}"

        async def happened() -> bool:
            return await self._has_note(case, key)

        async def send() -> None:
            await self._dialect.add(await self._ticket(case), public=public, text=marked, file=file)

        return _Step(happened, send)

    async def _has_note(self, case: str, key: str) -> bool:
        ticket = await self._journal.ticket(case)
        marks = (_mark(entry) for entry in (await self._dialect.entries(ticket) if ticket else ()))
        return any(mark is not None and mark["key"] == key for mark in marks)

    async def _arrived(self, entry: JournalEntry) -> bool:
        """Look a sent write up in the helpdesk, by what it leaves there, and settle it where it is found."""
        settled = await self._journal.find(entry.key)
        if settled is not None and settled.state is JournalState.DONE:
            return True
        ticket = await self._found_ticket(entry.case, opening=entry.what in _OPENINGS)
        if not ticket:
            return False
        if entry.what is WriteKind.CLOSE:
            arrived = not (await self._dialect.view(ticket)).open
        else:
            arrived = entry.what is WriteKind.OPEN or await self._has_note(entry.case, entry.key)
        if not arrived:
            return False
        await self._journal.settle_done(entry.key)
        return True

    def _verify_quiet(self, entry: JournalEntry) -> None:
        quiet_ms = max(QUIET_MS, self.capabilities.search_lag_ms if entry.what in _OPENINGS else 0)
        if self._world.now() < entry.sent_at + quiet_ms:
            raise Fault(Code.FAULT_CASE, "a write that was sent may still arrive", retry_after_s=quiet_ms // 1000)

    async def _found_ticket(self, case: str, *, opening: bool) -> str:
        """Return the ticket that carries a case, and keep it; empty where there is none.

        Where a search lags, the one that the product confirmed counts. ⚔ Of several, none is the one that was opened.
        """
        known = await self._journal.ticket(case) if self.capabilities.search_lag_ms else ""
        tickets = [known] if known else await self._dialect.find(case)
        if opening and len(tickets) > 1:
            raise Fault(Code.FAULT_CASE, f"several tickets carry {case}: {', '.join(tickets)}")
        if tickets:
            await self._journal.keep_ticket(case, tickets[0])
        return tickets[0] if tickets else ""

    async def _reassigned(self, ticket: str, seen: TicketView) -> int:
        """Count changes of the officer: by the product's history, or against the first one that was seen."""
        if self.capabilities.owner_history or not seen.assignee:
            return seen.reassigned
        return int(await self._journal.first_owner(ticket, seen.assignee) != seen.assignee)

    async def _ticket(self, case: str) -> str:
        ticket = await self._journal.ticket(case)
        if not ticket:
            raise Fault(Code.FAULT_CASE, "there is no such case")
        return ticket

    def _lock(self, case: str) -> asyncio.Lock:
        """Return the lock of a case: one write at a time, so that a look-up sees what was sent before it."""
        return self._locks.setdefault(case, asyncio.Lock())


def _mark(entry: TicketEntry) -> re.Match[str] | None:
    return _MARK.search(f"\n{entry.text}") if entry.own else None


def _spoken(author: str, text: str) -> str:
    """Return a text as it stands in a ticket: each line of a foreign one begins with its author."""
    if author not in _FOREIGN:
        return text
    return f"{author}{_BAR}" + _BREAK.sub(lambda end: f"{end[0]}{author}{_BAR}", text)


def _unspoken(author: str, text: str) -> str:
    """Return a text without the author before each line."""
    bar = rf"{author} \| ?"  # a helpdesk may take the space from an empty line
    first = re.match(bar, text)
    return text if first is None else re.sub(rf"({_BREAK.pattern}){bar}", r"\1", text[first.end() :])


def _note(entry: TicketEntry) -> CaseNote:
    mark = _mark(entry)
    text = entry.text if mark is None else f"\n{entry.text}"[: mark.start()].removeprefix("\n")
    author = f"officer:{entry.author}" if mark is None else mark["author"]
    if author in _FOREIGN and mark is not None:
        text = _unspoken(author, text)
    return CaseNote(n=entry.n, at=entry.at, author=author, public=entry.public, text=text, native=mark is None)
