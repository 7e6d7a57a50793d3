"""Read-only checks of content keys on PostgreSQL: whether they fit a store, and whether they share its server."""

from collections.abc import Collection
from contextlib import closing
from typing import Final

from remit.adapters.db.postgres import BROKEN, STORE, BlockingConnection, describe_error, run_in_thread
from remit.adapters.db.postgres_migrate import schema_exists
from remit.adapters.vault.postgres.connection import KEYS, SET, verify_apart
from remit.adapters.vault.postgres.vault import missing_keys
from remit.domain.errors import Code, Fault
from remit.ports.vault import ContentKeyRef

_ANSWER_S: Final = 10.0
_SERVER: Final = "select system_identifier from pg_control_system()"


def missing_keys_at(url: str, desk: str, sealed: Collection[ContentKeyRef]) -> Collection[ContentKeyRef]:
    """Return those database key was never there; nothing is written, even without a schema.

    Raises:
        Refused: `settings.invalid` when it is unusable, or holds a store.
        Fault: `fault.store` when it does not answer.
    """

    def look() -> Collection[ContentKeyRef]:
        with closing(BlockingConnection(url, name="remit look", answer_s=_ANSWER_S, database=KEYS)) as session:
            session.run(verify_apart(session.connection))
            if not session.run(schema_exists(session.connection, KEYS)):
                return sealed
            session.script(SET)
            return session.run(missing_keys(session.connection, desk, sealed))

    try:
        return run_in_thread(look)
    except BROKEN as problem:
        raise Fault(Code.FAULT_STORE, f"content keys: {describe_error(problem)}") from None


def same_server(keys: str, store: str) -> bool:
    """Whether both are on one server, database copies hold both. False where that cannot be found out.

    Raises:
        Refused: `settings.invalid` when one is unusable.
        Fault: `fault.store` when one does not answer.
    """

    def look() -> bool:
        names: list[object] = []
        for url, identity in ((keys, KEYS), (store, STORE)):
            with closing(BlockingConnection(url, name="remit look", answer_s=_ANSWER_S, database=identity)) as session:
                names.append(session.run(session.connection.fetchval(_SERVER)))
        return names[0] == names[1]

    try:
        return run_in_thread(look)
    except BROKEN:
        return False  # an engine without an identifier
