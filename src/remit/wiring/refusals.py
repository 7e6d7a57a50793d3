"""Reasons why a desk did not start, for a program that starts one without the inner packages: a sandbox."""

from typing import Final, TypeAlias

from remit.domain.errors import MEANINGS, Fault, Refused
from remit.domain.structs import struct

Stopping: TypeAlias = Refused | Fault
STOPS: Final = (Refused, Fault)


@struct(frozen=True)
class StartFailure:
    """The reason for a failed start. `broken` marks a fault, which may pass, not rules or settings to correct."""

    code: str
    title: str
    detail: str
    cure: str
    own_cure: bool
    broken: bool


def start_failure(error: Stopping) -> StartFailure:
    """Describe an error. `own_cure` marks a cure for just this error, as opposed to its code's own."""
    meaning = MEANINGS[error.code]
    return StartFailure(
        code=error.code.value,
        title=meaning.title,
        detail=error.detail or meaning.title,
        cure=error.cure or meaning.cure,
        own_cure=bool(error.cure),
        broken=isinstance(error, Fault),
    )
