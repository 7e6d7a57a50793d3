"""Record bodies as JSON, and a cache of decoded ones."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from remit.adapters.store.cache import NOT_CACHED, SizedCache
from remit.adapters.store.risk_history import decode_risk_history
from remit.adapters.store.row_macs import RowMacs
from remit.domain import records
from remit.domain.events import records as events
from remit.domain.policy.risk import RiskHistory
from remit.domain.records import Record
from remit.ports.store import Versioned

_KINDS: Final[tuple[type[Record], ...]] = (
    records.ActRecord,
    records.AgentRecord,
    records.AskRecord,
    records.Ceremony,
    records.ClientRegistration,
    records.ConfirmationRecord,
    records.Contest,
    records.FileContent,
    records.FileRecord,
    records.IdempotencyRecord,
    records.Invitation,
    records.MandateRecord,
    records.DeskMessage,
    records.NoticeRecord,
    records.OfferRecord,
    records.OverrideReview,
    records.PasskeyRecord,
    records.PersonRecord,
    records.Proposal,
    records.PushedRequest,
    records.RevokedToken,
    records.RulesRecord,
    records.SessionRecord,
    records.Suspension,
    records.TaskRecord,
    records.TokenFamily,
    records.CanaryRecord,
    records.LeakReport,
    events.EventStream,
    events.OutgoingEvent,
    events.ReceivedEvent,
)

_ENCODER: Final = msgspec.json.Encoder()
_DECODERS: Final[dict[str, msgspec.json.Decoder[Any]]] = {kind.KIND: msgspec.json.Decoder(kind) for kind in _KINDS}


_LATER: Final[Mapping[str, Mapping[str, Any]]] = {
    records.AgentRecord.KIND: {"known_by": "", "document": "", "notification_uri": ""},
    records.AskRecord.KIND: {"enforcer": "", "usable_until": 0, "spoken": False},
    records.DeskMessage.KIND: {"overridden": ()},
    records.OfferRecord.KIND: {"choice": ""},
    records.PushedRequest.KIND: {
        "resource": "",
        "document": "",
        "addressed": "",
        "binding": "",
        "ping": "",
        "ping_token": "",
        "ping_at": 0,
        "ping_tries": 0,
    },
}
"""Members that records of earlier versions lack, with the value that is not written: their bytes stay the same."""
_ENDINGS: Final = {kind: b"," + _ENCODER.encode(unset)[1:] for kind, unset in _LATER.items()}
"""The end of an encoded record in which all of them are unset, where they are its last members."""
KINDS: Final = tuple(_DECODERS)
"""Kinds of stored records."""


def encode_record(record: Record) -> bytes:
    """Encode a record as JSON bytes."""
    later = _LATER.get(record.KIND)
    if later is None:
        return _ENCODER.encode(record)
    encoded, ending = _ENCODER.encode(record), _ENDINGS[record.KIND]
    if encoded.endswith(ending):
        return encoded[: -len(ending)] + b"}"
    members = msgspec.to_builtins(record)
    return _ENCODER.encode(
        {name: value for name, value in members.items() if name not in later or value != later[name]}
    )


def decode_record(kind: str, body: bytes) -> Record:
    """Decode a record; unknown members of newer versions are ignored, missing ones take their defaults."""
    found: Record = _DECODERS[kind].decode(body)
    return found


_LIMIT: Final = 4096
_MAX_BYTES: Final = 1024 * 1024
"""Of bodies, in each of two generations; the decoded records take about as much again."""
_SHORT: Final = 4096


class DecodeCache:
    """Short records read lately, so that none is verified or decoded twice: bounded by their bytes.

    ⚔ A revision names a record only while the store is the same: after a restored copy, or a standby promoted too
    early, it may name another. So the body is compared too.
    """

    def __init__(self, macs: RowMacs | None = None) -> None:
        """Verify each row by `macs`; without them rows are trusted."""
        self._macs = macs
        self._known: SizedCache[tuple[str, str], tuple[int, bytes, Record]] = SizedCache(_LIMIT, _MAX_BYTES)

    def kept(self, kind: str, record_id: str, rev: int, body: bytes, mac: bytes = b"") -> Versioned[Record]:
        """Return a stored record, verified and decoded at most once.

        Raises:
            ForgedRow: its MAC does not hold.
        """
        known = self._known.use((kind, record_id))
        if known is not NOT_CACHED and known[:2] == (rev, body):
            return Versioned(known[2], rev)
        if self._macs is not None:
            self._macs.verify_record(kind, record_id, rev, body, mac)
        record = decode_record(kind, body)
        if len(body) <= _SHORT:  # ⚔ large records that an agent made are decoded again rather than cached
            self._known.put((kind, record_id), (rev, body, record), len(body))
        return Versioned(record, rev)

    def found(
        self, index: tuple[str, str], kind: str, record_id: str, rev: int, body: bytes, mac: bytes = b""
    ) -> Versioned[Record]:
        """Return a record found under the name and key of an index.

        Raises:
            ForgedRow: its MAC does not hold, or it does not belong under that key.
        """
        kept = self.kept(kind, record_id, rev, body, mac)
        if self._macs is not None:
            self._macs.verify_link(index, kept.record)
        return kept

    def counter(self, scope: str, key: str, used: int, mac: bytes) -> int:
        """Return a stored counter, verified.

        Raises:
            ForgedRow: its MAC does not hold.
        """
        if self._macs is not None:
            self._macs.verify_counter(scope, key, used, mac)
        return used

    def risk_history(self, subject: str, body: bytes, mac: bytes) -> RiskHistory:
        """Return a stored risk history, verified.

        Raises:
            ForgedRow: its MAC does not hold.
            Fault: `fault.store` when it is damaged.
        """
        if self._macs is not None:
            self._macs.verify_risk_history(subject, body, mac)
        return decode_risk_history(body)
