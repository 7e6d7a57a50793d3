"""What a store is opened with, of whichever kind it is."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from remit.adapters.store.highwater import Point, Verify
from remit.adapters.store.sqlite.inspect import OutboxSummary, StoreSummary
from remit.adapters.store.sqlite.tree import Sign
from remit.ports.store import PublishedCheckpoint, Store
from remit.ports.vault import ContentKeyRef


def _unasked(_sealed: Collection[ContentKeyRef]) -> None:
    """Whoever opens a store without content keys does not ask for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreOptions:
    """`sign` signs a new head, `verify` verifies a checkpoint of this log, `high_water` is where the newest one is kept outside.

    With `recovering` the store may be older than its high water, which then stays as it is until `accept`: for
    `usecases/transcript/recover.py` alone, never to serve. `verify_sealed` is asked whether the keys are there that the store's content
    needs. `on_point` is called at the points at which a fault test holds or stops the process.
    """

    sign: Sign
    verify: Verify
    high_water: Path
    recovering: bool
    verify_sealed: Callable[[Collection[ContentKeyRef]], None] = _unasked
    on_point: Point | None = None


class ServingStore(Store, PublishedCheckpoint, Protocol):
    """A store that serves, with the checkpoint it keeps outside itself."""


class StoreLocation(Protocol):
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

    def exists(self) -> bool:
        """Whether there is a store already.

        Raises:
            Refused: `settings.invalid` when that cannot be told.
            Fault: `fault.store` when it does not answer.
        """
        ...

    def is_served(self) -> bool:
        """Whether a process serves from it.

        Raises:
            Refused: as `there`.
            Fault: as `there`.
        """
        ...

    def open(self, opening: StoreOptions) -> ServingStore:
        """Open it to serve.

        Raises:
            Refused: `settings.invalid`, `log.older`, `log.damaged`.
            Fault: `fault.store`.
        """
        ...

    def inspect(self) -> StoreSummary:
        """Look into it; nothing is written and nothing is verified.

        Raises:
            Refused: `settings.invalid` when there is no such store or it may not be read, `log.damaged` when it is none.
            Fault: `fault.store` when it does not answer.
        """
        ...

    def outbox(self) -> OutboxSummary:
        """What its outbox holds, counted up to some thousand.

        Raises:
            Refused: as `look`.
            Fault: as `look`.
        """
        ...

    def sealings(self) -> Collection[ContentKeyRef]:
        """The keys that its content needs, as far as they are looked at.

        Raises:
            Refused: as `look`.
            Fault: as `look`.
        """
        ...
