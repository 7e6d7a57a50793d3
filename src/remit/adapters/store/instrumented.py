"""A store that is watched: how long its commits take and what they brought is told to whoever counts, and each is a step of its trace.

It stands before any plug of the store port, and changes nothing of what that promises.
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
"""Called after each commit: what was to be made true, what it brought (None where it did not stand), how it went, in how many seconds.

How it went is `ok`, `conflict`, `replayed`, `no_room` or `fault`.
"""
_HOW: Final = ((Conflict, "conflict"), (Replayed, "replayed"), (LimitReached, "no_room"), (Fault, "fault"))


class InstrumentedStore:
    """The store port over another plug of it. Reads are handed on as they are: what they cost is not measured here."""

    def __init__(self, store: Store, *, ticks: Callable[[], float], told: CommitObserver, tracing: Tracing) -> None:
        """Watch a store. `ticks` are monotonic seconds; `told` is called on the loop and must not raise."""
        self.inner = store
        self._ticks = ticks
        self._told = told
        self._tracing = tracing

    async def commit(self, commit: Commit) -> Committed:
        """Make it all true, and tell how that went."""
        began_s = self._ticks()
        try:
            with self._tracing.step(_step(commit)):
                committed = await self.inner.commit(commit)
        except (Conflict, Replayed, LimitReached, Fault) as no:
            how = next(how for kind, how in _HOW if isinstance(no, kind))
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
        """Everything an ask is decided on."""
        return self.inner.snapshot(task=task, idempotency=idempotency, about=about, sure=sure)

    def unchanged(self, preconditions: Sequence[Precondition]) -> Coroutine[Any, Any, bool]:
        """Whether nothing moved."""
        return self.inner.unchanged(preconditions)

    def counters(self, scope: str) -> Coroutine[Any, Any, Mapping[str, int]]:
        """All counters of a scope."""
        return self.inner.counters(scope)

    def purge_wal(self) -> Coroutine[Any, Any, None]:
        """Leave nothing of what was overwritten."""
        return self.inner.purge_wal()

    def checkpoint(self) -> Coroutine[Any, Any, str]:
        """The newest signed checkpoint."""
        return self.inner.checkpoint()

    def tile(self, level: int, number: int, width: int) -> Coroutine[Any, Any, bytes]:
        """Tile hashes."""
        return self.inner.tile(level, number, width)

    def leaves(self, number: int, width: int) -> Coroutine[Any, Any, Sequence[bytes]]:
        """Leaf data of an entry bundle."""
        return self.inner.leaves(number, width)

    def prove(self, indexes: Sequence[int]) -> Coroutine[Any, Any, Committed]:
        """Fresh proofs against the newest checkpoint."""
        return self.inner.prove(indexes)

    def entries(
        self, *, ref: str = "", low: int = 0, limit: int = 100, newest: bool = False
    ) -> Coroutine[Any, Any, Sequence[StoredEntry]]:
        """Entries by lookup id."""
        return self.inner.entries(ref=ref, low=low, limit=limit, newest=newest)

    def close(self) -> Coroutine[Any, Any, None]:
        """Let pending commits finish, then close."""
        return self.inner.close()


def _step(commit: Commit) -> SpanName:
    """A commit of an outcome alone is that step; a read's answer is recorded with its decision."""
    kinds = {row.kind for row in commit.entries}
    return SpanName.OUTCOME if Kind.ACT_PERFORMED in kinds and Kind.ASK_DECIDED not in kinds else SpanName.RECORD
