"""Forward steps of the schema on PostgreSQL, in order. A released one is never changed.

Each step names the oldest schema of a node that may go on beside it, so that a desk is upgraded node by node.
Tables begin with their desk: the key by which a distributed engine spreads them.
"""

from typing import Final

from remit.adapters.db.postgres_migrate import SchemaStep

STEPS: Final[tuple[SchemaStep, ...]] = (
    SchemaStep(
        1,
        1,
        """
create table record (desk text collate "C" not null, kind text collate "C" not null, id text collate "C" not null, rev bigint not null,
    body bytea not null, primary key (desk, kind, id));
create table link (desk text collate "C" not null, name text collate "C" not null, key text collate "C" not null, at bigint not null,
    kind text collate "C" not null, id text collate "C" not null, primary key (desk, name, key, kind, at, id));
create table dropped (desk text collate "C" not null, kind text collate "C" not null, rev bigint not null, primary key (desk, kind));
create table counter (desk text collate "C" not null, scope text collate "C" not null, key text collate "C" not null, used bigint not null,
    primary key (desk, scope, key));
create table mark (desk text collate "C" not null, key text collate "C" not null, until bigint not null, primary key (desk, key));
create index mark_until on mark (desk, until);
create table touch (desk text collate "C" not null, id text collate "C" not null, at bigint not null, primary key (desk, id));
create table trail (desk text collate "C" not null, subject text collate "C" not null, body bytea not null, primary key (desk, subject));
create table entry (desk text collate "C" not null, idx bigint not null, kind text not null, at bigint not null, leaf bytea not null,
    envelope bytea not null, content bytea not null, subject text not null, primary key (desk, idx)) partition by range (idx);
create table ref (desk text collate "C" not null, ref text collate "C" not null, idx bigint not null, primary key (desk, ref, idx));
create table node (desk text collate "C" not null, level integer not null, idx bigint not null, hash bytea not null,
    primary key (desk, level, idx));
create table head (desk text collate "C" primary key, seq bigint not null, size bigint not null, root bytea not null, note text not null,
    edge bytea not null, turns timestamptz not null default '-infinity');
""",
    ),
    SchemaStep(
        2,
        2,
        # MACs beside rows, and in the head the sum over all of them (adapters/store/row_macs.py). The first node that
        # opens a desk gives its rows theirs. Without a default a node of an older Remit can write no row without one.
        """
alter table record add column mac bytea not null default '';
alter table counter add column mac bytea not null default '';
alter table trail add column mac bytea not null default '';
alter table record alter column mac drop default;
alter table counter alter column mac drop default;
alter table trail alter column mac drop default;
alter table head add column state bytea not null default '';
""",
    ),
    SchemaStep(
        3,
        3,
        # Asks with words are found among those alone. A node of an older Remit would not index its own. PostgreSQL reads
        # no JSON with a zero character.
        r"""
insert into link select desk, 'ask.spoken', ask->>'task', (ask->>'at')::bigint, 'ask', id
from (select desk, id, replace(replace(convert_from(body, 'utf8'), '\\', '_'), '\u0000', '_')::json as ask from record where kind = 'ask') found
where ask->>'words' <> '' and ask->>'state' <> 'refused' and (coalesce(ask->>'words_state', '') <> 'held' or ask->>'state' = 'waiting')
on conflict do nothing;
""",
    ),
)
WITH_MACS: Final = 2
"""From this schema on, rows have MACs."""
WITH_SPOKEN: Final = 3
"""From this schema on, asks with text have an index."""
NEWEST: Final = STEPS[-1].number
PARTITION: Final = 1 << 20
"""Entries in one partition of the log."""
AHEAD: Final = 1 << 18
"""Places left in the last partition when the next one is made."""
