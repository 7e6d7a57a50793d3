"""What fills a store for the benchmarks makes a true log: its tree, its head and its ids are those a desk would have made."""

import pytest

import size_fill
from remit.adapters.store.sqlite.tree import SqliteTree
from remit.proof.merkle import EMPTY_ROOT
from size_fill import Tree, spread


class Nothing:
    """A database without a row."""

    def execute(self, _statement: str, _values: object = ()) -> "Nothing":
        return self

    def fetchone(self) -> None:
        return None


@pytest.mark.parametrize("lots", [[1, 2, 253, 1, 300], [256] * 3, [70_000]])
def test_a_tree_grown_in_lots_is_the_one_a_store_keeps(lots: list[int]) -> None:
    leaves = [number.to_bytes(32, "big") for number in range(sum(lots))]
    log = SqliteTree(Nothing())  # type: ignore[arg-type]  # everything it asks for was appended before
    tree, first = Tree(), 0
    for count in lots:
        some = leaves[first : first + count]
        assert sorted(tree.add(some)) == sorted(log.append(some, lambda _size, _root: ""))
        first += count
    size, root, note, edge = tree.head(lambda size, root: f"{size} {root.hex()}")
    assert (size, root, note) == (len(leaves), log.root, f"{size} {root.hex()}")
    assert edge == b"".join(log.hash_at(level, (size >> level) - 1) for level in range(size.bit_length()) if size >> level & 1)
    assert root != EMPTY_ROOT


def test_ids_are_spread_over_all_that_may_come_in_the_order_a_store_sorts_them() -> None:
    ids = [spread("man", number, 1000) for number in range(1000)]
    assert ids == sorted(set(ids))
    assert {len(one) for one in ids} == {30}
    assert {one[4] for one in ids} == set(size_fill.IN_ORDER)
