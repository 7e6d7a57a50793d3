"""What is looked at before a store on PostgreSQL is served from."""

from remit.adapters.db.postgres import BlockingConnection
from remit.adapters.store import start_checks
from remit.adapters.store.content_key_refs import sealings
from remit.adapters.store.highwater import HighWater, StoredCheckpoint
from remit.adapters.store.location import StoreOptions
from remit.adapters.store.postgres.load import LogHead
from remit.adapters.store.sqlite.tree import SqliteTree
from remit.domain.errors import Code, Refused
from remit.proof.merkle import EMPTY_ROOT


def verify_store_durable(session: BlockingConnection) -> None:
    """Check that the server keeps what it says it has kept.

    Raises:
        Refused: `settings.invalid` when it is set up to lose commits in a crash.
    """
    off = [name for name in ("fsync", "full_page_writes") if session.execute(f"show {name}").fetchall() != [("on",)]]
    if off:
        raise Refused(
            Code.SETTINGS_INVALID,
            f"store.url: the server runs with {' and '.join(off)} off: it would lose what was promised",
            cure="Set it to on.",
        )


def verify_against_high_water(
    session: BlockingConnection,
    outside: HighWater,
    kept: StoredCheckpoint | None,
    opening: StoreOptions,
) -> LogHead:
    """Check the log, and return what it stands at.

    Raises:
        Refused: `log.damaged`, `log.older`; `settings.invalid` when the high water is missing or cannot be written.
    """
    log = SqliteTree(session)
    start_checks.verify_store_log(session, log, opening.verify)
    if opening.recovering:
        outside.frozen = True
    else:
        start_checks.verify_not_behind(log, outside, kept)
    opening.verify_sealed(sealings(session))
    if not opening.recovering:
        outside.write_initial(log.note or opening.sign(0, EMPTY_ROOT))
    return LogHead(0, log.size, log.root, log.note, b"")
