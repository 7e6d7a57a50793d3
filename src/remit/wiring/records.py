"""The built-in desk's records, in a file or on PostgreSQL, and the files a store with entries depends on."""

from remit.adapters.builtin_desk.database import DeskDatabase, inspect_desk, verify_desk_file
from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.adapters.builtin_desk.postgres import PostgresDesk, has_desk_rows
from remit.adapters.db.postgres import redacted_url
from remit.adapters.vault.inspect import verify_present
from remit.domain.errors import Code, Refused
from remit.settings import Settings
from remit.wiring.keys import rows_of
from remit.wiring.stores import store_location


def open_desk(settings: Settings) -> DeskJobs:
    """Open the built-in desk's database.

    Raises:
        Refused: `settings.invalid` when it cannot be used.
        Fault: `fault.backoffice` when it does not answer.
    """
    if settings.desk_url:
        return PostgresDesk(settings.desk_url, rows_of(settings))
    return DeskDatabase(settings.desk_database)


def desk_place(settings: Settings) -> str:
    """Return the place of the built-in desk's records, safe to show."""
    return redacted_url(settings.desk_url) if settings.desk_url else str(settings.desk_database)


def inspect_desk_records(settings: Settings) -> None:
    """Verify, without writing, that the built-in desk's records are readable.

    Raises:
        Refused: `settings.invalid`.
        Fault: `fault.backoffice` when their database does not answer.
    """
    if settings.desk_url:
        _verify_rows(settings)
    else:
        inspect_desk(settings.desk_database)


def verify_nothing_lost(settings: Settings, *, builtin: bool) -> None:
    """⚔ Verify that no file is lost: one silently remade would be missed only when its content is needed."""
    if (
        _is_something_lost(settings, builtin=builtin)
        and store_location(settings).exists()
        and store_location(settings).inspect().entries
    ):
        _verify_kept(settings, builtin=builtin)


def _is_something_lost(settings: Settings, *, builtin: bool) -> bool:
    """Return whether a part of a store with entries is missing. Keys on PostgreSQL are checked later."""
    lost_keys = not settings.content_keys_url and not settings.content_keys.is_file()
    return lost_keys or (
        builtin and not (_has_rows(settings) if settings.desk_url else settings.desk_database.is_file())
    )


def _verify_kept(settings: Settings, *, builtin: bool) -> None:
    """Verify that everything a store with entries needs is there."""
    if not settings.content_keys_url:
        verify_present(settings.content_keys)
    if not builtin:
        return
    if settings.desk_url:
        _verify_rows(settings)
    else:
        verify_desk_file(settings.desk_database)


def _has_rows(settings: Settings) -> bool:
    return has_desk_rows(settings.desk_url, rows_of(settings))


def _verify_rows(settings: Settings) -> None:
    if not _has_rows(settings):
        detail = (
            f"desk.database: {desk_place(settings)} holds nothing of {rows_of(settings)} although the log has entries"
        )
        cure = "Put the database back, or name the right one in desk.database; a desk that never had one is moved there with its file."
        raise Refused(Code.SETTINGS_INVALID, f"{detail}: tickets and records would be missing", cure=cure)
