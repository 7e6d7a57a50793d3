"""The SQLite store: WAL, synchronous FULL, one process, group commit in a thread, answers released after the sync."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from remit.adapters.db.job_thread import JobThread, ThreadJob
from remit.adapters.db.sqlite_errors import DISK_CURE
from remit.adapters.store import start_checks
from remit.adapters.store.cache import FEW, NOT_CACHED
from remit.adapters.store.highwater import HighWater, no_pause
from remit.adapters.store.location import StoreOptions
from remit.adapters.store.row_checks import MacMarker
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.store.sqlite.cache_fill import versioned_row
from remit.adapters.store.sqlite.file import lock_file, migrate, open_connection, verify_writing
from remit.adapters.store.sqlite.journal import Journal, transaction
from remit.adapters.store.sqlite.read import SqliteReader
from remit.adapters.store.sqlite.rows import verify_or_adopt
from remit.adapters.store.sqlite.tree import SqliteTree
from remit.adapters.store.sqlite.write import SqliteGroupWriter, run_job
from remit.domain.errors import Code, Refused
from remit.domain.records import Record
from remit.ports.store import Commit, Committed, Precondition, RecordMissing, Snapshot, StoredEntry, Versioned
from remit.proof.merkle import EMPTY_ROOT

R = TypeVar("R", bound=Record)
T = TypeVar("T")


class SqliteStore:
    """Store port on one SQLite file, written by one process; a second is refused at start.

    It also keeps the high-water checkpoint outside the file (ports/store.py, `PublishedCheckpoint`).
    """

    def __init__(
        self,
        lock: sqlite3.Connection,
        writer: SqliteGroupWriter,
        reading: sqlite3.Connection,
        high_water: HighWater,
        rows: RowMacs,
        alone: Callable[[], bool],
    ) -> None:
        """Called by `open`, which has checked everything."""
        self._lock = lock
        self._writer = writer
        self._reading = reading
        self._reader = SqliteReader(reading, rows)
        self._held = writer.held
        self._high_water = high_water
        self._closed = False
        self._writer_thread = JobThread(
            "remit-write", writer.write, fault=Code.FAULT_STORE, rest=writer.apply_when_due, alone=alone
        )
        self._reader_thread = JobThread("remit-read", self._read_all, fault=Code.FAULT_STORE, alone=alone)

    @classmethod
    def open(cls, path: Path, opening: StoreOptions) -> Self:
        """Open and migrate the file, and verify it before anything is served.

        Raises:
            Refused: `settings.invalid` when another process holds it, it is newer than this program, or its high-water
                file is missing; `log.older` when it is older than its high water; `log.damaged` when it does not
                verify.

        Source: docs/model/model.md#log.
        """
        on_point = opening.on_point or no_pause
        with contextlib.ExitStack() as opened:
            lock = opened.enter_context(contextlib.closing(lock_file(path)))
            writing = opened.enter_context(contextlib.closing(open_connection(path)))
            verify_writing(writing, path)
            migrate(writing)
            outside = HighWater(opening.high_water, opening.verify, on_point)
            with _start_errors(path), transaction(writing):  # a store that does not verify is left as it was found
                Journal(writing, on_point)
                log = SqliteTree(writing)
                start_checks.verify_opening(writing, log, outside, outside.newest, opening)
                marker = MacMarker(opening.high_water)
                verify_or_adopt(writing, opening.rows, log, marker, recovering=opening.recovering)
            marker.write()
            if not opening.recovering:
                outside.write_initial(log.note or opening.sign(0, EMPTY_ROOT))
            reading = opened.enter_context(contextlib.closing(open_connection(path)))
            reading.execute("pragma query_only = on")
            writer = SqliteGroupWriter(
                partial(open_connection, path),
                writing,
                sign=opening.sign,
                high_water=outside,
                on_point=on_point,
                macs=opening.rows,
            )
            store = cls(lock, writer, reading, outside, opening.rows, opening.alone)
            opened.pop_all()
        return store

    async def get(self, kind: type[R], record_id: str) -> Versioned[R]:
        """Read one record."""
        kept = self._held.record(kind.KIND, record_id)
        if kept is NOT_CACHED:
            journalled = self._writer.backlog.records.get((kind.KIND, record_id))
            if journalled is not None:
                kept = versioned_row(kind.KIND, *journalled)[0]
            else:  # it was in its table before this call, or does not exist
                kept = await self._reader_thread.do(lambda: self._reader.one(kind.KIND, record_id), brief=True)
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
        """Read a page of an index: the newest few from memory, everything else from its table."""
        if newest and limit <= FEW and (low, high) == (0, None):
            place = (kind.KIND, index, key)
            few: Sequence[Versioned[Any]] | None = self._held.newest_few(place, max(limit, 0))
            if few is not None:
                return few
            found = await self._writer_thread.do(lambda: self._writer.filler().newest_few(place, max(limit, 0)))
        else:
            found = await self._read(lambda: self._reader.find(kind.KIND, index, key, low, high, limit, newest))
        return cast("Sequence[Versioned[R]]", found)

    async def snapshot(
        self, *, task: str, idempotency: str, about: Collection[str] = (), sure: bool = True
    ) -> Snapshot:
        """Read everything an ask is decided on: from memory, or on the writing thread where a part is missing."""
        held = self._held.snapshot(task, idempotency, about, sure=sure)
        if held is not None:
            return held
        return await self._writer_thread.do(lambda: self._writer.filler().snapshot(task, idempotency, about))

    async def unchanged(self, preconditions: Sequence[Precondition]) -> bool:
        """Whether the records are unchanged."""
        held = self._held.unchanged(preconditions)
        return await self._read(lambda: self._reader.unchanged(preconditions)) if held is None else held

    async def counters(self, scope: str) -> Mapping[str, int]:
        """Read all counters of a scope."""
        used = self._held.used(scope)
        return used if used is not None else await self._writer_thread.do(lambda: self._writer.filler().counters(scope))

    async def commit(self, commit: Commit) -> Committed:
        """Commit durably."""
        committed: Committed = await self._writer_thread.submit(commit, brief=True)
        return committed

    async def purge_wal(self) -> None:
        """Purge overwritten data."""
        await self._writer_thread.do(self._writer.purge_wal)

    async def checkpoint(self) -> str:
        """Read the newest signed checkpoint."""
        return await self._read(self._reader.checkpoint)

    async def tile(self, level: int, number: int, width: int) -> bytes:
        """Read tile hashes."""
        return await self._read(lambda: self._reader.tile(level, number, width))

    async def leaves(self, number: int, width: int) -> Sequence[bytes]:
        """Read the leaf data of an entry bundle."""
        return await self._read(lambda: self._reader.leaves(number, width))

    async def prove(self, indexes: Sequence[int]) -> Committed:
        """Prove entries against the newest checkpoint."""
        return await self._read(lambda: self._reader.prove(indexes))

    async def entries(
        self, *, ref: str = "", low: int = 0, before: int | None = None, limit: int = 100, newest: bool = False
    ) -> Sequence[StoredEntry]:
        """Read entries by lookup id."""
        return await self._read(lambda: self._reader.entries(ref, (low, before), limit, newest))

    def published(self) -> str:
        """Return the newest verified checkpoint outside the store, as text; all that is stored where none verifies."""
        return self._high_water.read()

    async def accept(self) -> None:
        """Publish the present head: the end of a recovery."""
        await self._writer_thread.do(self._writer.accept)

    async def _read(self, work: Callable[[], T]) -> T:
        """Read the tables, once the backlog is in them."""
        if self._writer.backlog.commits:
            await self._writer_thread.do(self._writer.settle)
        return await self._reader_thread.do(work)

    async def close(self) -> None:
        """Finish pending work, then close the file. Closing twice changes nothing."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with contextlib.ExitStack() as closing:
            closing.callback(self._lock.close)
            closing.callback(self._writer.close)
            closing.callback(self._reading.close)
            self._writer_thread.close()
            self._reader_thread.close()

    def _read_all(self, jobs: Sequence[ThreadJob[Any]]) -> None:
        for job in jobs:
            run_job(job)


@contextlib.contextmanager
def _start_errors(path: Path) -> Iterator[None]:
    """Turn database errors at the start into refusals.

    Raises:
        Refused: `settings.invalid` for an unwritable file, `log.damaged` for a journal that cannot be settled.
    """
    try:
        yield
    except sqlite3.OperationalError as problem:
        raise Refused(
            Code.SETTINGS_INVALID, f"the store {path.name} cannot be written: {problem}", cure=DISK_CURE
        ) from None
    except (sqlite3.DatabaseError, OverflowError, TypeError, ValueError) as problem:
        raise Refused(Code.LOG_DAMAGED, f"the journal of {path.name} cannot be put in place: {problem}") from None
