"""The log's signed head and the way from an entry up to it: verifier keys, signed notes, inclusion proofs.

Source: C2SP signed-note and tlog-checkpoint (Ed25519 only); RFC 9162 §2.1.3.2.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from remit.client.errors import ReceiptInvalid
from remit.client.values import Json

_ED25519: Final = b"\x01"
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_ROOT_BYTES: Final = 32
_NOTE_CHARS: Final = 256 * 1024
_MOST_SIGNATURES: Final = 64
_HEAD_LINES: Final = 3
_LARGEST: Final = 2**63 - 1
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")
_DASH: Final = "— "


@dataclass(frozen=True, slots=True, kw_only=True)
class Vkey:
    """A log's public key: its name, its short id, 32 bytes of Ed25519."""

    name: str
    key_id: bytes
    public: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log's verified head."""

    origin: str
    size: int
    root: bytes


def read_vkey(text: str) -> Vkey:
    """Read a verifier key `name+hash+base64`.

    Raises:
        ReceiptInvalid: when it is not an Ed25519 key whose hash fits its name and bytes.
    """
    if not isinstance(text, str):
        raise ReceiptInvalid(f"a verifier key is a text name+hash+base64, not a value of type {type(text).__name__}")
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    raw = exact_base64(encoded, 1 + _KEY_BYTES)
    if raw[:1] != _ED25519 or hashlib.sha256(name.encode() + b"\n" + raw).digest()[:_ID_BYTES].hex() != key_id:
        raise ReceiptInvalid("the verifier key is not an Ed25519 key name+hash+base64")
    _verify_name(name)
    return Vkey(name=name, key_id=bytes.fromhex(key_id), public=raw[1:])


def verify_checkpoint(note: str, keys: Sequence[Vkey]) -> Checkpoint:
    """Verify a signed checkpoint: a key of the log it names has signed it, and no known key's line is bad.

    Raises:
        ReceiptInvalid: when it is not one, or not signed by the log whose key we have. ⚔ A key that signs for one log must not
            vouch for another.
    """
    if len(note) > _NOTE_CHARS or _CONTROL.search(note):
        raise ReceiptInvalid("the checkpoint is no short text without control characters")
    head, blank, below = note.rpartition("\n\n")
    lines = below.removesuffix("\n").split("\n")
    if not blank or not below.endswith("\n") or len(lines) > _MOST_SIGNATURES:
        raise ReceiptInvalid("the checkpoint has no signatures below a blank line")
    signers = _signers(f"{head}\n".encode(), lines, keys)
    checkpoint = _read_head(head)
    if checkpoint.origin not in signers:
        raise ReceiptInvalid("the checkpoint is not signed by the log whose key was given")
    return checkpoint


def verify_inclusion(index: int, leaf: bytes, proof: Sequence[bytes], checkpoint: Checkpoint) -> None:
    """Check that the leaf hash stands at `index` in the log of this checkpoint.

    Raises:
        ReceiptInvalid: when it does not.

    Source: RFC 9162 §2.1.3.2.
    """
    if not 0 <= index < checkpoint.size:
        raise ReceiptInvalid("there is no such entry in the log")
    if any(len(one) != _ROOT_BYTES for one in (leaf, checkpoint.root, *proof)):
        raise ReceiptInvalid("a hash is not 32 bytes long")
    here, last, computed = index, checkpoint.size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ReceiptInvalid("the proof is too long")
        if here & 1 or here == last:
            computed = hashlib.sha256(b"\x01" + sibling + computed).digest()
            while here and not here & 1:
                here >>= 1
                last >>= 1
        else:
            computed = hashlib.sha256(b"\x01" + computed + sibling).digest()
        here >>= 1
        last >>= 1
    if last or computed != checkpoint.root:
        raise ReceiptInvalid("the proof does not lead to the signed root")


def exact_base64(text: Json, size: int | None = None) -> bytes:
    """Decode standard base64 in its one canonical spelling.

    Raises:
        ReceiptInvalid: when it is not that, or of another size.
    """
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True) if isinstance(text, str) else b""
    except (UnicodeEncodeError, binascii.Error):
        raise ReceiptInvalid("not base64") from None
    if base64.b64encode(raw).decode() != text or (size is not None and len(raw) != size):
        raise ReceiptInvalid("not canonical base64 of the right size")
    return raw


def _signers(message: bytes, lines: Sequence[str], keys: Sequence[Vkey]) -> set[str]:
    known = {(key.name, key.key_id): key for key in keys}
    signers: set[str] = set()
    for line in lines:
        if not line.startswith(_DASH):
            raise ReceiptInvalid("a signature line begins with a dash")
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        _verify_name(name)
        raw = exact_base64(encoded)
        key = known.get((name, raw[:_ID_BYTES]))
        if key is not None:
            _verify_signature(key, message, raw[_ID_BYTES:])
            signers.add(name)
    return signers


def _verify_signature(key: Vkey, message: bytes, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except InvalidSignature:
        raise ReceiptInvalid("the checkpoint's signature is bad") from None


def _read_head(head: str) -> Checkpoint:
    lines = head.split("\n")
    if len(lines) < _HEAD_LINES or not all(lines):
        raise ReceiptInvalid("a checkpoint has an origin, a size and a root, each on its line")
    origin, size, root = lines[:_HEAD_LINES]
    if _SIZE.fullmatch(size) is None or int(size) > _LARGEST:
        raise ReceiptInvalid("a checkpoint's size is a plain number")
    return Checkpoint(origin=origin, size=int(size), root=exact_base64(root, _ROOT_BYTES))


def _verify_name(name: str) -> None:
    if not name or "+" in name or not name.isprintable() or any(letter.isspace() for letter in name):
        raise ReceiptInvalid("a key's name is not empty and has no spaces or plus signs")
