"""The built-in helpdesk: cases and notes in the desk's own database.

Methods beyond the port are what officers do in a helpdesk natively, outside Remit.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from remit.adapters.builtin_desk.jobs import DeskConnection, DeskJobs
from remit.domain.errors import Code, Fault
from remit.ports.helpdesk import CaseFile, CaseNote, CaseView, NativeReply, TicketCard, WriteState
from remit.ports.world import World

_VERSION: Final = 2
_TABLES: Final = """
create table desk_case (
    id text primary key, key text not null, open integer not null, requester text not null, subject text not null,
    assignee text not null default '', merged_into text not null default '', reopened integer not null default 0,
    reassigned integer not null default 0, opened_at integer not null
) strict, without rowid;
create table case_note (
    desk_case text not null references desk_case (id), n integer not null, at integer not null, author text not null,
    public integer not null, native integer not null, text text not null, primary key (desk_case, n)
) strict, without rowid;
create table case_write (key text primary key, desk_case text not null) strict, without rowid
"""
# A part of its own, so that older files still work: it includes what was written natively before.
_NATIVE_VERSION: Final = 1
_NATIVE: Final = """
create table native_reply (place integer primary key autoincrement, desk_case text not null, n integer not null) strict;
insert into native_reply (desk_case, n)
select desk_case, n from case_note where native and public order by at, desk_case, n
"""
_FENCE_VERSION: Final = 1
_FENCE: Final = "create table fenced_write (key text primary key) strict, without rowid"
_FILES_VERSION: Final = 1
_FILES: Final = """
create table case_file (
    desk_case text not null references desk_case (id), n integer not null, at integer not null, author text not null,
    name text not null, media_type text not null, data_b64 text not null, primary key (desk_case, n)
) strict, without rowid
"""
_VIEW: Final = "select id, open, requester, merged_into, subject, assignee, reopened, reassigned from desk_case"
_REASSIGN: Final = "reassigned = reassigned + case when assignee in ('', ?1) then 0 else 1 end, assignee = ?1"
_APPEND: Final = "insert into {0} select ?1, coalesce(max(n), 0) + 1, ?2, ?3, ?4, ?5, ?6 from {0} where desk_case = ?1"
_NATIVE_REPLIES: Final = """select place, r.desk_case, r.n, at, author from native_reply r
join case_note c on c.desk_case = r.desk_case and c.n = r.n where place > ? order by place limit ?"""


class BuiltinHelpdesk:
    """Cases in a database. Writes are durable on return and idempotent by key, also across a restart."""

    shows_cards: Final = False

    def __init__(self, database: DeskJobs, world: World) -> None:
        """Create missing tables.

        Raises:
            Refused: `settings.invalid` when the file holds another version of them.
        """
        self._database = database
        self._world = world
        database.prepare("helpdesk", _VERSION, _TABLES)
        database.prepare("native_reply", _NATIVE_VERSION, _NATIVE)
        database.prepare("fenced_write", _FENCE_VERSION, _FENCE)
        database.prepare("case_file", _FILES_VERSION, _FILES)

    async def open(self, *, case: str, key: str, requester: str, subject: str, text: str) -> None:
        """Open a case; its text is the first note."""
        at = self._world.now()

        def run(connection: DeskConnection) -> None:
            connection.execute(
                "insert into desk_case (id, key, open, requester, subject, opened_at) values (?, ?, 1, ?, ?, ?)",
                (case, key, requester, subject, at),
            )
            if text:
                _add_note(connection, case, at=at, author="agent", public=False, native=False, text=text)

        await self._once(case, key, run, new=True)

    async def read(self, case: str) -> CaseView:
        """Read a case fresh.

        Raises:
            Fault: `fault.case`.
        """
        return await self._database.read(lambda connection: _view(connection, case), fault=Code.FAULT_CASE)

    async def note(self, *, case: str, key: str, author: str, public: bool, text: str) -> None:
        """Add a note.

        Raises:
            Fault: `fault.case`.
        """
        note = partial(_add_note, case=case, at=self._world.now(), author=author, public=public, text=text)
        await self._once(case, key, partial(note, native=False))

    async def attach(self, *, case: str, key: str, author: str, name: str, media_type: str, data: bytes) -> None:
        """Add a file.

        Raises:
            Fault: `fault.case`.
        """
        row = (case, self._world.now(), author, name, media_type, b64encode(data).decode())
        insert = _APPEND.format("case_file")
        await self._once(case, key, lambda connection: connection.execute(insert, row))

    async def card(self, *, case: str, key: str, card: TicketCard) -> None:
        """Write nothing: the case's page is its card."""

    async def case_of_ticket(self, ticket: str) -> str:  # noqa: ARG002  # the port's own signature
        """Return none: it sends no events."""
        return ""

    async def files(self, case: str) -> Sequence[CaseFile]:
        """Read all files, oldest first.

        Raises:
            Fault: `fault.case`.
        """

        def run(connection: DeskConnection) -> Sequence[CaseFile]:
            _view(connection, case)
            rows = connection.execute(
                "select n, at, author, name, media_type, data_b64 from case_file where desk_case = ? order by n",
                (case,),
            )
            return tuple(
                CaseFile(n=n, at=at, author=author, name=name, media_type=media_type, data=b64decode(data))
                for n, at, author, name, media_type, data in rows
            )

        return await self._database.read(run, fault=Code.FAULT_CASE)

    async def notes(self, case: str) -> Sequence[CaseNote]:
        """Read all notes, oldest first."""

        def run(connection: DeskConnection) -> Sequence[CaseNote]:
            _view(connection, case)
            rows = connection.execute(
                "select n, at, author, public, native, text from case_note where desk_case = ? order by n", (case,)
            )
            return tuple(
                CaseNote(n=n, at=at, author=author, public=bool(public), native=bool(native), text=text)
                for n, at, author, public, native, text in rows
            )

        return await self._database.read(run, fault=Code.FAULT_CASE)

    async def native_replies(self, *, after: int, limit: int) -> Sequence[NativeReply]:
        """Read public replies written past Remit, after a place.

        Raises:
            Fault: `fault.case`.
        """

        def run(connection: DeskConnection) -> Sequence[NativeReply]:
            rows = connection.execute(_NATIVE_REPLIES, (after, limit))
            return tuple(
                NativeReply(place=place, case=case, n=n, at=at, author=author) for place, case, n, at, author in rows
            )

        return await self._database.read(run, fault=Code.FAULT_CASE)

    async def close(self, *, case: str, key: str) -> None:
        """Close a case.

        Raises:
            Fault: `fault.case`.
        """
        await self._once(case, key, lambda connection: _set(connection, case, "open = 0"))

    async def outcome(self, key: str) -> WriteState:
        """Return the state of a keyed write.

        Raises:
            Fault: `fault.case`.
        """
        return await self._database.read(lambda connection: _state(connection, key), fault=Code.FAULT_CASE)

    async def fence(self, key: str) -> WriteState:
        """Shut a key by which nothing was written.

        Raises:
            Fault: `fault.case`.
        """

        def job(connection: DeskConnection) -> WriteState:
            if _state(connection, key) is WriteState.UNSEEN:
                connection.execute("insert into fenced_write values (?)", (key,))
            return _state(connection, key)

        return await self._database.write(job, fault=Code.FAULT_CASE)

    async def cases(self) -> Sequence[CaseView]:
        """Read all cases, oldest first."""
        return await self._database.read(
            lambda connection: tuple(map(_case_view, connection.execute(f"{_VIEW} order by opened_at, id"))),
            fault=Code.FAULT_CASE,
        )

    async def close_natively(self, case: str) -> None:
        """Close a case natively."""
        await self._natively(case, lambda connection: _set(connection, case, "open = 0"))

    async def reopen_natively(self, case: str) -> None:
        """Reopen a case natively."""
        await self._natively(case, lambda connection: _set(connection, case, "open = 1, reopened = reopened + 1"))

    async def reassign(self, case: str, assignee: str) -> None:
        """Assign a case natively."""
        await self._natively(case, lambda connection: _set(connection, case, _REASSIGN, assignee))

    async def change_requester(self, case: str, requester: str) -> None:
        """Change the requester of a case natively."""
        await self._natively(case, lambda connection: _set(connection, case, "requester = ?", requester))

    async def merge(self, case: str, into: str) -> None:
        """Merge a case into another one natively; the first is closed."""

        def run(connection: DeskConnection) -> None:
            _view(connection, into)
            if into == case:
                raise Fault(Code.FAULT_CASE, "a case cannot be merged into itself")
            _set(connection, case, "open = 0, merged_into = ?", into)

        await self._natively(case, run)

    async def reply_natively(self, case: str, officer: str, text: str, *, public: bool = True) -> None:
        """Write in the helpdesk itself; its accounts have no addresses, so that a public reply is an incident."""
        at, author = self._world.now(), f"officer:{officer}"
        await self._natively(
            case, partial(_add_note, case=case, at=at, author=author, public=public, native=True, text=text)
        )

    async def _once(self, case: str, key: str, run: Callable[[DeskConnection], object], *, new: bool = False) -> None:
        """Do a keyed write unless its key was used; key and effect share one commit."""

        def job(connection: DeskConnection) -> None:
            seen = connection.execute("select desk_case from case_write where key = ?", (key,)).fetchone()
            if seen is not None:
                if seen[0] != case:
                    raise Fault(Code.FAULT_CASE, "the key was used for another case")
                return
            if _state(connection, key) is WriteState.FENCED:
                raise Fault(Code.FAULT_CASE, "the key was fenced")
            if not new:
                _view(connection, case)
            connection.execute("insert into case_write values (?, ?)", (key, case))
            run(connection)

        await self._database.write(job, fault=Code.FAULT_CASE)

    async def _natively(self, case: str, run: Callable[[DeskConnection], None]) -> None:
        def job(connection: DeskConnection) -> None:
            _view(connection, case)
            run(connection)

        await self._database.write(job, fault=Code.FAULT_CASE)


