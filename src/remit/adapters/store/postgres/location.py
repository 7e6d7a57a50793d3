"""Store of a desk in a PostgreSQL database, served by any number of nodes."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Final, TypeVar

from remit.adapters.db.postgres import BROKEN, STORE, BlockingConnection, describe_error, run_in_thread
from remit.adapters.db.postgres_migrate import schema_version
from remit.adapters.db.postgres_url import redacted_url
from remit.adapters.store.content_key_refs import sealings
from remit.adapters.store.location import StoreOptions
from remit.adapters.store.migrations.postgres import NEWEST, WITH_MACS, WITH_SPOKEN
from remit.adapters.store.postgres.read_only import scope_to_desk
from remit.adapters.store.postgres.schema import migrate
from remit.adapters.store.postgres.store import PostgresStore, application_name
from remit.adapters.store.row_checks import MacMarker, inspect_rows
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.store.sqlite.inspect import OutboxSummary, StoreSummary, summarize_outbox, summarize_store
from remit.adapters.store.state_checks import compare_states
from remit.domain.errors import Code, Fault
from remit.domain.structs import struct
from remit.domain.transcript.pseudonyms import Keyed
from remit.ports.vault import ContentKeyRef

T = TypeVar("T")
_ANSWER_S: Final = 60.0
_TABLES: Final = ("record", "link", "dropped", "counter", "mark", "touch", "trail", "entry", "ref", "node", "head")
_HEAD: Final = "select exists (select 1 from remit.head where desk = $1)"
_NODES: Final = "select count(*) from pg_stat_activity where datname = current_database() and application_name = $1"


@struct(frozen=True)
class PostgresLocation:
    """Rows of one desk in a database."""

    url: str
    desk: str
    shared: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """Address without the password."""
        return redacted_url(self.url)

    @property
    def address(self) -> str:
        """Address without the password."""
        return self.name

    def exists(self) -> bool:
        """Whether the desk has a log there."""

        def see(session: BlockingConnection) -> bool:
            if session.run(schema_version(session.connection, STORE))[0] == 0:
                return False
            return bool(session.run(session.connection.fetchval(_HEAD, self.desk)))

        return self._inspect(see)

    def is_served(self) -> bool:
        """Whether a node has it open."""
        return self._inspect(
            lambda session: bool(session.run(session.connection.fetchval(_NODES, application_name(self.desk))))
        )

    def migrate(self) -> tuple[int, int]:
        """Migrate the schema, while nodes serve."""
        return self._inspect(lambda session: migrate(session, making=True))

    def open(self, opening: StoreOptions) -> PostgresStore:
        """Open the store to serve."""
        return PostgresStore.open(self.url, self.desk, opening)

    def inspect(self) -> StoreSummary:
        """Summarize the store."""

        def see(session: BlockingConnection) -> StoreSummary:
            found = session.run(schema_version(session.connection, STORE))[0]
            scope_to_desk(session, self.desk)
            return summarize_store(session, found, NEWEST)

        return self._inspect(see)

    def outbox(self) -> OutboxSummary:
        """Summarize its outbox."""
        return self._inspect(lambda session: summarize_outbox(scope_to_desk(session, self.desk)))

    def sealings(self) -> Collection[ContentKeyRef]:
        """Return the keys that its content needs."""
        return self._inspect(lambda session: sealings(scope_to_desk(session, self.desk)))

    def compare_states(self, keyed: Keyed) -> Sequence[str]:
        """Compare rows and log."""

        def see(session: BlockingConnection) -> Sequence[str]:
            spoken = session.run(schema_version(session.connection, STORE))[0] >= WITH_SPOKEN
            return list(compare_states(scope_to_desk(session, self.desk), keyed, spoken=spoken))

        return self._inspect(see)

    def verify_rows(self, macs: RowMacs, high_water: Path, *, whole: bool = True) -> int | None:
        """Verify all rows."""

        def see(session: BlockingConnection) -> int | None:
            if session.run(schema_version(session.connection, STORE))[0] < WITH_MACS:
                return None
            scope_to_desk(session, self.desk)
            stored, size, root = session.execute("select state, size, root from head").fetchone() or (b"", 0, b"")
            if not stored:
                MacMarker(high_water).verify_may_adopt(recovering=False)
                return None
            return inspect_rows(session, macs, stored, size, root, whole=whole)

        return self._inspect(see)

    def forget(self) -> None:
        """Delete all rows of the desk."""

        def take(session: BlockingConnection) -> None:
            for table in _TABLES:
                session.run(session.connection.execute(f"delete from remit.{table} where desk = $1", self.desk))  # noqa: S608  # our own names

        self._inspect(take)

    def _inspect(self, see: Callable[[BlockingConnection], T]) -> T:
        def look() -> T:
            with self.session() as session:
                return see(session)

        return run_in_thread(look)

    @contextlib.contextmanager
    def session(self) -> Iterator[BlockingConnection]:
        """Open a connection for inspection, on a thread without an event loop.

        Raises:
            Refused: `settings.invalid`.
            Fault: `fault.store` when the server does not answer.
        """
        try:
            with contextlib.closing(BlockingConnection(self.url, name="remit look", answer_s=_ANSWER_S)) as session:
                yield session
        except BROKEN as problem:
            raise Fault(Code.FAULT_STORE, describe_error(problem)) from None
