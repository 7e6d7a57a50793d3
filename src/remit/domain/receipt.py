"""Receipts: an entry opened for one party, with the proof that it stands in the log.

Built by the desk, verified by anybody with the log's public key and nothing else.
"""

from binascii import b2a_base64 as _b64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import Final, TypeAlias, cast

from remit.domain.canonical import canonical
from remit.domain.errors import Code, Refused
from remit.domain.merkle import leaf_hash, verify_inclusion
from remit.domain.note import Checkpoint, VerifyEd25519, Vkey, unb64, verify_checkpoint
from remit.domain.tlog_proof import read_tlog_proof, tlog_proof_text
from remit.domain.transcript import Draft, Hashes, Kind, Opened, Section, leaf_data, read_envelope, section_hash
from remit.domain.values import MAX_DEPTH, Instant, Json, JsonObject, decode

VERSION: Final = 1
MAX_BYTES: Final = 16 * 1024 * 1024
"""A receipt holds several entries, each at most about a request and its reply."""

_NESTING: Final = 16
_HASH_SIZE: Final = 32
_SALT_SIZE: Final = 16


class Holder(StrEnum):
    """For whom a receipt is. The public one opens the envelope alone."""

    AGENT = "agent"
    CUSTOMER = "customer"
    DESK = "desk"
    PUBLIC = "public"


_OPENS: Final = {
    holder: tuple((section, section.value, section is Section.ENVELOPE or section.value == holder.value) for section in Section)
    for holder in Holder
}
"""Which sections are opened for whom: the envelope, and the holder's own."""


