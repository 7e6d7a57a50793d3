"""Risk histories as JSON under `kind:subject`."""

from collections.abc import Callable
from typing import Final

import msgspec

from remit.domain.errors import Code, Fault
from remit.domain.policy.risk import RiskHistory, SubjectKind

_DECODER: Final = msgspec.json.Decoder(RiskHistory)

risk_history_key: Final[Callable[[tuple[SubjectKind, str]], str]] = ":".join
"""Return the key of a risk history, of its kind and subject."""
encode_risk_history: Final[Callable[[RiskHistory], bytes]] = msgspec.json.Encoder().encode
"""Encode a risk history."""


def decode_risk_history(body: str | bytes) -> RiskHistory:
    """Decode a risk history.

    Raises:
        Fault: `fault.store` when it is damaged: losing it would clear the subject.
    """
    try:
        return _DECODER.decode(body)
    except msgspec.MsgspecError as damaged:
        raise Fault(Code.FAULT_STORE, f"a trail is damaged: {damaged}") from damaged
