"""Client id metadata documents, fetched when they are needed and kept for an hour."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from remit.adapters.identity.fetching import Fetcher
from remit.domain.errors import Code, Fault
from remit.domain.values import Instant
from remit.ports.identity import DocumentLane

MAX_AGE_MS: Final = 3_600_000
RETRY_MS: Final = 10_000
_MOST: Final = 1024
_AT_ONCE: Final = 8
_CLOCK_STEP_MS: Final = 60_000
_LONG_AGO: Final = Instant(-(2**53))


@dataclass(slots=True)
class _Shelf:
    """The document last read from one address, and when reading it failed."""

    document: bytes = b""
    read_at: Instant = _LONG_AGO
    failed_at: Instant = _LONG_AGO
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def fresh(self, now: Instant, max_age_ms: int) -> bool:
        return bool(self.document) and -_CLOCK_STEP_MS < now - self.read_at < max_age_ms


class FetchedDocuments:
    """Documents over https; `fetcher` bounds their size."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._shelves: OrderedDict[str, _Shelf] = OrderedDict()
        self._lanes = {lane: asyncio.Semaphore(_AT_ONCE) for lane in DocumentLane}

    async def document(self, client_id: str, *, now: Instant, lane: DocumentLane, newest: bool = False) -> bytes:
        """Return the document at an address.

        Raises:
            Fault: `fault.identity`.
        """
        shelf = self._shelves.setdefault(client_id, _Shelf())
        self._shelves.move_to_end(client_id)
        if len(self._shelves) > _MOST:
            self._shelves.popitem(last=False)
        async with shelf.lock:
            if shelf.fresh(now, RETRY_MS if newest else MAX_AGE_MS):
                return shelf.document
            if -_CLOCK_STEP_MS < now - shelf.failed_at < RETRY_MS:
                raise Fault(Code.FAULT_IDENTITY, f"{client_id}: it could not be read", retry_after_s=RETRY_MS // 1000)
            at_once = self._lanes[lane]
            if lane is not DocumentLane.KNOWN and at_once.locked():  # ⚔ slow servers of strangers make no queue
                raise Fault(Code.FAULT_IDENTITY, "too many documents are being read", retry_after_s=1)
            try:
                async with at_once:
                    shelf.document, shelf.read_at = await self._fetcher.fetch(client_id), now
            except Fault:
                shelf.failed_at = now
                raise
            return shelf.document
