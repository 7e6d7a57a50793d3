"""No traces: what a desk runs with that names no collector. It costs a call and keeps nothing."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from remit.ports.tracing import Fact, Step

_NOTHING: Final[AbstractContextManager[None]] = nullcontext()


class NoTracing:
    """The port to traces, answered by nothing."""

    def arrive(self, *, traceparent: Callable[[], str], door: str, method: str) -> AbstractContextManager[None]:
        """No span."""
        del traceparent, door, method
        return _NOTHING

    def step(self, step: Step) -> AbstractContextManager[None]:
        """No span."""
        del step
        return _NOTHING

    def note(self, fact: Fact, value: str | int) -> None:
        """Say it to nobody."""

    def close(self) -> None:
        """Nothing is kept."""
