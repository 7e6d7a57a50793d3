"""The port to the content keys: one per customer, kept apart from the store, so that content can be erased."""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, Protocol

NAMED: Final = 8
"""The leading bytes of sealed content that name its key."""


class ContentKeyRef(NamedTuple):
    """The key of sealed content: its subject, and the first `NAMED` bytes of the content."""

    subject: str
    key: bytes


class Vault(Protocol):
    """Encrypts entries' contents about a person. Destroying the key erases the content, not the entry.

    Promises: a key is durable before `seal` returns for the first time; keys are never in the store's backups; a key
    once destroyed never comes back, and its id stays, so that erased content can be told from damaged; from the moment
    keys are retired nothing is sealed with them any more. Both hold for every process of the desk, from the call's
    return. Faults: `fault.store` when keys cannot be read or written, or when content is damaged.
    """

    async def seal(self, subject: str, content: bytes) -> bytes:
        """Encrypt under the subject's key, made on first use ("" is the desk's own)."""

    async def unseal(self, subject: str, sealed: bytes) -> bytes:
        """Decrypt.

        Raises:
            ContentErased: the key was destroyed.
        """

    async def keys(self, subject: str) -> tuple[str, ...]:
        """Return the ids of the subject's existing keys. They are random and identify no person."""

    async def retire(self, subject: str) -> tuple[str, ...]:
        """Retire the subject's present keys from sealing, and return their ids. Their content still opens.

        The next seal makes a new key: destroying the retired ones erases nothing sealed from now on.
        """

    async def retired(self) -> tuple[str, ...]:
        """Return the ids of retired keys without a `finish`, destroyed or not."""

    async def destroyed(self) -> Mapping[str, Collection[str]]:
        """Return the ids of all keys ever destroyed here, by their subject."""

    async def mark_pending(self, ids: Collection[str]) -> None:
        """List these keys as retired until `finish`: their erasure is incomplete."""

    async def finish(self, ids: Collection[str]) -> None:
        """Mark the erasure of these retired keys as complete."""

    async def destroy_keys(self, ids: Collection[str]) -> int:
        """Destroy the keys with these ids for good, whatever their subject, and return the number that still existed.

        Unknown ids are skipped: repeating an erasure, also on a key file restored from a copy, is always safe.
        """


class ContentErased(Exception):  # noqa: N818  # named after the state
    """The content's key was destroyed; only the envelope is left."""
