"""The transcript's tree inside a store: leaves, nodes of full tiles, head and proofs.

Runs on the thread that owns the connection; knows nothing of records.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from remit.adapters.store.read_connection import ReadConnection
from remit.domain.errors import Code, Fault
from remit.proof import merkle

WIDTH: Final = 256
_CACHE: Final = 4096

Sign = Callable[[int, bytes], str]
"""Sign size and root as a checkpoint."""


class SqliteTree:
    """Tree over the entries of one database.

    Hashes of complete subtrees at the levels 8, 16, … are stored in `node`, one row for 256 below; level 0 is
    `entry.leaf`. All other levels are computed. A cache holds the right edge, which is all that proofs of new entries
    need, and what was appended since the journal was last settled.
    """

    def __init__(self, connection: ReadConnection) -> None:
        self._connection = connection
        self._cache: dict[tuple[int, int], bytes] = {}
        self.size: int = 0
        self.root: bytes = merkle.EMPTY_ROOT
        self.note: str = ""
        self.refresh()

    def refresh(self) -> None:
        """Read the present head. Cached hashes stay valid: a complete subtree never changes."""
        row = self._connection.execute("select size, root, note from head").fetchone()
        self.size, self.root, self.note = row or (0, merkle.EMPTY_ROOT, "")

    def append(self, leaves: Sequence[bytes], sign: Sign) -> Sequence[tuple[int, int, bytes]]:
        """Append leaf data and sign the new head. Return the rows to store in `node`; nothing is written here."""
        grown = merkle.new_hashes(self.size, merkle.leaf_hashes(leaves), self.hash_at, self._cache)
        self._cache.update(grown)
        self.size += len(leaves)
        self.root = merkle.root(self.size, self.hash_at, self._cache)
        self.note = sign(self.size, self.root)
        return [(level // 8, index, found) for (level, index), found in grown.items() if level and level % 8 == 0]

    def settled(self) -> None:
        """Allow the cache to be dropped: everything appended is in the tables."""
        if len(self._cache) > _CACHE:
            self._cache.clear()

    def proofs(self, indexes: Iterable[int]) -> dict[int, tuple[bytes, ...]]:
        """Return the inclusion proofs of entries in the present tree."""
        return merkle.inclusion_proofs(indexes, self.size, self.hash_at, self._cache)

    def hash_at(self, level: int, index: int) -> bytes:
        """Return the hash of a complete subtree."""
        found = self._cache.get((level, index))
        if found is None:
            found = self._compute(level, index)
            self._cache[level, index] = found
        return found

    def _compute(self, level: int, index: int) -> bytes:
        base, rest = divmod(level, 8)
        count = 1 << rest
        hashes = self.tile_hashes(base, index * count, count)
        if len(hashes) != count:
            raise Fault(Code.FAULT_STORE, f"the log lacks hashes at level {level}, {index}")
        return top_hash(hashes)

    def tile_hashes(self, tile_level: int, first: int, count: int) -> list[bytes]:
        """Return consecutive hashes of a tile level (level 0: of entries)."""
        if tile_level == 0:
            rows = self._connection.execute(
                "select leaf from entry where idx >= ? and idx < ? order by idx", (first, first + count)
            )
            return merkle.leaf_hashes([leaf for (leaf,) in rows])
        rows = self._connection.execute(
            "select hash from node where level = ? and idx >= ? and idx < ? order by idx",
            (tile_level, first, first + count),
        )
        return [found for (found,) in rows]


def top_hash(row: Sequence[bytes]) -> bytes:
    """Return the hash of a complete subtree from one row of its hashes, empty for none."""
    hashes = list(row)
    while len(hashes) > 1:
        hashes = merkle.parents(hashes)
    return hashes[0] if hashes else b""
