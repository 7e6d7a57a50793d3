"""The port to traces: how long each step of a request took, for whoever runs the desk. It never says for whom, or what was asked."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol


class SpanAttribute(StrEnum):
    """Everything a span may say. ⚔ The list is closed: ids, names, params, words and amounts are not in it, nor is a customer.

    Values come from closed lists of ours too, but for the request's own id, which is made here.
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
    """Keeps traces. Best effort: a trace that is lost changes nothing that holds, and no call here raises or waits for anybody.

    A step outside a request is kept nowhere. A step that an exception leaves says the exception's code, and nothing else of it.
    """

    def start_request(self, *, traceparent: Callable[[], str], door: str, method: str) -> AbstractContextManager[None]:
        """A request comes in: the span that holds all of its steps.

        `traceparent` gives what the caller says of the trace it belongs to (W3C Trace Context; "" for nothing).
        """
        ...

    def step(self, step: SpanName) -> AbstractContextManager[None]:
        """One step of the request that is under way here."""
        ...

    def note(self, fact: SpanAttribute, value: str | int) -> None:
        """Say something of the innermost span that is open here."""
        ...

    def close(self) -> None:
        """Hand on what is still kept, within some seconds, and keep nothing from then on."""
        ...
