"""Waking across nodes: whoever waits at one node is woken by what happens at another; while nobody can be heard, nobody waits for long."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from postgres_tests import end_connections, postgres_url, rows_of
from remit.adapters.notify.console import ConsoleNotify
from remit.adapters.notify.postgres import PostgresNotify

LONG_S = 60.0


def two(folder: Path, work: Callable[[PostgresNotify, PostgresNotify], Awaitable[Any]], url: str = "") -> Any:
    async def run() -> Any:
        desk = rows_of(folder)
        one, other = (PostgresNotify(ConsoleNotify(), url or postgres_url(), desk) for _ in range(2))
        try:
            return await work(one, other)
        finally:
            await one.stop()
            await other.stop()

    return asyncio.run(run())


async def hears(notify: PostgresNotify) -> None:
    """Until a node hears the others: before, it lets nobody wait for more than a second."""
    async with asyncio.timeout(20):
        while not notify._hears:
            await notify.wait("nothing", 0.05)


def test_whoever_waits_at_another_node_is_woken_and_nobody_else(tmp_path: Path) -> None:
    async def work(one: PostgresNotify, other: PostgresNotify) -> None:
        await hears(other)
        woken = asyncio.create_task(other.wait("ask:1", LONG_S))
        deaf = asyncio.create_task(other.wait("ask:2", LONG_S))
        await asyncio.sleep(0)
        one.wake("ask:1")
        async with asyncio.timeout(20):
            await woken
        assert not deaf.done()
        deaf.cancel()

    two(tmp_path, work)


def test_whoever_waits_here_is_woken_at_once_and_by_a_connection_that_was_made_again(tmp_path: Path) -> None:
    async def work(one: PostgresNotify, other: PostgresNotify) -> None:
        own = asyncio.create_task(one.wait("task:1", LONG_S))
        await asyncio.sleep(0)
        one.wake("task:1")
        await asyncio.wait_for(own, 20)
        await hears(other)
        end_connections(postgres_url(), "remit wake")
        async with asyncio.timeout(20):
            while other._hears:  # noqa: ASYNC110  # the driver tells nobody that it noticed
                await asyncio.sleep(0.01)
        await hears(other)
        again = asyncio.create_task(other.wait("task:1", LONG_S))
        await asyncio.sleep(0)
        async with asyncio.timeout(20):
            while not again.done():
                one.wake("task:1")
                await asyncio.wait([again], timeout=0.2)

    two(tmp_path, work)


def test_where_other_nodes_cannot_be_heard_nobody_waits_for_long(tmp_path: Path) -> None:
    async def work(one: PostgresNotify, _: PostgresNotify) -> float:
        began = time.monotonic()
        await one.wait("ask:1", LONG_S)
        return time.monotonic() - began

    assert two(tmp_path, work, url=f"postgresql://remit@/postgres?host={tmp_path}") < LONG_S / 2
