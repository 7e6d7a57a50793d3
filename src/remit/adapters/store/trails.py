"""How trails are kept: as JSON text under `kind:subject`, advanced by the domain's rules inside the transaction."""

from collections.abc import Mapping

from remit.domain.canonical import canonical
from remit.domain.errors import Code, Fault
from remit.domain.trajectory import SubjectKind, Trail, after, new_trail, trail_json, verify_trail
from remit.domain.values import decode
from remit.ports.store import Step


def name(kind: SubjectKind, subject: str) -> str:
    """Under which name a trail is kept."""
    return f"{kind}:{subject}"


def read(body: str) -> Trail:
    """Read a kept trail.

    Raises:
        Fault: `fault.store` when it is damaged: a lost trail would be a clean slate.
    """
    stored = decode(body.encode())
    try:
        if isinstance(stored, Mapping):
            return verify_trail(stored)
    except ValueError as damaged:
        raise Fault(Code.FAULT_STORE, f"a trail is damaged: {damaged}") from damaged
    raise Fault(Code.FAULT_STORE, "a trail is damaged")


def advance(body: str | None, step: Step) -> str:
    """The trail after one more event, as text."""
    trail = new_trail(step.kind, step.subject) if body is None else read(body)
    return canonical(trail_json(after(trail, step.event, step.at))).decode()
