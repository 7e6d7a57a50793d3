"""The port to the store: records, counters, replay marks, the outbox and the transcript, in one truth.

Everything that must stand or fall together goes into one `Commit`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

from remit.domain.policy.risk import RiskHistory, RiskHistoryEvent, SubjectKind
from remit.domain.records import Record
from remit.domain.values import Instant

R = TypeVar("R", bound=Record)


class RecordMissing(Exception):  # noqa: N818  # it names what is
    """No record of that kind and id."""


class Conflict(Exception):  # noqa: N818  # it names what is
    """A record changed (or came into being) since it was loaded: load again and decide again."""

    def __init__(self, kind: str, record_id: str) -> None:
        """Name the record that moved."""
        super().__init__(kind, record_id)
        self.kind = kind
        self.record_id = record_id


class Replayed(Exception):  # noqa: N818  # it names what is
    """A replay mark stands already."""


class LimitReached(Exception):  # noqa: N818  # it names what is
    """A counter has no room for a reservation."""

    def __init__(self, scope: str, key: str) -> None:
        """Name the counter that is full."""
        super().__init__(scope, key)
        self.scope = scope
        self.key = key


class Versioned(NamedTuple, Generic[R]):
    """A record as kept, with the revision that a change must name.

    A new record starts at 1 and each `Put` adds 1. A record that is made again after a `Drop` starts above every
    revision it ever had: one revision of an id never names two contents.
    """

    record: R
    rev: int


class Precondition(NamedTuple):
    """A record must still be at `rev` (0: must not exist)."""

    kind: str
    id: str
    rev: int


class Put(NamedTuple):
    """Write a record whose stored revision must be `rev` (0: must not exist yet). `before` is what was loaded.

    The store trusts neither: it compares the revision, and takes off the links of what really stood there.
    """

    record: Record
    rev: int
    before: Record | None = None


class Drop(NamedTuple):
    """Delete a record that must be at `rev`; `record` is what was loaded."""

    record: Record
    rev: int


class Reserve(NamedTuple):
    """Add `amount` to a counter, which may not pass `limit`. A negative amount releases, never to below zero."""

    scope: str
    key: str
    amount: int
    limit: int | None


class ReplayMark(NamedTuple):
    """A replay mark: `key` may be seen once until `until` (ms)."""

    key: str
    until: int


class RiskEvent(NamedTuple):
    """One event on a subject's trail (domain/policy/risk.py). The store advances the trail inside the transaction."""

    kind: SubjectKind
    subject: str
    event: RiskHistoryEvent
    at: Instant


