"""Instrumentation around a store: observe duration and result of each commit, and trace it.

It wraps any plug of the store port and changes none of its promises.
"""

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

from remit.domain.errors import Fault
from remit.domain.records import Record
from remit.domain.transcript.entry import Kind
from remit.ports.store import (
    Commit,
    Committed,
    Conflict,
    LimitReached,
    Precondition,
    Replayed,
    Snapshot,
    Store,
    StoredEntry,
    Versioned,
)
from remit.ports.tracing import SpanName, Tracing

R = TypeVar("R", bound=Record)

CommitObserver = Callable[[Commit, Committed | None, str, float], None]
"""Called after each commit: the commit, its result (None if it failed), how it went, and seconds.

How it went is `ok`, `conflict`, `replayed`, `no_room` or `fault`.
"""
_HOW: Final = ((Conflict, "conflict"), (Replayed, "replayed"), (LimitReached, "no_room"), (Fault, "fault"))


class InstrumentedStore:
    """Store port over another plug; reads pass through unmeasured."""

    def __init__(self, store: Store, *, ticks: Callable[[], float], told: CommitObserver, tracing: Tracing) -> None:
        """Observe a store. `ticks` are monotonic seconds; `told` is called on the loop and must not raise."""
        self.inner = store
        self._ticks = ticks
        self._told = told
        self._tracing = tracing

    async def commit(self, commit: Commit) -> Committed:
        """Commit, and report the result."""
        began_s = self._ticks()
        try:
            with self._tracing.step(_step(commit)):
                committed = await self.inner.commit(commit)
        except (Conflict, Replayed, LimitReached, Fault) as refused:
            how = next(how for kind, how in _HOW if isinstance(refused, kind))
            self._told(commit, None, how, self._ticks() - began_s)
            raise
        self._told(commit, committed, "ok", self._ticks() - began_s)
        return committed

    def get(self, kind: type[R], record_id: str) -> Coroutine[Any, Any, Versioned[R]]:
        """Read one record."""
        return self.inner.get(kind, record_id)

    def find(  # the port's signature
        self,
        kind: type[R],
        index: str,
        key: str,
        *,
        low: int = 0,
        high: int | None = None,
        limit: int = 100,
        newest: bool = False,
    ) -> Coroutine[Any, Any, Sequence[Versioned[R]]]:
        """Read a page of an index."""
        return self.inner.find(kind, index, key, low=low, high=high, limit=limit, newest=newest)

    def snapshot(
        self, *, task: str, idempotency: str, about: Collection[str] = (), sure: bool = True
    ) -> Coroutine[Any, Any, Snapshot]:
        """Read everything an ask is decided on."""
        return self.inner.snapshot(task=task, idempotency=idempotency, about=about, sure=sure)

    def unchanged(self, preconditions: Sequence[Precondition]) -> Coroutine[Any, Any, bool]:
        """Whether the records are unchanged."""
        return self.inner.unchanged(preconditions)

    def counters(self, scope: str) -> Coroutine[Any, Any, Mapping[str, int]]:
        """Read all counters of a scope."""
        return self.inner.counters(scope)

    def purge_wal(self) -> Coroutine[Any, Any, None]:
        """Purge overwritten data."""
        return self.inner.purge_wal()

    def checkpoint(self) -> Coroutine[Any, Any, str]:
        """Read the newest signed checkpoint."""
        return self.inner.checkpoint()

    def tile(self, level: int, number: int, width: int) -> Coroutine[Any, Any, bytes]:
        """Read tile hashes."""
        return self.inner.tile(level, number, width)

    def leaves(self, number: int, width: int) -> Coroutine[Any, Any, Sequence[bytes]]:
        """Read the leaf data of an entry bundle."""
        return self.inner.leaves(number, width)

    def prove(self, indexes: Sequence[int]) -> Coroutine[Any, Any, Committed]:
        """Prove entries against the newest checkpoint."""
        return self.inner.prove(indexes)

    def entries(
        self, *, ref: str = "", low: int = 0, before: int | None = None, limit: int = 100, newest: bool = False
    ) -> Coroutine[Any, Any, Sequence[StoredEntry]]:
        """Read entries by lookup id."""
        return self.inner.entries(ref=ref, low=low, before=before, limit=limit, newest=newest)

    def close(self) -> Coroutine[Any, Any, None]:
        """Let pending commits finish, then close."""
        return self.inner.close()


def _step(commit: Commit) -> SpanName:
    """Name the span: an outcome committed alone is its own step; a read's result is recorded with its decision."""
    kinds = {row.kind for row in commit.entries}
    return SpanName.OUTCOME if Kind.ACT_PERFORMED in kinds and Kind.ASK_DECIDED not in kinds else SpanName.RECORD