def _state(connection: DeskConnection, key: str) -> WriteState:
    if connection.execute("select 1 from case_write where key = ?", (key,)).fetchone() is not None:
        return WriteState.DONE
    fenced = connection.execute("select 1 from fenced_write where key = ?", (key,)).fetchone() is not None
    return WriteState.FENCED if fenced else WriteState.UNSEEN


def _view(connection: DeskConnection, case: str) -> CaseView:
    row = connection.execute(f"{_VIEW} where id = ?", (case,)).fetchone()
    if row is None:
        raise Fault(Code.FAULT_CASE, "there is no such case")
    return _case_view(row)


def _case_view(row: tuple[str, int, str, str, str, str, int, int]) -> CaseView:
    case, is_open, requester, merged_into, subject, assignee, reopened, reassigned = row
    return CaseView(
        id=case,
        open=bool(is_open),
        requester=requester,
        merged_into=merged_into,
        subject=subject,
        assignee=assignee,
        reopened=reopened,
        reassigned=reassigned,
    )


def _set(connection: DeskConnection, case: str, change: str, *values: str) -> None:
    connection.execute(f"update desk_case set {change} where id = ?", (*values, case))  # noqa: S608  # `change` is written above, never data


def _add_note(
    connection: DeskConnection, case: str, *, at: int, author: str, public: bool, native: bool, text: str
) -> None:
    connection.execute(_APPEND.format("case_note"), (case, at, author, public, native, text))
    if native and public:
        connection.execute(
            "insert into native_reply (desk_case, n) select ?1, max(n) from case_note where desk_case = ?1", (case,)
        )
