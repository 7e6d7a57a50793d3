"""The server that tests on PostgreSQL run on. Without one they are skipped, and fail under CI."""

import asyncio
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import asyncpg
import pytest

from postgres_server import DATABASE, VARIABLE, NoServer, server


def postgres_url(database: str = "") -> str:
    """Its address: of the database where this run's stores are, or of another one of this run, made if it is not there.

    Several runs share the server. None has anything to do with another's databases, nor ends its connections.
    """
    try:
        url = server()
    except NoServer as none:
        without(none)
    whole = database_of(url) == "postgres"
    if whole:
        url = os.environ[VARIABLE] = _made(url, os.environ.get(DATABASE) or f"tests_{os.getpid()}")  # what it starts shares it
    return _made(url, f"{database_of(url)}_{database}") if database else url


def database_of(url: str) -> str:
    """The name of the database that an address leads to."""
    return urlsplit(url).path.removeprefix("/")


def drop(url: str) -> None:
    """Take away a database that no test asks for again."""
    on_the_server(_at(url, "postgres"), f"drop database {database_of(url)} with (force)")


def end_connections(url: str, name: str) -> None:
    """Have the server end the connections of one name (a pattern of `like`) to a database."""
    on_the_server(
        url, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like $1", name
    )


@contextmanager
def nobody_gets_in(url: str) -> Iterator[None]:
    """A database that answers nobody meanwhile."""
    whole, name = _at(url, "postgres"), database_of(url)
    on_the_server(whole, f"alter database {name} with allow_connections false")
    on_the_server(whole, "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name)
    try:
        yield
    finally:
        on_the_server(whole, f"alter database {name} with allow_connections true")


def on_the_server(url: str, statement: str, *values: Any) -> list[Any]:
    """Run a statement beside whatever runs here, and return its rows."""

    async def ask() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, ask()).result()


def without(none: NoServer) -> NoReturn:
    """Skip a test for which no server can be started; under CI it fails."""
    if os.environ.get("CI"):
        pytest.fail(f"no PostgreSQL: {none}")
    pytest.skip(f"no PostgreSQL: {none}")


def rows_of(folder: Path) -> str:
    """Whose rows a folder's are, on a server that may outlive the folder: another one in its place is another desk."""
    name = folder / "rows-of"
    if not name.exists():
        folder.mkdir(parents=True, exist_ok=True)
        name.write_text(f"{folder} {uuid.uuid4().hex}", encoding="utf-8")
    return name.read_text(encoding="utf-8")


@cache
def _made(url: str, database: str) -> str:
    with suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):  # it is there, or another process makes it
        on_the_server(url, f"create database {database}")
    return _at(url, database)


def _at(url: str, database: str) -> str:
    return urlsplit(url)._replace(path=f"/{database}").geturl()
