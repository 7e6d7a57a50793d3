"""Iteration over all live mandates under an index key, page by page."""

from collections.abc import AsyncIterator
from typing import Final

from remit.domain.records import MandateRecord
from remit.engine.context import DeskContext

_PAGE: Final = 200


async def live_mandates(desk: DeskContext, index: str, key: str) -> AsyncIterator[MandateRecord]:
    """Yield every live mandate under a key, each once, oldest first: `mandate.live_parent`, `mandate.live_customer`.

    Raises:
        Fault: `fault.store`.
    """
    seen: set[str] = set()
    low = 0
    while True:
        page = await desk.store.find(MandateRecord, index, key, low=low, limit=_PAGE)
        fresh = [kept.record for kept in page if kept.record.id not in seen]
        if not fresh:
            return
        for one in fresh:
            seen.add(one.id)
            yield one
        low = fresh[-1].granted_at
