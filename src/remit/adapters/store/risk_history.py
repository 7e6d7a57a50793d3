"""Risk histories as JSON under `kind:subject`."""

from typing import Final

import msgspec

from remit.domain.errors import Code, Fault
from remit.domain.policy.risk import RiskHistory, SubjectKind

_DECODER: Final = msgspec.json.Decoder(RiskHistory)
_ENCODER: Final = msgspec.json.Encoder()


def risk_history_key(kind: SubjectKind, subject: str) -> str:
    """Return the key of a risk history."""
    return f"{kind}:{subject}"


def decode_risk_history(body: str | bytes) -> RiskHistory:
    """Decode a risk history.

    Raises:
        Fault: `fault.store` when it is damaged: losing it would clear the subject.
    """
    try:
        return _DECODER.decode(body)
    except msgspec.MsgspecError as damaged:
        raise Fault(Code.FAULT_STORE, f"a trail is damaged: {damaged}") from damaged


def encode_risk_history_text(trail: RiskHistory) -> str:
    """Encode a risk history as text."""
    return _ENCODER.encode(trail).decode()


def encode_risk_history(trail: RiskHistory) -> bytes:
    """Encode a risk history as bytes."""
    return _ENCODER.encode(trail)
