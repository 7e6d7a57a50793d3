"""What every vault seals like: AES-256-GCM; first the key's own id, then a nonce, then the text, bound to its subject."""

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
    """A key by its id."""

    id: bytes
    cipher: AESGCM


class SealedContent(NamedTuple):
    """Sealed content, taken apart."""

    key: bytes
    nonce: bytes
    text: bytes


def new_key(world: World) -> tuple[bytes, bytes]:
    """A new key: its id and itself."""
    return world.random(ID), AESGCM.generate_key(8 * _KEY)


def cipher_of(key: bytes) -> AESGCM:
    """The cipher of a kept key.

    Raises:
        Fault: `fault.store` when it is no key of ours.
    """
    if len(key) != _KEY:
        raise Fault(Code.FAULT_STORE, "a content key is damaged")
    return AESGCM(key)


def seal_with(key: ContentKey, subject: str, content: bytes, world: World) -> bytes:
    """Encrypt with a key."""
    nonce = world.random(_NONCE)
    return key.id + nonce + key.cipher.encrypt(nonce, content, _bound_to(subject))


def split_sealed(sealed: bytes) -> SealedContent:
    """The parts of sealed content.

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
        return cipher.decrypt(sealed.nonce, sealed.text, _bound_to(subject))
    except InvalidTag:
        raise Fault(Code.FAULT_STORE, "sealed content is damaged") from None


def key_missing_error() -> Fault:
    """What is said where a key is neither there nor was destroyed."""
    return Fault(Code.FAULT_STORE, "a content key is missing; restore the keys that belong to this store")


def _bound_to(subject: str) -> bytes:
    """What ties content to its subject, so that one customer's cannot be passed off as another's."""
    return subject.encode("utf-8", errors="surrogatepass")
