"""What a store is opened with, of whichever kind it is."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from remit.adapters.store.highwater import Point, Verify
from remit.adapters.store.sqlite.inspect import Look, Outbox
from remit.adapters.store.sqlite.tree import Sign
from remit.ports.store import Published, Store
from remit.ports.vault import Sealing


def _unasked(_sealed: Collection[Sealing]) -> None:
    """Whoever opens a store without content keys does not ask for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """`sign` signs a new head, `verify` verifies a checkpoint of this log, `high_water` is where the newest one is kept outside.

    With `recovering` the store may be older than its high water, which then stays as it is until `accept`: for
    `usecases/transcript/recover.py` alone, never to serve. `verify_sealed` is asked whether the keys are there that the store's content
    needs. `on_point` is called at the points at which a fault test holds or stops the process.
    """

    sign: Sign
    verify: Verify
    high_water: Path
    recovering: bool
    verify_sealed: Callable[[Collection[Sealing]], None] = _unasked
    on_point: Point | None = None


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
