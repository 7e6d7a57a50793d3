"""The journal of acts that leave a mark: their outcomes outlive the mark."""

from remit.adapters.backoffice.act_journal import ActJournal, JournalEntry
from remit.domain.errors import Code, Fault
from remit.ports.backoffice import ActOutcome, ActResult


class MarkerJournal(ActJournal):
    """Journal of acts that are settled by the marks found."""

    async def fail(self, entry: JournalEntry, reason: str) -> None:
        """Record that an act was not done, of which this call alone has sent nothing.

        Raises:
            Fault: `fault.backoffice` when another call has taken it over.
        """
        await self._acts.change(entry.key, entry.sent_at, {"state": ActOutcome.FAILED.value, "reason": reason})

    async def settle_as(self, key: str, state: ActOutcome, reason: str = "") -> ActResult:
        """Record the outcome of a sent act, and return the one that is recorded.

        Raises:
            Fault: `fault.backoffice`.
        """
        await self.settle(key, ActResult(state=state, values={}, reason=reason))
        entry = await self.find(key)
        if entry is None or entry.settled is None:
            raise Fault(Code.FAULT_BACKOFFICE, "the journal of acts lost one")
        return entry.settled

    async def settle_mark(self, key: str, state: ActOutcome) -> bool:
        """Record the outcome that a mark shows; false for a key that this journal does not have."""
        if await self.find(key) is None:
            return False
        await self._acts.settle(key, state.value)
        return True
