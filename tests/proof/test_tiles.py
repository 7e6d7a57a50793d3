"""Tiles: one path for each, the right ones after an append, and the same tree out of them."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.proof import merkle, tiles
from remit.proof.errors import LogDamagedError, NoTileError
from remit.proof.tiles import Bundle, Tile

WIDTHS = st.integers(1, 256)
INDEXES = st.integers(0, 2**48)


def tree(size: int) -> Any:
    return merkle.new_hashes(0, merkle.leaf_hashes(b"%d" % number for number in range(size)), lambda *_: b"")


@given(st.integers(0, 63), INDEXES, WIDTHS)
def test_a_path_reads_back_as_its_tile(level: int, index: int, width: int) -> None:
    tile = Tile(level=level, index=index, width=width)
    assert tiles.verify_path(tile.path) == tile
    bundle = Bundle(index=index, width=width)
    assert tiles.verify_path(bundle.path) == bundle


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(level=0, index=0, width=256), "tile/0/000"),
        (Tile(level=1, index=67, width=8), "tile/1/067.p/8"),
        (Tile(level=63, index=1234067, width=256), "tile/63/x001/x234/067"),
        (Bundle(index=1000, width=1), "tile/entries/x001/000.p/1"),
    ],
)
def test_paths_are_those_of_the_specification(tile: Tile, path: str) -> None:
    assert tile.path == path


@pytest.mark.parametrize(
    "path",
    [
        "", "tile", "tile/0", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/067", "tile/0/001/234", "tile/0/x001", "tile/00/001",
        "tile/64/001", "tile/-1/001", "tile/0/067.p/0", "tile/0/067.p/256", "tile/0/067.p/08", "tile/0/067.p", "tile/0/067.p/", "/tile/0/067",
        "tile/0/067/", "tile/0/067\n", "tile/0/../067", "tile/entries/1", "tile/Entries/001", "tile/0/٠٦٧", "tile/0/x001/x234/067.p/300",
    ],
)  # fmt: skip
def test_any_other_way_to_write_a_path_is_refused(path: str) -> None:
    with pytest.raises(NoTileError):
        tiles.verify_path(path)


def test_a_log_of_70000_has_the_tiles_the_specification_counts() -> None:
    all_tiles = list(tiles.tiles(70_000))
    by_level = [[tile for tile in all_tiles if tile.level == level] for level in range(4)]
    assert [len(row) for row in by_level] == [274, 2, 1, 0]
    assert [row[-1].width for row in by_level[:3]] == [112, 17, 1]
    assert all(tile.width == 256 for tile in by_level[0][:-1] + by_level[1][:-1])
    assert list(tiles.tiles(256)) == [Tile(level=0, index=0, width=256), Tile(level=1, index=0, width=1)]
    assert list(tiles.tiles(0)) == list(tiles.bundles(0)) == []


@given(st.integers(0, 200_000), st.integers(0, 2_000))
def test_an_append_changes_exactly_the_tiles_that_differ(old: int, more: int) -> None:
    before, after = set(tiles.tiles(old)), set(tiles.tiles(old + more))
    assert set(tiles.changed_tiles(old, old + more)) == after - before
    bundles_before, bundles_after = set(tiles.bundles(old)), set(tiles.bundles(old + more))
    assert set(tiles.changed_bundles(old, old + more)) == bundles_after - bundles_before


SIZE = 66_000
NODES = tree(SIZE)
RAW = {tile: b"".join(NODES[node] for node in tiles.nodes(tile)) for tile in tiles.tiles(SIZE)}


@settings(max_examples=50)
@given(st.integers(0, 16), st.data())
def test_any_complete_subtree_is_read_out_of_the_tiles(level: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, (SIZE >> level) - 1))
    assert tiles.tile_reader(RAW.__getitem__, SIZE)(level, index) == NODES[level, index]


def test_root_and_proofs_come_out_of_tiles_alone() -> None:
    read = tiles.tile_reader(RAW.__getitem__, SIZE)
    root = merkle.root(SIZE, read)
    for index in (0, 255, 256, 65_535, 65_536, SIZE - 1):
        proof = merkle.inclusion_proof(index, SIZE, read)
        merkle.verify_inclusion(index=index, size=SIZE, leaf=NODES[0, index], proof=proof, expected_root=root)
    for old in (1, 256, 65_536, 65_999):
        old_root = merkle.root(old, tiles.tile_reader(RAW.__getitem__, SIZE))
        proof = merkle.consistency_proof(old, SIZE, read)
        merkle.verify_consistency(old=old, new=SIZE, old_root=old_root, new_root=root, proof=proof)


@pytest.mark.parametrize(("level", "index"), [(0, SIZE), (17, 0), (8, 257), (3, SIZE >> 3), (40, 0)])
def test_a_subtree_that_is_not_complete_is_not_read(level: int, index: int) -> None:
    with pytest.raises(LogDamagedError):
        tiles.tile_reader(lambda tile: RAW.get(tile, b""), SIZE)(level, index)


@pytest.mark.parametrize("raw", [b"", b"x" * 31, b"x" * 33, b"x" * 64])
def test_a_tile_of_another_length_is_damage(raw: bytes) -> None:
    with pytest.raises(LogDamagedError):
        tiles.tile_reader(lambda _: raw, 1)(0, 0)


@given(st.lists(st.binary(max_size=40) | st.just(b"\x00 " * 16), min_size=1, max_size=256))
def test_a_bundle_reads_back_as_its_entries(entries: list[bytes]) -> None:
    assert list(tiles.decode_bundle(Bundle(index=0, width=len(entries)), tiles.encode_bundle(entries))) == entries


@settings(max_examples=200)
@given(st.binary(max_size=140), st.integers(1, 4))
def test_bytes_are_a_bundle_in_one_way_or_not_at_all(raw: bytes, width: int) -> None:
    entries = entries_or_none(raw, width)
    assert entries is None or (tiles.encode_bundle(entries), len(entries)) == (raw, width)


def entries_or_none(raw: bytes, width: int) -> Sequence[bytes] | None:
    try:
        return tiles.decode_bundle(Bundle(index=0, width=width), raw)
    except LogDamagedError:
        return None


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=2, max_size=6), st.integers(0, 255))
def test_a_bundle_cut_short_or_with_more_behind_is_damage(entries: list[bytes], more: int) -> None:
    raw = tiles.encode_bundle(entries)
    for wrong in (raw[:-1], raw[:-34], raw + bytes([more]), raw + raw[:34], b""):
        with pytest.raises(LogDamagedError):
            tiles.decode_bundle(Bundle(index=0, width=len(entries)), wrong)


def test_an_entry_too_long_for_its_prefix_is_not_written() -> None:
    tiles.encode_bundle([b"x" * 65_535])
    with pytest.raises(ValueError, match="prefix"):
        tiles.encode_bundle([b"x" * 65_536])
