"""Places of the built-in desk: a file of records, cases and journals in it or on PostgreSQL; and checks that none is lost."""

from collections.abc import Callable, Mapping

from remit.adapters.builtin_desk.database import DeskDatabase, inspect_desk, verify_desk_file
from remit.adapters.builtin_desk.jobs import DeskJobs
from remit.adapters.db.postgres_url import redacted_url
from remit.adapters.vault.inspect import verify_present
from remit.domain.errors import Code, Refused
from remit.settings import InvalidSetting, Settings
from remit.wiring import plugs
from remit.wiring.keys import rows_of
from remit.wiring.stores import store_location


def open_cases(settings: Settings, *, alone: Callable[[], bool]) -> DeskJobs:
    """Open the database of cases and journals; `alone` tells whether exactly one request is in flight.

    Raises:
        Refused: `settings.invalid` when it cannot be used.
        Fault: `fault.backoffice` when it does not answer.
    """
    if settings.desk_url:
        return plugs.PostgresCases(settings.desk_url, rows_of(settings))
    return DeskDatabase(settings.desk_database, alone=alone)


def open_records(settings: Settings) -> DeskJobs:
    """Open the file of the built-in backoffice's records.

    Raises:
        Refused: `settings.invalid` when it cannot be used.
    """
    return DeskDatabase(settings.desk_database)


def move_desk_records(settings: Settings) -> Mapping[str, int]:
    """Move the records that an earlier version kept on PostgreSQL into the file, and return the rows of each table.

    Raises:
        Refused: `settings.invalid` when there are none, the file exists, or nodes still run.
        Fault: `fault.backoffice` when PostgreSQL does not answer.
    """
    if not settings.desk_url:
        raise InvalidSetting("desk.database", "is a file, which has the records already")
    return plugs.move_records(settings.desk_url, rows_of(settings), settings.desk_database)


def desk_place(settings: Settings) -> str:
    """Return the places of the built-in desk on this machine, safe to show."""
    places = [redacted_url(settings.desk_url)] if settings.desk_url else []
    if _has_file(settings):
        places.append(str(settings.desk_database))
    return " and ".join(places)


def inspect_built_in_desk(settings: Settings) -> None:
    """Verify, without writing, that the built-in desk's places on this machine are readable.

    Raises:
        Refused: `settings.invalid`.
        Fault: `fault.backoffice` when PostgreSQL does not answer.
    """
    if settings.desk_url:
        _verify_rows(settings)
    if _has_file(settings):
        _verify_moved(settings)
        inspect_desk(settings.desk_database)


def verify_nothing_lost(settings: Settings, *, builtin: bool) -> None:
    """⚔ Verify that no file is lost: one silently remade would be missed only when its content is needed."""
    if builtin and _has_file(settings):
        _verify_moved(settings)
    try:
        if not settings.content_keys_url:  # keys on PostgreSQL are checked later
            verify_present(settings.content_keys)
        if builtin and settings.desk_url:
            _verify_rows(settings)
        if builtin and _has_file(settings):
            verify_desk_file(settings.desk_database)
    except Refused:
        store = store_location(settings)
        if store.exists() and store.inspect().entries:
            raise


def verify_records_kept(settings: Settings) -> None:
    """⚔ Verify that the file of records is there, and has all: an empty one would know no act that was done.

    Raises:
        Refused: `settings.invalid`.
        Fault: `fault.backoffice` when PostgreSQL does not answer.
    """
    _verify_moved(settings)
    verify_desk_file(settings.desk_database)


def _has_file(settings: Settings) -> bool:
    """Return whether a node has a file: of cases and journals, of records, or of both."""
    return not settings.desk_url or settings.backoffice == "builtin"


def _verify_moved(settings: Settings) -> None:
    """⚔ Verify that no records are left on PostgreSQL: an act that those have would be done again."""
    if settings.desk_url and plugs.has_records(settings.desk_url, rows_of(settings)):
        detail = (
            f"desk.database: {redacted_url(settings.desk_url)} still has the records, which are a file now: "
            f"{settings.desk_database}"
        )
        cure = "Stop every node and run `remit desk move` on the machine that is to have the file; several machines reach it by `remit desk serve`."
        raise Refused(Code.SETTINGS_INVALID, detail, cure=cure)


def _verify_rows(settings: Settings) -> None:
    if not plugs.has_desk_rows(settings.desk_url, rows_of(settings)):
        detail = f"desk.database: {redacted_url(settings.desk_url)} holds nothing of {rows_of(settings)} although the log has entries"
        cure = "Put the database back, or name the right one in desk.database; a server that never had one is moved there with its file."
        raise Refused(Code.SETTINGS_INVALID, f"{detail}: tickets would be missing", cure=cure)
