"""Read-only view of one desk's rows of a PostgreSQL store, under the tables' plain names and at one moment."""

from typing import Final

from remit.adapters.db.postgres import BROKEN, BlockingConnection, describe_error
from remit.domain.errors import Code, Refused

_VIEWS: Final = {
    "record": "kind, id, rev, body{mac}",
    "link": "name, key, at, kind, id",
    "counter": "scope, key, used{mac}",
    "dropped": "kind, rev",
    "trail": "subject, body{mac}",
    "entry": "idx, kind, at, leaf, envelope, content, subject",
    "ref": "ref, idx",
    "node": "level, idx, hash",
    "head": "size, root, note{state}",
}
_HAS_MACS: Final = """select exists (select 1 from pg_attribute
where attrelid = to_regclass('remit.head') and attname = 'state' and not attisdropped)"""


def scope_to_desk(session: BlockingConnection, desk: str) -> BlockingConnection:
    """Show one desk's rows to this connection alone, which then stays at this moment, and return it.

    Raises:
        Refused: `settings.invalid` when there is no store, or it is unreadable.
    """

    async def run() -> None:
        if await session.connection.fetchval("select to_regclass('remit.head')") is None:
            raise _invalid(
                "store.url names a database without a Remit store", "Run `remit migrate`, or name another database."
            )
        quoted = await session.connection.fetchval("select quote_literal($1::text)", desk)
        await session.connection.execute("begin isolation level repeatable read")
        has_macs = await session.connection.fetchval(_HAS_MACS)
        added = {"mac": ", mac" if has_macs else "", "state": ", state" if has_macs else ""}
        for table, columns in _VIEWS.items():
            await session.connection.execute(
                f"create temp view {table} as select {columns.format(**added)} from remit.{table} where desk = {quoted}"  # noqa: S608  # our own names, and a quoted one
            )
        await session.connection.execute("set transaction read only")

    try:
        session.run(run())
    except BROKEN as problem:
        raise _invalid(
            f"the store cannot be read: {describe_error(problem)}",
            "Check that the user of store.url may read the schema `remit`.",
        ) from None
    return session


def _invalid(reason: str, cure: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, reason, cure=cure)
