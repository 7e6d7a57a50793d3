"""The log and its envelopes straight out of a store's SQLite file, opened for reading only, also while a desk serves from it.

For `remit verify-log`. Nothing read here is trusted, and nothing is written.
"""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self

from remit.adapters.sqlite_files import unreadable, verify_there
from remit.adapters.store.shown import show_journalled
from remit.domain.errors import Code, Fault, Refused
from remit.domain.merkle import leaf_hashes
from remit.domain.tiles import WIDTH, Bundle, Tile, encode_bundle

_BUSY_MS: Final = 5_000


class SqliteLog:
    """Reads checkpoint, tiles, bundles and records in one moment of the file: a log that grows meanwhile does not confuse it."""

    def __init__(self, path: Path) -> None:
        """Open the file and stay at its present state until closed.

        Raises:
            Refused: `settings.invalid` when there is no such file or it may not be read, `log.damaged` when it is no store.
            Fault: `fault.store` when it does not answer.
        """
        verify_there(path)
        try:
            self._connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        except sqlite3.Error as problem:
            raise unreadable(path, problem) from None
        self._connection.text_factory = bytes  # what should be bytes and is text is told by the hashes, not by a decoder
        try:
            for pragma in ("trusted_schema = off", "temp_store = memory", f"busy_timeout = {_BUSY_MS}"):
                self._connection.execute(f"pragma {pragma}")
            self._connection.execute("begin")
            show_journalled(self._connection)
            self._connection.execute("pragma query_only = on")
            row = self._connection.execute("select note from head").fetchone()
        except (sqlite3.Error, Refused) as problem:
            self._connection.close()
            raise unreadable(path, problem) from None
        self._note: object = row[0] if row else b""

    def __enter__(self) -> Self:
        """Close it at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def checkpoint(self) -> str:
        """The newest signed checkpoint.

        Raises:
            Refused: `log.damaged` when there is none, or it is no text.
        """
        if not self._note:
            raise Refused(Code.LOG_DAMAGED, "the log has no checkpoint: it is empty, or its head was taken away")
        if isinstance(self._note, bytes):
            with contextlib.suppress(UnicodeDecodeError):
                return self._note.decode("utf-8", errors="strict")
        raise Refused(Code.LOG_DAMAGED, "the log's checkpoint is no text")

    def tile(self, tile: Tile) -> bytes:
        """The bytes of one tile of hashes."""
        if tile.level == 0:
            return b"".join(leaf_hashes(self._row("leaf", Bundle(index=tile.index, width=tile.width))))
        first = tile.index * WIDTH
        statement = "select hash from node where level = ? and idx >= ? and idx < ? order by idx"
        return b"".join(self._bytes(statement, (tile.level, first, first + tile.width), tile.width, tile.path))

    def bundle(self, bundle: Bundle) -> bytes:
        """The bytes of one entry bundle."""
        return encode_bundle(self._row("leaf", bundle))

    def records(self, bundle: Bundle) -> Sequence[bytes]:
        """The envelope records of a bundle's entries, in order."""
        return self._row("envelope", bundle)

    def _row(self, column: str, bundle: Bundle) -> list[bytes]:
        first = bundle.index * WIDTH
        statement = f"select {column} from entry where idx >= ? and idx < ? order by idx"  # noqa: S608  # one of our own two column names
        return self._bytes(statement, (first, first + bundle.width), bundle.width, bundle.path)

    def _bytes(self, statement: str, given: tuple[int, ...], count: int, path: str) -> list[bytes]:
        try:
            rows: list[Any] = [value for (value,) in self._connection.execute(statement, given)]
        except sqlite3.DatabaseError as broken:
            if isinstance(broken, sqlite3.OperationalError):
                raise Fault(Code.FAULT_STORE, f"{path}: {broken}") from None
            raise Refused(Code.LOG_DAMAGED, f"{path}: {broken}") from None
        except OverflowError:
            raise Refused(Code.LOG_DAMAGED, f"the log has no {path}") from None
        if len(rows) != count or not all(isinstance(one, bytes) for one in rows):
            raise Refused(Code.LOG_DAMAGED, f"the log lacks entries or hashes of {path}")
        return rows
