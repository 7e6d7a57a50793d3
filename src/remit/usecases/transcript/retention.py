"""Erasure of long inactive customers, by a term in the rules that stands for two people's agreement."""

import logging
from collections.abc import Sequence
from typing import Final

from remit.domain.errors import Refused
from remit.domain.records import PersonRecord
from remit.domain.transcript.entry import Kind
from remit.engine.context import DeskContext
from remit.engine.transcript.erase import erase_customer, verify_erasable

BY: Final = "terms.erase_after_days"
_LOG: Final = logging.getLogger("remit")
_LOOKS: Final = 5
_REST_S: Final = 3600.0
_DAY_MS: Final = 86_400_000
_NEWEST: Final = 500


class RetentionJob:
    """One process's progress through the customers: a few per round, and an hour's rest after all of them."""

    def __init__(self) -> None:
        self._low = 0
        self._size = _LOOKS
        self._next_s = 0.0

    async def round(self, desk: DeskContext) -> int:
        """Erase those of the next customers without entries for `terms.erase_after_days`, and return their number.

        It is the erasure that two people agree to (`erase_customer`), and has the same blockers: an active mandate, an
        open task, contest or hold, an unknown outcome, the retention period. The term is one of the rules, which two
        people adopt.

        Raises:
            Fault: `fault.store`.
        """
        if not desk.terms.erase_after_s or desk.world.ticks() < self._next_s:
            return 0
        page = await desk.store.find(PersonRecord, "person.kind", "customer", low=self._low, limit=self._size)
        self._move(desk, [kept.record for kept in page])  # ⚔ a customer who cannot be erased delays no other
        due = [kept.record.id for kept in page if await _is_due(desk, kept.record.id)]
        if due and not await _is_clock_shared(desk):
            reason = "customers are due to be erased, and no agent opened a task in the last day: whether the clock is right is not known"
            _LOG.warning(reason, extra={"event": "erasure.waits"})
            self._rest(desk)
            return 0
        return sum([await _erased(desk, customer) for customer in due])

    def _move(self, desk: DeskContext, page: Sequence[PersonRecord]) -> None:
        """Continue behind a page."""
        if len(page) < self._size:
            self._rest(desk)
            return
        last = page[-1].created_at
        self._size = _LOOKS if last > self._low else self._size * 2  # more than a page may share one moment
        self._low = last

    def _rest(self, desk: DeskContext) -> None:
        """Begin with the first again, after a while."""
        self._low, self._size, self._next_s = 0, _LOOKS, desk.world.ticks() + _REST_S


async def _is_due(desk: DeskContext, customer: str) -> bool:
    """Return whether a customer's last entry is past the term, with content to erase and no blocker."""
    last = await desk.store.entries(ref=customer, limit=1, newest=True)
    if (
        not last
        or last[0].row.kind == Kind.ENTRY_ERASED
        or last[0].row.at > desk.world.now() - desk.terms.erase_after_s * 1000
    ):
        return False
    try:
        await verify_erasable(desk, customer)
    except Refused:
        return False
    return True


async def _is_clock_shared(desk: DeskContext) -> bool:
    """Return whether an agent's proof, valid only within a minute of our clock, opened a task in the last day.

    ⚔ A clock years ahead would have every customer erased at once.
    """
    now = desk.world.now()
    newest = await desk.store.entries(limit=_NEWEST, newest=True)
    return any(one.row.kind == Kind.TASK_OPENED and abs(now - one.row.at) < _DAY_MS for one in newest)


async def _erased(desk: DeskContext, customer: str) -> int:
    try:
        await erase_customer(
            desk,
            customer,
            by=(BY,),
            reason=f"nothing was recorded for {desk.terms.erase_after_s // 86_400} days",
            agreed=None,
        )
    except Refused:
        return 0  # something came meanwhile, or another node does it
    return 1
