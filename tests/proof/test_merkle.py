"""The tree: every proof verifies, and nothing else does."""

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.proof import merkle
from remit.proof.errors import LogDamagedError, ProofError

SIZES = st.integers(1, 300)


def mth(leaves: Any) -> Any:
    """RFC 6962 §2.1 as it is written there: the oracle."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + mth(leaves[:split]) + mth(leaves[split:])).digest()


def leaves(size: int) -> Any:
    return [merkle.leaf_hash(b"%d" % number) for number in range(size)]


def tree(size: int) -> Any:
    nodes = merkle.new_hashes(0, leaves(size), lambda level, index: pytest.fail(f"read {level}/{index} of an empty tree"))
    return lambda level, index: nodes[level, index]


def flipped(raw: bytes, bit: int) -> Any:
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


@given(st.integers(0, 300))
def test_the_root_is_rfc_6962s(size: int) -> None:
    assert merkle.root(size, tree(size)) == mth(leaves(size))


@settings(max_examples=60)
@given(SIZES, st.data())
def test_every_inclusion_proof_verifies_and_any_flipped_bit_fails(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaf, expected = leaves(size)[index], mth(leaves(size))
    proof = merkle.inclusion_proof(index, size, tree(size))
    merkle.verify_inclusion(index=index, size=size, leaf=leaf, proof=proof, expected_root=expected)
    parts = [leaf, expected, *proof]
    hit = data.draw(st.integers(0, len(parts) - 1))
    parts[hit] = flipped(parts[hit], data.draw(st.integers(0, 255)))
    with pytest.raises(ProofError):
        merkle.verify_inclusion(index=index, size=size, leaf=parts[0], proof=parts[2:], expected_root=parts[1])


@settings(max_examples=60)
@given(SIZES, st.data())
def test_an_inclusion_proof_holds_for_no_other_index_and_with_nothing_added_or_taken(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaf, expected = leaves(size)[index], mth(leaves(size))
    proof = merkle.inclusion_proof(index, size, tree(size))
    other = data.draw(st.integers(-1, 2 * size).filter(lambda one: one != index))
    wrong = [(other, proof), (index, (*proof, expected)), (index, (expected, *proof)), (index, (*proof, leaf))]
    if proof:
        wrong += [(index, proof[:-1]), (index, proof[1:])]
    for claimed, steps in wrong:
        with pytest.raises(ProofError):
            merkle.verify_inclusion(index=claimed, size=size, leaf=leaf, proof=steps, expected_root=expected)


@settings(max_examples=60)
@given(SIZES, st.data())
def test_every_consistency_proof_verifies_and_any_flipped_bit_fails(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    old_root, new_root = mth(leaves(old)), mth(leaves(new))
    proof = merkle.consistency_proof(old, new, tree(new))
    merkle.verify_consistency(old=old, new=new, old_root=old_root, new_root=new_root, proof=proof)
    parts = [old_root, *proof] if old == 0 else [old_root, new_root, *proof]
    hit = data.draw(st.integers(0, len(parts) - 1))
    parts[hit] = flipped(parts[hit], data.draw(st.integers(0, 255)))
    if old == 0:
        parts.insert(1, new_root)
    with pytest.raises(LogDamagedError):
        merkle.verify_consistency(old=old, new=new, old_root=parts[0], new_root=parts[1], proof=parts[2:])


@settings(max_examples=60)
@given(SIZES, st.data())
def test_a_consistency_proof_holds_for_no_other_old_size_and_with_nothing_added_or_taken(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(0, new))
    old_root, new_root = mth(leaves(old)), mth(leaves(new))
    proof = merkle.consistency_proof(old, new, tree(new))
    other = data.draw(st.integers(-1, 2 * new).filter(lambda one: one != old))
    wrong = [(other, proof), (old, (*proof, new_root)), (old, (new_root, *proof))]
    if proof:
        wrong += [(old, proof[:-1]), (old, proof[1:])]
    for claimed, steps in wrong:
        with pytest.raises(ProofError):
            merkle.verify_consistency(old=claimed, new=new, old_root=old_root, new_root=new_root, proof=steps)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 40), max_size=8))
def test_appending_in_parts_gives_the_same_tree_as_at_once(parts: Any) -> None:
    nodes, frontier = {}, merkle.EMPTY
    everything = leaves(sum(parts))
    for part in parts:
        more = everything[frontier.size : frontier.size + part]
        made = merkle.new_hashes(frontier.size, more, lambda level, index: nodes[level, index])
        assert not made.keys() & nodes.keys()
        nodes.update(made)
        frontier = frontier.append(more)
        assert frontier.root() == mth(everything[: frontier.size])
    size = frontier.size
    assert set(nodes) == {(level, index) for level in range(size.bit_length()) for index in range(size >> level)}
    assert merkle.root(size, lambda level, index: nodes[level, index]) == frontier.root()


@pytest.mark.parametrize("level", [1, 3, 8])
def test_complete_subtrees_give_the_same_edge_as_their_leaves(level: int) -> None:
    width, known = 1 << level, leaves(5 << level)
    whole = merkle.EMPTY.append(known)
    rows = [known[start : start + width] for start in range(0, len(known), width)]
    tops = [merkle.EMPTY.append(row).root() for row in rows]
    one_by_one = merkle.EMPTY
    for top in tops:
        one_by_one = one_by_one.append([top], level=level)
    assert (one_by_one.size, one_by_one.root()) == (whole.size, whole.root())
    assert merkle.EMPTY.append(tops, level=level).append(leaves(3)).root() == whole.append(leaves(3)).root()


def test_a_frontier_is_a_value_that_appending_leaves_alone() -> None:
    one = merkle.EMPTY.append(leaves(3))
    before = one.root()
    one.append(leaves(5))
    assert (one.size, one.root()) == (3, before)


def test_a_leaf_cannot_pass_as_a_node() -> None:
    left, right = leaves(2)
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)


def test_an_entry_that_is_an_inner_node_is_not_proved() -> None:
    left, right, third = leaves(3)
    inner = merkle.node_hash(left, right)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(index=0, size=3, leaf=inner, proof=[third], expected_root=mth([left, right, third]))


@pytest.mark.parametrize("size", [0, 1, 31, 33])
def test_hashes_of_another_length_are_refused(size: int) -> None:
    odd = b"x" * size
    with pytest.raises(ProofError):
        merkle.verify_inclusion(index=0, size=1, leaf=odd, proof=[], expected_root=odd)
    with pytest.raises(ProofError):
        merkle.verify_consistency(old=1, new=1, old_root=odd, new_root=odd, proof=[])


def test_the_empty_log_begins_every_log_and_its_root_is_the_hash_of_nothing() -> None:
    merkle.verify_consistency(old=0, new=2, old_root=merkle.EMPTY_ROOT, new_root=mth(leaves(2)), proof=[])
    with pytest.raises(ProofError):
        merkle.verify_consistency(old=0, new=2, old_root=leaves(1)[0], new_root=mth(leaves(2)), proof=[])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_there_is_no_proof_for_an_entry_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no entry"):
        merkle.inclusion_proof(index, size, tree(size))


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (4, 3)])
def test_there_is_no_consistency_with_a_longer_log(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="cannot begin"):
        merkle.consistency_proof(old, new, tree(new))
