"""Long polls: a thousand beside their answers, at every interleaving that a loop makes of them."""

import asyncio
import random
import time
from types import SimpleNamespace
from typing import Any

from remit.adapters.notify.console import ConsoleNotify
from remit.engine.long_poll import read_awaited

POLLS, WAIT_S = 1_000, 30.0


def desk() -> Any:
    """What a poll needs of a desk."""
    return SimpleNamespace(notify=ConsoleNotify(), world=SimpleNamespace(ticks=time.monotonic))


async def steps(chance: random.Random) -> None:
    """Some turns of the loop."""
    for _ in range(chance.randrange(6)):
        await asyncio.sleep(0)


def test_of_a_thousand_polls_beside_answers_none_waits_for_longer_than_a_second() -> None:
    parts, chance = desk(), random.Random(7)
    answered: dict[int, float] = {}
    waited: list[float] = []

    async def poll(number: int) -> None:
        async def read() -> float | None:
            await steps(chance)
            found = answered.get(number)
            await steps(chance)
            return found

        await steps(chance)
        at = await read_awaited(parts, f"ask:{number}", read, lambda found: found is not None, wait_s=WAIT_S)
        assert at is not None
        waited.append(time.monotonic() - at)

    async def answer(number: int) -> None:
        await steps(chance)
        await steps(chance)
        answered[number] = time.monotonic()
        await steps(chance)
        parts.notify.wake(f"ask:{number}")

    async def run() -> None:
        await asyncio.gather(*(work(number) for number in range(POLLS) for work in (poll, answer)))

    asyncio.run(run())
    assert len(waited) == POLLS
    assert max(waited) < 1.0


def test_without_a_wake_up_it_is_read_every_so_often_and_at_the_end() -> None:
    parts, reads = desk(), [0]

    async def read() -> int:
        reads[0] += 1
        return reads[0]

    assert asyncio.run(read_awaited(parts, "t", read, lambda found: found == 3, wait_s=WAIT_S, every_s=0.01)) == 3
    assert asyncio.run(read_awaited(parts, "t", read, lambda _: False, wait_s=0.0)) == 4
    assert asyncio.run(read_awaited(parts, "t", read, lambda _: False, wait_s=0.02)) >= 5
    assert not parts.notify._waiting


def test_a_wake_up_without_news_ends_the_wait() -> None:
    parts = desk()

    async def read() -> str:
        parts.notify.wake("t")
        return "old"

    async def run() -> str:
        async with asyncio.timeout(10):
            return await read_awaited(parts, "t", read, lambda _: False, wait_s=WAIT_S)

    assert asyncio.run(run()) == "old"
