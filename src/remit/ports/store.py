"""The port to the store: records, counters, replay marks, the outbox and the transcript, in one truth.

Everything that must hold or fail together goes into one `Commit`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Generic, Protocol, TypeVar

from remit.domain.errors import Code, Fault
from remit.domain.policy.risk import RiskHistory, RiskHistoryEvent, SubjectKind
from remit.domain.records import Record
from remit.domain.structs import struct
from remit.domain.values import Instant

R = TypeVar("R", bound=Record)


class RecordMissing(Exception):  # noqa: N818  # named after the state
    """No record of that kind and id."""


class Conflict(Exception):  # noqa: N818  # named after the state
    """A record changed (or came into being) since it was loaded: load again and decide again."""

    def __init__(self, kind: str, record_id: str) -> None:
        """Name the changed record."""
        super().__init__(kind, record_id)
        self.kind = kind
        self.record_id = record_id


class Replayed(Exception):  # noqa: N818  # named after the state
    """A replay mark exists already."""


class LimitReached(Exception):  # noqa: N818  # named after the state
    """A counter has no room for a reservation."""

    def __init__(self, scope: str, key: str) -> None:
        """Name the full counter."""
        super().__init__(scope, key)
        self.scope = scope
        self.key = key


FORGED_ROWS_CURE: Final = (
    "Rows were written by something other than Remit. Stop the server, find out by what, put back a good copy of the store and run "
    "`remit recover` (docs/operating.md, Rows that were changed)."
)


class ForgedRow(Fault):
    """A row is not what this desk wrote: it permits nothing."""

    def __init__(self, row: str, why: str = "is not what this server wrote: something else changed it") -> None:
        """Name the row, never its content."""
        super().__init__(Code.FAULT_STORE, f"{row} {why}", cure=FORGED_ROWS_CURE)


@struct(frozen=True)
class Versioned(Generic[R]):
    """A stored record, with the revision that a change must name.

    A new record starts at 1 and each `Put` adds 1. A record made again after a `Drop` starts above every revision it
    ever had: one revision of an id never names two contents.
    """

    record: R
    rev: int


@struct(frozen=True)
class Precondition:
    """A record must still be at `rev` (0: must not exist)."""

    kind: str
    id: str
    rev: int


@struct(frozen=True)
class Put:
    """Write a record whose stored revision must be `rev` (0: must not exist yet). `before` is the loaded one.

    The store trusts neither: it compares the revision, and removes the links of the record really stored.
    """

    record: Record
    rev: int
    before: Record | None = None


@struct(frozen=True)
class Drop:
    """Delete a record that must be at `rev`; `record` is the loaded one."""

    record: Record
    rev: int


@struct(frozen=True)
class Reserve:
    """Add `amount` to a counter, which may not pass `limit`. A negative amount releases, never to below zero."""

    scope: str
    key: str
    amount: int
    limit: int | None


@struct(frozen=True)
class ReplayMark:
    """A replay mark: `key` may be seen once until `until` (ms)."""

    key: str
    until: int


@struct(frozen=True)
class RiskEvent:
    """One event on a subject's trail (domain/policy/risk.py), in a task of `customer` ("" where it is in none).

    The store advances the trail inside the transaction.
    """

    kind: SubjectKind
    subject: str
    event: RiskHistoryEvent
    at: Instant
    customer: str = ""


@struct(frozen=True)
class EntryRow:
    """A sealed entry as stored; `content` is encrypted under the subject's key, `refs` are look-up ids."""

    kind: str
    at: int
    leaf: bytes
    envelope: bytes
    content: bytes
    subject: str
    refs: tuple[str, ...]


@struct(frozen=True, kw_only=True)
class Commit:
    """Changes that become true together, or not at all."""

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
    """Whether to return the proofs; False where a later commit proves these entries along."""


@struct(frozen=True)
class EntryPlace:
    """An entry's place in the log, with its inclusion proof in the tree of `Committed.size` (empty unless wanted)."""

    index: int
    proof: tuple[bytes, ...]


@struct(frozen=True)
class Committed:
    """A commit's result: the places of its entries (those to prove along first) and the checkpoint of their proofs."""

    places: tuple[EntryPlace, ...]
    size: int
    checkpoint: str


@struct(frozen=True)
class StoredEntry:
    """An entry read back. Its `refs` are empty: they lead to an entry and are no part of it."""

    index: int
    row: EntryRow


