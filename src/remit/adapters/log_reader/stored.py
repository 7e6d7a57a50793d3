"""The log and its envelopes straight out of a store, opened for reading only, also while a desk serves from it.

For `remit verify-log`. Nothing read here is trusted, and nothing is written. A log that grows meanwhile does not confuse it.
"""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from remit.domain.errors import Code, Refused
from remit.proof.merkle import leaf_hashes
from remit.proof.tiles import WIDTH, Bundle, Tile, encode_bundle

HEAD: Final = "select note from head"
Ask = Callable[[str, Sequence[Any], str], list[tuple[Any, ...]]]
"""A statement, its values, and what is asked for, to its rows."""


class StoredLog:
    """Reads checkpoint, tiles, bundles and records in one moment of a store."""

    keeps_leaf_hashes: Final = False

    def __init__(self, ask: Ask, head: Any | None) -> None:  # noqa: ANN401  # a row of whichever driver
        """Read through `ask`, which tells what breaks (`log.damaged`, `fault.store`); `head` is the row that `HEAD` gave."""
        self._ask = ask
        self._note: object = head[0] if head else b""
        self._last: tuple[Bundle, list[list[bytes]]] | None = None
        """What was read last, leaves and perhaps records: whoever verifies entries asks for their records next."""
        self._with_records = False

    def checkpoint(self) -> str:
        """The newest signed checkpoint.

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
        """The bytes of one tile of hashes."""
        if tile.level == 0:
            return b"".join(leaf_hashes(self._columns(Bundle(index=tile.index, width=tile.width))[0]))
        first = tile.index * WIDTH
        statement = "select hash from node where level = ? and idx >= ? and idx < ? order by idx"
        return b"".join(self._bytes(statement, (tile.level, first, first + tile.width), tile.width, tile.path)[0])

    def bundle(self, bundle: Bundle) -> bytes:
        """The bytes of one entry bundle."""
        return encode_bundle(self._columns(bundle)[0])

    def records(self, bundle: Bundle) -> Sequence[bytes]:
        """The envelope records of a bundle's entries, in order."""
        self._with_records = True  # who wants one bundle's wants the others' too: they are read together from now on
        columns = self._columns(bundle)
        if len(columns) == 1:
            self._last = None
            columns = self._columns(bundle)
        return columns[1]

    def _columns(self, bundle: Bundle) -> list[list[bytes]]:
        if self._last is None or self._last[0] != bundle:
            first = bundle.index * WIDTH
            names = "leaf, envelope" if self._with_records else "leaf"
            statement = f"select {names} from entry where idx >= ? and idx < ? order by idx"  # noqa: S608  # our own column names
            self._last = (bundle, self._bytes(statement, (first, first + bundle.width), bundle.width, bundle.path))
        return self._last[1]

    def _bytes(self, statement: str, given: tuple[int, ...], count: int, path: str) -> list[list[bytes]]:
        """The columns of so many rows."""
        columns = [list(column) for column in zip(*self._ask(statement, given, path), strict=True)]
        if not columns or not all(len(column) == count and set(map(type, column)) == {bytes} for column in columns):
            raise Refused(Code.LOG_DAMAGED, f"the log lacks entries or hashes of {path}")
        return columns
