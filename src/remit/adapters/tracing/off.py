"""No traces: what a desk runs with that names no collector. It costs a call and keeps nothing."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, cast

from remit.ports.tracing import SpanAttribute, SpanName


class _Nothing:
    """A step that nobody looks at. Entering and leaving it are calls of a builtin: what is not there costs an ask next to nothing."""

    __slots__ = ()
    __enter__ = "".format
    __exit__ = "".format
    """An empty text: what was raised is not kept from anybody."""


_NOTHING: Final = cast("AbstractContextManager[None]", _Nothing())


class NoTracing:
    """The port to traces, answered by nothing."""

    def start_request(self, *, traceparent: Callable[[], str], door: str, method: str) -> AbstractContextManager[None]:
        """No span."""
        del traceparent, door, method
        return _NOTHING

    def step(self, step: SpanName) -> AbstractContextManager[None]:
        """No span."""
        del step
        return _NOTHING

    def note(self, fact: SpanAttribute, value: str | int) -> None:
        """Say it to nobody."""

    def close(self) -> None:
        """Nothing is kept."""
