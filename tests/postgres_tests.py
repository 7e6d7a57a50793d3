"""The server that tests on PostgreSQL run on. Without one they are skipped, and fail under CI."""

import asyncio
import os
import uuid
from pathlib import Path
from typing import NoReturn

import asyncpg
import pytest

from postgres_server import NoServer, server


def postgres_url(database: str = "") -> str:
    """Its address: of the database where stores are, or of another one, made if it is not there."""
    try:
        url = server()
        if not database:
            return url
        asyncio.run(_make(url, database))
        return url.replace("/postgres?", f"/{database}?")
    except NoServer as none:
        without(none)


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


async def _make(url: str, database: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"create database {database}")
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        pass  # it is there, or another process makes it
    finally:
        await connection.close()
