"""Log of a store's SQLite file."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from remit.adapters.db.sqlite_errors import open_read_only, read_error, verify_file_exists
from remit.adapters.log_reader.stored import HEAD, StoredLog
from remit.adapters.store.sqlite.inspect import overlay_journal
from remit.domain.errors import Code, Fault, Refused

_BUSY_MS: Final = 5_000


class SqliteLog(StoredLog):
    """Log at one moment of its file."""

    def __init__(self, path: Path) -> None:
        """Open the file and stay at its present state until closed.

        Raises:
            Refused: `settings.invalid` when the file is missing or unreadable, `log.damaged` when it is no store.
            Fault: `fault.store` when it does not answer.
        """
        verify_file_exists(path)
        try:
            self._connection = open_read_only(path)
        except sqlite3.Error as problem:
            raise read_error(path, problem) from None
        self._connection.text_factory = bytes  # hashes, not a decoder, must find text where bytes belong
        try:
            for pragma in ("trusted_schema = off", "temp_store = memory", f"busy_timeout = {_BUSY_MS}"):
                self._connection.execute(f"pragma {pragma}")
            self._connection.execute("begin")
            overlay_journal(self._connection)
            self._connection.execute("pragma query_only = on")
            super().__init__(self._rows, self._connection.execute(HEAD).fetchone())
        except (sqlite3.Error, Refused) as problem:
            self._connection.close()
            raise read_error(path, problem) from None

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _rows(self, statement: str, given: Sequence[Any], path: str) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(statement, given).fetchall()
        except sqlite3.DatabaseError as broken:
            if isinstance(broken, sqlite3.OperationalError):
                raise Fault(Code.FAULT_STORE, f"{path}: {broken}") from None
            raise Refused(Code.LOG_DAMAGED, f"{path}: {broken}") from None
        except OverflowError:
            raise Refused(Code.LOG_DAMAGED, f"the log has no {path}") from None
