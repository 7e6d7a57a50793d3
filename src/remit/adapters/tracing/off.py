"""No tracing: for a desk without a collector. It keeps nothing, and a step of an ask costs no call of Python's."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, cast

from remit.ports.tracing import SpanAttribute, SpanName


class _Nothing:
    """A span that is not recorded. Entering and leaving it call a builtin and cost next to nothing."""

    __slots__ = ()
    __enter__ = "".format
    __exit__ = "".format
    """Returns an empty text, which is false: exceptions pass through."""


_NOTHING: Final = cast("AbstractContextManager[None]", _Nothing())


class NoTracing:
    """Tracing port that records nothing."""

    def start_request(self, *, traceparent: Callable[[], str], door: str, method: str) -> AbstractContextManager[None]:
        """Open no span."""
        del traceparent, door, method
        return _NOTHING

    step: Callable[[SpanName], AbstractContextManager[None]] = dict.fromkeys(SpanName, _NOTHING).__getitem__
    """Opens no span: a look-up instead of a method, as an ask has ten steps."""
    note: Callable[[SpanAttribute, str | int], None] = cast("Callable[[SpanAttribute, str | int], None]", "".format)
    """Records nothing, by a method that takes anything and changes nothing."""

    def close(self) -> None:
        """Do nothing."""
