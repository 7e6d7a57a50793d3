"""Receipts: entries opened for one party, with the proof of their place in the log; as JSON and as C2SP tlog-proof.

Verified with the log's public keys alone. Kinds of entries and the parties' rights belong to the desk (`domain`).
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias, cast

from remit.proof.canonical import canonical
from remit.proof.checkpoint import Checkpoint, VerifyEd25519, Vkey, b64, unb64, verify_checkpoint
from remit.proof.errors import ProofError
from remit.proof.merkle import HASH_SIZE, MAX_SIZE, leaf_hash, verify_inclusion

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""Decoded JSON; numbers are of the reader's type."""
Decode: TypeAlias = Callable[[bytes], object]
"""Strict reading of JSON: UTF-8, no member twice. Raises `ProofError` for anything else."""

VERSION: Final = 1
HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_HASHES: Final = 63
SALT_SIZE: Final = 16
ENVELOPE: Final = "envelope"
SECTIONS: Final = (ENVELOPE, "agent", "customer", "desk")
"""The separately salted parts of an entry, in the order the leaf takes them."""
TAGS: Final = {section: section.encode() + b"\x00" for section in SECTIONS}
"""Tags hashed between a section's salt and its body."""
LEAF_PREFIX: Final = b"remit-leaf-v1\x00"

