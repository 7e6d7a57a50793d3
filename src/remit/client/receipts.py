"""Verifying a receipt offline: with the desk's public log key and nothing else.

What a receipt says is believed only because it hashes into a log that the desk has signed; see docs/client.md.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from remit.client import checkpoints
from remit.client.checkpoints import Checkpoint, exact_base64
from remit.client.errors import ProtocolError, ReceiptInvalid
from remit.client.jcs import canonical
from remit.client.reading import decode
from remit.client.values import Json

_SECTIONS: Final = ("envelope", "agent", "customer", "desk")
_LEAF: Final = b"remit-leaf-v1\x00"
_VERSION: Final = 1
_SALT: Final = 16
_HASH: Final = 32
_KIND: Final = re.compile(r"[a-z]+\.[a-z_]+", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedEntry:
    """An entry that stands in the log. `sections` holds what was opened for us: always the envelope; `at` in ms since 1970."""

    index: int
    kind: str
    at: int
    sections: Mapping[str, Mapping[str, Json] | None]

    @property
    def envelope(self) -> Mapping[str, Json]:
        """The part everybody may see: ids, digests, decision, outcome."""
        return self.sections["envelope"] or {}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedReceipt:
    """A receipt that verifies: all its entries stand in the log `origin` of `size` entries that the desk signed."""

    origin: str
    size: int
    entries: tuple[VerifiedEntry, ...]


def verify(receipt: "Json | bytes", vkey: str | Sequence[str], *, ask: str | None = None) -> VerifiedReceipt:
    """Verify a receipt, as it came with a reply or as a file holds it, in bytes or text.

    `vkey` is the log's verifier key (`name+hash+base64`), or several. Get it once, from somebody you trust, not along with the
    receipt. With `ask`, the receipt must also be about that ask. ⚔ A true receipt of another ask proves nothing about this one.

    Raises:
        ReceiptInvalid: when any part is malformed or changed, or the log's key did not sign what it leads to.

    Source: docs/model/model.md#sections; RFC 9162 §2.1.3.2; C2SP signed-note and tlog-checkpoint.
    """
    if not isinstance(vkey, Sequence):
        raise ReceiptInvalid("vkey is the log's verifier key, a text such as name+hash+base64, or a list of them")
    keys = [checkpoints.read_vkey(one) for one in ([vkey] if isinstance(vkey, str) else vkey)]
    try:
        read = decode(receipt.encode()) if isinstance(receipt, str) else decode(receipt) if isinstance(receipt, bytes) else receipt
        whole = _members(read, {"v", "log", "entries", "checkpoint"})
        return _verified(whole, keys, ask)
    except ProtocolError as error:
        raise ReceiptInvalid(str(error)) from None
    except (ValueError, OverflowError, RecursionError) as error:
        raise ReceiptInvalid("a part of it cannot be read") from error


def _verified(whole: Mapping[str, Json], keys: Sequence[checkpoints.Vkey], ask: str | None) -> VerifiedReceipt:
    entries, note = whole["entries"], whole["checkpoint"]
    if whole["v"] != _VERSION or isinstance(whole["v"], bool):
        raise ReceiptInvalid("this version of receipts is unknown here")
    if not isinstance(note, str) or not isinstance(entries, list) or not entries:
        raise ReceiptInvalid("a receipt has a checkpoint and entries")
    checkpoint = checkpoints.verify_checkpoint(note, keys)
    if whole["log"] != checkpoint.origin:
        raise ReceiptInvalid("it names another log than its checkpoint")
    verified = tuple(_entry(entry, checkpoint) for entry in entries)
    if any(one.index >= after.index for one, after in pairwise(verified)):
        raise ReceiptInvalid("its entries are not in the order of the log, or one stands twice")
    if ask is not None and all(entry.envelope.get("ask") != ask for entry in verified):
        raise ReceiptInvalid("it is not about this ask")
    return VerifiedReceipt(origin=checkpoint.origin, size=checkpoint.size, entries=verified)


def _entry(unverified: Json, checkpoint: Checkpoint) -> VerifiedEntry:
    entry = _members(unverified, {"index", "kind", "sections", "hashes", "proof"})
    index, proof, opened, closed = entry["index"], entry["proof"], entry["sections"], entry["hashes"]
    if not isinstance(index, int) or isinstance(index, bool) or not isinstance(proof, list):
        raise ReceiptInvalid("an entry has an index and a proof")
    if not isinstance(opened, dict) or not isinstance(closed, dict) or "envelope" not in opened:
        raise ReceiptInvalid("an entry shows its envelope")
    if opened.keys() & closed.keys() or opened.keys() | closed.keys() != set(_SECTIONS):
        raise ReceiptInvalid("each section of an entry is either opened or closed")
    hashes = [_opened_hash(name, opened[name]) if name in opened else exact_base64(closed[name], _HASH) for name in _SECTIONS]
    leaf = hashlib.sha256(b"\x00" + hashlib.sha256(_LEAF + b"".join(hashes)).digest()).digest()
    checkpoints.verify_inclusion(index, leaf, [exact_base64(step, _HASH) for step in proof], checkpoint)
    sections: dict[str, Mapping[str, Json] | None] = {name: _body(opened[name]) for name in _SECTIONS if name in opened}
    kind, at = _kind_and_time(sections["envelope"] or {})
    if entry["kind"] != kind:
        raise ReceiptInvalid("the entry's kind is not what its envelope says")
    return VerifiedEntry(index=index, kind=kind, at=at, sections=sections)


def _opened_hash(name: str, section: Json) -> bytes:
    """The hash a section must have. The fixed salt and the name keep sections from passing as one another."""
    salt = exact_base64(_members(section, {"salt", "body"})["salt"], _SALT)
    return hashlib.sha256(salt + name.encode() + b"\x00" + canonical(_body(section))).digest()


def _body(section: Json) -> dict[str, Json] | None:
    body = _members(section, {"salt", "body"})["body"]
    if body is not None and not isinstance(body, dict):
        raise ReceiptInvalid("a section's body is an object or null")
    return body


def _kind_and_time(envelope: Mapping[str, Json]) -> tuple[str, int]:
    kind, at = envelope.get("kind"), envelope.get("at")
    if not isinstance(kind, str) or _KIND.fullmatch(kind) is None or not isinstance(at, int) or isinstance(at, bool):
        raise ReceiptInvalid("an envelope has no kind or time")
    return kind, at


def _members(value: Json, names: set[str]) -> dict[str, Json]:
    if not isinstance(value, dict) or value.keys() != names:
        raise ReceiptInvalid(f"expected exactly the members {', '.join(sorted(names))}")
    return value
