"""How trails are kept: as JSON under `kind:subject`, advanced by the domain's rules inside the transaction."""

from typing import Final

import msgspec

from remit.domain.errors import Code, Fault
from remit.domain.trajectory import SubjectKind, Trail, after, new_trail
from remit.ports.store import Step

_DECODER: Final = msgspec.json.Decoder(Trail)
_ENCODER: Final = msgspec.json.Encoder()


def name(kind: SubjectKind, subject: str) -> str:
    """Under which name a trail is kept."""
    return f"{kind}:{subject}"


def read(body: str) -> Trail:
    """Read a kept trail.

    Raises:
        Fault: `fault.store` when it is damaged: a lost trail would be a clean slate.
    """
    try:
        return _DECODER.decode(body)
    except msgspec.MsgspecError as damaged:
        raise Fault(Code.FAULT_STORE, f"a trail is damaged: {damaged}") from damaged


def advance(body: str | None, step: Step) -> str:
    """The trail after one more event, as text."""
    trail = new_trail(step.kind, step.subject) if body is None else read(body)
    return _ENCODER.encode(after(trail, step.event, step.at)).decode()
