"""What a desk keeps outside its store, in a file or on PostgreSQL: the content keys, and the built-in desk's records. A part of `wiring`.

Rows on PostgreSQL are those of the log's name and key, which a desk keeps for good: two desks of one name share nothing.
"""

from collections.abc import Collection

from remit.adapters.desk_database import DeskDatabase, look_at_desk, verify_desk_kept
from remit.adapters.desk_jobs import DeskJobs
from remit.adapters.desk_postgres import PostgresDesk, look_at_desk_rows
from remit.adapters.postgres import is_url, plain_url
from remit.adapters.signer.file import FileSigner
from remit.adapters.vault.file import FileVault
from remit.adapters.vault.look import look_at_keys, verify_keys, verify_present
from remit.adapters.vault.postgres import PostgresVault
from remit.adapters.vault.postgres_look import is_one_server, lacking_there
from remit.domain.errors import Code, Refused
from remit.ports.vault import Sealing
from remit.ports.world import World
from remit.settings import Settings


def open_vault(settings: Settings, world: World) -> FileVault | PostgresVault:
    """The content keys.

    Raises:
        Refused: `settings.invalid` when they cannot be used.
        Fault: `fault.store` when their database does not answer.
    """
    if settings.content_keys_url:
        return PostgresVault(settings.content_keys_url, _rows(settings), world)
    return FileVault(settings.content_keys, world)


def verify_content_keys(settings: Settings, vault: FileVault | PostgresVault, sealed: Collection[Sealing]) -> None:
    """Check that none is missing that the store needs, and that they are kept apart from it.

    Raises:
        Refused: `settings.invalid`.
        Fault: `fault.store` when they do not answer.
    """
    verify_keys(content_keys_place(settings), vault.lacking(sealed))


def look_at_content_keys(settings: Settings, sealed: Collection[Sealing]) -> bool:
    """Check the keys of a store that may be served meanwhile; say whether they could be looked at, or are in use.

    Raises:
        Refused: `settings.invalid` when they are not there, cannot be read, or are not those of the store.
        Fault: `fault.store` when their database does not answer.
    """
    if not settings.content_keys_url:
        return look_at_keys(settings.content_keys, sealed)
    verify_keys(content_keys_place(settings), lacking_there(settings.content_keys_url, _rows(settings), sealed))
    return True


def content_keys_place(settings: Settings) -> str:
    """Where the content keys are, as it may be shown."""
    return plain_url(settings.content_keys_url) if settings.content_keys_url else str(settings.content_keys)


def keys_are_beside_the_store(settings: Settings) -> bool:
    """Whether keys and store are databases of one server.

    Raises:
        Refused: `settings.invalid` when one cannot be used.
        Fault: `fault.store` when one does not answer.
    """
    keys = settings.content_keys_url
    return bool(keys) and is_url(settings.store_url) and is_one_server(keys, settings.store_url)


def open_desk(settings: Settings) -> DeskJobs:
    """The built-in desk's database.

    Raises:
        Refused: `settings.invalid` when it cannot be used.
        Fault: `fault.backoffice` when it does not answer.
    """
    return PostgresDesk(settings.desk_url, _rows(settings)) if settings.desk_url else DeskDatabase(settings.desk_database)


def desk_place(settings: Settings) -> str:
    """Where the built-in desk's records are, as it may be shown."""
    return plain_url(settings.desk_url) if settings.desk_url else str(settings.desk_database)


def look_at_kept_desk(settings: Settings) -> None:
    """Check, without writing, that the built-in desk's records are there and can be read.

    Raises:
        Refused: `settings.invalid`.
        Fault: `fault.backoffice` when their database does not answer.
    """
    if settings.desk_url:
        _verify_rows(settings)
    else:
        look_at_desk(settings.desk_database)


def is_something_lost(settings: Settings, *, builtin: bool) -> bool:
    """Whether something is not there that a store with entries must have. Keys on PostgreSQL are looked for one by one, later."""
    lost_keys = not settings.content_keys_url and not settings.content_keys.is_file()
    return lost_keys or (builtin and not (_has_rows(settings) if settings.desk_url else settings.desk_database.is_file()))


def verify_kept(settings: Settings, *, builtin: bool) -> None:
    """Check that what a store with entries needs is there.

    Raises:
        Refused: `settings.invalid`.
        Fault: `fault.backoffice` when the desk's database does not answer.
    """
    if not settings.content_keys_url:
        verify_present(settings.content_keys)
    if not builtin:
        return
    if settings.desk_url:
        _verify_rows(settings)
    else:
        verify_desk_kept(settings.desk_database)


def _rows(settings: Settings) -> str:
    """Whose the desk's rows are, in a database that many desks may share."""
    name, key_hash, _ = FileSigner(settings.keys).log_key().split("+", 2)
    return f"{name}+{key_hash}"


def _has_rows(settings: Settings) -> bool:
    return look_at_desk_rows(settings.desk_url, _rows(settings))


def _verify_rows(settings: Settings) -> None:
    if not _has_rows(settings):
        detail = f"desk.database: {desk_place(settings)} holds nothing of {_rows(settings)} although the log has entries"
        cure = "Put the database back, or name the right one in desk.database; a desk that never had one is moved there with its file."
        raise Refused(Code.SETTINGS_INVALID, f"{detail}: tickets and records would be missing", cure=cure)
