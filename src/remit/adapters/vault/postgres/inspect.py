"""A look at content keys on PostgreSQL beside those who use them: whether those are there that a store needs, and where they are."""

from collections.abc import Callable, Collection
from contextlib import closing
from typing import Final, TypeVar

from remit.adapters.db.postgres import BROKEN, STORE, Session, aside, why
from remit.adapters.db.postgres_migrate import is_there
from remit.adapters.vault.postgres.connection import KEYS, SET, verify_apart
from remit.adapters.vault.postgres.vault import lacking
from remit.domain.errors import Code, Fault
from remit.ports.vault import Sealing

T = TypeVar("T")
_ANSWER_S: Final = 10.0
_SERVER: Final = "select system_identifier from pg_control_system()"


def lacking_there(url: str, desk: str, sealed: Collection[Sealing]) -> Collection[Sealing]:
    """Those of these whose key was never there; nothing is written, also where there is no schema yet.

    Raises:
        Refused: `settings.invalid` when it cannot be used, or a store is in the same database.
        Fault: `fault.store` when it does not answer.
    """

    def look() -> Collection[Sealing]:
        with closing(Session(url, name="remit look", answer_s=_ANSWER_S, whose=KEYS)) as session:
            session.run(verify_apart(session.connection))
            if not session.run(is_there(session.connection, KEYS)):
                return sealed
            session.script(SET)
            return session.run(lacking(session.connection, desk, sealed))

    return _aside(look)


def is_one_server(keys: str, store: str) -> bool:
    """Whether both are on one server: a copy of the whole server holds both, whatever their databases are. False where it does not say.

    Raises:
        Refused: `settings.invalid` when one cannot be used.
        Fault: `fault.store` when one does not answer.
    """

    def look() -> bool:
        names: list[object] = []
        for url, whose in ((keys, KEYS), (store, STORE)):
            with closing(Session(url, name="remit look", answer_s=_ANSWER_S, whose=whose)) as session:
                names.append(session.run(session.connection.fetchval(_SERVER)))
        return names[0] == names[1]

    try:
        return aside(look)
    except BROKEN:
        return False  # an engine without such a name


def _aside(look: Callable[[], T]) -> T:
    try:
        return aside(look)
    except BROKEN as problem:
        raise Fault(Code.FAULT_STORE, f"content keys: {why(problem)}") from None
