"""Showing a store's file to whoever only reads it as it was last committed, journal and all, without writing it.

Temporary views of this connection alone stand in the place of the tables (docs/decisions/0016-groups-are-journalled.md).
"""

import sqlite3
from typing import Final

from remit.adapters.store.journal import Unsettled, read_groups
from remit.adapters.store.sqlite_rows import Value, write_rows

_TABLES: Final = """
create temp table new_record (kind text, id text, rev integer, body blob, primary key (kind, id)) without rowid;
create temp table new_link (name text, key text, at integer, kind text, id text, stands integer, primary key (name, key, at, kind, id)) without rowid;
create temp table new_counter (scope text, key text, used integer, primary key (scope, key)) without rowid;
create temp table new_entry (idx integer primary key, kind text, at integer, leaf blob, envelope blob, content blob, subject text);
create temp table new_node (level integer, idx integer, hash blob, primary key (level, idx)) without rowid;
create temp table new_head (size integer, root blob, note text);
"""
_VIEWS: Final = """
create temp view record as select kind, id, rev, body from main.record r
    where not exists (select 1 from new_record n where n.kind = r.kind and n.id = r.id)
    union all select kind, id, rev, body from new_record where body is not null;
create temp view link as select name, key, at, kind, id from main.link l where not exists (select 1 from new_link n
    where n.name = l.name and n.key = l.key and n.at = l.at and n.kind = l.kind and n.id = l.id)
    union all select name, key, at, kind, id from new_link where stands;
create temp view counter as select scope, key, used from main.counter c
    where not exists (select 1 from new_counter n where n.scope = c.scope and n.key = c.key)
    union all select scope, key, used from new_counter;
create temp view entry as select idx, kind, at, leaf, envelope, content, subject from main.entry
    union all select idx, kind, at, leaf, envelope, content, subject from new_entry;
create temp view node as select level, idx, hash from main.node union all select level, idx, hash from new_node;
create temp view head as select size, root, note from new_head union all select size, root, note from main.head
    where not exists (select 1 from new_head);
"""


def show_journalled(connection: sqlite3.Connection) -> None:
    """Show records, links, counters and log as last committed. To be called inside a read transaction, which then stays at that moment.

    A file of an older schema has no journal: its tables are the whole of it.

    Raises:
        Refused: `log.damaged` when a journalled group cannot be read.
        sqlite3.Error: the file cannot be read.
    """
    if connection.execute("select 1 from main.sqlite_schema where type = 'table' and name = 'journal'").fetchone() is None:
        return
    groups = read_groups(connection)
    if not groups:
        return
    unsettled = Unsettled()
    for group in groups:
        unsettled.take(group)
    for statement in (*_TABLES.split(";"), *_VIEWS.split(";")):
        connection.execute(statement)
    for template, rows in _rows(unsettled):
        write_rows(connection, template, rows)


def _rows(unsettled: Unsettled) -> list[tuple[str, list[tuple[Value, ...]]]]:
    return [
        ("insert into new_record values {rows}", [(*key, rev, body) for key, (rev, body) in unsettled.records.items()]),
        ("insert into new_link values {rows}", [(*link, int(stands)) for link, stands in unsettled.links.items()]),
        ("insert into new_counter values {rows}", [(*key, used) for key, used in unsettled.counters.items()]),
        ("insert into new_entry values {rows}", [entry[:-1] for entry in unsettled.entries]),
        ("insert into new_node values {rows}", list(unsettled.nodes)),
        ("insert into new_head values {rows}", [unsettled.head] if unsettled.head[0] else []),
    ]