class EntryRow(NamedTuple):
    """A sealed entry as the store keeps it; `content` is encrypted under the subject's key, `refs` are lookup ids."""

    kind: str
    at: int
    leaf: bytes
    envelope: bytes
    content: bytes
    subject: str
    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What shall become true together, or not at all."""

    preconditions: tuple[Precondition, ...] = ()
    puts: tuple[Put, ...] = ()
    drops: tuple[Drop, ...] = ()
    reserves: tuple[Reserve, ...] = ()
    marks: tuple[ReplayMark, ...] = ()
    touches: tuple[tuple[str, int], ...] = ()
    steps: tuple[RiskEvent, ...] = ()
    entries: tuple[EntryRow, ...] = ()
    prove: tuple[int, ...] = ()
    """Places of earlier entries to prove along with the new ones, against the same checkpoint."""
    proved: bool = True
    """Whether the answer shall carry the proofs: not where a later commit proves these entries along."""


@dataclass(frozen=True, slots=True)
class EntryPlace:
    """Where an entry stands in the log, with its inclusion proof for the tree of `Committed.size` (empty where none was asked for)."""

    index: int
    proof: tuple[bytes, ...]


class Committed(NamedTuple):
    """What a commit brought: the places of its entries (those to prove along first) and the checkpoint they are proved against."""

    places: tuple[EntryPlace, ...]
    size: int
    checkpoint: str


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry read back. Its `refs` are empty: they lead to an entry, they are not part of it."""

    index: int
    row: EntryRow


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything an ask is decided on, read in one moment.

    `records` maps (kind, id) to what is kept (a missing one is absent: revision 0); `counters` maps (scope, key) to
    what is used; `trails` are those of the task, root grant, agent, operator, customer and the targets that were asked about;
    `touched` maps ids to the time of last use.
    """

    records: Mapping[tuple[str, str], Versioned[Record]]
    counters: Mapping[tuple[str, str], int]
    trails: tuple[RiskHistory, ...]
    touched: Mapping[str, int]


class Store(Protocol):
    """One truth for records, counters, replay marks and the transcript.

    Promises:
    * `commit` is atomic, isolated and durable before it returns; entries get consecutive places, and a signed
      checkpoint that covers them exists before it returns. Its conditions are checked inside the transaction: expects,
      then marks, then reserves, then puts and drops. Commits share a sync with others, never a fate.
    * A caller who stops waiting undoes nothing.
    * `get`, `find`, `snapshot` read only what is durable, from the primary; no read is served from a copy that can lag.
    * Order: a read that starts after a commit returned sees it.
    * Faults: `fault.store`; after a fault of `commit` nothing of it holds (or, when the answer was lost, all of it:
      the same replay mark or idempotency record then tells).
    """

    async def get(self, kind: type[R], record_id: str) -> Versioned[R]:
        """Read one record.

        Raises:
            Missing: there is none.
        """
        ...

    async def find(  # a page of an index is told by these
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
        """Read the records under a key of an index whose number lies in [low, high], in order (or newest first)."""
        ...

    async def snapshot(
        self, *, task: str, idempotency: str, about: Collection[str] = (), sure: bool = True
    ) -> Snapshot:
        """Read in one moment the task, its mandate (and its ancestors), agent, suspensions, rules, counters and trails.

        `about` are records, as `kind:id`; the trails of those that are among the task's targets are read too.
        `idempotency` is the id of an Idempotency record to look for ("" for none), with its ask. Unless `sure`, one that is
        costly to find may be overlooked: whoever then puts it is told by `Conflict`, and must look again and be sure.

        Raises:
            Missing: no such task or mandate.
        """
        ...

    async def unchanged(self, preconditions: Sequence[Precondition]) -> bool:
        """Tell whether all these records are at their revisions at this moment: whether nothing moved since a snapshot."""
        ...

    async def counters(self, scope: str) -> Mapping[str, int]:
        """All counters of a scope."""
        ...

    async def commit(self, commit: Commit) -> Committed:
        """Make it all true.

        Raises:
            Conflict: an expectation or revision does not hold.
            Replayed: a mark stands already.
            NoRoom: a counter is full.
            Missing: an entry to prove along is not there.
            Fault: `fault.store`, also for a mark that ends before what was forgotten: whether it stood cannot be told any more.
        """
        ...

    async def purge_wal(self) -> None:
        """Leave nothing in the store's files of what commits that were answered have overwritten or dropped.

        Raises:
            Fault: `fault.store`, also while somebody else reads the files; then it is to be tried again.
        """
        ...

    async def checkpoint(self) -> str:
        """The newest signed checkpoint ("" while the log is empty)."""
        ...

    async def tile(self, level: int, number: int, width: int) -> bytes:
        """Tile hashes, `width` of them (1-256).

        Raises:
            Missing: not that many yet.
        """
        ...

    async def leaves(self, number: int, width: int) -> Sequence[bytes]:
        """Leaf data of an entry bundle.

        Raises:
            Missing: not that many yet.
        """
        ...

    async def prove(self, indexes: Sequence[int]) -> Committed:
        """Fresh proofs of entries, all against the newest checkpoint.

        Raises:
            Missing: no such entry.
        """
        ...

    async def entries(
        self, *, ref: str = "", low: int = 0, limit: int = 100, newest: bool = False
    ) -> Sequence[StoredEntry]:
        """Entries by lookup id ("" for all), from place `low` on."""
        ...

    async def close(self) -> None:
        """Let pending commits finish, then close."""
        ...


class PublishedCheckpoint(Protocol):
    """The newest signed checkpoint, kept outside the store, by which a store older than its log is noticed.

    Promises: it is kept before the answer of the commit it covers leaves; a store opened to recover leaves it as it
    was until `accept`, so that a recovery cut short is noticed at the next start.
    """

    def published(self) -> str:
        """The newest that verifies, as text; where none does, or two contradict each other, all that is kept ("" for nothing).

        Raises:
            Refused: `settings.invalid` when it may not be read.
        """
        ...

    async def accept(self) -> None:
        """Take the store's present head as the published one.

        Raises:
            Fault: `fault.store`; then the old one stands.
        """
        ...
