"""The journal of acts at a mapped system: each by its key before it is sent. It is the fence where the system has none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from remit.adapters.builtin_desk.jobs import DeskConnection, DeskJobs
from remit.domain.errors import Code, Fault, Refused
from remit.domain.values import Json, parse_stored_object
from remit.ports.backoffice import ActOutcome, ActResult
from remit.ports.world import World
from remit.proof.canonical import canonical

_VERSION: Final = 1
_SENT: Final = "sent"
_TABLES: Final = """
create table mapped_act (
    key text primary key, action text not null, state text not null, sent_at integer not null, draft text not null,
    result text not null, reason text not null
) strict, without rowid
"""
_FIND: Final = "select state, sent_at, draft, result, reason from mapped_act where key = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One act by its key. `settled` is None while it is sent; `fresh` for the call that entered it."""

    key: str
    sent_at: int
    draft: str
    settled: ActResult | None
    fresh: bool = False


class ActJournal:
    """Journal in the desk's own database. Every method is durable on return.

    Raises:
        Fault: `fault.backoffice` from every method when the database does not answer.
    """

    def __init__(self, database: DeskJobs, world: World) -> None:
        """Create missing tables.

        Raises:
            Refused: `settings.invalid` when the database holds another version of them.
        """
        self._database = database
        self._world = world
        database.prepare("mapped_backoffice", _VERSION, _TABLES)

    async def begin(self, key: str, action: str) -> JournalEntry:
        """Enter an act as sent, unless its key is known, and return its entry."""
        return await self._enter(key, action, _SENT)

    async def fence(self, key: str, action: str) -> JournalEntry:
        """Fence a key that nothing was sent by, and return its entry."""
        return await self._enter(key, action, ActOutcome.FENCED.value)

    async def find(self, key: str) -> JournalEntry | None:
        """Return the entry of a key."""
        return await self._database.read(lambda connection: _find(connection, key), fault=Code.FAULT_BACKOFFICE)

    async def send_again(self, entry: JournalEntry) -> None:
        """Take over an entry whose act never arrived.

        Raises:
            Fault: `fault.backoffice` when another node was faster.
        """
        at = max(self._world.now(), entry.sent_at + 1)
        await self._change(entry, "sent_at = ?", at)

    async def keep_draft(self, entry: JournalEntry, draft: str) -> None:
        """Keep the id of a prepared draft before it is committed."""
        await self._change(entry, "draft = ?", draft)

    async def settle(self, key: str, result: ActResult) -> ActResult:
        """Record the outcome of a sent act, and return it."""
        values = canonical(result.values).decode()

        def job(connection: DeskConnection) -> None:
            connection.execute(
                "update mapped_act set state = ?, result = ?, reason = ? where key = ? and state = ?",
                (result.state.value, values, result.reason, key, _SENT),
            )

        await self._database.write(job, fault=Code.FAULT_BACKOFFICE)
        return result

    async def settle_fenced(self, entry: JournalEntry) -> None:
        """Fence an act that was sent and never arrived.

        Raises:
            Fault: `fault.backoffice` when another node sends it meanwhile.
        """
        await self._change(entry, "state = ?", ActOutcome.FENCED.value)

    async def drop(self, key: str) -> None:
        """Forget an act of which nothing was sent."""
        await self._database.write(
            lambda connection: connection.execute("delete from mapped_act where key = ? and state = ?", (key, _SENT)),
            fault=Code.FAULT_BACKOFFICE,
        )

    async def _enter(self, key: str, action: str, state: str) -> JournalEntry:
        at = self._world.now()

        def job(connection: DeskConnection) -> JournalEntry:
            known = _find(connection, key)
            if known is not None:
                return known
            connection.execute("insert into mapped_act values (?, ?, ?, ?, '', '{}', '')", (key, action, state, at))
            settled = None if state == _SENT else ActResult(state=ActOutcome(state), values={})
            return JournalEntry(key=key, sent_at=at, draft="", settled=settled, fresh=True)

        return await self._database.write(job, fault=Code.FAULT_BACKOFFICE)

    async def _change(self, entry: JournalEntry, change: str, value: str | int) -> None:
        def job(connection: DeskConnection) -> None:
            changed = connection.execute(
                f"update mapped_act set {change} where key = ? and state = ? and sent_at = ?",  # noqa: S608  # our own text
                (value, entry.key, _SENT, entry.sent_at),
            ).rowcount
            if not changed:
                raise Fault(Code.FAULT_BACKOFFICE, "another node has this act")

        await self._database.write(job, fault=Code.FAULT_BACKOFFICE)


def _find(connection: DeskConnection, key: str) -> JournalEntry | None:
    row = connection.execute(_FIND, (key,)).fetchone()
    if row is None:
        return None
    state, sent_at, draft, result, reason = row
    settled = None if state == _SENT else ActResult(state=ActOutcome(state), values=_values(result), reason=reason)
    return JournalEntry(key=key, sent_at=sent_at, draft=draft, settled=settled)


def _values(text: str) -> Mapping[str, Json]:
    try:
        return parse_stored_object(text)
    except Refused:
        raise Fault(Code.FAULT_BACKOFFICE, "the journal of acts is damaged") from None
