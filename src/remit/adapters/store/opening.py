"""What a store is opened with, of whichever kind it is."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from remit.adapters.store.highwater import Point, Verify
from remit.adapters.store.log import Sign
from remit.ports.vault import Sealing


def _unasked(_sealed: Collection[Sealing]) -> None:
    """Whoever opens a store without content keys does not ask for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """`sign` signs a new head, `verify` verifies a checkpoint of this log, `high_water` is where the newest one is kept outside.

    With `recovering` the store may be older than its high water, which then stays as it is until `accept`: for
    `usecases/recover.py` alone, never to serve. `verify_sealed` is asked whether the keys are there that the store's content
    needs. `on_point` is called at the points at which a fault test holds or stops the process.
    """

    sign: Sign
    verify: Verify
    high_water: Path
    recovering: bool
    verify_sealed: Callable[[Collection[Sealing]], None] = _unasked
    on_point: Point | None = None
