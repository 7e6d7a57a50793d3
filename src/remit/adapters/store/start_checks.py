"""What is checked before a store serves: that its log is whole, and that it is not older than what was published.

Reads only; runs once, at the start, before any thread does.
"""

import sqlite3
from typing import Final

from remit.adapters.store.highwater import HighWater, StoredCheckpoint, Verify
from remit.adapters.store.read_connection import ReadConnection
from remit.adapters.store.sqlite.tree import WIDTH, SqliteTree
from remit.domain.errors import Code, Fault, Refused
from remit.domain.transcript.entry import verify_record
from remit.proof import merkle

WHOLE: Final = 500_000
"""Up to so many entries every leaf is hashed at every start (0.6 M a second); of a longer log, so many of the last."""
RECORDS: Final = 20_000
"""Of so many of the last entries the kept envelope is hashed too."""
SAMPLES: Final = 200
"""Of what stands before them so many full tiles are hashed, evenly spread, and others as the log grows."""


def verify_store_log(connection: ReadConnection, log: SqliteTree, verify: Verify) -> None:
    """Check the signed head, the tree against the entries, and the last records against their leaves.

    Raises:
        Refused: `log.damaged`, naming the entry where one can be named.

    Source: docs/model/model.md#high-water.
    """
    try:
        _verify_head(connection, log, verify)
        _verify_leaves(connection, log)
        _verify_nodes(connection, log)
        if merkle.root(log.size, log.hash_at) != log.root:
            raise _damaged("the entries do not give the signed root")
        _verify_records(connection, max(0, log.size - RECORDS), log.size)
    except Fault as lacking:
        raise _damaged(lacking.detail) from None
    except (sqlite3.Error, TypeError, ValueError) as unreadable:  # text or numbers where bytes were written
        raise _damaged(f"the log cannot be read: {unreadable}") from None


def verify_not_behind(log: SqliteTree, high_water: HighWater, kept: StoredCheckpoint | None) -> None:
    """Check that the log goes on from the newest checkpoint kept outside the store, as it was `kept` before the log was read.

    Raises:
        Refused: `log.older` when it has lost or replaced published entries, `log.damaged` when the checkpoint outside
            cannot be read, `settings.invalid` when there is none although the log has entries.

    Source: docs/model/model.md#high-water.
    """
    if kept is None:
        if log.size:
            raise Refused(
                Code.SETTINGS_INVALID,
                f"log.high_water: there is no {high_water.path} although the log has {log.size} entries",
                cure="Put the file back, or name in remit.toml the one that belongs to this store; if it is lost, run `remit recover`. A new "
                "node of a desk that others serve begins with `remit join`.",
            )
        return
    published = kept.checkpoint
    if published.size > log.size:
        raise Refused(
            Code.LOG_OLDER,
            f"the store has {log.size} entries, but {published.size} were published: an old copy, or its end was cut off",
        )
    if merkle.root(published.size, log.hash_at) != published.root:
        raise Refused(
            Code.LOG_OLDER,
            f"the store's first {published.size} entries are not those that were published: an old copy has been written to",
        )


def _verify_head(connection: ReadConnection, log: SqliteTree, verify: Verify) -> None:
    first, last = (_one(connection, f"select idx from entry order by idx {order} limit 1") for order in ("asc", "desc"))  # noqa: S608  # fixed words
    start = _whole_from(log.size)  # to count all of them would be to go through the whole file
    count = _one(connection, "select count(*) from entry where idx >= ?", (start,))
    if (first, last) != ((0, log.size - 1) if log.size else (None, None)) or count != log.size - start:
        raise _damaged(
            f"the log's head says {log.size} entries, but {count} are there from {start} on, the last being {last}"
        )
    if not log.size:
        return
    try:
        signed = verify(log.note)
    except Refused as refused:
        raise _damaged(f"the log's own checkpoint does not verify: {refused.detail}") from None
    if (signed.size, signed.root) != (log.size, log.root):
        raise _damaged("the log's own checkpoint is of another tree")


def _verify_leaves(connection: ReadConnection, log: SqliteTree) -> None:
    """Compare the kept hashes of full tiles with the entries. The last, partial tile is what the root covers."""
    for first in (*_samples(log.size), *range(_whole_from(log.size), log.size - WIDTH + 1, WIDTH)):
        top = _top(log.tile_hashes(0, first, WIDTH))
        if log.tile_hashes(1, first // WIDTH, 1) != [top]:
            _verify_records(connection, first, first + WIDTH)
            raise _damaged(f"the hashes of entries {first} to {first + WIDTH - 1} are not those that were logged")


def _whole_from(size: int) -> int:
    """From which entry on everything is looked at."""
    return max(0, size - WHOLE) // WIDTH * WIDTH


def _samples(size: int) -> list[int]:
    """The first entries of the tiles that are looked at before that."""
    tiles = _whole_from(size) // WIDTH
    step = max(1, tiles // SAMPLES)
    return [tile * WIDTH for tile in range(size % step, tiles, step)]


def _verify_nodes(connection: ReadConnection, log: SqliteTree) -> None:
    """Compare every kept hash above with those it is made of, and see that none is missing or too many."""
    level = 1
    while log.size >> (8 * level):
        wanted = log.size >> (8 * level)
        found, last = connection.execute("select count(*), max(idx) from node where level = ?", (level,)).fetchone()
        if (found, last) != (wanted, wanted - 1):
            raise _damaged(f"the log has {found} hashes of level {level}, not {wanted}")
        for index in range(log.size >> (8 * (level + 1))):
            if log.tile_hashes(level + 1, index, 1) != [_top(log.tile_hashes(level, index * WIDTH, WIDTH))]:
                first = index << (8 * (level + 1))
                raise _damaged(f"the hashes from entry {first} on are not those that were logged")
        level += 1
    if connection.execute("select count(*) from node where level >= ? or level < 1", (level,)).fetchone()[0]:
        raise _damaged("the log has hashes that no entry gives")


def _verify_records(connection: ReadConnection, first: int, end: int) -> None:
    rows = connection.execute(
        "select idx, leaf, envelope from entry where idx >= ? and idx < ? order by idx", (first, end)
    )
    for index, leaf, envelope in rows:
        try:
            stands = verify_record(envelope)[0] == leaf
        except Refused:
            stands = False
        if not stands:
            raise _damaged(f"the record of entry {index} is not what was logged")


def _one(connection: ReadConnection, statement: str, values: tuple[int, ...] = ()) -> int | None:
    row = connection.execute(statement, values).fetchone()
    return None if row is None else row[0]


def _top(row: list[bytes]) -> bytes:
    while len(row) > 1:
        row = merkle.parents(row)
    return row[0] if row else b""


def _damaged(reason: str) -> Refused:
    return Refused(Code.LOG_DAMAGED, reason)
