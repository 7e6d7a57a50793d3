"""Reading what is long beside the event loop, so that one long message does not keep everybody else waiting.

One thread does it, one text after the other: however many come at once, the loop shares the interpreter with one of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

from remit.domain.errors import Code, Refused

T = TypeVar("T")

LONG: Final = 2_048
"""Letters; a text of so many is read in some milliseconds."""
_MAX_WAITING: Final = 32
_RETRY_S: Final = 2
_READER: Final = ThreadPoolExecutor(1, thread_name_prefix="remit-words")


@dataclass(slots=True)
class _CallerQueue:
    """One caller's texts: one of them is with the reader, so many are not done."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    texts: int = 0


class ScanExecutor:
    """The long texts of one desk. Callers take turns: ⚔ of each, one text at a time stands with the reader, whatever else they sent."""

    def __init__(self) -> None:
        self._callers: dict[str, _CallerQueue] = {}
        self.refused = 0
        """Messages that were refused since this process began, since too many of their caller waited."""

    def verify_room(self, caller: str, length: int) -> None:
        """Check that a caller may bring another message of so many letters.

        Raises:
            Refused: `request.rate_limited` while too many of theirs wait.
        """
        known = self._callers.get(caller)
        if length >= LONG and known is not None and known.texts >= _MAX_WAITING:
            self.refused += 1
            raise Refused(
                Code.REQUEST_RATE_LIMITED,
                f"{known.texts} long messages of this caller wait",
                public="Too many of your long messages wait to be read.",
                retry_after_s=_RETRY_S,
            )

    async def read(self, caller: str, length: int, work: Callable[[], T]) -> T:
        """Do work that takes as long as a text of so many letters: here when it is short, else beside the loop, in the caller's turn."""
        if length < LONG:
            return work()
        one = self._callers.setdefault(caller, _CallerQueue())
        one.texts += 1
        try:
            await one.turn.acquire()
        except BaseException:
            self._leave(caller, one)
            raise

        def done(_: object) -> None:
            one.turn.release()
            self._leave(caller, one)

        job = asyncio.get_running_loop().run_in_executor(_READER, work)
        job.add_done_callback(done)
        return await asyncio.shield(job)  # ⚔ whoever goes away in the middle keeps their turn until the reader is done

    async def run_in_turn(self, caller: str, work: Callable[[], Awaitable[T]]) -> T:
        """Await work that is done elsewhere, in the caller's turn: ⚔ of each, one piece at a time is with a reader."""
        one = self._callers.setdefault(caller, _CallerQueue())
        one.texts += 1
        try:
            async with one.turn:
                return await work()
        finally:
            self._leave(caller, one)

    def _leave(self, caller: str, one: _CallerQueue) -> None:
        one.texts -= 1
        if not one.texts:
            del self._callers[caller]
