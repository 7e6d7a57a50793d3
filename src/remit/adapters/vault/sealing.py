"""Sealing shared by all vaults: AES-256-GCM; key id, then nonce, then text, bound to its subject."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from remit.domain.errors import Code, Fault
from remit.ports.vault import NAMED
from remit.ports.world import World

ID: Final = NAMED
_NONCE: Final = 12
_TAG: Final = 16
_KEY: Final = 32


class ContentKey(NamedTuple):
    """A key with its id."""

    id: bytes
    cipher: AESGCM


class SealedContent(NamedTuple):
    """Parts of sealed content."""

    key: bytes
    nonce: bytes
    text: bytes


def new_key(world: World) -> tuple[bytes, bytes]:
    """Generate a key: its id and itself."""
    return world.random(ID), AESGCM.generate_key(8 * _KEY)


def cipher_of(key: bytes) -> AESGCM:
    """Return the cipher of a stored key.

    Raises:
        Fault: `fault.store` when it is damaged.
    """
    if len(key) != _KEY:
        raise Fault(Code.FAULT_STORE, "a content key is damaged")
    return AESGCM(key)


def seal_with(key: ContentKey, subject: str, content: bytes, world: World) -> bytes:
    """Encrypt with a key."""
    nonce = world.random(_NONCE)
    return key.id + nonce + key.cipher.encrypt(nonce, content, subject_bytes(subject))


def split_sealed(sealed: bytes) -> SealedContent:
    """Split sealed content.

    Raises:
        Fault: `fault.store` when it is cut off.
    """
    if len(sealed) < ID + _NONCE + _TAG:
        raise Fault(Code.FAULT_STORE, "sealed content is cut off")
    return SealedContent(sealed[:ID], sealed[ID : ID + _NONCE], sealed[ID + _NONCE :])


def unseal_with(cipher: AESGCM, subject: str, sealed: SealedContent) -> bytes:
    """Decrypt with a key.

    Raises:
        Fault: `fault.store` when the content is damaged.
    """
    try:
        return cipher.decrypt(sealed.nonce, sealed.text, subject_bytes(subject))
    except InvalidTag:
        raise Fault(Code.FAULT_STORE, "sealed content is damaged") from None


def key_missing_error() -> Fault:
    """Build the fault for a key that neither exists nor was destroyed."""
    return Fault(Code.FAULT_STORE, "a content key is missing; restore the keys that belong to this store")


def subject_bytes(subject: str) -> bytes:
    """Encode a subject, to which content is bound so that one customer's cannot pass as another's."""
    return subject.encode("utf-8", errors="surrogatepass")


def raw_ids(ids: Iterable[str]) -> list[bytes]:
    """Decode key ids."""
    return [bytes.fromhex(key_id) for key_id in ids]


def hex_ids(rows: Iterable[Sequence[bytes]]) -> tuple[str, ...]:
    """Encode the key ids of rows."""
    return tuple(row[0].hex() for row in rows)


def ids_by_subject(rows: Iterable[tuple[str, bytes]]) -> Mapping[str, Collection[str]]:
    """Group key ids by subject."""
    found: dict[str, list[str]] = {}
    for subject, key_id in rows:
        found.setdefault(subject, []).append(key_id.hex())
    return found
