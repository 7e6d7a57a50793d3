"""The transcript cut into tiles (C2SP tlog-tiles, 256 wide): paths, widths, changes by an append, and entry bundles.

Foreign tile bytes are checked for their length only; the root proves them.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final, TypeAlias

from remit.proof.errors import LogDamagedError, NoTileError
from remit.proof.merkle import HASH_SIZE, Read, subtree

WIDTH: Final = 256
HEIGHT: Final = 8
MAX_LEVEL: Final = 63
MAX_ENTRY: Final = 0xFFFF

_PATH: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)
_OWN_ENTRY: Final = 32
"""Our entries are SHA-256 values, so their bundles are joined and cut without a loop over prefixes."""
_OWN_LENGTH: Final = _OWN_ENTRY.to_bytes(2, "big")
_OWN_ENTRIES: Final = Struct(f"2x{_OWN_ENTRY}s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One tile of hashes: `width` hashes of complete subtrees of height `8 * level`, from `256 * index` on."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """Return its path below the log's prefix."""
        return f"tile/{self.level}/{_place(self.index, self.width)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One bundle of `width` entries, from `256 * index` on."""

    index: int
    width: int

    @property
    def path(self) -> str:
        """Return its path below the log's prefix."""
        return f"tile/entries/{_place(self.index, self.width)}"


GetTile: TypeAlias = Callable[[Tile], bytes]


def verify_path(unverified: str) -> Tile | Bundle:
    """Parse a path such as `tile/0/x001/x234/067.p/8`.

    Raises:
        NoTileError: for anything but the one spelling of a tile's path.

    Source: C2SP tlog-tiles.
    """
    found = _PATH.fullmatch(unverified)
    if found is None:
        raise NoTileError("not a tile's path")
    kind, place, partial = found.groups()
    index = int(place.replace("x", "").replace("/", ""))
    width = WIDTH if partial is None else int(partial)
    tile = Bundle(index=index, width=width) if kind == "entries" else Tile(level=int(kind), index=index, width=width)
    if tile.path != unverified or width > WIDTH or (isinstance(tile, Tile) and tile.level > MAX_LEVEL):
        raise NoTileError("not a tile's path")
    return tile


def tiles(size: int) -> Iterator[Tile]:
    """Yield all tiles of a log of `size` entries, level by level."""
    return changed_tiles(0, size)


def changed_tiles(old: int, new: int) -> Iterator[Tile]:
    """Yield the tiles that appear or grow when a log goes from `old` to `new` entries, with their new widths."""
    level = 0
    while new >> (HEIGHT * level):
        before, after = old >> (HEIGHT * level), new >> (HEIGHT * level)
        yield from (Tile(level=level, index=index, width=width) for index, width in _spans(before, after))
        level += 1


def bundles(size: int) -> Iterator[Bundle]:
    """Yield all entry bundles of a log of `size` entries."""
    return changed_bundles(0, size)


def changed_bundles(old: int, new: int) -> Iterator[Bundle]:
    """Yield the entry bundles that appear or grow when a log goes from `old` to `new` entries."""
    return (Bundle(index=index, width=width) for index, width in _spans(old, new))


def nodes(tile: Tile) -> Iterator[tuple[int, int]]:
    """Yield the complete subtrees (level, index) whose hashes make up a tile, in order."""
    return ((HEIGHT * tile.level, WIDTH * tile.index + place) for place in range(tile.width))


def tile_reader(get_tile: GetTile, size: int) -> Read:
    """Read complete-subtree hashes of a log of `size` entries out of its tiles, each fetched once.

    Raises (when read):
        LogDamagedError: when a tile has the wrong length.
    """
    seen: dict[tuple[int, int], list[bytes]] = {}

    def read(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        tile_index, offset = divmod(index << height, WIDTH)
        row = seen.get((tile_level, tile_index))
        if row is None:
            width = min(WIDTH, (size >> (HEIGHT * tile_level)) - tile_index * WIDTH)
            tile = Tile(level=tile_level, index=tile_index, width=width)
            row = seen[tile_level, tile_index] = split_tile(tile, get_tile(tile))
        part = row[offset : offset + (1 << height)]
        if len(part) != 1 << height:
            raise LogDamagedError(f"the log has no complete subtree {index} of level {level}")
        return subtree(part)

    return read


def split_tile(tile: Tile, raw: bytes) -> list[bytes]:
    """Cut a tile into its hashes.

    Raises:
        LogDamagedError: when it has the wrong length.
    """
    if tile.width < 1 or len(raw) != tile.width * HASH_SIZE:
        raise LogDamagedError(f"{tile.path} is not {tile.width} hashes long")
    return [raw[start : start + HASH_SIZE] for start in range(0, len(raw), HASH_SIZE)]


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Write entries with their lengths (big-endian, 16 bit) in front.

    Raises:
        ValueError: for an entry over 65,535 bytes.
    """
    found = list(entries)
    if found and set(map(len, found)) == {_OWN_ENTRY}:
        return _OWN_LENGTH + _OWN_LENGTH.join(found)
    parts: list[bytes] = []
    for entry in found:
        if len(entry) > MAX_ENTRY:
            message = "an entry does not fit its length prefix"
            raise ValueError(message)
        parts.extend((len(entry).to_bytes(2, "big"), entry))
    return b"".join(parts)


def decode_bundle(bundle: Bundle, raw: bytes) -> Sequence[bytes]:
    """Cut a bundle into its entries.

    Raises:
        LogDamagedError: when it is not exactly `width` entries.
    """
    stride, width = _OWN_ENTRY + 2, bundle.width
    lengths = _OWN_LENGTH[:1] * width + _OWN_LENGTH[1:] * width
    if len(raw) == stride * width and raw[::stride] + raw[1::stride] == lengths:
        return [entry for (entry,) in _OWN_ENTRIES.iter_unpack(raw)]
    entries: list[bytes] = []
    place = 0
    while place < len(raw):
        start = place + 2
        place = start + int.from_bytes(raw[place:start], "big")
        entries.append(raw[start:place])
    if place != len(raw) or len(entries) != bundle.width:
        raise LogDamagedError(f"{bundle.path} is not {bundle.width} entries")
    return entries


def _place(index: int, width: int) -> str:
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.append(f"x{index % 1000:03d}")
    return "/".join(reversed(parts)) + ("" if width == WIDTH else f".p/{width}")


def _spans(before: int, after: int) -> Iterator[tuple[int, int]]:
    """Yield the tile indexes and widths touched when a row of hashes grows from `before` to `after`."""
    if before == after:
        return
    for index in range(before // WIDTH, (after - 1) // WIDTH + 1):
        yield index, min(WIDTH, after - index * WIDTH)
