"""The Merkle tree of the transcript (RFC 6962 over SHA-256): hashes, roots, proofs and their verification.

Trees are read as hashes of complete subtrees, wherever those are stored.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from types import MappingProxyType
from typing import Final, TypeAlias

from remit.proof.errors import LogDamagedError, ProofError

Read: TypeAlias = Callable[[int, int], bytes]
"""`read(level, index)` returns the hash of the complete subtree over `2**level` entries from `index * 2**level` on."""

Node: TypeAlias = tuple[int, int]
"""A complete subtree: its level (0 for a leaf) and its index within the level."""

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
MAX_SIZE: Final = 2**63 - 1

_NONE: Final[Mapping[Node, bytes]] = MappingProxyType({})
_sha256: Final = hashlib.sha256
_LEAF: Final = _sha256(b"\x00")
_NODE: Final = _sha256(b"\x01")
_PAIRS: Final = Struct(f"{2 * HASH_SIZE}s")


def _hashes_of(begun: "hashlib._Hash", parts: Iterable[bytes]) -> list[bytes]:
    """Hash each part after the begun prefix: copying that state is cheaper than prefixing every part."""
    copy = begun.copy
    found: list[bytes] = []
    for part in parts:
        state = copy()
        state.update(part)
        found.append(state.digest())
    return found


def leaf_hash(data: bytes) -> bytes:
    """Hash one entry. The prefix keeps an entry from passing as an inner node (second preimage)."""
    return _sha256(b"\x00" + data).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Hash many entries."""
    return _hashes_of(_LEAF, entries)


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into their parent."""
    return _sha256(b"\x01" + left + right).digest()


def parents(row: Sequence[bytes]) -> list[bytes]:
    """Hash neighbours of one level in pairs; an odd last one has no parent yet."""
    return _hashes_of(_NODE, [left + right for left, right in zip(row[::2], row[1::2], strict=False)])


def subtree(row: Sequence[bytes]) -> bytes:
    """Hash the row of a complete subtree, whose length is a power of two, up to its one top."""
    joined = b"".join(row)
    while len(joined) > HASH_SIZE:
        joined = b"".join(_hashes_of(_NODE, [pair for (pair,) in _PAIRS.iter_unpack(joined)]))
    return joined


def new_hashes(
    size: int, appended: Sequence[bytes], read: Read, known: Mapping[Node, bytes] = _NONE
) -> dict[Node, bytes]:
    """Return the complete subtrees that arise when leaf hashes are appended to `size` entries; reads none `known`."""
    made: dict[Node, bytes] = {}
    row = list(appended)
    level = 0
    first = size
    while row:
        made.update([((level, first + place), node) for place, node in enumerate(row)])
        if first & 1:
            row.insert(0, known.get((level, first - 1)) or read(level, first - 1))
        row = parents(row)
        first >>= 1
        level += 1
    return made


def root(size: int, read: Read, known: Mapping[Node, bytes] = _NONE) -> bytes:
    """Compute the root over the first `size` entries."""
    return _fold(size, size, read, known) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, read: Read) -> tuple[bytes, ...]:
    """Prove that the entry at `index` is in the tree of `size` entries: siblings from the leaf up.

    Raises:
        ValueError: when there is no such entry.

    Source: RFC 6962 §2.1.1.
    """
    return inclusion_proofs((index,), size, read)[index]


def inclusion_proofs(
    indexes: Iterable[int], size: int, read: Read, known: Mapping[Node, bytes] = _NONE
) -> dict[int, tuple[bytes, ...]]:
    """Prove entries in one tree, as `inclusion_proof` does one; hashes that are `known` are not read.

    From the root down, so that what entries have in common is looked up once.

    Raises:
        ValueError: there is no such entry.

    Source: RFC 6962 §2.1.1.
    """
    indexes = tuple(indexes)
    for index in indexes:
        if not 0 <= index < size:
            message = f"no entry {index} in a tree of {size}"
            raise ValueError(message)
    proofs: dict[int, tuple[bytes, ...]] = {0: ()}
    for level in reversed(range((size - 1).bit_length())):
        above, proofs = proofs, {}
        for node in {index >> level for index in indexes}:
            sibling = node ^ 1
            start = sibling << level
            if start + (1 << level) <= size:
                proofs[node] = (known.get((level, sibling)) or read(level, sibling), *above[node >> 1])
            elif start < size:
                proofs[node] = (_fold(size - start, size, read, known), *above[node >> 1])
            else:
                proofs[node] = above[node >> 1]
    return {index: proofs[index] for index in indexes}


def consistency_proof(old: int, new: int, read: Read) -> tuple[bytes, ...]:
    """Prove that the tree of `new` entries begins with the tree of `old` entries.

    Raises:
        ValueError: when `old` is larger than `new`.

    Source: RFC 6962 §2.1.2.
    """
    if not 0 <= old <= new:
        message = f"a tree of {new} cannot begin with {old} entries"
        raise ValueError(message)
    if old in {0, new}:
        return ()
    proof: list[bytes] = []
    low, high = 0, new
    whole = True
    while old != high:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        if old <= middle:
            proof.append(_fold(high - middle, high, read))
            high = middle
        else:
            proof.append(_fold(middle - low, middle, read))
            low = middle
            whole = False
    if not whole:
        proof.append(_fold(high - low, high, read))
    return tuple(reversed(proof))


def verify_inclusion(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes], expected_root: bytes) -> None:
    """Verify that the leaf hash stands at `index` in the tree with that size and root.

    Raises:
        ProofError: when it does not.

    Source: RFC 9162 §2.1.3.2.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise ProofError(f"no entry {index} in a log of {size}")
    _verify_lengths((leaf, expected_root, *proof), ProofError)
    here, last = index, size - 1
    computed = leaf
    for sibling in proof:
        if last == 0:
            raise ProofError("the proof is too long")
        if here & 1 or here == last:
            computed = node_hash(sibling, computed)
            while here and not here & 1:
                here >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, sibling)
        here >>= 1
        last >>= 1
    if last:
        raise ProofError("the proof is too short")
    if computed != expected_root:
        raise ProofError("the proof leads to another root")


