"""Log and envelopes read directly from a store, also while a desk serves from it, for `remit verify-log`.

Nothing is trusted and nothing is written; a log that grows meanwhile is read at one moment.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final, Self

from remit.domain.errors import Code, Refused
from remit.proof.merkle import leaf_hashes
from remit.proof.tiles import WIDTH, Bundle, Tile, encode_bundle

HEAD: Final = "select note from head"
Ask = Callable[[str, Sequence[Any], str], list[tuple[Any, ...]]]
"""Rows of a statement, given its values and the path that is read."""


class StoredLog(ABC):
    """Reader of checkpoint, tiles, bundles and records at one moment of a store."""

    keeps_leaf_hashes: Final = False

    def __init__(self, ask: Ask, head: Any | None) -> None:  # noqa: ANN401  # a row of either driver
        """Read through `ask`, which raises `log.damaged` or `fault.store`; `head` is the row of `HEAD`."""
        self._ask = ask
        self._note: object = head[0] if head else b""
        self._last: tuple[Bundle, list[list[bytes]]] | None = None
        """Last read bundle, with leaves and perhaps records: a verifier asks for both in turn."""
        self._with_records = False

    def __enter__(self) -> Self:
        """Close it at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Release the store."""

    def checkpoint(self) -> str:
        """Return the newest signed checkpoint.

        Raises:
            Refused: `log.damaged` when there is none, or it is no text.
        """
        if not self._note:
            raise Refused(Code.LOG_DAMAGED, "the log has no checkpoint: it is empty, or its head was taken away")
        if isinstance(self._note, str):
            return self._note
        if isinstance(self._note, bytes):
            with contextlib.suppress(UnicodeDecodeError):
                return self._note.decode("utf-8", errors="strict")
        raise Refused(Code.LOG_DAMAGED, "the log's checkpoint is no text")

    def tile(self, tile: Tile) -> bytes:
        """Return one tile of hashes."""
        if tile.level == 0:
            return b"".join(leaf_hashes(self._columns(Bundle(index=tile.index, width=tile.width))[0]))
        first = tile.index * WIDTH
        statement = "select hash from node where level = ? and idx >= ? and idx < ? order by idx"
        return b"".join(self._bytes(statement, (tile.level, first, first + tile.width), tile.width, tile.path)[0])

    def bundle(self, bundle: Bundle) -> bytes:
        """Return one entry bundle."""
        return encode_bundle(self._columns(bundle)[0])

    def records(self, bundle: Bundle) -> Sequence[bytes]:
        """Return the envelope records of a bundle's entries, in order."""
        self._with_records = True  # later bundles will need them too: read both together from now on
        columns = self._columns(bundle)
        if len(columns) == 1:
            self._last = None
            columns = self._columns(bundle)
        return columns[1]

    def _columns(self, bundle: Bundle) -> list[list[bytes]]:
        if self._last is None or self._last[0] != bundle:
            first = bundle.index * WIDTH
            names = "leaf, envelope" if self._with_records else "leaf"
            statement = f"select {names} from entry where idx >= ? and idx < ? order by idx"  # noqa: S608  # our own names
            self._last = (bundle, self._bytes(statement, (first, first + bundle.width), bundle.width, bundle.path))
        return self._last[1]

    def _bytes(self, statement: str, given: tuple[int, ...], count: int, path: str) -> list[list[bytes]]:
        """Return the columns of exactly `count` rows."""
        columns = [list(column) for column in zip(*self._ask(statement, given, path), strict=True)]
        if not columns or not all(len(column) == count and set(map(type, column)) == {bytes} for column in columns):
            raise Refused(Code.LOG_DAMAGED, f"the log lacks entries or hashes of {path}")
        return columns
