"""How trails are kept: as JSON under `kind:subject`."""

from typing import Final

import msgspec

from remit.domain.errors import Code, Fault
from remit.domain.policy.risk import RiskHistory, SubjectKind

_DECODER: Final = msgspec.json.Decoder(RiskHistory)
_ENCODER: Final = msgspec.json.Encoder()


def risk_history_key(kind: SubjectKind, subject: str) -> str:
    """Under which name a trail is kept."""
    return f"{kind}:{subject}"


def decode_risk_history(body: str | bytes) -> RiskHistory:
    """Read a kept trail.

    Raises:
        Fault: `fault.store` when it is damaged: a lost trail would be a clean slate.
    """
    try:
        return _DECODER.decode(body)
    except msgspec.MsgspecError as damaged:
        raise Fault(Code.FAULT_STORE, f"a trail is damaged: {damaged}") from damaged


def encode_risk_history_text(trail: RiskHistory) -> str:
    """A trail as it is kept."""
    return _ENCODER.encode(trail).decode()


def encode_risk_history(trail: RiskHistory) -> bytes:
    """A trail as bytes."""
    return _ENCODER.encode(trail)
