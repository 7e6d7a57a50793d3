"""Two nodes over one store on PostgreSQL."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from contracts.store_plugs import (
    desk_of,
    postgres_store,
)
from postgres_tests import end_connections, postgres_url
from remit.adapters.store.postgres.store import application_name


def two(folder: Path, work: Callable[[Any, Any], Any], **points: Callable[[str], None]) -> Any:
    """Work with two nodes over one store."""

    async def _run() -> Any:
        one = postgres_store(folder, node="one", **points)
        other = postgres_store(folder, node="other")
        try:
            return await work(one, other)
        finally:
            await one.close()
            await other.close()

    return asyncio.run(_run())


def sql(*statements: tuple[Any, ...]) -> list[Any]:
    """Run statements beside every node."""

    async def _run() -> list[Any]:
        connection = await asyncpg.connect(postgres_url(), server_settings={"search_path": "remit"})
        try:
            return [await connection.fetch(statement, *values) for statement, *values in statements]
        finally:
            await connection.close()

    return asyncio.run(_run())


def cut_off(folder: Path) -> None:
    """End every connection of a desk's nodes, as a server does that fails over."""
    end_connections(postgres_url(), application_name(desk_of(folder)))
