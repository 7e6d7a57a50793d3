"""Checks before a store serves: its log is whole, and not older than what was published.

Reads only; runs once at the start, before any thread does.
"""

import sqlite3
from collections.abc import Callable
from typing import Final

from remit.adapters.store.content_key_refs import sealings
from remit.adapters.store.highwater import HighWater, StoredCheckpoint, Verify
from remit.adapters.store.location import StoreOptions
from remit.adapters.store.read_connection import ReadConnection
from remit.adapters.store.sqlite.tree import WIDTH, SqliteTree, top_hash
from remit.domain.errors import Code, Fault, Refused
from remit.domain.transcript.entry import verify_record
from remit.proof import merkle

WHOLE: Final = 500_000
"""Number of last entries whose leaves are hashed at every start (0.6 M a second)."""
RECORDS: Final = 20_000
"""Number of last entries whose stored envelope is hashed too."""
SAMPLES: Final = 200
"""Number of earlier full tiles hashed, evenly spread, and others as the log grows."""


def verify_store_log(connection: ReadConnection, log: SqliteTree, verify: Verify) -> None:
    """Verify the signed head, the tree against the entries, and the last records against their leaves.

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


def verify_opening(
    connection: ReadConnection,
    log: SqliteTree,
    outside: HighWater,
    kept: Callable[[], StoredCheckpoint | None],
    opening: StoreOptions,
) -> None:
    """Verify the log, its high water as `kept` outside (unless it recovers), and its content keys.

    Raises:
        Refused: as `verify_store_log` and `verify_not_behind`, or `settings.invalid` for missing keys.
    """
    verify_store_log(connection, log, opening.verify)
    if opening.recovering:
        outside.frozen = True
    else:
        verify_not_behind(log, outside, kept())
    opening.verify_sealed(sealings(connection))


def verify_not_behind(log: SqliteTree, high_water: HighWater, kept: StoredCheckpoint | None) -> None:
    """Verify that the log continues the newest checkpoint `kept` outside the store, as read before the log.

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
                cure="Put the file back, or name in remit.toml the one that belongs to this store; if it is lost, run "
                "`remit recover`. A new node of a server that others already run starts with `remit join`.",
            )
        return
    published = kept.checkpoint
    if published.size > log.size:
        raise Refused(
            Code.LOG_OLDER,
            f"the store has {log.size} entries, but {published.size} were published: an old copy, or its end was "
            "cut off",
        )
    if merkle.root(published.size, log.hash_at) != published.root:
        raise Refused(
            Code.LOG_OLDER,
            f"the store's first {published.size} entries are not those that were published: an old copy has been "
            "written to",
        )


def _verify_head(connection: ReadConnection, log: SqliteTree, verify: Verify) -> None:
    ends = "select idx from entry order by idx {} limit 1"
    first, last = (_value(connection, ends.format(order)) for order in ("asc", "desc"))
    start = _whole_from(log.size)  # counting all of them would scan the whole file
    count = _value(connection, "select count(*) from entry where idx >= ?", (start,))
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
    """Compare the stored hashes of full tiles with the entries. The last, partial tile is covered by the root."""
    for first in (*_samples(log.size), *range(_whole_from(log.size), log.size - WIDTH + 1, WIDTH)):
        top = top_hash(log.tile_hashes(0, first, WIDTH))
        if log.tile_hashes(1, first // WIDTH, 1) != [top]:
            _verify_records(connection, first, first + WIDTH)
            raise _damaged(f"the hashes of entries {first} to {first + WIDTH - 1} are not those that were logged")


def _whole_from(size: int) -> int:
    """Return the first entry from which everything is verified."""
    return max(0, size - WHOLE) // WIDTH * WIDTH


def _samples(size: int) -> list[int]:
    """Return the first entries of the earlier tiles that are sampled."""
    tiles = _whole_from(size) // WIDTH
    step = max(1, tiles // SAMPLES)
    return [tile * WIDTH for tile in range(size % step, tiles, step)]


def _verify_nodes(connection: ReadConnection, log: SqliteTree) -> None:
    """Compare every stored inner hash with its children, and verify that none is missing or extra."""
    level = 1
    while log.size >> (8 * level):
        wanted = log.size >> (8 * level)
        found, last = connection.execute("select count(*), max(idx) from node where level = ?", (level,)).fetchone()
        if (found, last) != (wanted, wanted - 1):
            raise _damaged(f"the log has {found} hashes of level {level}, not {wanted}")
        for index in range(log.size >> (8 * (level + 1))):
            if log.tile_hashes(level + 1, index, 1) != [top_hash(log.tile_hashes(level, index * WIDTH, WIDTH))]:
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
            intact = verify_record(envelope)[0] == leaf
        except Refused:
            intact = False
        if not intact:
            raise _damaged(f"the record of entry {index} is not what was logged")


def _value(connection: ReadConnection, statement: str, values: tuple[int, ...] = ()) -> int | None:
    row = connection.execute(statement, values).fetchone()
    return None if row is None else row[0]


def _damaged(reason: str) -> Refused:
    return Refused(Code.LOG_DAMAGED, reason)
