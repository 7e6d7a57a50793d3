"""Reading what is long beside the event loop, so that one long message does not keep everybody else waiting.

One thread does it, one text after the other: however many come at once, the loop shares the interpreter with one of them.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")

_LONG: Final = 2_048
"""Letters; a text of so many is read in some milliseconds."""
_READER: Final = ThreadPoolExecutor(1, thread_name_prefix="remit-words")


async def off_the_loop(length: int, work: Callable[[], T]) -> T:
    """Do work that takes as long as a text of so many letters: here when it is short, else beside the loop."""
    if length < _LONG:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_READER, work)
