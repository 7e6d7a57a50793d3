"""The desk's receipts: sections opened for each holder, and known kinds of entries.

Format and verification are in `remit.proof.receipt`.
"""

from binascii import b2a_base64 as _b64
from collections.abc import Sequence
from enum import StrEnum
from operator import itemgetter
from typing import Final, TypeAlias

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.transcript.entry import EntryDraft, Hashes, Kind, OpenedEntry, Section
from remit.domain.transcript.verification import refusal
from remit.domain.values import MAX_DEPTH, Json, JsonObject, decode_json
from remit.proof import receipt
from remit.proof.canonical import canonical
from remit.proof.checkpoint import VerifyEd25519, Vkey
from remit.proof.errors import ProofError
from remit.proof.receipt import HEADER, SALT_SIZE, VERSION, VerifiedReceipt, tlog_proof_text

MAX_BYTES: Final = 16 * 1024 * 1024
"""Room for several entries, each at most about a request and its reply."""

_NESTING: Final = 16
_KINDS: Final = frozenset(kind.value for kind in Kind)


class Holder(StrEnum):
    """The holder of a receipt. The public one opens the envelope alone."""

    AGENT = "agent"
    CUSTOMER = "customer"
    DESK = "desk"
    PUBLIC = "public"


_OPENS: Final = {
    holder: tuple(
        (section, section.value, section is Section.ENVELOPE or section.value == holder.value) for section in Section
    )
    for holder in Holder
}
"""The sections opened for each holder: the envelope, and the holder's own."""


Fresh: TypeAlias = tuple[EntryDraft, bytes, Hashes]
"""An entry just sealed: its draft, its salts, and the hashes of its sections."""


@struct(frozen=True, kw_only=True)
class EntryWithProof:
    """A stored entry, its place in the log, and its inclusion proof at the checkpoint's size."""

    index: int
    opened: OpenedEntry
    proof: tuple[bytes, ...]


def build_receipt(*, holder: Holder, entries: Sequence[EntryWithProof], checkpoint: str, origin: str) -> JsonObject:
    """Build a receipt that opens the envelope and the holder's own section.

    `checkpoint` is the signed note the proofs lead to. An erased section is closed for every holder.
    """
    shown = [(entry.index, _shown(entry.opened, holder), entry.proof) for entry in entries]
    return _receipt(shown, checkpoint, origin)


def fresh_receipt(
    *, holder: Holder, entries: Sequence[tuple[int, Fresh, Sequence[bytes]]], checkpoint: str, origin: str
) -> JsonObject:
    """Build the same receipt from entries just sealed, each with its index and its inclusion proof."""
    shown = [(index, _shown_fresh(*fresh, holder), proof) for index, fresh, proof in entries]
    return _receipt(shown, checkpoint, origin)


def _receipt(shown: Sequence[tuple[int, dict[str, Json], Sequence[bytes]]], checkpoint: str, origin: str) -> JsonObject:
    """Build a receipt of shown entries, each with its index and its inclusion proof."""
    entries: list[Json] = [
        {"index": index, **entry, "proof": [_b64(step, newline=False).decode() for step in proof]}
        for index, entry, proof in sorted(shown, key=itemgetter(0))
    ]
    return {"v": VERSION, "log": origin, "entries": entries, "checkpoint": checkpoint}


def build_tlog_proof(*, holder: Holder, entry: EntryWithProof, checkpoint: str) -> str:
    """Write one entry's receipt as a C2SP tlog-proof; its extra data opens the entry for the holder."""
    extra = canonical(_shown(entry.opened, holder))
    return tlog_proof_text(index=entry.index, hashes=entry.proof, checkpoint=checkpoint, extra=extra)


def verify_receipt(unverified: bytes, vkeys: Sequence[Vkey], verify_ed25519: VerifyEd25519) -> VerifiedReceipt:
    """Verify a receipt, as JSON or as C2SP tlog-proof, with the log's public keys alone.

    Raises:
        Refused: `receipt.invalid` when any part is malformed, changed, not proved by a signed checkpoint, or of an
            unknown kind.
    """
    try:
        if unverified.startswith(HEADER.encode()):
            found = receipt.verify_tlog_proof(_text(unverified), vkeys, verify_ed25519, _decode)
        else:
            found = receipt.verify_receipt(_decode(unverified), vkeys, verify_ed25519)
    except ProofError as error:
        raise refusal(error) from None
    if any(entry.kind not in _KINDS for entry in found.entries):
        raise Refused(
            Code.RECEIPT_INVALID, "an envelope's kind is unknown here; use the version that wrote it, or a newer one"
        )
    return found


def _shown(opened: OpenedEntry, holder: Holder) -> dict[str, Json]:
    sections: dict[str, Json] = {}
    hashes: dict[str, Json] = {}
    for (section, name, opens), closed in zip(_OPENS[holder], opened.hashes, strict=True):
        section_opened = opened.sections.get(section) if opens else None
        if section_opened is None:
            hashes[name] = _b64(closed, newline=False).decode()
        else:
            salt = _b64(section_opened.salt, newline=False).decode()
            sections[name] = {"salt": salt, "body": section_opened.body}
    return {"kind": str(opened.kind), "sections": sections, "hashes": hashes}


def _shown_fresh(draft: EntryDraft, salts: bytes, closed: Hashes, holder: Holder) -> dict[str, Json]:
    """Return the same as `_shown` for a fresh entry, without unsealing it."""
    sections: dict[str, Json] = {}
    hashes: dict[str, Json] = {}
    bodies = ({**draft.envelope, "kind": str(draft.kind), "at": draft.at}, draft.agent, draft.customer, draft.desk)
    for place, (_, name, opens) in enumerate(_OPENS[holder]):
        if opens:
            salt = salts[place * SALT_SIZE : (place + 1) * SALT_SIZE]
            sections[name] = {"salt": _b64(salt, newline=False).decode(), "body": bodies[place]}
        else:
            hashes[name] = _b64(closed[place], newline=False).decode()
    return {"kind": str(draft.kind), "sections": sections, "hashes": hashes}


def _decode(raw: bytes) -> Json:
    try:
        return decode_json(raw, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH + _NESTING)
    except Refused as refused:
        raise ProofError(refused.detail) from None


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        raise ProofError("not UTF-8") from None
