"""Log as last seen by this node: every later read must continue it, on whichever server.

Where it does not, the store lost data: no node serves from it any more.
"""

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, NamedTuple, TypeVar

from remit.adapters.db.postgres import BROKEN, Connection
from remit.adapters.store.codec import DecodeCache
from remit.adapters.store.highwater import HighWater, Verify
from remit.adapters.store.postgres.load import LOST, GroupState, LogHead, load_group_state
from remit.adapters.store.sqlite.tree import Sign, top_hash
from remit.domain.errors import Code, Fault, Refused
from remit.domain.transcript.verification import verify_consistency
from remit.proof import merkle
from remit.proof.merkle import HASH_SIZE, Node

T = TypeVar("T")
_CACHE: Final = 8_192
# `offset 0`: see load.py.
_FETCH: Final = """select 0 as level, k.idx, e.leaf as hash from unnest($2::bigint[]) k(idx)
cross join lateral (select leaf from entry where desk = $1 and idx = k.idx offset 0) e
union all select k.level, k.idx, n.hash from unnest($3::integer[], $4::bigint[]) k(level, idx)
cross join lateral (select hash from node where desk = $1 and level = k.level and idx = k.idx offset 0) n"""
EMPTY: Final = LogHead(0, 0, merkle.EMPTY_ROOT, "", b"")


