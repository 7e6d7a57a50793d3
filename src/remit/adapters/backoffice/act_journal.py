"""The journal of acts at a system without keys: each by its key before it is sent. It is the fence where the system has none."""

from collections.abc import Mapping
from typing import Final

from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.adapters.builtin_desk.journal_table import SENT, JournalRow, JournalTable
from remit.domain.errors import Code, Fault, Refused
from remit.domain.structs import replace, struct
from remit.domain.values import Instant, Json, parse_stored_object
from remit.ports.backoffice import ActOutcome, ActResult
from remit.ports.world import World
from remit.proof.canonical import canonical

_PART: Final = "mapped_backoffice"
_VERSION: Final = 1
_TABLES: Final = """
create table mapped_act (
    key text primary key, action text not null, state text not null, sent_at integer not null, draft text not null,
    result text not null, reason text not null
) strict, without rowid
"""
_COLUMNS: Final = ("action", "draft", "result", "reason")


@struct(frozen=True, kw_only=True)
class JournalEntry:
    """One act by its key. `settled` is None while it is sent; `fresh` for the call that entered it.

    `draft` is the id of a prepared draft; of an act with an idempotency key, when and by which token it was sent first.
    """

    key: str
    sent_at: Instant
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
        database.prepare(_PART, _VERSION, _TABLES)
        self._acts = JournalTable(database, world, name="mapped_act", columns=_COLUMNS, fault=Code.FAULT_BACKOFFICE)

    async def begin(self, key: str, action: str, *, draft: str = "") -> JournalEntry:
        """Enter an act as sent, unless its key is known, and return its entry."""
        return await self._enter(key, action, SENT, draft)

    async def fence(self, key: str, action: str) -> JournalEntry:
        """Fence a key that nothing was sent by, and return its entry."""
        return await self._enter(key, action, ActOutcome.FENCED.value)

    async def find(self, key: str) -> JournalEntry | None:
        """Return the entry of a key."""
        row = await self._acts.find(key)
        return None if row is None else _entry(row)

    async def send_again(self, entry: JournalEntry) -> JournalEntry:
        """Take over the entry of an act that never arrived, or was not sent yet: it is as if entered now.

        Raises:
            Fault: `fault.backoffice` when another node was faster.
        """
        return replace(entry, sent_at=await self._acts.take_over(entry.key, entry.sent_at), fresh=False)

    async def keep_draft(self, entry: JournalEntry, draft: str) -> JournalEntry:
        """Keep the id of a prepared draft before it is committed.

        Raises:
            Fault: `fault.backoffice` when another node has the act.
        """
        await self._acts.change(entry.key, entry.sent_at, {"draft": draft})
        return replace(entry, draft=draft)

    async def settle(self, key: str, result: ActResult) -> ActResult:
        """Record the outcome of a sent act, and return it."""
        values = {"result": canonical(result.values).decode(), "reason": result.reason}
        await self._acts.settle(key, result.state.value, values)
        return result

    async def settle_fenced(self, entry: JournalEntry) -> None:
        """Fence an act that was sent and never arrived.

        Raises:
            Fault: `fault.backoffice` when another node sends it meanwhile.
        """
        await self._acts.change(entry.key, entry.sent_at, {"state": ActOutcome.FENCED.value})

    async def drop(self, entry: JournalEntry) -> bool:
        """Forget an act of which nothing was sent; False, with nothing done, where another node has it."""
        return await self._acts.drop(entry.key, entry.sent_at)

    async def _enter(self, key: str, action: str, state: str, draft: str = "") -> JournalEntry:
        values = {"action": action, "draft": draft, "result": "{}", "reason": ""}
        return _entry(await self._acts.enter(key, values, state=state))


def _entry(row: JournalRow) -> JournalEntry:
    return JournalEntry(
        key=row.key, sent_at=row.sent_at, draft=row.values["draft"], settled=_settled(row), fresh=row.fresh
    )


def _settled(row: JournalRow) -> ActResult | None:
    if row.state == SENT:
        return None
    return ActResult(state=ActOutcome(row.state), values=_values(row.values["result"]), reason=row.values["reason"])


def _values(text: str) -> Mapping[str, Json]:
    try:
        return parse_stored_object(text)
    except Refused:
        raise Fault(Code.FAULT_BACKOFFICE, "the journal of acts is damaged") from None
