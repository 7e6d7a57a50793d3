"""The store on PostgreSQL: any number of nodes over one primary, each group of commits one transaction."""

import asyncio
import contextlib
import zlib
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Final, Self, TypeVar, cast

from remit.adapters.db.postgres import (
    BROKEN,
    BY_INDEX,
    GONE,
    STORE,
    VALUE_ERRORS,
    BlockingConnection,
    Connection,
    ConnectionGate,
    connect,
    describe_error,
    run_in_thread,
)
from remit.adapters.db.postgres_migrate import verify_durable
from remit.adapters.store.codec import DecodeCache
from remit.adapters.store.highwater import HighWater, no_pause
from remit.adapters.store.location import StoreOptions
from remit.adapters.store.postgres.load import LogHead, load_group_state
from remit.adapters.store.postgres.open import verify_against_high_water
from remit.adapters.store.postgres.read import PostgresReader
from remit.adapters.store.postgres.read_only import scope_to_desk
from remit.adapters.store.postgres.rows import verify_or_adopt
from remit.adapters.store.postgres.schema import migrate, prepare
from remit.adapters.store.postgres.tree import KnownTree, PostgresTree
from remit.adapters.store.postgres.write import PostgresGroupWriter
from remit.adapters.store.row_checks import MacMarker
from remit.domain.errors import Code, Fault, Refused
from remit.domain.records import Record
from remit.ports.store import (
    Commit,
    Committed,
    EntryPlace,
    Precondition,
    RecordMissing,
    Snapshot,
    StoredEntry,
    Versioned,
)
from remit.proof.merkle import EMPTY_ROOT

R = TypeVar("R", bound=Record)
T = TypeVar("T")
ANSWER_S: Final = 5.0
"""Longest time, in seconds, for a statement."""
_OPENING_S: Final = 600.0
_READERS: Final = 4
_FOLDING_S: Final = 3_600.0


def application_name(desk: str) -> str:
    """Return the server's name for connections of a desk's nodes."""
    return f"remit node {zlib.crc32(desk.encode()):08x}"


class _ConnectionLost(Exception):  # noqa: N818  # it names a condition
    """The connection is gone."""