class StoreLost(Fault):
    """The store no longer has what it had promised to keep."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            Code.FAULT_STORE, f"{detail}: the store lost what it had kept; stop the nodes, and run `remit recover`"
        )


class GrownTree(NamedTuple):
    """Tree with appended entries, not written yet: head, new hashes, rows to store in `node`."""

    head: LogHead
    made: dict[Node, bytes]
    nodes: Sequence[tuple[int, int, bytes]]


class PostgresTree:
    """Log tree of a desk. Hashes of complete subtrees never change, so cached ones stay valid for the same log."""

    def __init__(self, desk: str, verify: Verify, head: LogHead = EMPTY) -> None:
        """`head` is the one verified when the store was opened."""
        self._desk = desk
        self._verify = verify
        self._cache: dict[Node, bytes] = {}
        self._found = ""
        self.head = head

    async def advance_to(self, connection: Connection, state: GroupState) -> None:
        """Move to the head that was read.

        Raises:
            Fault: as `verify`, or the tables contradict the tree.
        """
        head = state.head
        if head == self.head and not state.lost:
            return
        await self.verify(connection, self.head, state)
        peaks = _split(head)
        read: dict[Node, bytes] = dict(peaks)
        if merkle.root(head.size, lambda level, index: read[level, index]) != head.root and head.size:
            raise Fault(
                Code.FAULT_STORE, "the head's edge does not give its root; stop the nodes, and run `remit doctor`"
            )
        if len(self._cache) > _CACHE:
            self._cache.clear()
        self._cache.update(read)
        self.head = head

    async def verify(self, connection: Connection, known: LogHead, state: GroupState) -> None:
        """Verify that the log just read continues the known one.

        ⚔ Another node's entries count only with the log's own signature; a log that became shorter or different, or
        grew from a shorter one, is a copy put in place of the real one, or a primary that lost data. What one node
        knows to be missing counts for all of them.

        Raises:
            StoreLost: nothing is served from such a store before it is inspected.
            Fault: `fault.store`.

        Source: docs/model/model.md#log.
        """
        head = state.head
        if head.seq < known.seq:  # ⚔ only this notices lost groups without entries (marks, sessions, sent notices)
            raise StoreLost(f"the store is at its group {head.seq}, and was at {known.seq}")
        if (head.size, head.root, head.note) != (known.size, known.root, known.note):
            if head.size <= known.size:
                raise StoreLost(f"the log has {head.size} entries of another history, where {known.size} stood")
            try:
                signed = self._verify(head.note)
            except Refused as refused:
                raise Fault(Code.FAULT_STORE, f"the log's checkpoint does not verify: {refused.detail}") from None
            if (signed.size, signed.root) != (head.size, head.root):
                raise Fault(Code.FAULT_STORE, "the log's checkpoint is of another tree")
            await self._verify_goes_on(connection, known.size, known.root, state)
        if state.lost and state.lost != self._found:
            await self._verify_found(connection, state)

    async def _verify_goes_on(self, connection: Connection, size: int, root: bytes, state: GroupState) -> None:
        """Verify that a head's tree begins with a known one: by the leaves between them if read, else by a proof."""
        head = state.head
        added = [state.leaves.get(place) for place in range(size, min(head.size, size + len(state.leaves)))]
        if root == self.head.root and self.head.edge and size + len(added) == head.size and all(added):
            made = merkle.new_hashes(size, merkle.leaf_hashes(filter(None, added)), self._known)
            if merkle.root(head.size, self._over(made)) == head.root:
                self._cache.update(made)
                return
        proof = await self._looked(connection, lambda read: merkle.consistency_proof(size, head.size, read), {})
        try:
            verify_consistency(old=size, new=head.size, old_root=root, new_root=head.root, proof=proof)
        except Refused:
            raise StoreLost(f"the log of {head.size} entries does not begin with the {size} that stood") from None

    async def _verify_found(self, connection: Connection, state: GroupState) -> None:
        """Verify that entries once reported missing are here: then the right store has been put back."""
        try:
            missed = self._verify(state.lost)
        except Refused:
            return  # anyone with write access to the database could forge that
        if missed.size > state.head.size:
            raise StoreLost(f"another node knows of {missed.size} entries, and {state.head.size} are here")
        await self._verify_goes_on(connection, missed.size, missed.root, state)
        self._found = state.lost

    def grow(self, leaves: Sequence[bytes], sign: Sign) -> GrownTree:
        """Append leaf data and sign; the result counts once it is written (`mark_written`)."""
        head = self.head
        if not leaves:
            return GrownTree(head._replace(seq=head.seq + 1), {}, ())
        made = merkle.new_hashes(head.size, merkle.leaf_hashes(leaves), self._known)
        read = self._over(made)
        size = head.size + len(leaves)
        root = merkle.root(size, read)
        edge = b"".join(read(level, (size >> level) - 1) for level in range(size.bit_length()) if size >> level & 1)
        nodes = [(level // 8, index, found) for (level, index), found in made.items() if level and level % 8 == 0]
        return GrownTree(LogHead(head.seq + 1, size, root, sign(size, root), edge), made, nodes)

    def mark_written(self, grown: GrownTree) -> None:
        """Take over a tree that was written."""
        if len(self._cache) > _CACHE:
            self._cache.clear()
            self._cache.update(_split(grown.head))
        self._cache.update(grown.made)
        self.head = grown.head

    async def proofs(
        self, connection: Connection, indexes: Iterable[int], size: int, made: dict[Node, bytes]
    ) -> dict[int, tuple[bytes, ...]]:
        """Build inclusion proofs in the tree of `size` entries, of which `made` hashes are not written yet.

        Raises:
            Fault: `fault.store` when the store lacks a hash.
        """
        indexes = tuple(indexes)  # read again where a hash is fetched
        return await self._looked(connection, lambda read: merkle.inclusion_proofs(indexes, size, read), made)

    async def _looked(self, connection: Connection, make: Callable[[merkle.Read], T], made: dict[Node, bytes]) -> T:
        """Compute something from hashes; missing ones are fetched, all at once.

        Raises:
            Fault: `fault.store` when the store lacks a hash.
        """
        read = self._over(made)
        lacking: dict[Node, None] = {}

        def look(level: int, index: int) -> bytes:
            try:
                return read(level, index)
            except KeyError:
                lacking[level, index] = None
                return b""

        size = len(self._cache)
        found = make(look)
        if not lacking:
            return found
        kept = dict(self._cache)  # the cache may drop them before the rest is here
        fetched = await self.fetch(connection, lacking)
        if len(self._cache) >= size:
            self._cache.update(fetched)
        return make(lambda level, index: made.get((level, index)) or fetched.get((level, index)) or kept[level, index])

    async def fetch(self, connection: Connection, wanted: Iterable[Node]) -> dict[Node, bytes]:
        """Compute hashes of complete subtrees from what the tables keep.

        Raises:
            Fault: `fault.store` when a table lacks one.
        """
        wanted = list(wanted)
        leaves = [place for level, index in wanted if level < 8 for place in _below(level, index)]  # noqa: PLR2004  # a tile's height
        nodes = [(level // 8, place) for level, index in wanted if level >= 8 for place in _below(level % 8, index)]  # noqa: PLR2004  # a tile's height
        rows = await connection.fetch(
            _FETCH, self._desk, leaves, [level for level, _ in nodes], [place for _, place in nodes]
        )
        kept = {(level, place): merkle.leaf_hash(found) if level == 0 else found for level, place, found in rows}
        found: dict[Node, bytes] = {}
        for level, index in wanted:
            row = [kept.get((level // 8, place), b"") for place in _below(level % 8, index)]
            if not all(row):
                raise Fault(Code.FAULT_STORE, f"the log lacks hashes at level {level}, {index}")
            found[level, index] = top_hash(row)
        return found

    def _known(self, level: int, index: int) -> bytes:
        return self._cache[level, index]

    def _over(self, made: dict[Node, bytes]) -> Callable[[int, int], bytes]:
        cache = self._cache

        def read(level: int, index: int) -> bytes:
            found = made.get((level, index))
            return cache[level, index] if found is None else found

        return read


def _below(height: int, index: int) -> range:
    return range(index << height, (index + 1) << height)


def _split(head: LogHead) -> dict[Node, bytes]:
    """Return the peaks of a head by their places.

    Raises:
        Fault: `fault.store` when their number does not fit its size.
    """
    levels = [level for level in range(head.size.bit_length()) if head.size >> level & 1]
    if len(head.edge) != HASH_SIZE * len(levels):
        raise Fault(Code.FAULT_STORE, "the head's edge is not that of its size; stop the nodes, and run `remit doctor`")
    parts = (head.edge[start : start + HASH_SIZE] for start in range(0, len(head.edge), HASH_SIZE))
    return {(level, (head.size >> level) - 1): part for level, part in zip(levels, parts, strict=True)}


_REPORT: Final = """insert into record (desk, kind, id, rev, body, mac) values ($1, $2, $3, 1, $4, '')
on conflict do nothing"""
_FORGET: Final = "delete from record where desk = $1 and kind = $2 and id = $3"


class KnownTree:
    """Log as far as this node has seen it, and whether the store still has it."""

    def __init__(self, desk: str, tree: PostgresTree, *, decoded: DecodeCache, high_water: HighWater) -> None:
        self._desk = desk
        self._decoded = decoded
        self._high_water = high_water
        self.tree = tree
        self.lost: StoreLost | None = None
        """Error raised to readers while the store lacks what was seen."""

    async def advance_to(self, connection: Connection, state: GroupState | None = None) -> None:
        """Move to the head that was read, or that is read now. One call at a time.

        Raises:
            Fault: `fault.store`, as `StoreLost` where the store lacks what was seen.
        """
        state = state or await self._ground(connection)
        if self._high_water.frozen:  # a recovery goes on from what is left
            state.lost = ""
        await self._report_loss(connection, self.tree.advance_to(connection, state))
        self.lost = None

    async def verify(self, connection: Connection) -> None:
        """Verify that the server of a new connection has all that was seen when it was made.

        Raises:
            Fault: as `advance_to`.
        """
        known = self.tree.head
        state = await self._ground(connection)
        if self._high_water.frozen:
            state.lost = ""
        await self._report_loss(connection, self.tree.verify(connection, known, state))

    async def accept_loss(self, connection: Connection) -> None:
        """Delete the report of a loss: the end of a recovery."""
        await connection.execute(_FORGET, self._desk, *LOST)

    async def _ground(self, connection: Connection) -> GroupState:
        return await load_group_state(connection, self._desk, (), self._decoded, since=self.tree.head.size)

    async def _report_loss(self, connection: Connection, verifying: Awaitable[None]) -> None:
        """Await a verification; report a loss to all other nodes, in the store itself.

        ⚔ A node that never saw the lost entries would continue from what is left and overwrite their history.
        """
        try:
            await verifying
        except StoreLost as lost:
            self.lost = lost
            with contextlib.suppress(*BROKEN):
                await connection.execute(_REPORT, self._desk, *LOST, self.tree.head.note.encode())
            raise
