"""What a start on PostgreSQL begins with: that the server keeps what it says, and that its schema is there, whoever starts first."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import asyncpg

from remit.adapters.db.postgres import Connection, DatabaseIdentity, describe_error
from remit.domain.errors import Code, Refused

_LOCK: Final = 0x72656D6974  # "remit"


class SchemaStep(NamedTuple):
    """One step: its number, the oldest program that can go on beside it (by the newest schema it knows), and its statements."""

    number: int
    beside: int
    script: str


async def apply_schema_steps(connection: Connection, whose: DatabaseIdentity, steps: Sequence[SchemaStep]) -> None:
    """Take the steps that a schema has not taken, all or none. Nodes may go on beside it: a step only adds.

    Raises:
        Refused: `settings.invalid` when a newer Remit wrote it beside which this one cannot go on, or the user may not make tables.
        asyncpg.PostgresError, OSError: it broke.
    """
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        try:
            async with connection.transaction():
                await _take(connection, whose, steps)
        finally:
            if not connection.is_closed():
                await connection.execute("select pg_advisory_unlock($1)", _LOCK)
    except asyncpg.InsufficientPrivilegeError as problem:
        cure = f"Let its user create the schema `{whose.schema}` and tables in it."
        raise Refused(Code.SETTINGS_INVALID, f"{whose.setting}: {describe_error(problem)}", cure=cure) from None


async def _take(connection: Connection, whose: DatabaseIdentity, steps: Sequence[SchemaStep]) -> None:
    newest, before = steps[-1].number, 0
    if await schema_exists(connection, whose):
        before, beside = await connection.fetchrow(f"select version, beside from {whose.schema}.schema") or (0, 0)  # noqa: S608  # our own name
        if beside > newest:
            reason = f"{whose.setting}: it has schema {before}, beside which only programs of schema {beside} go on; this one knows {newest}"
            raise Refused(Code.SETTINGS_INVALID, reason, cure="Upgrade Remit.")
    else:
        await connection.execute(f"create schema if not exists {whose.schema}")
        await connection.execute(
            f"create table {whose.schema}.schema (version integer not null, beside integer not null)"
        )
        await connection.execute(f"insert into {whose.schema}.schema values (0, 0)")  # noqa: S608  # our own name
    await connection.execute(f"set local search_path to {whose.schema}")
    for step in steps:
        if step.number > before:
            await connection.execute(step.script)
            await connection.execute("update schema set version = $1, beside = $2", step.number, step.beside)


async def verify_durable(connection: Connection, whose: DatabaseIdentity) -> None:
    """Check that the server keeps what it says it has kept.

    Raises:
        Refused: `settings.invalid` when it is set up to lose commits in a crash.
        asyncpg.PostgresError, OSError: it broke.
    """
    off = [name for name in ("fsync", "full_page_writes") if await connection.fetchval(f"show {name}") != "on"]
    if off:
        reason = f"{whose.setting}: the server runs with {' and '.join(off)} off: it would lose what was promised"
        raise Refused(Code.SETTINGS_INVALID, reason, cure="Set it to on.")


async def schema_exists(connection: Connection, whose: DatabaseIdentity) -> bool:
    """Whether the database has the schema."""
    return await connection.fetchval("select to_regclass($1)", f"{whose.schema}.schema") is not None
