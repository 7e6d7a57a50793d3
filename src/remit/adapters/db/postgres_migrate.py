"""First steps of a start on PostgreSQL: verify that the server is durable, and bring its schema forward."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import asyncpg

from remit.adapters.db.postgres import Connection, DatabaseIdentity, describe_error
from remit.domain.errors import Code, Refused

_LOCK: Final = 0x72656D6974  # "remit"


class SchemaStep(NamedTuple):
    """A step: number, oldest program that can go on beside it (by the newest schema it knows), and statements."""

    number: int
    beside: int
    script: str


async def apply_schema_steps(connection: Connection, database: DatabaseIdentity, steps: Sequence[SchemaStep]) -> None:
    """Take the steps that a schema has not taken, all or none. Nodes may go on beside it: a step only adds.

    Raises:
        Refused: `settings.invalid` when a newer Remit wrote it beside which this one cannot go on, or the user may
            not create tables.
        asyncpg.PostgresError, OSError: it broke.
    """
    try:
        await take_schema_steps(connection, database, steps)
    except asyncpg.InsufficientPrivilegeError as problem:
        cure = f"Let its user create the schema `{database.schema}` and tables in it."
        raise Refused(Code.SETTINGS_INVALID, f"{database.setting}: {describe_error(problem)}", cure=cure) from None


async def take_schema_steps(
    connection: Connection, database: DatabaseIdentity, steps: Sequence[SchemaStep], *, making: bool = True
) -> tuple[int, int]:
    """Take missing steps, all or none, and return the schema's versions before and after.

    Without `making` only a database without a schema gets one.

    Raises:
        Refused: `settings.invalid` when a newer Remit wrote it beside which this one cannot go on, or it is too old.
        asyncpg.PostgresError, OSError: it broke.
    """
    await connection.execute("select pg_advisory_lock($1)", _LOCK)
    try:
        async with connection.transaction():
            return await _take(connection, database, steps, making=making)
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock($1)", _LOCK)


async def _take(
    connection: Connection, database: DatabaseIdentity, steps: Sequence[SchemaStep], *, making: bool
) -> tuple[int, int]:
    newest, schema = steps[-1].number, database.schema
    before, beside = await schema_version(connection, database)
    if beside > newest:
        reason = f"beside which only programs of schema {beside} go on; this one knows {newest}"
        raise Refused(Code.SETTINGS_INVALID, f"{database.called} has schema {before}, {reason}", cure="Upgrade Remit.")
    if before >= newest:
        return before, before
    if before and not making:
        reason = f"{database.called} has schema {before}, this program needs {newest}"
        cure = "Run `remit migrate`; other nodes may go on serving."
        raise Refused(Code.SETTINGS_INVALID, reason, cure=cure)
    if not before:
        await connection.execute(f"create schema if not exists {schema}")
        columns = "version integer not null, beside integer not null"
        await connection.execute(f"create table if not exists {schema}.schema ({columns})")
        await connection.execute(f"insert into {schema}.schema values (0, 0)")  # noqa: S608  # our own name
    await connection.execute(f"set local search_path to {schema}")
    for step in steps:
        if step.number > before:
            await connection.execute(step.script)
            await connection.execute("update schema set version = $1, beside = $2", step.number, step.beside)
    return before, newest


async def schema_version(connection: Connection, database: DatabaseIdentity) -> tuple[int, int]:
    """Return the schema's version and the oldest program that may run beside it; 0 and 0 without a schema."""
    if not await schema_exists(connection, database):
        return 0, 0
    found = await connection.fetchrow(f"select version, beside from {database.schema}.schema")  # noqa: S608  # our own name
    return (0, 0) if found is None else (found[0], found[1])


async def verify_durable(connection: Connection, database: DatabaseIdentity) -> None:
    """Verify that the server durably keeps its commits.

    Raises:
        Refused: `settings.invalid` when its settings would lose commits in a crash.
        asyncpg.PostgresError, OSError: it broke.
    """
    off = [name for name in ("fsync", "full_page_writes") if await connection.fetchval(f"show {name}") != "on"]
    if off:
        reason = f"{database.setting}: the server runs with {' and '.join(off)} off: it would lose what was promised"
        raise Refused(Code.SETTINGS_INVALID, reason, cure="Set it to on.")


async def schema_exists(connection: Connection, database: DatabaseIdentity) -> bool:
    """Whether the database has the schema."""
    return await connection.fetchval("select to_regclass($1)", f"{database.schema}.schema") is not None
