"""Verification of a desk's rows on PostgreSQL, and MACs for those that an older Remit wrote."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from remit.adapters.db.postgres import BlockingConnection, Connection
from remit.adapters.store.postgres.read_only import scope_to_desk
from remit.adapters.store.row_checks import NO_RECORD, MacMarker, verify_recent_states, verify_rows
from remit.adapters.store.row_macs import MODULUS, RowMacs

_HEAD: Final = "select state, size, root from remit.head where desk = $1 for update"
_STATE: Final = "update remit.head set state = $2 where desk = $1"
_PAGE: Final = 5_000
_KEYS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "record": (("kind", "id"), "rev, body"),
    "counter": (("scope", "key"), "used"),
    "trail": (("subject",), "body"),
}
"""Key and further columns that a MAC is made of."""


def verify_or_adopt(
    session: BlockingConnection, desk: str, macs: RowMacs, marker: MacMarker, *, recovering: bool
) -> None:
    """Verify all rows of a desk beside its verified log; those of an older Remit are given their MACs, once.

    Raises:
        Refused: `log.damaged`.
        asyncpg.PostgresError, OSError: it broke.
    """
    if session.run(_lacks_macs(session.connection, desk)):
        marker.verify_may_adopt(recovering=recovering)
        session.run(_adopt(session.connection, desk, macs))
    # Other nodes write meanwhile: rows and head are read at one moment.
    scope_to_desk(session, desk)
    stored, size, root = session.execute("select state, size, root from head").fetchall()[0]
    verify_rows(session, macs, stored, size, root)
    if not recovering:
        verify_recent_states(session, macs, size)


async def _lacks_macs(connection: Connection, desk: str) -> bool:
    return not await connection.fetchval("select length(state) from remit.head where desk = $1", desk)


async def _adopt(connection: Connection, desk: str, macs: RowMacs) -> None:
    """Give all rows their MACs in one transaction, before which no node of this Remit serves."""
    async with connection.transaction():
        head = await connection.fetchrow(_HEAD, desk)
        if head is None or head["state"]:
            return  # another node was first
        dropped = await connection.fetch("select kind, rev from remit.dropped where desk = $1", desk)
        total = macs.total(("d", kind, "", rev) for kind, rev in dropped)
        for table in _KEYS:
            total += await _adopt_table(connection, desk, table, macs)
        await connection.execute(_STATE, desk, macs.state(total % MODULUS, head["size"], head["root"]))


async def _adopt_table(connection: Connection, desk: str, table: str, macs: RowMacs) -> int:
    """Give the rows of one table their MACs, by pages, and return their part of the sum."""
    keys, columns = _KEYS[table]
    names, last, total = ", ".join(keys), [""] * len(keys), 0
    marks = ", ".join(f"${place}" for place in range(2, 2 + len(keys)))
    select = f"""select {names}, {columns} from remit.{table}
where desk = $1 and ({names}) > ({marks}) order by {names} limit {_PAGE}"""  # noqa: S608  # our own names
    while rows := await connection.fetch(select, desk, *last):
        own = [row for row in rows if row[0] != NO_RECORD]
        await _write(connection, desk, table, keys, [(*row[: len(keys)], _mac(macs, table, row)) for row in own])
        total += macs.total(_member(table, row) for row in own)
        last = list(rows[-1][: len(keys)])
    return total


def _member(table: str, row: Sequence[Any]) -> tuple[str, str, str, int]:
    return ("t", row[0], "", 0) if table == "trail" else (table[0], row[0], row[1], row[2])


def _mac(macs: RowMacs, table: str, row: Sequence[Any]) -> bytes:
    match table:
        case "record":
            return macs.record(*row)
        case "counter":
            return macs.counter(*row)
        case _:
            return macs.risk_history(*row)


async def _write(
    connection: Connection, desk: str, table: str, keys: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    types = ", ".join(
        f"${place}::{'bytea' if place == len(keys) + 2 else 'text'}[]" for place in range(2, len(keys) + 3)
    )
    same = " and ".join(f"t.{name} = u.{name}" for name in keys)
    statement = f"""update remit.{table} t set mac = u.mac from unnest({types}) u({", ".join(keys)}, mac)
where t.desk = $1 and {same}"""  # noqa: S608  # our own names
    await connection.execute(statement, desk, *columns)
