"""A helpdesk in memory, for contract suites, sandboxes and fault tests, which may make it fail."""

from collections.abc import Callable, Sequence
from typing import Literal

from remit.domain.errors import Code, Fault
from remit.domain.structs import replace
from remit.ports.helpdesk import CaseFile, CaseNote, CaseView, NativeReply, TicketCard, WriteState
from remit.ports.world import World


class MemoryHelpdesk:
    """Cases in dictionaries, lost with the process."""

    def __init__(self, world: World) -> None:
        """Start empty."""
        self._world = world
        self._cases: dict[str, CaseView] = {}
        self._notes: dict[str, list[CaseNote]] = {}
        self._files: dict[str, list[CaseFile]] = {}
        self._native: list[NativeReply] = []
        self._keys: dict[str, str] = {}
        self._fenced: set[str] = set()
        self._fail: list[Literal["before", "after"]] = []
        self._down = False
        self.shows_cards = False
        """Whether it keeps cards, as a company's own helpdesk does: for tests."""
        self.cards: dict[str, list[TicketCard]] = {}

    def fail_next(self, when: Literal["before", "after"]) -> None:
        """Make the next write fail, before or after it stored."""
        self._fail.append(when)

    def set_unavailable(self, down: bool) -> None:  # noqa: FBT001  # a switch
        """Become unreachable, or reachable again."""
        self._down = down

    async def open(self, *, case: str, key: str, requester: str, subject: str, text: str) -> None:
        """Open a case; its text is the first note."""

        def run() -> None:
            if case in self._cases:
                raise Fault(Code.FAULT_CASE, "the case is open already")
            self._cases[case] = CaseView(id=case, open=True, requester=requester, merged_into="", subject=subject)
            self._notes[case] = []
            self._files[case] = []
            if text:
                self._add_note(case, author="agent", public=False, native=False, text=text)

        self._once(case, key, run, new=True)

    async def read(self, case: str) -> CaseView:
        """Read a case fresh.

        Raises:
            Fault: `fault.case`.
        """
        return self._view(case)

    async def note(self, *, case: str, key: str, author: str, public: bool, text: str) -> None:
        """Add a note.

        Raises:
            Fault: `fault.case`.
        """
        self._once(case, key, lambda: self._add_note(case, author=author, public=public, native=False, text=text))

    async def attach(self, *, case: str, key: str, author: str, name: str, media_type: str, data: bytes) -> None:
        """Add a file.

        Raises:
            Fault: `fault.case`.
        """

        def run() -> None:
            files, at = self._files[case], self._world.now()
            files.append(CaseFile(n=len(files) + 1, at=at, author=author, name=name, media_type=media_type, data=data))

        self._once(case, key, run)

    async def card(self, *, case: str, key: str, card: TicketCard) -> None:
        """Keep a card beside the notes.

        Raises:
            Fault: `fault.case`.
        """
        self._once(case, key, lambda: self.cards.setdefault(case, []).append(card))

    async def case_of_ticket(self, ticket: str) -> str:
        """Return the case whose number in order of opening the ticket is."""
        self._verify_up()
        cases = list(self._cases)
        place = int(ticket) - 1 if ticket.isdecimal() else -1
        return cases[place] if 0 <= place < len(cases) else ""

    async def files(self, case: str) -> Sequence[CaseFile]:
        """Read all files, oldest first."""
        self._view(case)
        return tuple(self._files[case])

    async def notes(self, case: str) -> Sequence[CaseNote]:
        """Read all notes, oldest first."""
        self._view(case)
        return tuple(self._notes[case])

    async def native_replies(self, *, after: int, limit: int) -> Sequence[NativeReply]:
        """Read public replies written past Remit, after a place."""
        self._verify_up()
        return tuple(self._native[after : after + limit])

    async def close(self, *, case: str, key: str) -> None:
        """Close a case.

        Raises:
            Fault: `fault.case`.
        """
        self._once(case, key, lambda: self._change(case, open=False))

    async def outcome(self, key: str) -> WriteState:
        """Return the state of a keyed write."""
        self._verify_up()
        return WriteState.DONE if key in self._keys else WriteState.FENCED if key in self._fenced else WriteState.UNSEEN

    async def fence(self, key: str) -> WriteState:
        """Shut a key by which nothing was written."""
        self._verify_up()
        if key not in self._keys:
            self._fenced.add(key)
        return await self.outcome(key)

    async def cases(self) -> Sequence[CaseView]:
        """Read all cases, oldest first."""
        self._verify_up()
        return tuple(self._cases.values())

    async def close_natively(self, case: str) -> None:
        """Close a case natively."""
        self._change(case, open=False)

    async def reopen_natively(self, case: str) -> None:
        """Reopen a case natively."""
        self._change(case, open=True, reopened=self._view(case).reopened + 1)

    async def reassign(self, case: str, assignee: str) -> None:
        """Assign a case natively."""
        before = self._view(case)
        self._change(case, assignee=assignee, reassigned=before.reassigned + (before.assignee not in {"", assignee}))

    async def change_requester(self, case: str, requester: str) -> None:
        """Change the requester of a case natively."""
        self._change(case, requester=requester)

    async def merge(self, case: str, into: str) -> None:
        """Merge a case into another one natively; the first is closed.

        Raises:
            Fault: `fault.case` for a case that would be merged into itself.
        """
        self._view(into)
        if into == case:
            raise Fault(Code.FAULT_CASE, "a case cannot be merged into itself")
        self._change(case, open=False, merged_into=into)

    async def reply_natively(
        self, case: str, officer: str, text: str, *, public: bool = True, address: str = ""
    ) -> None:
        """Write in the helpdesk itself, from an account with an address where one is given."""
        self._view(case)
        self._add_note(case, author=f"officer:{officer}", public=public, native=True, text=text)
        if public:
            note = self._notes[case][-1]
            place = len(self._native) + 1
            self._native.append(
                NativeReply(place=place, case=case, n=note.n, at=note.at, author=note.author, address=address)
            )

    def _once(self, case: str, key: str, run: Callable[[], None], *, new: bool = False) -> None:
        self._verify_up()
        failing = self._fail.pop(0) if self._fail else None
        if failing == "before":
            raise Fault(Code.FAULT_CASE, "told to fail before storing")
        if self._keys.get(key, case) != case:
            raise Fault(Code.FAULT_CASE, "the key was used for another case")
        if key in self._fenced:
            raise Fault(Code.FAULT_CASE, "the key was fenced")
        if key not in self._keys:
            if not new:
                self._view(case)
            run()
            self._keys[key] = case
        if failing == "after":
            raise Fault(Code.FAULT_CASE, "told to fail after storing")

    def _verify_up(self) -> None:
        if self._down:
            raise Fault(Code.FAULT_CASE, "told to be down")

    def _view(self, case: str) -> CaseView:
        self._verify_up()
        if case not in self._cases:
            raise Fault(Code.FAULT_CASE, "there is no such case")
        return self._cases[case]

    def _change(self, case: str, **changes: str | bool | int) -> None:
        self._cases[case] = replace(self._view(case), **changes)  # type: ignore[arg-type]  # only the callers above name fields

    def _add_note(self, case: str, *, author: str, public: bool, native: bool, text: str) -> None:
        notes = self._notes[case]
        notes.append(
            CaseNote(n=len(notes) + 1, at=self._world.now(), author=author, public=public, native=native, text=text)
        )
