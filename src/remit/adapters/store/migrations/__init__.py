"""Forward migrations, in order. A released one is never changed; a new step is a new pair of number and SQL."""

from typing import Final

MIGRATIONS: Final[tuple[tuple[int, str], ...]] = (
    (
        1,
        """
create table record (kind text not null, id text not null, rev integer not null, body blob not null, primary key (kind, id)) without rowid;
create table link (name text not null, key text not null, at integer not null, kind text not null, id text not null,
    primary key (name, key, at, kind, id)) without rowid;
create table counter (scope text not null, key text not null, used integer not null, primary key (scope, key)) without rowid;
create table mark (key text not null primary key, until integer not null) without rowid;
create index mark_until on mark (until);
create table touch (id text not null primary key, at integer not null) without rowid;
create table trail (subject text not null primary key, body text not null) without rowid;
create table entry (idx integer primary key, kind text not null, at integer not null, leaf blob not null, envelope blob not null,
    content blob not null, subject text not null);
create table ref (ref text not null, idx integer not null, primary key (ref, idx)) without rowid;
create table node (level integer not null, idx integer not null, hash blob not null, primary key (level, idx)) without rowid;
create table head (one integer primary key check (one = 1), size integer not null, root blob not null, note text not null);
""",
    ),
    (
        2,
        # Highest revision at which a record of a kind was dropped: a record made again under the same id goes on from
        # there, so that a revision never names two contents.
        """
create table dropped (kind text not null primary key, rev integer not null) without rowid;
""",
    ),
    (
        3,
        # Groups committed but not in the tables above yet (adapters/store/sqlite/journal.py). A later step that changes
        # these tables must first settle what an older Remit left here.
        """
create table journal (n integer primary key, body blob not null);
""",
    ),
    (
        4,
        # Finished acts keep nothing of their payload. No index leads from a customer to them.
        """
update record set body = cast(json_set(cast(body as text), '$.payload', '{}') as blob)
where kind = 'act' and json_extract(cast(body as text), '$.state') in ('done', 'failed', 'void');
""",
    ),
    (
        5,
        # MACs beside rows, and the sum over all rows (adapters/store/row_macs.py). Rows of older stores get theirs at
        # the first start (adapters/store/sqlite/rows.py).
        """
alter table record add column mac blob not null default x'';
alter table counter add column mac blob not null default x'';
alter table trail add column mac blob not null default x'';
create table state (one integer primary key check (one = 1), body blob not null);
""",
    ),
    (
        6,
        # Asks with words are found among those alone.
        """
insert or ignore into link select 'ask.spoken', json_extract(ask, '$.task'), json_extract(ask, '$.at'), 'ask', id
from (select id, cast(body as text) as ask from record where kind = 'ask')
where json_extract(ask, '$.words') <> '' and json_extract(ask, '$.state') <> 'refused'
and (coalesce(json_extract(ask, '$.words_state'), '') <> 'held' or json_extract(ask, '$.state') = 'waiting');
""",
    ),
)
WITH_MACS: Final = 5
"""From this schema on, rows have MACs."""
WITH_SPOKEN: Final = 6
"""From this schema on, asks with text have an index."""
