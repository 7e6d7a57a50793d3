"""A fault that was answered leaves a line in the process's own log: whoever is told to try again cannot tell the desk
why.
"""

import logging
from contextvars import ContextVar, Token
from typing import Final

from remit.domain.errors import Fault, Refused
from remit.ports.world import World
from remit.proof.canonical import b64url

_LOG: Final = logging.getLogger("remit")


def log_fault(error: Refused | Fault, path: str) -> None:
    """One line for a fault; a refusal is no fault, and stands in the transcript where it belongs there."""
    if isinstance(error, Fault):
        _LOG.error("%s at %s: %s", error.code.value, path, error.detail, extra={"event": "fault.answered"})


HEADER: Final = b"x-request-id"
_SIZE: Final = 9
_REQUEST: Final[ContextVar[str]] = ContextVar("remit_request", default="")


def new_request_id(world: World) -> str:
    """An id for a request. ⚔ What a caller calls it is not taken over: it would stand in the log, and be that of others
    too.
    """
    return b64url(world.random(_SIZE))


def request_id() -> str:
    """The id of the request that is being answered here ("" outside of one)."""
    return _REQUEST.get()


def begin_request(request: str) -> Token[str]:
    """From here on a request is answered here, and by what is started here; `end_request` takes what this returns."""
    return _REQUEST.set(request)


def end_request(begun: Token[str]) -> None:
    """The request is answered."""
    _REQUEST.reset(begun)
