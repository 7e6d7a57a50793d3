"""The connector's journal: each write by its key before it is sent, and the ticket of each case.

No helpdesk has idempotency, fences or conditional writes for all of these; this table stands in.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from remit.adapters.builtin_desk.jobs import DeskConnection, DeskJobs
from remit.domain.errors import Code, Fault
from remit.ports.world import World

_VERSION: Final = 1
_TABLES: Final = """
create table remote_case (desk_case text primary key, ticket text not null) strict, without rowid;
create index remote_case_ticket on remote_case (ticket);
create table remote_write (
    key text primary key, desk_case text not null, what text not null, state text not null, sent_at integer not null
) strict, without rowid
"""
_FIND: Final = "select desk_case, what, state, sent_at from remote_write where key = ?"


class WriteKind(StrEnum):
    """The kind of a write: how it is looked up."""

    OPEN = "open"
    OPEN_NOTED = "open_noted"
    NOTE = "note"
    CLOSE = "close"
    NONE = "none"


class JournalState(StrEnum):
    """The state of a keyed write: sent means that it may have arrived."""

    SENT = "sent"
    DONE = "done"
    FENCED = "fenced"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One write by its key. `fresh` is true for the call that entered it."""

    key: str
    case: str
    what: WriteKind
    state: JournalState
    sent_at: int
    fresh: bool = False


class WriteJournal:
    """Journal in the desk's own database. Every method is durable on return."""

    def __init__(self, database: DeskJobs, world: World) -> None:
        """Create missing tables.

        Raises:
            Refused: `settings.invalid` when the database holds another version of them.
        """
        self._database = database
        self._world = world
        database.prepare("remote_helpdesk", _VERSION, _TABLES)

    async def begin(self, key: str, case: str, what: WriteKind) -> JournalEntry:
        """Enter a write as sent, unless its key is known, and return its entry."""
        at = self._world.now()

        def job(connection: DeskConnection) -> JournalEntry:
            known = _find(connection, key)
            if known is not None:
                return known
            row = (key, case, what.value, JournalState.SENT.value, at)
            connection.execute("insert into remote_write values (?, ?, ?, ?, ?)", row)
            return JournalEntry(key=key, case=case, what=what, state=JournalState.SENT, sent_at=at, fresh=True)

        return await self._database.write(job, fault=Code.FAULT_CASE)

    async def send_again(self, entry: JournalEntry) -> None:
        """Take over an old entry whose write never arrived.

        Raises:
            Fault: `fault.case` when another node was faster.
        """
        at = self._world.now()

        def job(connection: DeskConnection) -> None:
            taken = connection.execute(
                "update remote_write set sent_at = ? where key = ? and state = ? and sent_at = ?",
                (at, entry.key, JournalState.SENT.value, entry.sent_at),
            ).rowcount
            if not taken:
                raise Fault(Code.FAULT_CASE, "another node sends this write")

        await self._database.write(job, fault=Code.FAULT_CASE)

    async def settle(self, key: str, state: JournalState) -> None:
        """Record that a sent write was done, or can never be."""

        def job(connection: DeskConnection) -> None:
            connection.execute(
                "update remote_write set state = ? where key = ? and state = ?",
                (state.value, key, JournalState.SENT.value),
            )

        await self._database.write(job, fault=Code.FAULT_CASE)

    async def drop(self, key: str) -> None:
        """Forget a write that was never sent."""
        await self._database.write(
            lambda connection: connection.execute(
                "delete from remote_write where key = ? and state = ?", (key, JournalState.SENT.value)
            ),
            fault=Code.FAULT_CASE,
        )

    async def fence(self, key: str) -> JournalEntry:
        """Fence a key that nothing was sent by, and return its entry."""

        def job(connection: DeskConnection) -> JournalEntry:
            known = _find(connection, key)
            if known is not None:
                return known
            fenced = JournalEntry(key=key, case="", what=WriteKind.NONE, state=JournalState.FENCED, sent_at=0)
            row = (key, fenced.case, fenced.what.value, fenced.state.value, fenced.sent_at)
            connection.execute("insert into remote_write values (?, ?, ?, ?, ?)", row)
            return fenced

        return await self._database.write(job, fault=Code.FAULT_CASE)

    async def find(self, key: str) -> JournalEntry | None:
        """Return the entry of a key."""
        return await self._database.read(lambda connection: _find(connection, key), fault=Code.FAULT_CASE)

    async def ticket(self, case: str) -> str:
        """Return the ticket of a case, empty where none is known."""

        def job(connection: DeskConnection) -> str:
            row = connection.execute("select ticket from remote_case where desk_case = ?", (case,)).fetchone()
            return "" if row is None else str(row[0])

        return await self._database.read(job, fault=Code.FAULT_CASE)

    async def keep_ticket(self, case: str, ticket: str) -> None:
        """Keep the ticket of a case; the first one stays."""
        insert = "insert or ignore into remote_case values (?, ?)"
        await self._database.write(lambda connection: connection.execute(insert, (case, ticket)), fault=Code.FAULT_CASE)

    async def cases(self, tickets: Collection[str]) -> Mapping[str, str]:
        """Return the cases of those tickets that have one."""

        def job(connection: DeskConnection) -> Mapping[str, str]:
            found = {}
            for ticket in tickets:
                row = connection.execute("select desk_case from remote_case where ticket = ?", (ticket,)).fetchone()
                if row is not None:
                    found[ticket] = str(row[0])
            return found

        return await self._database.read(job, fault=Code.FAULT_CASE)


def _find(connection: DeskConnection, key: str) -> JournalEntry | None:
    row = connection.execute(_FIND, (key,)).fetchone()
    if row is None:
        return None
    case, what, state, sent_at = row
    return JournalEntry(key=key, case=case, what=WriteKind(what), state=JournalState(state), sent_at=sent_at)