@struct(frozen=True)
class Snapshot:
    """The basis of an ask's decision, read in one moment.

    `records` maps (kind, id) to the stored record (absent: revision 0); `counters` maps (scope, key) to their use;
    `trails` are those of the task, root grant, agent, operator, customer and the requested targets; `touched` maps ids
    to the time of last use.
    """

    records: Mapping[tuple[str, str], Versioned[Record]]
    counters: Mapping[tuple[str, str], int]
    trails: tuple[RiskHistory, ...]
    touched: Mapping[str, int]


class Store(Protocol):
    """One truth for records, counters, replay marks and the transcript.

    Promises:
    * `commit` is atomic, isolated and durable before it returns; entries get consecutive places, and a signed
      checkpoint that covers them exists before it returns. Its conditions are checked inside the transaction:
      preconditions, then marks, then reserves, then puts and drops. Commits share a sync with others, never a fate.
    * Cancelling the caller undoes nothing.
    * `get`, `find`, `snapshot` read only durable data, from the primary; no read is served from a copy that can lag.
    * Order: a read that starts after a commit returned sees it.
    * Faults: `fault.store`; after a fault of `commit` nothing of it holds (or, when the answer was lost, all of it:
      the same replay mark or idempotency record then tells).
    """

    async def get(self, kind: type[R], record_id: str) -> Versioned[R]:
        """Read one record.

        Raises:
            RecordMissing: there is none.
        """

    async def find(
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
        """Read the records under a key of an index with a number in [low, high], in order (or newest first)."""

    async def snapshot(
        self, *, task: str, idempotency: str, about: Collection[str] = (), sure: bool = True
    ) -> Snapshot:
        """Read in one moment the task, its mandate (and its ancestors), agent, suspensions, rules, counters and trails.

        `about` are records, as `kind:id`; the trails of those among the task's targets are read too. `idempotency` is
        the id of an IdempotencyRecord to look for ("" for none), with its ask. Unless `sure`, one that is costly to
        find may be overlooked: putting it then raises `Conflict`, and the caller must look again and be sure.

        Raises:
            RecordMissing: no such task or mandate.
        """

    async def unchanged(self, preconditions: Sequence[Precondition]) -> bool:
        """Return whether all these records are at their revisions now: whether none changed since a snapshot."""

    async def counters(self, scope: str) -> Mapping[str, int]:
        """Return all counters of a scope."""

    async def commit(self, commit: Commit) -> Committed:
        """Make all of it true.

        Raises:
            Conflict: a precondition or revision does not hold.
            Replayed: a mark exists already.
            LimitReached: a counter is full.
            RecordMissing: an entry to prove along is not there.
            Fault: `fault.store`, also for a mark that ends before those already forgotten: its replay is undecidable.
        """

    async def purge_wal(self) -> None:
        """Purge the store's files of data that answered commits have overwritten or dropped.

        Raises:
            Fault: `fault.store`, also while another process reads the files; then try again.
        """

    async def checkpoint(self) -> str:
        """Return the newest signed checkpoint ("" while the log is empty)."""

    async def tile(self, level: int, number: int, width: int) -> bytes:
        """Return tile hashes, `width` of them (1-256).

        Raises:
            RecordMissing: not that many yet.
        """

    async def leaves(self, number: int, width: int) -> Sequence[bytes]:
        """Return leaf data of an entry bundle.

        Raises:
            RecordMissing: not that many yet.
        """

    async def prove(self, indexes: Sequence[int]) -> Committed:
        """Return fresh proofs of entries, all against the newest checkpoint.

        Raises:
            RecordMissing: no such entry.
        """

    async def entries(
        self, *, ref: str = "", low: int = 0, before: int | None = None, limit: int = 100, newest: bool = False
    ) -> Sequence[StoredEntry]:
        """Return entries by look-up id ("" for all), from place `low` on and before place `before`."""

    async def close(self) -> None:
        """Let pending commits finish, then close."""


class PublishedCheckpoint(Protocol):
    """The newest signed checkpoint, stored outside the store, which reveals a store older than its log.

    Promises: it is written before the answer of the commit it covers leaves; a store opened to recover leaves it as it
    was until `accept`, so that an interrupted recovery is noticed at the next start.
    """

    def published(self) -> str:
        """Return the newest that verifies, as text; where none does, or two contradict, all of them ("" for nothing).

        Raises:
            Refused: `settings.invalid` when it may not be read.
        """

    async def accept(self) -> None:
        """Publish the store's present head.

        Raises:
            Fault: `fault.store`; then the old one stays.
        """
