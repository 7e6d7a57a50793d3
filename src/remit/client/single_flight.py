"""One piece of work at a time, shared by everybody who wants it meanwhile. It knows nothing of what the work is."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs a coroutine once for all callers that come while it runs; a failure reaches all of them, and only them."""

    __slots__ = ("_flight",)

    def __init__(self) -> None:
        self._flight: asyncio.Task[T] | None = None

    async def run(self, work: Callable[[], Coroutine[None, None, T]]) -> T:
        """Join the flight, or start one. A caller that is cancelled leaves; the flight goes on for the others."""
        if self._flight is None:
            self._flight = asyncio.create_task(work())
            self._flight.add_done_callback(self._land)
        return await asyncio.shield(self._flight)

    async def stop(self) -> None:
        """Cancel what still flies, and wait until it is down."""
        flight = self._flight
        if flight is not None:
            flight.cancel()
            await asyncio.wait([flight])

    def _land(self, flight: asyncio.Task[T]) -> None:
        self._flight = None
        if not flight.cancelled():
            # Look at the error even if every caller has left, so that asyncio does not report it as forgotten.
            flight.exception()
