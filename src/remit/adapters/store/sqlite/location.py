"""A store in one SQLite file, served by one process."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from remit.adapters.store.location import Opening
from remit.adapters.store.sqlite.file import hold
from remit.adapters.store.sqlite.inspect import Look, Outbox, look, look_at_outbox, look_at_sealings
from remit.adapters.store.sqlite.store import SqliteStore
from remit.domain.errors import Refused
from remit.ports.vault import Sealing


@dataclass(frozen=True, slots=True)
class SqlitePlace:
    """A store at a path."""

    path: Path
    shared: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def address(self) -> str:
        """The file with its folder."""
        return str(self.path)

    def there(self) -> bool:
        """Whether there is a file."""
        return self.path.is_file()

    def served(self) -> bool:
        """Whether a process has it open.

        Raises:
            Refused: `settings.invalid` when that cannot be told.
        """
        if not self.path.parent.is_dir():
            return False
        try:
            hold(self.path).close()
        except Refused as refused:
            if refused.detail.startswith("another Remit has"):
                return True
            raise
        return False

    def open(self, opening: Opening) -> SqliteStore:
        """Open it to serve."""
        return SqliteStore.open(self.path, opening)

    def look(self) -> Look:
        """Look into it."""
        return look(self.path)

    def outbox(self) -> Outbox:
        """What its outbox holds."""
        return look_at_outbox(self.path)

    def sealings(self) -> Collection[Sealing]:
        """The keys that its content needs."""
        return look_at_sealings(self.path)
