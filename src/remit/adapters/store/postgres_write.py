"""Writing what a group of commits changes by one statement, which is its own transaction and holds only on the head it names.

The statement either moves the head from the one the group was decided on, and then all of it stands, or changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

from remit.adapters.postgres import Connection
from remit.adapters.store import trails
from remit.adapters.store.held import Changes
from remit.adapters.store.postgres_tree import Grown
from remit.ports.store import EntryRow

Columns = tuple[list[Any], ...]
_HEAD: Final = (
    """with h as (update head set seq = $3, size = $4, root = $5, note = $6, edge = $7 where desk = $1 and seq = $2 returning 1)"""
)
_FIRST: Final = 8
# Each part joins `h`, which is one row or none: where the head had moved, nothing is written.
_PARTS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "record": (
        ("text", "text", "bigint", "bytea"),
        """insert into record (desk, kind, id, rev, body) select $1, u.* from unnest({}) u, h
on conflict (desk, kind, id) do update set rev = excluded.rev, body = excluded.body""",
    ),
    "no_record": (
        ("text", "text"),
        "delete from record r using unnest({}) u(kind, id), h where r.desk = $1 and r.kind = u.kind and r.id = u.id",
    ),
    "link": (
        ("text", "text", "bigint", "text", "text"),
        "insert into link (desk, name, key, at, kind, id) select $1, u.* from unnest({}) u, h on conflict do nothing",
    ),
    "no_link": (
        ("text", "text", "bigint", "text", "text"),
        """delete from link l using unnest({}) u(name, key, at, kind, id), h
where l.desk = $1 and l.name = u.name and l.key = u.key and l.kind = u.kind and l.at = u.at and l.id = u.id""",
    ),
    "dropped": (
        ("text", "bigint"),
        """insert into dropped (desk, kind, rev) select $1, u.* from unnest({}) u, h
on conflict (desk, kind) do update set rev = excluded.rev""",
    ),
    "counter": (
        ("text", "text", "bigint"),
        """insert into counter (desk, scope, key, used) select $1, u.* from unnest({}) u, h
on conflict (desk, scope, key) do update set used = excluded.used""",
    ),
    "mark": (("text", "bigint"), "insert into mark (desk, key, until) select $1, u.* from unnest({}) u, h"),
    "touch": (
        ("text", "bigint"),
        "insert into touch (desk, id, at) select $1, u.* from unnest({}) u, h on conflict (desk, id) do update set at = excluded.at",
    ),
    "trail": (
        ("text", "bytea"),
        """insert into trail (desk, subject, body) select $1, u.* from unnest({}) u, h
on conflict (desk, subject) do update set body = excluded.body""",
    ),
    "entry": (
        ("bigint", "text", "bigint", "bytea", "bytea", "bytea", "text"),
        "insert into entry (desk, idx, kind, at, leaf, envelope, content, subject) select $1, u.* from unnest({}) u, h",
    ),
    "ref": (("text", "bigint"), "insert into ref (desk, ref, idx) select $1, u.* from unnest({}) u, h on conflict do nothing"),
    "node": (("integer", "bigint", "bytea"), "insert into node (desk, level, idx, hash) select $1, u.* from unnest({}) u, h"),
}


async def write_group(connection: Connection, desk: str, changes: Changes, rows: Sequence[EntryRow], first: int, grown: Grown) -> bool:
    """Write a group decided on the head before `grown`, whose entries begin at place `first`. Returns whether it stands: not where another node was first.

    Raises:
        asyncpg.PostgresError, OSError: it cannot be written, or it is not known whether it was.
    """
    columns = _columns(changes, rows, first, grown)
    names = tuple(name for name in _PARTS if columns[name][0])
    head = grown.head
    values = [column for name in names for column in columns[name]]
    moved = await connection.fetchval(_statement(names), desk, head.seq - 1, head.seq, head.size, head.root, head.note, head.edge, *values)
    return bool(moved)


def _columns(changes: Changes, rows: Sequence[EntryRow], first: int, grown: Grown) -> Mapping[str, Columns]:
    kept = [(key, one) for key, one in changes.records.items() if one is not None]
    gone = [key for key, one in changes.records.items() if one is None]
    refs = [(ref, place) for place, row in enumerate(rows, first) for ref in dict.fromkeys(row.refs)]
    return {
        "record": _across([(*key, one.rev, changes.bodies[key]) for key, one in kept], 4),
        "no_record": _across(gone, 2),
        "link": _across([link for link, stands in changes.links.items() if stands], 5),
        "no_link": _across([link for link, stands in changes.links.items() if not stands], 5),
        "dropped": _across(changes.dropped.items(), 2),
        "counter": _across([(*key, used) for key, used in changes.counters.items()], 3),
        "mark": _across(changes.marks.items(), 2),
        "touch": _across(changes.touches.items(), 2),
        "trail": _across([(name, trails.bytes_of(trail)) for name, trail in changes.trails.items()], 2),
        "entry": _across(
            [(place, row.kind, row.at, row.leaf, row.envelope, row.content, row.subject) for place, row in enumerate(rows, first)], 7
        ),
        "ref": _across(refs, 2),
        "node": _across(grown.nodes, 3),
    }


def _across(rows: Iterable[tuple[Any, ...]], width: int) -> Columns:
    found = list(zip(*rows, strict=True))
    return tuple(list(column) for column in found) if found else tuple([] for _ in range(width))


@cache
def _statement(names: tuple[str, ...]) -> str:
    parts, place = [_HEAD], _FIRST
    for name in names:
        types, text = _PARTS[name]
        given = ", ".join(f"${place + number}::{kind}[]" for number, kind in enumerate(types))
        parts.append(f"{name}_ as ({text.format(given)})")
        place += len(types)
    return ", ".join(parts) + " select count(*) from h"  # noqa: S608  # fixed words are put together
