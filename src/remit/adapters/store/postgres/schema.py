"""The schema `remit` on PostgreSQL: bringing it forward beside nodes that serve, and room for more entries."""

import contextlib
import time
from typing import Final

import asyncpg

from remit.adapters.db.postgres import BROKEN, BlockingConnection, Connection, describe_error
from remit.adapters.store.migrations.postgres import AHEAD, NEWEST, PARTITION, STEPS
from remit.adapters.store.replay_expiry import FORGOTTEN, KEEP_MS, ElapsedTime
from remit.domain.errors import Code, Refused

_LOCK: Final = 0x72656D6974  # "remit"
_VERSION: Final = "select version, beside from remit.schema"
_ATTACHED: Final = "select exists (select 1 from pg_inherits where inhrelid = to_regclass($1))"
_HEAD: Final = """insert into remit.head (desk, seq, size, root, note, edge) values ($1, 0, 0, $2, '', '') on conflict (desk) do nothing"""


def migrate(session: BlockingConnection, *, making: bool) -> tuple[int, int]:
    """Bring the schema forward, each step whole or not at all, and return its versions before and after.

    Nodes may serve meanwhile: a step only adds, and says which older programs can go on beside it. Without `making` only a database
    that has no schema yet gets one: a desk is upgraded by `remit migrate`, not by whichever node starts first.

    Raises:
        Refused: `settings.invalid` when it was written by a newer Remit that this one cannot serve beside, or is too old.
    """
    try:
        return session.run(_migrate(session.connection, making=making))
    except asyncpg.InsufficientPrivilegeError as problem:
        cure = "Let the user of store.url create the schema `remit` and tables in it, or run `remit migrate` as one who may."
        raise Refused(Code.SETTINGS_INVALID, f"store.url: {describe_error(problem)}", cure=cure) from None


async def _migrate(connection: Connection, *, making: bool) -> tuple[int, int]:
    await connection.execute("select pg_advisory_lock($1)", _LOCK)
    try:
        async with connection.transaction():
            before, beside = await version(connection)
            if beside > NEWEST:
                raise _invalid(
                    f"the store has schema {before}, beside which only programs of schema {beside} go on; this one knows {NEWEST}",
                    "Upgrade Remit.",
                )
            if before >= NEWEST:
                return before, before
            if before and not making:
                raise _invalid(
                    f"the store has schema {before}, this program needs {NEWEST}",
                    "Run `remit migrate`; other nodes may go on serving.",
                )
            if not before:
                await connection.execute("create schema if not exists remit")
                await connection.execute(
                    "create table remit.schema (version integer not null, beside integer not null)"
                )
                await connection.execute("insert into remit.schema values (0, 0)")
            await connection.execute("set local search_path to remit")
            for step in STEPS:
                if step.number > before:
                    await connection.execute(step.script)
                    await connection.execute(
                        "update remit.schema set version = $1, beside = $2", step.number, step.beside
                    )
            return before, NEWEST
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock($1)", _LOCK)


async def version(connection: Connection) -> tuple[int, int]:
    """The schema's version, and the oldest program that may go on beside it; 0 and 0 where there is none."""
    if await connection.fetchval("select to_regclass('remit.schema')") is None:
        return 0, 0
    found = await connection.fetchrow(_VERSION)
    return (0, 0) if found is None else (found[0], found[1])


def prepare(session: BlockingConnection, desk: str, empty_root: bytes) -> None:
    """Give the desk a head if it has none, and its next entries a place to stand."""

    async def run() -> None:
        await session.connection.execute(_HEAD, desk, empty_root)
        size = await session.connection.fetchval("select size from remit.head where desk = $1", desk)
        await make_partition(session.connection, size)
        await make_partition(session.connection, size + AHEAD)

    session.run(run())


async def make_partition(connection: Connection, place: int) -> None:
    """Make the partition in which the entry at a place stands, if it is not there.

    It is made apart and then attached: that waits for nobody who reads the log, and nobody waits for it.
    """
    first = place // PARTITION * PARTITION
    name = f"remit.entry_{first // PARTITION}"
    if await connection.fetchval(_ATTACHED, name):
        return
    bounds = f"idx >= {first} and idx < {first + PARTITION}"
    try:
        async with connection.transaction():
            await connection.execute(
                f"create table {name} (like remit.entry including all, constraint bounds check ({bounds}))"
            )
            await connection.execute(
                f"alter table remit.entry attach partition {name} for values from ({first}) to ({first + PARTITION})"
            )
    except (asyncpg.DuplicateTableError, asyncpg.UniqueViolationError):
        return  # another node was first


def _invalid(reason: str, cure: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, reason, cure=cure)


MAX_MARK_MS: Final = 600_000
"""No replay mark is wanted for longer than this from when it is set: by its end the time can be told where there are no entries."""
_PURGE_EVERY_S: Final = 60.0
_AGAIN_S: Final = 5.0
_PORTION: Final = 10_000
_PURGE: Final = f"""with over as materialized (select least($2, (extract(epoch from clock_timestamp()) * 1000)::bigint - {KEEP_MS}) as at),
forgotten as (insert into mark (desk, key, until) select $1, '{FORGOTTEN}', at from over
on conflict (desk, key) do update set until = greatest(mark.until, excluded.until))
delete from mark where desk = $1 and key in (select key from mark
where desk = $1 and until < (select at from over) and key <> '{FORGOTTEN}' order by until limit {_PORTION})"""  # noqa: S608  # a number and a fixed word


class Housekeeping:
    """When it was last done here, and how far there is room."""

    def __init__(self, desk: str) -> None:
        self._desk = desk
        self._passed = ElapsedTime()
        self.after = 0.0
        self._partitions = 0

    async def tidy(self, connection: Connection, size: int, newest: int, *, at_least: bool) -> None:
        """Do it where it is time. What fails is tried again a little later, not with every group.

        ⚔ A mark has expired when entries, the server's clock and the time that has passed here all say so: a clock that jumps must not
        open a desk to replays. Up to when marks were forgotten is recorded with it.
        """
        over = self._passed.over(newest, at_least=at_least)
        now = time.monotonic()
        if now < self.after:
            return
        self.after = now + _AGAIN_S
        with contextlib.suppress(*BROKEN):
            taken = await connection.execute(_PURGE, self._desk, over)
            if taken != f"DELETE {_PORTION}":  # else there are more: the next portion in a few seconds
                self.after = now + _PURGE_EVERY_S
        if size + AHEAD >= self._partitions:
            with contextlib.suppress(*BROKEN):
                await make_partition(connection, size + AHEAD)
                self._partitions = (size + AHEAD) // PARTITION * PARTITION + PARTITION
