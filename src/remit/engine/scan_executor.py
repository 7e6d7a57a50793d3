"""Scanning of long texts off the event loop, so that one long message does not delay the others.

One thread takes one text after another: the loop shares the interpreter with only one of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

from remit.domain.errors import Code, Refused

T = TypeVar("T")

LONG: Final = 2_048
"""Letters; scanning a text this long takes some milliseconds."""
_MAX_WAITING: Final = 32
_RETRY_S: Final = 2
_READER: Final = ThreadPoolExecutor(1, thread_name_prefix="remit-words")


@dataclass(slots=True)
class _CallerQueue:
    """One caller's pending texts, one of which is being scanned."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    texts: int = 0


class ScanExecutor:
    """Executor of a desk's long scans. Callers take turns: ⚔ of each, one text at a time is scanned."""

    def __init__(self) -> None:
        self._callers: dict[str, _CallerQueue] = {}
        self.refused = 0
        """Messages refused since process start because their caller had too many pending."""

    def verify_room(self, caller: str, length: int) -> None:
        """Verify that a caller may submit another message of this length.

        Raises:
            Refused: `request.rate_limited` while too many of its messages are pending.
        """
        known = self._callers.get(caller)
        if length >= LONG and known is not None and known.texts >= _MAX_WAITING:
            self.refused += 1
            raise Refused(
                Code.REQUEST_RATE_LIMITED,
                f"{known.texts} long messages of this caller wait",
                public="Too many of your long messages are still being read.",
                retry_after_s=_RETRY_S,
            )

    async def read(self, caller: str, length: int, work: Callable[[], T]) -> T:
        """Run work on a text of this length: inline when short, else off the loop in the caller's turn."""
        if length < LONG:
            return work()
        queue = self._callers.setdefault(caller, _CallerQueue())
        queue.texts += 1
        try:
            await queue.turn.acquire()
        except BaseException:
            self._leave(caller, queue)
            raise

        def done(_: object) -> None:
            queue.turn.release()
            self._leave(caller, queue)

        job = asyncio.get_running_loop().run_in_executor(_READER, work)
        job.add_done_callback(done)
        return await asyncio.shield(job)  # ⚔ an aborted caller keeps its turn until the scan is done

    async def run_in_turn(self, caller: str, work: Callable[[], Awaitable[T]]) -> T:
        """Await external work in the caller's turn: ⚔ of each caller, one piece at a time."""
        queue = self._callers.setdefault(caller, _CallerQueue())
        queue.texts += 1
        try:
            async with queue.turn:
                return await work()
        finally:
            self._leave(caller, queue)

    def _leave(self, caller: str, queue: _CallerQueue) -> None:
        queue.texts -= 1
        if not queue.texts:
            del self._callers[caller]
