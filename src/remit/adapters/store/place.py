"""Where a desk's store is kept: what can be done with it before, beside and without serving from it."""

from collections.abc import Collection
from typing import Protocol

from remit.adapters.store.look import Look, Outbox
from remit.adapters.store.opening import Opening
from remit.ports.store import Published, Store
from remit.ports.vault import Sealing


class Opened(Store, Published, Protocol):
    """A store that serves, with the checkpoint it keeps outside itself."""


class StorePlace(Protocol):
    """One desk's store, wherever it is."""

    @property
    def name(self) -> str:
        """What people call it; never with a password."""
        ...

    @property
    def address(self) -> str:
        """Where it is, whole; never with a password."""
        ...

    @property
    def shared(self) -> bool:
        """Whether several processes may serve from it."""
        ...

    def there(self) -> bool:
        """Whether there is a store already.

        Raises:
            Refused: `settings.invalid` when that cannot be told.
            Fault: `fault.store` when it does not answer.
        """
        ...

    def served(self) -> bool:
        """Whether a process serves from it.

        Raises:
            Refused: as `there`.
            Fault: as `there`.
        """
        ...

    def open(self, opening: Opening) -> Opened:
        """Open it to serve.

        Raises:
            Refused: `settings.invalid`, `log.older`, `log.damaged`.
            Fault: `fault.store`.
        """
        ...

    def look(self) -> Look:
        """Look into it; nothing is written and nothing is verified.

        Raises:
            Refused: `settings.invalid` when there is no such store or it may not be read, `log.damaged` when it is none.
            Fault: `fault.store` when it does not answer.
        """
        ...

    def outbox(self) -> Outbox:
        """What its outbox holds, counted up to some thousand.

        Raises:
            Refused: as `look`.
            Fault: as `look`.
        """
        ...

    def sealings(self) -> Collection[Sealing]:
        """The keys that its content needs, as far as they are looked at.

        Raises:
            Refused: as `look`.
            Fault: as `look`.
        """
        ...
