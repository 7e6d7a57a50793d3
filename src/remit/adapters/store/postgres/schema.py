"""The schema `remit` on PostgreSQL: migration beside nodes that serve, partitions for entries, purge of marks."""

import contextlib
import time
from typing import Final

import asyncpg

from remit.adapters.db.postgres import BROKEN, STORE, BlockingConnection, Connection, describe_error
from remit.adapters.db.postgres_migrate import take_schema_steps
from remit.adapters.store.migrations.postgres import AHEAD, PARTITION, STEPS
from remit.adapters.store.replay_expiry import FORGOTTEN, KEEP_MS, ElapsedTime
from remit.domain.errors import Code, Refused

_ATTACHED: Final = "select exists (select 1 from pg_inherits where inhrelid = to_regclass($1))"
_HEAD: Final = """insert into remit.head (desk, seq, size, root, note, edge) values ($1, 0, 0, $2, '', '')
on conflict (desk) do nothing"""


def migrate(session: BlockingConnection, *, making: bool) -> tuple[int, int]:
    """Migrate the schema, each step whole or not at all, and return its versions before and after.

    Nodes may serve meanwhile: a step only adds, and names the older programs that can go on beside it. Without
    `making` only a database without a schema gets one: `remit migrate` upgrades a desk, not the node that starts first.

    Raises:
        Refused: `settings.invalid` when a newer Remit wrote it that this one cannot serve beside, or it is too old.
    """
    try:
        return session.run(take_schema_steps(session.connection, STORE, STEPS, making=making))
    except asyncpg.InsufficientPrivilegeError as problem:
        cure = (
            "Let the user of store.url create the schema `remit` and tables in it, or run `remit migrate` as one who "
            "may."
        )
        raise Refused(Code.SETTINGS_INVALID, f"store.url: {describe_error(problem)}", cure=cure) from None


def prepare(session: BlockingConnection, desk: str, empty_root: bytes) -> None:
    """Give the desk a head if it has none, and its next entries a partition."""

    async def run() -> None:
        await session.connection.execute(_HEAD, desk, empty_root)
        size = await session.connection.fetchval("select size from remit.head where desk = $1", desk)
        await make_partition(session.connection, size)
        await make_partition(session.connection, size + AHEAD)

    session.run(run())


async def make_partition(connection: Connection, place: int) -> None:
    """Make the partition of an entry's place, if it does not exist.

    It is created detached and then attached, so that neither it nor readers of the log wait for each other.
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


MAX_MARK_MS: Final = 600_000
"""Longest time a replay mark may last from when it is set: its end tells the time where there are no entries."""
_PURGE_EVERY_S: Final = 60.0
_AGAIN_S: Final = 5.0
_PORTION: Final = 10_000
_PURGE: Final = f"""with over as materialized
(select least($2, (extract(epoch from clock_timestamp()) * 1000)::bigint - {KEEP_MS}) as at),
forgotten as (insert into mark (desk, key, until) select $1, '{FORGOTTEN}', at from over
on conflict (desk, key) do update set until = greatest(mark.until, excluded.until))
delete from mark where desk = $1 and key in (select key from mark
where desk = $1 and until < (select at from over) and key <> '{FORGOTTEN}'
order by until limit {_PORTION})"""  # noqa: S608  # a number and a fixed word


class Housekeeping:
    """Periodic purge of replay marks and creation of partitions."""

    def __init__(self, desk: str) -> None:
        self._desk = desk
        self._passed = ElapsedTime()
        self.after = 0.0
        self._partitions = 0

    async def tidy(self, connection: Connection, size: int, newest: int, *, at_least: bool) -> None:
        """Run when due. A failure is retried a little later, not with every group.

        ⚔ A mark has expired when the entries, the server's clock and the time elapsed here all say so: a clock that
        jumps must not open a desk to replays. The time up to which marks were purged is recorded too.
        """
        over = self._passed.over(newest, at_least=at_least)
        now = time.monotonic()
        if now < self.after:
            return
        self.after = now + _AGAIN_S
        with contextlib.suppress(*BROKEN):
            taken = await connection.execute(_PURGE, self._desk, over)
            if taken != f"DELETE {_PORTION}":  # else more are left: the next portion follows in a few seconds
                self.after = now + _PURGE_EVERY_S
        if size + AHEAD >= self._partitions:
            with contextlib.suppress(*BROKEN):
                await make_partition(connection, size + AHEAD)
                self._partitions = (size + AHEAD) // PARTITION * PARTITION + PARTITION
