"""The port to traces: the duration of each step of a request, for operators, without people or contents."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol


class SpanAttribute(StrEnum):
    """Everything a span may say. ⚔ The list is closed: no ids, names, params, words, amounts or customers.

    Values come from our own closed lists too, except the request's own id, which is made here.
    """

    AREA = "remit.area"
    CODE = "remit.code"
    DECISION = "remit.decision"
    DOOR = "remit.door"
    METHOD = "http.request.method"
    OUTCOME = "remit.outcome"
    REQUEST = "remit.request"
    STATUS = "http.response.status_code"


class SpanName(StrEnum):
    """The steps of a request, each a span (docs/the-path.md)."""

    ACT = "act"
    DOOR = "door"
    IDENTITY = "identity"
    OUTCOME = "outcome"
    POLICY = "policy"
    RECORD = "record"
    RULES = "rules"
    STANDING = "standing"


class Tracing(Protocol):
    """Keeps traces. Best effort: a lost trace changes no state, and no call here raises or blocks.

    A step outside a request is not kept. A step left by an exception records the exception's code alone.
    """

    def start_request(self, *, traceparent: Callable[[], str], door: str, method: str) -> AbstractContextManager[None]:
        """Open the span of an incoming request, which holds all of its steps.

        `traceparent` gives the caller's trace (W3C Trace Context; "" for none).
        """

    def step(self, step: SpanName) -> AbstractContextManager[None]:
        """Open the span of one step of the current request."""

    def note(self, fact: SpanAttribute, value: str | int) -> None:
        """Record an attribute of the innermost open span."""

    def close(self) -> None:
        """Flush kept spans within some seconds, and keep none from then on."""
