"""The connector's journal: each write by its key before it is sent, and the ticket of each case."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Final

from remit.adapters.builtin_desk.jobs import DeskConnection, DeskJobs
from remit.adapters.builtin_desk.journal_table import SENT, JournalRow, JournalTable
from remit.domain.errors import Code
from remit.domain.structs import struct
from remit.domain.values import Instant
from remit.ports.world import World

_VERSION: Final = 1
_TABLES: Final = """
create table remote_case (desk_case text primary key, ticket text not null) strict, without rowid;
create index remote_case_ticket on remote_case (ticket);
create table remote_write (
    key text primary key, desk_case text not null, what text not null, state text not null, sent_at integer not null
) strict, without rowid
"""


class WriteKind(StrEnum):
    """The kind of a write: how it is looked up."""

    OPEN = "open"
    OPEN_NOTED = "open_noted"
    NOTE = "note"
    CLOSE = "close"
    NONE = "none"


class JournalState(StrEnum):
    """The state of a keyed write: sent means that it may have arrived."""

    SENT = SENT
    DONE = "done"
    FENCED = "fenced"


@struct(frozen=True, kw_only=True)
class JournalEntry:
    """One write by its key. `fresh` is true for the call that entered it."""

    key: str
    case: str
    what: WriteKind
    state: JournalState
    sent_at: Instant
    fresh: bool = False


class WriteJournal:
    """Journal in the desk's own database. Every method is durable on return.

    Raises:
        Fault: `fault.case` from every method when the database does not answer.
    """

    def __init__(self, database: DeskJobs, world: World) -> None:
        """Create missing tables.

        Raises:
            Refused: `settings.invalid` when the database holds another version of them.
        """
        database.prepare("remote_helpdesk", _VERSION, _TABLES)
        self._database = database
        self._writes = JournalTable(
            database, world, name="remote_write", columns=("desk_case", "what"), fault=Code.FAULT_CASE
        )

    async def begin(self, key: str, case: str, what: WriteKind) -> JournalEntry:
        """Enter a write as sent, unless its key is known, and return its entry."""
        return _entry(await self._writes.enter(key, {"desk_case": case, "what": what.value}))

    async def fence(self, key: str) -> JournalEntry:
        """Fence a key that nothing was sent by, and return its entry."""
        values = {"desk_case": "", "what": WriteKind.NONE.value}
        return _entry(await self._writes.enter(key, values, state=JournalState.FENCED.value))

    async def find(self, key: str) -> JournalEntry | None:
        """Return the entry of a key."""
        row = await self._writes.find(key)
        return None if row is None else _entry(row)

    async def send_again(self, entry: JournalEntry) -> None:
        """Take over an old entry whose write never arrived.

        Raises:
            Fault: `fault.case` when another node was faster.
        """
        await self._writes.take_over(entry.key, entry.sent_at)

    async def settle_done(self, key: str) -> None:
        """Record that a sent write was done."""
        await self._writes.settle(key, JournalState.DONE.value)

    async def settle_fenced(self, entry: JournalEntry) -> None:
        """Fence a write that was sent and never arrived.

        Raises:
            Fault: `fault.case` when another node sends it meanwhile, or has settled it.
        """
        await self._writes.change(entry.key, entry.sent_at, {"state": JournalState.FENCED.value})

    async def drop(self, entry: JournalEntry) -> None:
        """Forget a write that was never sent."""
        await self._writes.drop(entry.key, entry.sent_at)

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

    async def first_owner(self, ticket: str, owner: str) -> str:
        """Return the first officer that a read of the ticket showed, which is `owner` where there was none before.

        It is a row among the writes, by a key that no write has.
        """
        key = f"first owner of {ticket}"
        row = await self._writes.find(key) or await self._writes.enter(
            key, {"desk_case": owner, "what": WriteKind.NONE.value}, state=JournalState.DONE.value
        )
        return row.values["desk_case"]

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


def _entry(row: JournalRow) -> JournalEntry:
    return JournalEntry(
        key=row.key,
        case=row.values["desk_case"],
        what=WriteKind(row.values["what"]),
        state=JournalState(row.state),
        sent_at=row.sent_at,
        fresh=row.fresh,
    )