Fresh: TypeAlias = tuple[Draft, bytes, Hashes]
"""An entry that was just sealed: what it says, its salts, and the hashes of its sections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """An entry out of the store, its place in the log, and its inclusion proof at the checkpoint's size."""

    index: int
    opened: Opened
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedEntry:
    """An entry that stands in the log as shown. Closed or erased sections are missing from `sections`."""

    index: int
    kind: Kind
    at: Instant
    leaf: bytes
    sections: Mapping[Section, JsonObject | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedReceipt:
    """A receipt that verifies: every entry stands in the log of this checkpoint."""

    checkpoint: Checkpoint
    entries: tuple[VerifiedEntry, ...]


def build_receipt(*, holder: Holder, entries: Sequence[Proved], checkpoint: str, origin: str) -> JsonObject:
    """Write a receipt for one holder: the envelope and the holder's own section are opened, the rest stays closed.

    `checkpoint` is the signed note the proofs lead to. An erased section is closed for everybody.
    """
    return {
        "v": VERSION,
        "log": origin,
        "entries": [
            {"index": one.index, **_shown(one.opened, holder), "proof": [_b64(step, newline=False).decode() for step in one.proof]}
            for one in sorted(entries, key=attrgetter("index"))
        ],
        "checkpoint": checkpoint,
    }


def fresh_receipt(*, holder: Holder, entries: Sequence[tuple[int, Fresh, Sequence[bytes]]], checkpoint: str, origin: str) -> JsonObject:
    """The same receipt of entries that were just sealed, each with its index and its inclusion proof."""
    return {
        "v": VERSION,
        "log": origin,
        "entries": [
            {"index": index, **_shown_fresh(*fresh, holder), "proof": [_b64(step, newline=False).decode() for step in proof]}
            for index, fresh, proof in sorted(entries, key=itemgetter(0))
        ],
        "checkpoint": checkpoint,
    }


def verify_receipt(unverified: bytes, vkeys: Sequence[Vkey], verify_ed25519: VerifyEd25519) -> VerifiedReceipt:
    """Verify a receipt with the log's public keys alone.

    Raises:
        Refused: `receipt.invalid` when any part is malformed, changed, or not proved by a signed checkpoint.

    Source: 2-model.md §9.
    """
    receipt = _members(_decode(unverified), {"v", "log", "entries", "checkpoint"})
    note, entries, version = receipt["checkpoint"], receipt["entries"], receipt["v"]
    if version != VERSION or isinstance(version, bool):
        raise _invalid("this version of receipts is unknown here")
    if not isinstance(note, str) or not isinstance(entries, list) or not entries:
        raise _invalid("a receipt has a checkpoint and entries")
    checkpoint = verify_checkpoint(note, vkeys, verify_ed25519)
    if receipt["log"] != checkpoint.origin:
        raise _invalid("the receipt names another log than its checkpoint")
    verified = tuple(_verify_entry(entry, checkpoint) for entry in cast("Sequence[Json]", entries))
    if any(one.index >= after.index for one, after in pairwise(verified)):
        raise _invalid("the entries are not in the order of the log, or one stands twice")
    return VerifiedReceipt(checkpoint=checkpoint, entries=verified)


def build_tlog_proof(*, holder: Holder, entry: Proved, checkpoint: str) -> str:
    """Write one entry's receipt as a C2SP tlog-proof; its extra data opens the entry for the holder."""
    extra = canonical(_shown(entry.opened, holder))
    return tlog_proof_text(index=entry.index, hashes=entry.proof, checkpoint=checkpoint, extra=extra)


def verify_tlog_proof(unverified: str, vkeys: Sequence[Vkey], verify_ed25519: VerifyEd25519) -> VerifiedReceipt:
    """Verify a tlog-proof of ours. Its extra data is trusted only because it hashes to the proved leaf.

    Raises:
        Refused: `receipt.invalid` when any part is malformed, changed, or not proved by a signed checkpoint.

    Source: C2SP tlog-proof, 2-model.md §9.
    """
    proof = read_tlog_proof(unverified)
    checkpoint = verify_checkpoint(proof.checkpoint, vkeys, verify_ed25519)
    shown = _members(_decode(proof.extra), {"kind", "sections", "hashes"})
    verified = _verify_shown(shown, index=proof.index, proof=proof.hashes, checkpoint=checkpoint)
    return VerifiedReceipt(checkpoint=checkpoint, entries=(verified,))


def _shown(opened: Opened, holder: Holder) -> dict[str, Json]:
    sections: dict[str, Json] = {}
    hashes: dict[str, Json] = {}
    for (section, name, opens), closed in zip(_OPENS[holder], opened.hashes, strict=True):
        one = opened.sections.get(section) if opens else None
        if one is None:
            hashes[name] = _b64(closed, newline=False).decode()
        else:
            sections[name] = {"salt": _b64(one.salt, newline=False).decode(), "body": one.body}
    return {"kind": str(opened.kind), "sections": sections, "hashes": hashes}


def _shown_fresh(draft: Draft, salts: bytes, closed: Hashes, holder: Holder) -> dict[str, Json]:
    """What `_shown` would show of the entry once it was unsealed, without reading it back."""
    sections: dict[str, Json] = {}
    hashes: dict[str, Json] = {}
    bodies = ({**draft.envelope, "kind": str(draft.kind), "at": draft.at}, draft.agent, draft.customer, draft.desk)
    for place, (_, name, opens) in enumerate(_OPENS[holder]):
        if opens:
            salt = salts[place * _SALT_SIZE : (place + 1) * _SALT_SIZE]
            sections[name] = {"salt": _b64(salt, newline=False).decode(), "body": bodies[place]}
        else:
            hashes[name] = _b64(closed[place], newline=False).decode()
    return {"kind": str(draft.kind), "sections": sections, "hashes": hashes}


def _verify_entry(unverified: Json, checkpoint: Checkpoint) -> VerifiedEntry:
    entry = _members(unverified, {"index", "kind", "sections", "hashes", "proof"})
    index, proof = entry["index"], entry["proof"]
    if not isinstance(index, int) or isinstance(index, bool) or not isinstance(proof, list):
        raise _invalid("an entry has an index and a proof")
    steps = [_bytes(step, _HASH_SIZE) for step in cast("Sequence[Json]", proof)]
    return _verify_shown(entry, index=index, proof=steps, checkpoint=checkpoint)


def _verify_shown(shown: JsonObject, *, index: int, proof: Sequence[bytes], checkpoint: Checkpoint) -> VerifiedEntry:
    bodies, closed = shown["sections"], shown["hashes"]
    if not isinstance(bodies, Mapping) or not isinstance(closed, Mapping) or Section.ENVELOPE not in bodies:
        raise _invalid("an entry shows its envelope")
    if bodies.keys() & closed.keys() or bodies.keys() | closed.keys() != set(Section):
        raise _invalid("each section of an entry is either opened or closed")
    hashes = cast(
        "Hashes",
        tuple(_open_hash(section, bodies[section]) if section in bodies else _bytes(closed[section], _HASH_SIZE) for section in Section),
    )
    leaf = leaf_data(hashes)
    verify_inclusion(index=index, size=checkpoint.size, leaf=leaf_hash(leaf), proof=proof, expected_root=checkpoint.root)
    sections = {section: _body(bodies[section]) for section in Section if section in bodies}
    kind, at = _envelope(sections[Section.ENVELOPE])
    if shown["kind"] != kind.value:
        raise _invalid("the entry's kind is not what its envelope says")
    return VerifiedEntry(index=index, kind=kind, at=at, leaf=leaf, sections=sections)


def _open_hash(section: Section, unverified: Json) -> bytes:
    salt = _bytes(_members(unverified, {"salt", "body"})["salt"], _SALT_SIZE)
    return section_hash(section, salt, _body(unverified))


def _body(unverified: Json) -> JsonObject | None:
    body = _members(unverified, {"salt", "body"})["body"]
    if body is not None and not isinstance(body, Mapping):
        raise _invalid("a section's body is an object or null")
    return body


def _envelope(envelope: JsonObject | None) -> tuple[Kind, Instant]:
    try:
        return read_envelope(envelope)
    except Refused as refused:
        raise _invalid(refused.detail) from None


def _members(unverified: Json, names: set[str]) -> JsonObject:
    if not isinstance(unverified, Mapping) or unverified.keys() != names:
        raise _invalid(f"expected exactly the members {', '.join(sorted(names))}")
    return unverified


def _bytes(unverified: Json, size: int) -> bytes:
    raw = unb64(unverified) if isinstance(unverified, str) else b""
    if len(raw) != size:
        raise _invalid(f"expected {size} bytes of base64")
    return raw


def _decode(raw: bytes) -> Json:
    try:
        return decode(raw, max_bytes=MAX_BYTES, max_depth=MAX_DEPTH + _NESTING)
    except Refused as refused:
        raise _invalid(refused.detail) from None


def _invalid(reason: str) -> Refused:
    return Refused(Code.RECEIPT_INVALID, reason)