def verify_consistency(*, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Verify that the larger tree begins with the smaller one: nothing was changed or taken out.

    The empty tree begins every tree; its proof is empty and its root is the hash of nothing.

    Raises:
        LogDamagedError: when it does not.

    Source: RFC 9162 §2.1.4.2.
    """
    if not 0 <= old <= new <= MAX_SIZE:
        raise LogDamagedError(f"a log of {new} cannot begin with {old} entries")
    _verify_lengths((old_root, new_root, *proof), LogDamagedError)
    if (old == 0 and old_root != EMPTY_ROOT) or (old == new and old_root != new_root):
        raise LogDamagedError(f"two roots for {old} entries")
    if old in {0, new}:
        if proof:
            raise LogDamagedError("the proof is too long")
        return
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    if not steps:
        raise LogDamagedError("the proof is too short")
    if _climb(old, new, steps) != (old_root, new_root):
        raise LogDamagedError("the proof leads to other roots")


def _climb(old: int, new: int, steps: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Compute both roots from a consistency proof whose first step is the last common subtree."""
    here, last = old - 1, new - 1
    while here & 1:
        here >>= 1
        last >>= 1
    old_root = new_root = steps[0]
    for step in steps[1:]:
        if last == 0:
            raise LogDamagedError("the proof is too long")
        if here & 1 or here == last:
            old_root = node_hash(step, old_root)
            new_root = node_hash(step, new_root)
            while here and not here & 1:
                here >>= 1
                last >>= 1
        else:
            new_root = node_hash(new_root, step)
        here >>= 1
        last >>= 1
    if last:
        raise LogDamagedError("the proof is too short")
    return old_root, new_root


def _fold(count: int, end: int, read: Read, known: Mapping[Node, bytes] = _NONE) -> bytes:
    """Compute the root over the last `count` of `end` entries, which begin at a multiple of a power of two >= count."""
    computed = b""
    for level in range(count.bit_length()):
        if count >> level & 1:
            place = (end >> level) - 1
            left = known.get((level, place)) or read(level, place)
            computed = node_hash(left, computed) if computed else left
    return computed


def _verify_lengths(hashes: Sequence[bytes], error: type[ProofError]) -> None:
    if any(len(value) != HASH_SIZE for value in hashes):
        raise error(f"a hash is not {HASH_SIZE} bytes long")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """The right edge of a growing tree: enough to append and to compute the root without the tree.

    `peaks[level]` is the hash of the last complete subtree of that level where the size has that bit, else empty.
    """

    size: int
    peaks: tuple[bytes, ...]

    def append(self, appended: Sequence[bytes], *, level: int = 0) -> "Frontier":
        """Return the edge after more leaf hashes, or complete subtrees of a level; the size is a multiple of theirs."""
        size = self.size + (len(appended) << level)
        peaks = list(self.peaks)
        row = list(appended)
        while row:
            peaks.extend([b""] * (level + 1 - len(peaks)))
            if peaks[level]:
                row.insert(0, peaks[level])
            peaks[level] = row[-1] if len(row) & 1 else b""
            row = parents(row)
            level += 1
        return Frontier(size=size, peaks=tuple(peaks))

    def root(self) -> bytes:
        """Return the root over everything appended so far."""
        computed = b""
        for peak in self.peaks:
            if peak:
                computed = node_hash(peak, computed) if computed else peak
        return computed or EMPTY_ROOT


EMPTY: Final = Frontier(size=0, peaks=())
"""The frontier of the empty log."""
