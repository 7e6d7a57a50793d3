"""The journal of acts that leave a mark, in the desk's own database: their outcomes outlive the mark."""

from dataclasses import dataclass
from typing import Final

from remit.adapters.backoffice.mapped.journal import COLUMNS, PART, TABLES, VERSION
from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.adapters.builtin_desk.journal_table import SENT, JournalRow, JournalTable
from remit.domain.errors import Code, Fault
from remit.domain.values import Instant
from remit.ports.backoffice import ActOutcome, ActResult
from remit.ports.world import World

_NEW: Final = {"draft": "", "result": "{}", "reason": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedAct:
    """One act by its key. `settled` is None while it is sent; `fresh` for the call that entered it."""

    key: str
    sent_at: Instant
    settled: ActResult | None
    fresh: bool


class MarkerJournal:
    """Acts by their keys. Every method is durable on return.

    Raises:
        Fault: `fault.backoffice` from every method when the database does not answer.
    """

    def __init__(self, database: DeskJobs, world: World) -> None:
        """Create missing tables.

        Raises:
            Refused: `settings.invalid` when the database holds another version of them.
        """
        database.prepare(PART, VERSION, TABLES)
        self._acts = JournalTable(database, world, name="mapped_act", columns=COLUMNS, fault=Code.FAULT_BACKOFFICE)

    async def begin(self, key: str, action: str) -> MarkedAct:
        """Enter an act as sent, unless its key is known, and return its entry."""
        return _entry(await self._acts.enter(key, {"action": action, **_NEW}, state=SENT))

    async def fence(self, key: str, action: str) -> MarkedAct:
        """Fence a key that nothing was sent by, and return its entry."""
        return _entry(await self._acts.enter(key, {"action": action, **_NEW}, state=ActOutcome.FENCED.value))

    async def find(self, key: str) -> MarkedAct | None:
        """Return the entry of a key."""
        row = await self._acts.find(key)
        return None if row is None else _entry(row)

    async def send_again(self, entry: MarkedAct) -> None:
        """Take over an act that was sent before.

        Raises:
            Fault: `fault.backoffice` when another call was faster.
        """
        await self._acts.take_over(entry.key, entry.sent_at)

    async def fail(self, entry: MarkedAct, reason: str) -> None:
        """Record that an act was not done, of which this call alone has sent nothing.

        Raises:
            Fault: `fault.backoffice` when another call has taken it over.
        """
        await self._acts.change(entry.key, entry.sent_at, {"state": ActOutcome.FAILED.value, "reason": reason})

    async def settle(self, key: str, state: ActOutcome, reason: str = "") -> ActResult:
        """Record the outcome of a sent act, and return the one that is recorded.

        Raises:
            Fault: `fault.backoffice`.
        """
        await self._acts.settle(key, state.value, {"reason": reason})
        entry = await self.find(key)
        if entry is None or entry.settled is None:
            raise Fault(Code.FAULT_BACKOFFICE, "the journal of acts lost one")
        return entry.settled

    async def settle_mark(self, key: str, state: ActOutcome) -> bool:
        """Record the outcome that a mark shows; false for a key that this journal does not have."""
        if await self._acts.find(key) is None:
            return False
        await self._acts.settle(key, state.value)
        return True


def _entry(row: JournalRow) -> MarkedAct:
    state = None if row.state == SENT else ActOutcome(row.state)
    settled = None if state is None else ActResult(state=state, values={}, reason=row.values["reason"])
    return MarkedAct(key=row.key, sent_at=row.sent_at, settled=settled, fresh=row.fresh)
