"""Checks before a store on PostgreSQL serves."""

from remit.adapters.db.postgres import BlockingConnection
from remit.adapters.store import start_checks
from remit.adapters.store.highwater import HighWater, StoredCheckpoint
from remit.adapters.store.location import StoreOptions
from remit.adapters.store.postgres.load import LogHead
from remit.adapters.store.sqlite.tree import SqliteTree
from remit.proof.merkle import EMPTY_ROOT


def verify_against_high_water(
    session: BlockingConnection, outside: HighWater, kept: StoredCheckpoint | None, opening: StoreOptions
) -> LogHead:
    """Verify the log and return its head.

    Raises:
        Refused: `log.damaged`, `log.older`; `settings.invalid` when the high water is missing or unwritable.
    """
    log = SqliteTree(session)
    start_checks.verify_opening(session, log, outside, lambda: kept, opening)
    if not opening.recovering:
        outside.write_initial(log.note or opening.sign(0, EMPTY_ROOT))
    return LogHead(0, log.size, log.root, log.note, b"")
