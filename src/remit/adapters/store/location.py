"""Location and options of a store of any kind."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

from remit.adapters.db.job_thread import never_alone
from remit.adapters.store.highwater import Point, Verify
from remit.adapters.store.row_macs import RowMacs
from remit.adapters.store.sqlite.inspect import OutboxSummary, StoreSummary
from remit.adapters.store.sqlite.tree import Sign
from remit.domain.structs import struct
from remit.domain.transcript.pseudonyms import Keyed
from remit.ports.store import PublishedCheckpoint, Store
from remit.ports.vault import ContentKeyRef


def _accept_sealings(_sealed: Collection[ContentKeyRef]) -> None:
    """Accept any keys, where a store is opened without content keys."""


@struct(frozen=True, kw_only=True)
class StoreOptions:
    """`sign` signs a new head, `verify` verifies a checkpoint of this log, `high_water` is the path of the newest one.

    With `recovering` the store may be older than its high water, which then stays until `accept`: for
    `usecases/transcript/recover.py` alone, never to serve. `verify_sealed` checks that the keys exist that the store's
    content needs. `rows` holds the MACs of the store's rows. `on_point` is called at the points at which a fault test holds or stops the process.
    `alone` tells whether exactly one request is in flight.
    """

    sign: Sign
    verify: Verify
    high_water: Path
    recovering: bool
    rows: RowMacs
    verify_sealed: Callable[[Collection[ContentKeyRef]], None] = _accept_sealings
    on_point: Point | None = None
    alone: Callable[[], bool] = never_alone


class ServingStore(Store, PublishedCheckpoint, Protocol):
    """Serving store with the checkpoint it keeps outside itself."""


class StoreLocation(Protocol):
    """Location of one desk's store."""

    @property
    def name(self) -> str:
        """Display name; never with a password."""
        ...

    @property
    def address(self) -> str:
        """Full address; never with a password."""
        ...

    @property
    def shared(self) -> bool:
        """Whether several processes may serve it."""
        ...

    def exists(self) -> bool:
        """Whether the store exists.

        Raises:
            Refused: `settings.invalid` when that cannot be found out.
            Fault: `fault.store` when it does not answer.
        """
        ...

    def is_served(self) -> bool:
        """Whether a process serves it.

        Raises:
            Refused: as `exists`.
            Fault: as `exists`.
        """
        ...

    def open(self, opening: StoreOptions) -> ServingStore:
        """Open the store to serve.

        Raises:
            Refused: `settings.invalid`, `log.older`, `log.damaged`.
            Fault: `fault.store`.
        """
        ...

    def inspect(self) -> StoreSummary:
        """Summarize the store; nothing is written or verified.

        Raises:
            Refused: `settings.invalid` when there is no such store or it may not be read, `log.damaged` when it is
            none. Fault: `fault.store` when it does not answer.
        """
        ...

    def outbox(self) -> OutboxSummary:
        """Summarize its outbox, counted up to some thousand.

        Raises:
            Refused: as `inspect`.
            Fault: as `inspect`.
        """
        ...

    def sealings(self) -> Collection[ContentKeyRef]:
        """Return the keys that its content needs, as far as entries are sampled.

        Raises:
            Refused: as `inspect`.
            Fault: as `inspect`.
        """
        ...

    def compare_states(self, keyed: Keyed) -> Sequence[str]:
        """Return a line for each row that is not as the log last said, also of a store that is served.

        Raises:
            Refused: as `inspect`; `log.damaged` when an entry cannot be read.
            Fault: as `inspect`.
        """
        ...

    def verify_rows(self, macs: RowMacs, high_water: Path, *, whole: bool = True) -> int | None:
        """Verify all rows, also of a store that is served; return their number, None where they have no MACs yet.

        Without `whole` what is in them is not read, only that they are all there at their last revisions.

        Raises:
            Refused: as `inspect`; `log.damaged` for rows that this desk did not write.
            Fault: as `inspect`.
        """
        ...