_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
_KIND: Final = re.compile(r"[a-z]+\.[a-z_]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedEntry:
    """An entry proved to be in the log. `sections` are the opened ones, always the envelope; `at` in ms since 1970."""

    index: int
    kind: str
    at: int
    leaf: bytes
    sections: Mapping[str, Mapping[str, Json] | None]

    @property
    def envelope(self) -> Mapping[str, Json]:
        """Return the part for every reader: ids, digests, decision, outcome."""
        return self.sections[ENVELOPE] or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedReceipt:
    """A receipt that verifies: all its entries stand in the log of this checkpoint."""

    checkpoint: Checkpoint
    entries: tuple[VerifiedEntry, ...]

    @property
    def origin(self) -> str:
        """Return the log's name."""
        return self.checkpoint.origin

    @property
    def size(self) -> int:
        """Return the number of entries in the log when the checkpoint was signed."""
        return self.checkpoint.size


@dataclass(frozen=True, slots=True, kw_only=True)
class TlogProof:
    """One entry's index, its inclusion proof, the signed checkpoint it leads to, and unauthenticated extra data."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes


def section_hash(tag: bytes, salt: bytes, body: bytes) -> bytes:
    """Hash one section, its body in canonical JSON. Salt length and tag keep sections from passing as each other."""
    return hashlib.sha256(salt + tag + body).digest()


def leaf_data(hashes: Sequence[bytes]) -> bytes:
    """Return the 32 bytes the log holds for an entry with these section hashes."""
    return hashlib.sha256(LEAF_PREFIX + b"".join(hashes)).digest()


def verify_receipt(unverified: object, vkeys: Sequence[Vkey], verify_ed25519: VerifyEd25519) -> VerifiedReceipt:
    """Verify a receipt, read from JSON, with the log's public keys alone.

    Raises:
        ProofError: when any part is malformed, changed, or not proved by a signed checkpoint.

    Source: docs/model/model.md#sections.
    """
    receipt = _members(unverified, {"v", "log", "entries", "checkpoint"})
    note, entries, version = receipt["checkpoint"], receipt["entries"], receipt["v"]
    if version != VERSION or isinstance(version, bool):
        raise ProofError("this version of receipts is unknown here")
    if not isinstance(note, str) or not isinstance(entries, list) or not entries:
        raise ProofError("a receipt has a checkpoint and entries")
    checkpoint = verify_checkpoint(note, vkeys, verify_ed25519)
    if receipt["log"] != checkpoint.origin:
        raise ProofError("the receipt names another log than its checkpoint")
    verified = tuple(_verify_entry(entry, checkpoint) for entry in entries)
    if any(entry.index >= after.index for entry, after in pairwise(verified)):
        raise ProofError("the entries are not in the order of the log, or one appears twice")
    return VerifiedReceipt(checkpoint=checkpoint, entries=verified)


def verify_tlog_proof(
    unverified: str, vkeys: Sequence[Vkey], verify_ed25519: VerifyEd25519, decode: Decode
) -> VerifiedReceipt:
    """Verify a tlog-proof of ours. Its extra data is trusted only because it hashes to the proved leaf.

    Raises:
        ProofError: when any part is malformed, changed, or not proved by a signed checkpoint.

    Source: C2SP tlog-proof, docs/model/model.md#sections.
    """
    proof = read_tlog_proof(unverified)
    checkpoint = verify_checkpoint(proof.checkpoint, vkeys, verify_ed25519)
    shown = _members(decode(proof.extra), {"kind", "sections", "hashes"})
    verified = _verify_shown(shown, index=proof.index, proof=proof.hashes, checkpoint=checkpoint)
    return VerifiedReceipt(checkpoint=checkpoint, entries=(verified,))


def tlog_proof_text(*, index: int, hashes: Sequence[bytes], checkpoint: str, extra: bytes = b"") -> str:
    """Write a tlog-proof."""
    lines = [HEADER, *([f"extra {b64(extra)}"] if extra else ()), f"index {index}", *(b64(value) for value in hashes)]
    return "\n".join(lines) + f"\n\n{checkpoint}"


def read_tlog_proof(unverified: str) -> TlogProof:
    """Read a tlog-proof's parts, verifying none of them.

    Raises:
        ProofError: when it is not in the one form.

    Source: C2SP tlog-proof.
    """
    head, blank, checkpoint = unverified.partition("\n\n")
    lines = head.split("\n")
    if not blank or not checkpoint or lines.pop(0) != HEADER:
        raise ProofError(f"a proof begins with {HEADER} and ends in a checkpoint after a blank line")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = unb64(lines.pop(0).removeprefix("extra "))
        if not extra:
            raise ProofError("a proof without extra data has no line for it")
    found = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if found is None or int(found[1]) >= MAX_SIZE:
        raise ProofError("a proof has a line with its index")
    if len(lines) > MAX_HASHES:
        raise ProofError("a proof has too many hashes")
    hashes = tuple(unb64(line) for line in lines)
    if any(len(value) != HASH_SIZE for value in hashes):
        raise ProofError("a proof's hash is not 32 bytes long")
    return TlogProof(index=int(found[1]), hashes=hashes, checkpoint=checkpoint, extra=extra)


def _verify_entry(unverified: object, checkpoint: Checkpoint) -> VerifiedEntry:
    entry = _members(unverified, {"index", "kind", "sections", "hashes", "proof"})
    index, proof = entry["index"], entry["proof"]
    if not isinstance(index, int) or isinstance(index, bool) or not isinstance(proof, list):
        raise ProofError("an entry has an index and a proof")
    steps = [_bytes(step, HASH_SIZE) for step in proof]
    return _verify_shown(entry, index=index, proof=steps, checkpoint=checkpoint)


def _verify_shown(
    shown: Mapping[str, object], *, index: int, proof: Sequence[bytes], checkpoint: Checkpoint
) -> VerifiedEntry:
    opened, closed = shown["sections"], shown["hashes"]
    if not isinstance(opened, dict) or not isinstance(closed, dict) or ENVELOPE not in opened:
        raise ProofError("an entry shows its envelope")
    if opened.keys() & closed.keys() or opened.keys() | closed.keys() != set(SECTIONS):
        raise ProofError("each section of an entry is either opened or closed")
    leaf = leaf_data(
        [
            _opened_hash(tag, opened[section]) if section in opened else _bytes(closed[section], HASH_SIZE)
            for section, tag in TAGS.items()
        ]
    )
    verify_inclusion(
        index=index, size=checkpoint.size, leaf=leaf_hash(leaf), proof=proof, expected_root=checkpoint.root
    )
    sections = {section: _body(opened[section]) for section in SECTIONS if section in opened}
    kind, at = _kind_and_time(sections[ENVELOPE] or {})
    if shown["kind"] != kind:
        raise ProofError("the entry's kind differs from its envelope's")
    return VerifiedEntry(index=index, kind=kind, at=at, leaf=leaf, sections=sections)


def _opened_hash(tag: bytes, unverified: object) -> bytes:
    salt = _bytes(_members(unverified, {"salt", "body"})["salt"], SALT_SIZE)
    try:
        body = canonical(_body(unverified))
    except (TypeError, ValueError, OverflowError, RecursionError):
        raise ProofError("a section's body has no canonical form") from None
    return section_hash(tag, salt, body)


def _body(unverified: object) -> Mapping[str, Json] | None:
    body = _members(unverified, {"salt", "body"})["body"]
    if body is not None and not isinstance(body, dict):
        raise ProofError("a section's body is an object or null")
    return cast("Mapping[str, Json] | None", body)


def _kind_and_time(envelope: Mapping[str, Json]) -> tuple[str, int]:
    kind, at = envelope.get("kind"), envelope.get("at")
    if not isinstance(kind, str) or _KIND.fullmatch(kind) is None or not isinstance(at, int) or isinstance(at, bool):
        raise ProofError("an envelope has no kind or time")
    return kind, at


def _members(unverified: object, names: set[str]) -> Mapping[str, object]:
    if not isinstance(unverified, dict) or unverified.keys() != names:
        raise ProofError(f"expected exactly the members {', '.join(sorted(names))}")
    return unverified


def _bytes(unverified: object, size: int) -> bytes:
    raw = unb64(unverified) if isinstance(unverified, str) else b""
    if len(raw) != size:
        raise ProofError(f"expected {size} bytes of base64")
    return raw
