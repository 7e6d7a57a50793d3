"""The one way to wait for news: the subscription is live before the first read, so no change falls between the two."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from remit.engine.context import DeskContext

T = TypeVar("T")


async def read_awaited(
    desk: DeskContext,
    topic: str,
    read: Callable[[], Awaitable[T]],
    settled: Callable[[T], bool],
    *,
    wait_s: float,
    every_s: float = 60.0,
) -> T:
    """Read until the value is settled, its topic is woken, or `wait_s` seconds are over; return the last value read.

    It is read again every `every_s` seconds at the latest. ⚔ Nothing read before this call may be passed in as news: a
    change since then is heard of by nobody.

    Raises:
        Exception: as `read` does.

    Source: docs/model/model.md#long-polls.
    """
    if wait_s <= 0:
        return await read()
    ends = desk.world.ticks() + wait_s
    with desk.notify.subscribe(topic) as changes:
        while not settled(found := await read()) and (left := ends - desk.world.ticks()) > 0:
            if await changes.wait(min(left, every_s)):
                return await read()
    return found
