"""A fault that was answered leaves a line in the process's own log: whoever is told to try again cannot tell the desk why."""

import logging
from typing import Final

from remit.domain.errors import Fault, Refused

_LOG: Final = logging.getLogger("remit")


def note_fault(error: Refused | Fault, path: str) -> None:
    """One line for a fault; a refusal is no fault, and stands in the transcript where it belongs there."""
    if isinstance(error, Fault):
        _LOG.error("%s at %s: %s", error.code.value, path, error.detail, extra={"event": "fault.answered"})
