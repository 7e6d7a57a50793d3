"""How records become bytes and back, the same for every store plug."""

from typing import Any, Final

import msgspec

from remit.domain import records
from remit.domain import records_leaks as leaks
from remit.domain.records import Record

_KINDS: Final[tuple[type[Record], ...]] = (
    records.ActRecord,
    records.AgentRecord,
    records.AskRecord,
    records.Ceremony,
    records.ConfirmationRecord,
    records.Contest,
    records.FileContent,
    records.FileRecord,
    records.Idempotency,
    records.Invitation,
    records.MandateRecord,
    records.Message,
    records.NoticeRecord,
    records.OfferRecord,
    records.Passkey,
    records.Person,
    records.Proposal,
    records.PushedRequest,
    records.RevokedToken,
    records.Rules,
    records.Session,
    records.Suspension,
    records.TaskRecord,
    leaks.CanaryRecord,
    leaks.LeakReport,
)

_ENCODER: Final = msgspec.json.Encoder()
_DECODERS: Final[dict[str, msgspec.json.Decoder[Any]]] = {kind.KIND: msgspec.json.Decoder(kind) for kind in _KINDS}


def encode(record: Record) -> bytes:
    """A record as JSON bytes."""
    return _ENCODER.encode(record)


def decode(kind: str, body: bytes) -> Record:
    """A record from JSON bytes; unknown members of newer versions are passed over, missing ones take their defaults."""
    found: Record = _DECODERS[kind].decode(body)
    return found
