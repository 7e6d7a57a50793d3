"""Request ids, and a log line for each answered fault: the caller, told to retry, cannot report the reason."""

import logging
from contextvars import ContextVar, Token
from typing import Final

from remit.domain.errors import Fault, Refused
from remit.ports.world import World
from remit.proof.canonical import b64url

_LOG: Final = logging.getLogger("remit")


def log_fault(error: Refused | Fault, path: str) -> None:
    """Log one line for a fault; refusals stand in the transcript instead."""
    if isinstance(error, Fault):
        _LOG.error("%s at %s: %s", error.code.value, path, error.detail, extra={"event": "fault.answered"})


HEADER: Final = b"x-request-id"
ECHO: Final = "remit.echo"
"""Where a door of proved callers puts the id that the caller gave, to be answered in place of ours; never logged."""
_SIZE: Final = 9
_REQUEST: Final[ContextVar[str]] = ContextVar("remit_request", default="")


def new_request_id(world: World) -> str:
    """Make a request id. ⚔ The caller's own id is not used: it would enter the log, and could equal others'."""
    return b64url(world.random(_SIZE))


def request_id() -> str:
    """Return the id of the current request ("" outside of one)."""
    return _REQUEST.get()


def begin_request(request: str) -> Token[str]:
    """Begin a request in this context and its children; `end_request` takes the returned token."""
    return _REQUEST.set(request)


def end_request(begun: Token[str]) -> None:
    """End the request."""
    _REQUEST.reset(begun)
