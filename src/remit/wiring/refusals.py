"""What stops the start of a desk, told to a program that starts one and knows none of the rooms: a sandbox."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from remit.domain.errors import MEANINGS, Fault, Refused

Stopping: TypeAlias = Refused | Fault
STOPS: Final = (Refused, Fault)


@dataclass(frozen=True, slots=True)
class StartFailure:
    """Why there is no desk. `broken` tells a fault, which may pass, from rules or settings that have to be corrected."""

    code: str
    title: str
    detail: str
    cure: str
    own_cure: bool
    broken: bool


def start_failure(error: Stopping) -> StartFailure:
    """What an error says. `own_cure` tells a cure for just this error from the one its code has."""
    meaning = MEANINGS[error.code]
    return StartFailure(
        code=error.code.value,
        title=meaning.title,
        detail=error.detail or meaning.title,
        cure=error.cure or meaning.cure,
        own_cure=bool(error.cure),
        broken=isinstance(error, Fault),
    )
