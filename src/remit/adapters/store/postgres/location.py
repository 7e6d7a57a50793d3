"""A desk's store in a PostgreSQL database, served by any number of nodes."""

import contextlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, TypeVar

from remit.adapters.db.postgres import BROKEN, Session, aside, plain_url, why
from remit.adapters.store.content_key_refs import sealings
from remit.adapters.store.location import Opening
from remit.adapters.store.migrations.postgres import NEWEST
from remit.adapters.store.postgres.read_only import show_desk
from remit.adapters.store.postgres.schema import migrate, version
from remit.adapters.store.postgres.store import PostgresStore, node_name
from remit.adapters.store.sqlite.inspect import Look, Outbox, look_over, outbox_over
from remit.domain.errors import Code, Fault
from remit.ports.vault import Sealing

T = TypeVar("T")
_ANSWER_S: Final = 60.0
_TABLES: Final = ("record", "link", "dropped", "counter", "mark", "touch", "trail", "entry", "ref", "node", "head")
_HEAD: Final = "select exists (select 1 from remit.head where desk = $1)"
_NODES: Final = "select count(*) from pg_stat_activity where datname = current_database() and application_name = $1"


@dataclass(frozen=True, slots=True)
class PostgresPlace:
    """The rows of one desk in a database."""

    url: str
    desk: str
    shared: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """Its address, without the password."""
        return plain_url(self.url)

    @property
    def address(self) -> str:
        """The same."""
        return self.name

    def there(self) -> bool:
        """Whether the desk has a log there."""

        def see(session: Session) -> bool:
            if session.run(version(session.connection))[0] == 0:
                return False
            return bool(session.run(session.connection.fetchval(_HEAD, self.desk)))

        return self._seen(see)

    def served(self) -> bool:
        """Whether a node has it open."""
        return self._seen(lambda one: bool(one.run(one.connection.fetchval(_NODES, node_name(self.desk)))))

    def migrate(self) -> tuple[int, int]:
        """Bring its schema forward, while nodes serve from it."""
        return self._seen(lambda session: migrate(session, making=True))

    def open(self, opening: Opening) -> PostgresStore:
        """Open it to serve."""
        return PostgresStore.open(self.url, self.desk, opening)

    def look(self) -> Look:
        """Look into it."""

        def see(session: Session) -> Look:
            found = session.run(version(session.connection))[0]
            show_desk(session, self.desk)
            return look_over(session, found, NEWEST)

        return self._seen(see)

    def outbox(self) -> Outbox:
        """What its outbox holds."""

        def see(session: Session) -> Outbox:
            show_desk(session, self.desk)
            return outbox_over(session)

        return self._seen(see)

    def sealings(self) -> Collection[Sealing]:
        """The keys that its content needs."""

        def see(session: Session) -> Collection[Sealing]:
            show_desk(session, self.desk)
            return sealings(session)

        return self._seen(see)

    def forget(self) -> None:
        """Take all rows of the desk out."""

        def take(session: Session) -> None:
            for table in _TABLES:
                session.run(session.connection.execute(f"delete from remit.{table} where desk = $1", self.desk))  # noqa: S608  # our own names

        self._seen(take)

    def _seen(self, see: Callable[[Session], T]) -> T:
        def look() -> T:
            with self.session() as session:
                return see(session)

        return aside(look)

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A connection to look over, on a thread that runs no event loop.

        Raises:
            Refused: `settings.invalid`.
            Fault: `fault.store` when the server does not answer.
        """
        try:
            with contextlib.closing(Session(self.url, name="remit look", answer_s=_ANSWER_S)) as session:
                yield session
        except BROKEN as problem:
            raise Fault(Code.FAULT_STORE, why(problem)) from None
