"""A journal of keyed requests to another system, each entered before it is sent.

It stands in for idempotency, fences and conditional writes where that system has none.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.adapters.builtin_desk.jobs import DeskConnection, DeskJobs
from remit.domain.errors import Code, Fault
from remit.domain.structs import struct
from remit.domain.values import Instant
from remit.ports.world import World

SENT: Final = "sent"
"""State of a request that may have arrived; every other one is final."""


@struct(frozen=True, kw_only=True)
class JournalRow:
    """One request by its key. `values` are those of the table's own columns; `fresh` for the call that entered it."""

    key: str
    state: str
    sent_at: Instant
    values: Mapping[str, str]
    fresh: bool = False


class JournalTable:
    """One table of the desk's own database: `key`, `state`, `sent_at` and text columns of its own.

    Every method is durable on return.

    Raises:
        Fault: with the table's code from every method when the database does not answer.
    """

    def __init__(self, database: DeskJobs, world: World, *, name: str, columns: Sequence[str], fault: Code) -> None:
        """Use a table that the caller has prepared."""
        self._database = database
        self._world = world
        self._name = name
        self._columns = tuple(columns)
        self._fault = fault

    async def enter(self, key: str, values: Mapping[str, str], *, state: str = SENT) -> JournalRow:
        """Enter a request unless its key is known, and return its row; `values` has all columns."""
        row = JournalRow(key=key, state=state, sent_at=self._world.now(), values=values, fresh=True)
        names = ("key", "state", "sent_at", *self._columns)
        insert = f"insert into {self._name} ({', '.join(names)}) values ({', '.join('?' * len(names))})"  # noqa: S608  # our own names

        def job(connection: DeskConnection) -> JournalRow:
            known = self._find(connection, key)
            if known is not None:
                return known
            connection.execute(insert, (key, state, row.sent_at, *(values[name] for name in self._columns)))
            return row

        return await self._database.write(job, fault=self._fault)

    async def find(self, key: str) -> JournalRow | None:
        """Return the row of a key."""
        return await self._database.read(lambda connection: self._find(connection, key), fault=self._fault)

    async def take_over(self, key: str, sent_at: Instant) -> Instant:
        """Enter that a request, last sent at `sent_at`, is sent again now, and return that time.

        Raises:
            Fault: when another node was faster.
        """
        now = Instant(max(self._world.now(), sent_at + 1))
        await self.change(key, sent_at, {"sent_at": now})
        return now

    async def change(self, key: str, sent_at: Instant, changes: Mapping[str, str | Instant]) -> None:
        """Change the row of a request that was last sent at `sent_at`.

        Raises:
            Fault: when another node has settled it or sent it again.
        """

        def job(connection: DeskConnection) -> None:
            if not self._update(connection, key, changes, " and sent_at = ?", (sent_at,)):
                raise Fault(self._fault, "another node has this request")

        await self._database.write(job, fault=self._fault)

    async def settle(self, key: str, state: str, values: Mapping[str, str] | None = None) -> None:
        """Record the outcome of a sent request; one that has an outcome keeps it."""
        changes = {"state": state, **(values or {})}
        await self._database.write(lambda connection: self._update(connection, key, changes), fault=self._fault)

    async def drop(self, key: str, sent_at: Instant) -> bool:
        """Forget a request of which nothing was sent; False, with nothing done, where another node has it."""
        delete = f"delete from {self._name} where key = ? and state = ? and sent_at = ?"  # noqa: S608  # our own name

        def job(connection: DeskConnection) -> bool:
            return connection.execute(delete, (key, SENT, sent_at)).rowcount == 1

        return await self._database.write(job, fault=self._fault)

    def _update(
        self,
        connection: DeskConnection,
        key: str,
        changes: Mapping[str, str | Instant],
        held: str = "",
        holds: Sequence[Instant] = (),
    ) -> int:
        wanted = ", ".join(f"{name} = ?" for name in changes)
        update = f"update {self._name} set {wanted} where key = ? and state = ?{held}"  # noqa: S608  # our own names
        return connection.execute(update, (*changes.values(), key, SENT, *holds)).rowcount

    def _find(self, connection: DeskConnection, key: str) -> JournalRow | None:
        select = f"select {', '.join(('state', 'sent_at', *self._columns))} from {self._name} where key = ?"  # noqa: S608  # our own names
        row = connection.execute(select, (key,)).fetchone()
        if row is None:
            return None
        state, sent_at, *values = row
        return JournalRow(key=key, state=state, sent_at=sent_at, values=dict(zip(self._columns, values, strict=True)))