class PostgresStore:
    """Store port on PostgreSQL; it serves on the event loop that first uses it.

    It also keeps this node's high-water checkpoint outside the store (ports/store.py, `PublishedCheckpoint`).
    """

    def __init__(self, url: str, desk: str, opening: StoreOptions, *, high_water: HighWater, head: LogHead) -> None:
        """Called by `open`, which has checked everything; `head` is the one it verified."""
        self._url = url
        self._desk = desk
        decoded = DecodeCache(opening.rows)
        self._decoded = decoded
        self._high_water = high_water
        self._reader = PostgresReader(desk, decoded)
        self._seen = KnownTree(desk, PostgresTree(desk, opening.verify, head), decoded=decoded, high_water=high_water)
        self._writer = PostgresGroupWriter(
            self._connect,
            desk,
            sign=opening.sign,
            seen=self._seen,
            high_water=high_water,
            decoded=decoded,
            macs=opening.rows,
            on_point=opening.on_point,
        )
        self._idle: list[Connection] = []
        self._slots = asyncio.Semaphore(_READERS)
        self._closed = False
        self._under_way: set[asyncio.Task[Any]] = set()
        self._reaching = ConnectionGate()
        self._resting: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, url: str, desk: str, opening: StoreOptions) -> Self:
        """Open the store of `desk` and verify it before anything is served. A database without a schema gets one.

        Raises:
            Refused: `settings.invalid` when it is unusable, its schema does not fit, or this node's high-water file is
                missing; `log.older` when it is older than that; `log.damaged` when it does not verify.
            Fault: `fault.store` when the server does not answer.

        Source: docs/model/model.md#log.
        """
        outside = HighWater(opening.high_water, opening.verify, opening.on_point or no_pause, shared=True)

        def check() -> LogHead:
            with contextlib.closing(BlockingConnection(url, name="remit open", answer_s=_OPENING_S)) as session:
                session.run(verify_durable(session.connection, STORE))
                migrate(session, making=False)
                prepare(session, desk, EMPTY_ROOT)
                # Checkpoint first, then the log: what others publish meanwhile is in the log, which never seems too
                # old.
                kept = None if opening.recovering else outside.newest()
                scope_to_desk(session, desk)
                head = verify_against_high_water(session, outside, kept, opening)
            marker = MacMarker(opening.high_water)
            with contextlib.closing(BlockingConnection(url, name="remit open", answer_s=_OPENING_S)) as session:
                verify_or_adopt(session, desk, opening.rows, marker, recovering=opening.recovering)
            marker.write()
            return head

        try:
            head = run_in_thread(check)
        except BaseException as problem:
            outside.close()
            if isinstance(problem, BROKEN):
                raise Fault(Code.FAULT_STORE, describe_error(problem)) from None
            raise
        return cls(url, desk, opening, high_water=outside, head=head)

    async def get(self, kind: type[R], record_id: str) -> Versioned[R]:
        """Read one record."""
        kept = await self._read(lambda connection: self._reader.one(connection, kind.KIND, record_id))
        if kept is None:
            raise RecordMissing(kind.KIND, record_id)
        return cast("Versioned[R]", kept)

    async def find(  # the port's signature
        self,
        kind: type[R],
        index: str,
        key: str,
        *,
        low: int = 0,
        high: int | None = None,
        limit: int = 100,
        newest: bool = False,
    ) -> Sequence[Versioned[R]]:
        """Read a page of an index."""
        found = await self._read(
            lambda link: self._reader.find(link, kind.KIND, index, key, low, high, limit, newest=newest)
        )
        return cast("Sequence[Versioned[R]]", found)

    async def snapshot(
        self,
        *,
        task: str,
        idempotency: str,
        about: Collection[str] = (),
        sure: bool = True,  # noqa: ARG002  # here it costs nothing to be sure
    ) -> Snapshot:
        """Read everything an ask is decided on."""
        return await self._read(lambda link: self._reader.snapshot(link, task, idempotency, about))

    async def unchanged(self, preconditions: Sequence[Precondition]) -> bool:
        """Whether the records are unchanged."""
        return await self._read(lambda link: self._reader.unchanged(link, preconditions))

    async def counters(self, scope: str) -> Mapping[str, int]:
        """Read all counters of a scope."""
        return await self._read(lambda link: self._reader.counters(link, scope))

    async def commit(self, commit: Commit) -> Committed:
        """Commit durably."""
        self._begin()
        return await self._writer.commit(commit)

    async def purge_wal(self) -> None:
        """Purge overwritten data from the tables that hold customers' content, by VACUUM.

        It runs over a connection of its own for as long as it takes; tables under another VACUUM are left to that.
        Data in the server's write-ahead log goes with its own retention (docs/operating.md).
        """
        try:
            connection = await connect(self._url, name="remit fold", answer_s=_FOLDING_S)
            try:
                await connection.execute("set search_path to remit")
                await connection.execute("vacuum (skip_locked, index_cleanup on) record, entry, trail")
            finally:
                connection.terminate()
        except BROKEN as problem:
            raise Fault(Code.FAULT_STORE, describe_error(problem)) from None

    async def checkpoint(self) -> str:
        """Read the newest signed checkpoint."""
        return await self._read(lambda link: link.fetchval("select note from head where desk = $1", self._desk))

    async def tile(self, level: int, number: int, width: int) -> bytes:
        """Read tile hashes."""
        return await self._read(lambda link: self._reader.tile(link, level, number, width))

    async def leaves(self, number: int, width: int) -> Sequence[bytes]:
        """Read the leaf data of an entry bundle."""
        return await self._read(lambda link: self._reader.leaves(link, number, width))

    async def prove(self, indexes: Sequence[int]) -> Committed:
        """Prove entries against the newest checkpoint."""

        async def prove(connection: Connection) -> Committed:
            head = (await load_group_state(connection, self._desk, (), self._decoded)).head
            if not all(0 <= index < head.size for index in indexes):
                raise RecordMissing("entry", str(indexes))
            proofs = await self._writer.tree.proofs(connection, indexes, head.size, {})
            return Committed(tuple(EntryPlace(index, proofs[index]) for index in indexes), head.size, head.note)

        return await self._read(prove)

    async def entries(
        self, *, ref: str = "", low: int = 0, before: int | None = None, limit: int = 100, newest: bool = False
    ) -> Sequence[StoredEntry]:
        """Read entries by lookup id."""
        return await self._read(lambda link: self._reader.entries(link, ref, (low, before), limit, newest=newest))

    def published(self) -> str:
        """Return this node's newest verified checkpoint, as text; all that is stored where none verifies."""
        return self._high_water.read()

    async def accept(self) -> None:
        """Publish the present head: the end of a recovery."""
        try:
            await self._writer.accept()
        except (*BROKEN, OSError) as problem:
            raise Fault(Code.FAULT_STORE, describe_error(problem)) from None

    async def close(self) -> None:
        """Finish pending work, then close every connection. Closing twice changes nothing."""
        if self._closed:
            return
        self._closed = True
        if self._resting is not None:
            self._resting.cancel()
            await asyncio.gather(self._resting, return_exceptions=True)
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._writer.close()
        for connection in self._idle:
            with contextlib.suppress(*BROKEN):
                await connection.close(timeout=1)
        self._idle.clear()

    async def _connect(self) -> Connection:
        return await self._reaching.connect(self._new_connection)

    async def _new_connection(self) -> Connection:
        try:
            connection = await connect(self._url, name=application_name(self._desk), answer_s=ANSWER_S, cached=200)
        except Refused as refused:
            # ⚔ No request was refused: an account locked meanwhile must not void pending work.
            raise Fault(Code.FAULT_STORE, refused.detail) from None
        try:
            await connection.execute(f"set search_path to remit; {BY_INDEX}")
            await self._seen.verify(connection)
        except BaseException as broken:
            connection.terminate()
            if isinstance(broken, BROKEN):
                raise Fault(Code.FAULT_STORE, describe_error(broken)) from None
            raise
        return connection

    def _begin(self) -> None:
        if self._resting is None:
            self._resting = asyncio.create_task(self._rest())

    async def _read(self, work: Callable[[Connection], Coroutine[None, None, T]]) -> T:
        """Read over an idle or a new connection. A cancelled caller leaves the read to finish: nothing is cut off."""
        if self._closed:
            raise Fault(Code.FAULT_STORE, "it is closed")
        self._begin()
        if self._seen.lost is not None:
            raise self._seen.lost
        reading = asyncio.create_task(self._over_one(work))
        self._under_way.add(reading)
        reading.add_done_callback(self._finished)
        return await asyncio.shield(reading)

    def _finished(self, reading: "asyncio.Task[Any]") -> None:
        self._under_way.discard(reading)
        if not reading.cancelled():
            reading.exception()  # mark as seen: a caller that left early gets no warning

    async def _over_one(self, work: Callable[[Connection], Coroutine[None, None, T]]) -> T:
        """Read over one connection; an idle one may be gone by now, and is replaced."""
        async with self._slots:
            while self._idle:
                connection = self._idle.pop()
                with contextlib.suppress(_ConnectionLost):
                    return await self._over(connection, work)
            try:
                return await self._over(await self._connect(), work)
            except _ConnectionLost as gone:
                raise Fault(Code.FAULT_STORE, str(gone)) from None

    async def _over(self, connection: Connection, work: Callable[[Connection], Coroutine[None, None, T]]) -> T:
        """Read over this connection. After an error of the connection it is not used again."""
        try:
            found = await work(connection)
        except (RecordMissing, Refused, *VALUE_ERRORS) as known:
            self._idle.append(connection)
            if isinstance(known, (RecordMissing, Refused)):
                raise
            raise Fault(Code.FAULT_STORE, f"it cannot be read: {describe_error(known)}") from None
        except (Fault, *BROKEN) as broken:
            connection.terminate()
            if isinstance(broken, GONE):
                raise _ConnectionLost(describe_error(broken)) from None
            raise broken if isinstance(broken, Fault) else Fault(Code.FAULT_STORE, describe_error(broken)) from None
        self._idle.append(connection)
        return found

    async def _rest(self) -> None:
        """Once a second sync the high water and verify that the store has lost nothing."""
        while True:
            await asyncio.sleep(1)
            with contextlib.suppress(OSError):  # the next group tries again and reports the fault
                await self._writer.sync_if_due()
            await self._writer.refresh_head()
