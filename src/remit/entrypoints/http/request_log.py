"""Request ids, and a log line for each answered fault: the caller, told to retry, cannot report the reason."""

import logging
from contextvars import ContextVar
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


request_id: Final = _REQUEST.get
"""Returns the id of the current request ("" outside of one)."""
begin_request: Final = _REQUEST.set
"""Begins a request in this context and its children; `end_request` takes the returned token."""
end_request: Final = _REQUEST.reset
"""Ends the request."""
