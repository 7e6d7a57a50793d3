"""Waking across nodes: whoever waits at one node is woken by what happens at another; while nobody can be heard, nobody waits for long."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from postgres_tests import end_connections, postgres_url, rows_of
from remit.adapters.notify.console import ConsoleNotify
from remit.adapters.notify.postgres import PostgresNotify

LONG_S = 20.0


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


async def wait(notify: PostgresNotify, topic: str, timeout_s: float = LONG_S) -> bool:
    with notify.subscribe(topic) as changes:
        return await changes.wait(timeout_s)


async def hears(notify: PostgresNotify) -> None:
    """Until a node hears the others: before, it lets nobody wait for more than a second."""
    async with asyncio.timeout(20):
        while not notify._hears:
            await wait(notify, "nothing", 0.05)


def test_whoever_waits_at_another_node_is_woken_and_nobody_else(tmp_path: Path) -> None:
    async def work(one: PostgresNotify, other: PostgresNotify) -> None:
        await hears(other)
        woken = asyncio.create_task(wait(other, "ask:1"))
        deaf = asyncio.create_task(wait(other, "ask:2"))
        await asyncio.sleep(0)
        one.wake("ask:1")
        async with asyncio.timeout(20):
            await woken
        assert not deaf.done()
        deaf.cancel()

    two(tmp_path, work)


def test_whoever_waits_here_is_woken_at_once_and_by_a_connection_that_was_made_again(tmp_path: Path) -> None:
    async def work(one: PostgresNotify, other: PostgresNotify) -> None:
        own = asyncio.create_task(wait(one, "task:1"))
        await asyncio.sleep(0)
        one.wake("task:1")
        await asyncio.wait_for(own, 20)
        await hears(other)
        end_connections(postgres_url(), "remit wake")
        async with asyncio.timeout(20):
            while other._hears:  # noqa: ASYNC110  # the driver tells nobody that it noticed
                await asyncio.sleep(0.01)
        await hears(other)
        again = asyncio.create_task(wait(other, "task:1"))
        await asyncio.sleep(0)
        async with asyncio.timeout(20):
            while not again.done():
                one.wake("task:1")
                await asyncio.wait([again], timeout=0.2)

    two(tmp_path, work)


def test_where_other_nodes_cannot_be_heard_nobody_waits_for_long(tmp_path: Path) -> None:
    async def work(one: PostgresNotify, _: PostgresNotify) -> float:
        began = time.monotonic()
        await wait(one, "ask:1")
        return time.monotonic() - began

    assert two(tmp_path, work, url=f"postgresql://remit@/postgres?host={tmp_path}") < LONG_S / 2


def test_whoever_subscribed_before_others_were_heard_does_not_wait_long_once_they_are(tmp_path: Path) -> None:
    async def work(_: PostgresNotify, other: PostgresNotify) -> float:
        with other.subscribe("ask:1") as changes:
            await hears(other)
            began = time.monotonic()
            assert await changes.wait(LONG_S) is False
            return time.monotonic() - began

    assert two(tmp_path, work) < LONG_S / 2


def test_what_another_node_says_between_reading_and_waiting_is_heard(tmp_path: Path) -> None:
    async def work(one: PostgresNotify, other: PostgresNotify) -> None:
        await hears(one)
        await hears(other)
        with other.subscribe("ask:1") as changes, other.subscribe("ask:2") as later:
            one.wake("ask:1")
            async with asyncio.timeout(20):
                assert await changes.wait(LONG_S) is True
            end_connections(postgres_url(), "remit wake")
            async with asyncio.timeout(20):
                assert await later.wait(LONG_S) is True, "what was said while the connection was down is lost"

    two(tmp_path, work)
