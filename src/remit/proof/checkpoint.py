"""Signed notes and checkpoints (C2SP signed-note and tlog-checkpoint, Ed25519 only): the log's head and its signatures.

The signature arithmetic is passed in.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from remit.proof.errors import ProofError
from remit.proof.merkle import HASH_SIZE, MAX_SIZE

VerifyEd25519: TypeAlias = Callable[[bytes, bytes, bytes], None]
"""`verify(public, message, signature)` returns for a good signature and raises `ProofError` otherwise."""

ED25519: Final = 0x01
PUBLIC_SIZE: Final = 32
SIGNATURE_SIZE: Final = 64
KEY_ID_SIZE: Final = 4
MAX_NOTE: Final = 256 * 1024
MAX_SIGNATURES: Final = 64

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_KEY_ID: Final = re.compile(r"[0-9a-f]{8}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_LINE: Final = "— "
_BODY_LINES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log's head: its origin, its size, and the root over its entries."""

    origin: str
    size: int
    root: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Vkey:
    """A public key for notes: its name, its short id and 32 bytes of Ed25519."""

    name: str
    key_id: bytes
    public: bytes

    def __str__(self) -> str:
        """Return the text people configure: `name+hash+base64`."""
        return f"{self.name}+{self.key_id.hex()}+{b64(bytes((ED25519,)) + self.public)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One unverified line under a note."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """An unverified text and the lines under it."""

    text: str
    signatures: tuple[Signature, ...]


def b64(raw: bytes) -> str:
    """Encode as standard base64, as C2SP formats do."""
    return binascii.b2a_base64(raw, newline=False).decode("ascii")


def unb64(text: str) -> bytes:
    """Decode standard base64 strictly: one text for each value, so that signed data has one spelling.

    Raises:
        ProofError: when it is not the canonical form.
    """
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise ProofError("not base64") from None
    if b64(raw) != text:
        raise ProofError("not canonical base64")
    return raw


def make_vkey(name: str, public: bytes) -> Vkey:
    """Name a public key.

    Raises:
        ProofError: when the name cannot be a key's name or the key is not 32 bytes.
    """
    if len(public) != PUBLIC_SIZE:
        raise ProofError("an Ed25519 key has 32 bytes")
    _verify_name(name)
    return Vkey(name=name, key_id=_key_id(name, public), public=public)


def verify_vkey(unverified: str) -> Vkey:
    """Read a verifier key `name+hash+base64`.

    Raises:
        ProofError: when it is not an Ed25519 key whose hash fits its name and bytes.

    Source: C2SP signed-note.
    """
    name, _, rest = unverified.partition("+")
    key_id, _, encoded = rest.partition("+")
    raw = unb64(encoded)
    if _KEY_ID.fullmatch(key_id) is None or len(raw) != 1 + PUBLIC_SIZE or raw[0] != ED25519:
        raise ProofError("not an Ed25519 verifier key (name+hash+base64)")
    vkey = make_vkey(name, raw[1:])
    if vkey.key_id.hex() != key_id:
        raise ProofError("the verifier key's hash does not fit its name and bytes")
    return vkey


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """Write a checkpoint's body, ready to be signed."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{b64(checkpoint.root)}\n"


def read_checkpoint(text: str) -> Checkpoint:
    """Read a checkpoint's body; extension lines are allowed and ignored.

    Raises:
        ProofError: for anything else.

    Source: C2SP tlog-checkpoint.
    """
    if not text.endswith("\n"):
        raise ProofError("a checkpoint ends in a newline")
    lines = text[:-1].split("\n")
    if len(lines) < _BODY_LINES or not all(lines) or _CONTROL.search(text):
        raise ProofError("a checkpoint has an origin, a size and a root, each on its line")
    origin, size, encoded = lines[:_BODY_LINES]
    if _SIZE.fullmatch(size) is None or int(size) > MAX_SIZE:
        raise ProofError("a checkpoint's size is a plain number")
    return Checkpoint(origin=origin, size=int(size), root=unb64(encoded))


def read_note(unverified: str) -> Note:
    """Split a signed note into its text and its signature lines, verifying neither.

    Raises:
        ProofError: when it is not a signed note.

    Source: C2SP signed-note.
    """
    if len(unverified) > MAX_NOTE or _CONTROL.search(unverified) or _SURROGATE.search(unverified):
        raise ProofError("a note is short text without control characters")
    text, blank, below = unverified.rpartition("\n\n")
    if not blank or not below.endswith("\n"):
        raise ProofError("a note has a blank line and then signatures, each on its line")
    lines = below[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise ProofError("too many signatures")
    return Note(text=f"{text}\n", signatures=tuple(_read_line(line) for line in lines))


def signed_note(text: str, vkey: Vkey, signature: bytes) -> str:
    """Put one signature under a text that ends in a newline."""
    return f"{text}\n{_LINE}{vkey.name} {b64(vkey.key_id + signature)}\n"


def verify_note(unverified: str, vkeys: Sequence[Vkey], verify_ed25519: VerifyEd25519) -> tuple[str, Sequence[Vkey]]:
    """Verify a signed note and return its text and its known signers: at least one known key, and no bad line of one.

    Raises:
        ProofError: without a known signer, or for a bad signature of a known key. Unknown keys are ignored.

    Source: C2SP signed-note, Signatures.
    """
    note = read_note(unverified)
    known = {(vkey.name, vkey.key_id): vkey for vkey in vkeys}
    message = note.text.encode("utf-8", errors="strict")
    signers: list[Vkey] = []
    for line in note.signatures:
        vkey = known.get((line.name, line.key_id))
        if vkey is not None:
            verify_ed25519(vkey.public, message, line.signature)
            signers.append(vkey)
    if not signers:
        raise ProofError("no known key has signed this note")
    return note.text, signers


def verify_checkpoint(unverified: str, vkeys: Sequence[Vkey], verify_ed25519: VerifyEd25519) -> Checkpoint:
    """Verify a signed checkpoint of the log of the given keys.

    The origin must be the signing key's name: a key that signs for one log must not vouch for another.

    Raises:
        ProofError: when it is not signed by such a key or is not a SHA-256 tree's checkpoint.

    Source: C2SP tlog-checkpoint.
    """
    text, signers = verify_note(unverified, vkeys, verify_ed25519)
    checkpoint = read_checkpoint(text)
    if all(vkey.name != checkpoint.origin for vkey in signers):
        raise ProofError(f"the checkpoint is of another log: {checkpoint.origin}")
    if len(checkpoint.root) != HASH_SIZE:
        raise ProofError("the root is not a SHA-256 hash")
    return checkpoint


def _read_line(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_LINE).partition(" ")
    if not line.startswith(_LINE):
        raise ProofError("a signature line begins with a dash")
    _verify_name(name)
    raw = unb64(encoded)
    if len(raw) <= KEY_ID_SIZE:
        raise ProofError("a signature is too short")
    return Signature(name=name, key_id=raw[:KEY_ID_SIZE], signature=raw[KEY_ID_SIZE:])


def _verify_name(name: str) -> None:
    if not name or "+" in name or not name.isprintable() or any(letter.isspace() for letter in name):
        raise ProofError("a key's name is not empty and has no spaces or plus signs")


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes((ED25519,)) + public).digest()[:KEY_ID_SIZE]
