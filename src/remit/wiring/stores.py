"""Where a desk's store is, maintenance of it apart from serving, and readers of its log."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from remit.adapters.log_reader.published import FolderLog, HttpLog
from remit.adapters.log_reader.sqlite import SqliteLog
from remit.adapters.log_reader.stored import StoredLog
from remit.adapters.store.highwater import write_first_checkpoint
from remit.adapters.store.location import StoreLocation
from remit.adapters.store.sqlite.location import SqliteLocation
from remit.domain.errors import Code, Refused
from remit.ports.log_reader import LogReader
from remit.settings import Settings, is_postgres_url
from remit.wiring import plugs


def store_location(settings: Settings) -> StoreLocation:
    """Return the location of a desk's store."""
    if is_postgres_url(settings.store_url):
        return plugs.PostgresLocation(settings.store_url, settings.log_name)
    return SqliteLocation(settings.store_path)


def keep_high_water(settings: Settings, note: str) -> None:
    """Keep a verified checkpoint outside the store where none was kept yet: the beginning of a node.

    Raises:
        Refused: `settings.invalid` when it cannot be written.
    """
    write_first_checkpoint(settings.high_water, note)


def migrate_shared_store(settings: Settings) -> tuple[int, int] | None:
    """Migrate the schema of a shared store beside its serving nodes; return its version before and after.

    None for a store of one process, which migrates when opened.

    Raises:
        Refused: `settings.invalid`.
        Fault: `fault.store`.
    """
    store = store_location(settings)
    return store.migrate() if store.shared and isinstance(store, plugs.PostgresLocation) else None


def forget_desk(settings: Settings) -> None:
    """Delete all rows of a desk from a shared store: the end of a sandbox, never of a real desk.

    Raises:
        Refused: `settings.invalid` for any other desk, or another kind of store.
        Fault: `fault.store`.
    """
    store = store_location(settings)
    if not settings.sandbox or not store.shared or not isinstance(store, plugs.PostgresLocation):
        raise Refused(Code.SETTINGS_INVALID, "only a sandbox's rows in a shared store are taken out")
    store.forget()


@contextmanager
def open_published_log(where: str) -> Iterator[LogReader]:
    """Open a published log: a folder, or below an http(s) address."""
    if where.startswith(("https://", "http://")):
        with httpx.Client(follow_redirects=False) as client:
            yield HttpLog(where, client)
    else:
        yield FolderLog(Path(where))


@contextmanager
def open_stored_log(where: StoreLocation | Path) -> Iterator[StoredLog]:
    """Open the log and its records in a store, read only, even while a desk serves from it.

    Raises:
        Refused: `settings.invalid` when there is no such store, `log.damaged` when it is none.
    """
    match where:
        case SqliteLocation():
            opened: SqliteLog | plugs.PostgresLog = SqliteLog(where.path)
        case Path():
            opened = SqliteLog(where)
        case plugs.PostgresLocation():
            opened = plugs.PostgresLog(where.url, where.desk)
        case _:
            raise Refused(Code.SETTINGS_INVALID, f"the log in {where.name} cannot be read from here")
    with opened as log:
        yield log
