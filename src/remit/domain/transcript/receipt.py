"""Receipts as the desk makes them out: which sections each party is shown, and of which kinds an entry may be.

What a receipt is and how it is verified is in `remit.proof.receipt`.
"""

from binascii import b2a_base64 as _b64
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter, itemgetter
from typing import Final, TypeAlias

from remit.domain.errors import Code, Refused
from remit.domain.transcript.entry import EntryDraft, Hashes, Kind, OpenedEntry, Section
from remit.domain.transcript.verification import refusal
from remit.domain.values import MAX_DEPTH, Json, JsonObject, decode_json
from remit.proof import receipt
from remit.proof.canonical import canonical
from remit.proof.checkpoint import VerifyEd25519, Vkey
from remit.proof.errors import ProofError
from remit.proof.receipt import HEADER, SALT_SIZE, VERSION, VerifiedReceipt, tlog_proof_text

MAX_BYTES: Final = 16 * 1024 * 1024
"""A receipt holds several entries, each at most about a request and its reply."""

_NESTING: Final = 16
_KINDS: Final = frozenset(kind.value for kind in Kind)


class Holder(StrEnum):
    """For whom a receipt is. The public one opens the envelope alone."""

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
"""Which sections are opened for whom: the envelope, and the holder's own."""


Fresh: TypeAlias = tuple[EntryDraft, bytes, Hashes]
"""An entry that was just sealed: what it says, its salts, and the hashes of its sections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryWithProof:
    """An entry out of the store, its place in the log, and its inclusion proof at the checkpoint's size."""

    index: int
    opened: OpenedEntry
    proof: tuple[bytes, ...]


def build_receipt(*, holder: Holder, entries: Sequence[EntryWithProof], checkpoint: str, origin: str) -> JsonObject:
    """Write a receipt for one holder: the envelope and the holder's own section are opened, the rest stays closed.

    `checkpoint` is the signed note the proofs lead to. An erased section is closed for everybody.
    """
    return {
        "v": VERSION,
        "log": origin,
        "entries": [
            {
                "index": one.index,
                **_shown(one.opened, holder),
                "proof": [_b64(step, newline=False).decode() for step in one.proof],
            }
            for one in sorted(entries, key=attrgetter("index"))
        ],
        "checkpoint": checkpoint,
    }


def fresh_receipt(
    *, holder: Holder, entries: Sequence[tuple[int, Fresh, Sequence[bytes]]], checkpoint: str, origin: str
) -> JsonObject:
    """The same receipt of entries that were just sealed, each with its index and its inclusion proof."""
    return {
        "v": VERSION,
        "log": origin,
        "entries": [
            {
                "index": index,
                **_shown_fresh(*fresh, holder),
                "proof": [_b64(step, newline=False).decode() for step in proof],
            }
            for index, fresh, proof in sorted(entries, key=itemgetter(0))
        ],
        "checkpoint": checkpoint,
    }


def build_tlog_proof(*, holder: Holder, entry: EntryWithProof, checkpoint: str) -> str:
    """Write one entry's receipt as a C2SP tlog-proof; its extra data opens the entry for the holder."""
    extra = canonical(_shown(entry.opened, holder))
    return tlog_proof_text(index=entry.index, hashes=entry.proof, checkpoint=checkpoint, extra=extra)


def verify_receipt(unverified: bytes, vkeys: Sequence[Vkey], verify_ed25519: VerifyEd25519) -> VerifiedReceipt:
    """Verify a receipt, as JSON or as C2SP tlog-proof, with the log's public keys alone.

    Raises:
        Refused: `receipt.invalid` when any part is malformed, changed, or not proved by a signed checkpoint, or an entry's kind is unknown.
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
        one = opened.sections.get(section) if opens else None
        if one is None:
            hashes[name] = _b64(closed, newline=False).decode()
        else:
            sections[name] = {"salt": _b64(one.salt, newline=False).decode(), "body": one.body}
    return {"kind": str(opened.kind), "sections": sections, "hashes": hashes}


def _shown_fresh(draft: EntryDraft, salts: bytes, closed: Hashes, holder: Holder) -> dict[str, Json]:
    """What `_shown` would show of the entry once it was unsealed, without reading it back."""
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
