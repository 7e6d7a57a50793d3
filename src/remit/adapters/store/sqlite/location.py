"""A store in one SQLite file, served by one process."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar

from remit.adapters.store.location import StoreOptions
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.store.sqlite.file import lock_file
from remit.adapters.store.sqlite.inspect import (
    OutboxSummary,
    StoreSummary,
    inspect_outbox,
    inspect_sealings,
    inspect_sqlite_rows,
    inspect_states,
    inspect_store,
)
from remit.adapters.store.sqlite.store import SqliteStore
from remit.domain.errors import Refused
from remit.domain.structs import struct
from remit.domain.transcript.pseudonyms import Keyed
from remit.ports.vault import ContentKeyRef


@struct(frozen=True)
class SqliteLocation:
    """Store at a path."""

    path: Path
    shared: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.name

    @property
    def address(self) -> str:
        """Full path of the file."""
        return str(self.path)

    def exists(self) -> bool:
        """Whether the file exists."""
        return self.path.is_file()

    def is_served(self) -> bool:
        """Whether a process has it open.

        Raises:
            Refused: `settings.invalid` when that cannot be found out.
        """
        if not self.path.parent.is_dir():
            return False
        try:
            lock_file(self.path).close()
        except Refused as refused:
            if refused.detail.startswith("another Remit has"):
                return True
            raise
        return False

    def open(self, opening: StoreOptions) -> SqliteStore:
        """Open the store to serve."""
        return SqliteStore.open(self.path, opening)

    def inspect(self) -> StoreSummary:
        """Summarize the store."""
        return inspect_store(self.path)

    def outbox(self) -> OutboxSummary:
        """Summarize its outbox."""
        return inspect_outbox(self.path)

    def sealings(self) -> Collection[ContentKeyRef]:
        """Return the keys that its content needs."""
        return inspect_sealings(self.path)

    def compare_states(self, keyed: Keyed) -> Sequence[str]:
        """Compare rows and log."""
        return inspect_states(self.path, keyed)

    def verify_rows(self, macs: RowMacs, high_water: Path, *, whole: bool = True) -> int | None:
        """Verify all rows."""
        return inspect_sqlite_rows(self.path, macs, high_water, whole=whole)
