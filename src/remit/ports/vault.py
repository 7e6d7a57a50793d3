"""The port to the content keys: one per customer, kept apart from the store, so that content can be erased."""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, Protocol

NAMED: Final = 8
"""What is sealed begins with so many bytes that name its key, whatever they are."""


class ContentKeyRef(NamedTuple):
    """Under which key something was sealed: whose it is, and the first `NAMED` bytes of the content."""

    subject: str
    key: bytes


class Vault(Protocol):
    """Encrypts what entries say about a person. Destroying the key erases the content, not the entry.

    Promises: a key is durable before `seal` returns for the first time; keys are never in the store's backups; a key
    once destroyed never comes back, and its id stays, so that erased content can be told from damaged; from the moment
    keys are retired nothing is sealed with them any more. Both hold for every process of the desk, from when the call returns.
    Faults: `fault.store` when keys cannot be read or written, or when content is damaged.
    """

    async def seal(self, subject: str, content: bytes) -> bytes:
        """Encrypt under the subject's key, made on first use ("" is the desk's own)."""
        ...

    async def unseal(self, subject: str, sealed: bytes) -> bytes:
        """Decrypt.

        Raises:
            Erased: the key was destroyed.
        """
        ...

    async def keys(self, subject: str) -> tuple[str, ...]:
        """The ids of the subject's keys that still exist. They are random and say nothing about anybody."""
        ...

    async def retire(self, subject: str) -> tuple[str, ...]:
        """Never seal with the keys again that the subject has now, and return their ids. What they sealed still opens.

        The next seal makes a new key: destroying those returned takes nothing that is sealed from now on.
        """
        ...

    async def retired(self) -> tuple[str, ...]:
        """The ids of retired keys of which `finish` did not say yet that nothing is left to do, destroyed or not."""
        ...

    async def destroyed(self) -> Mapping[str, Collection[str]]:
        """The ids of all keys that were ever destroyed here, by their subject."""
        ...

    async def mark_pending(self, ids: Collection[str]) -> None:
        """Name these among the retired until `finish`: of their erasure something is left to do."""
        ...

    async def finish(self, ids: Collection[str]) -> None:
        """Nothing is left to do about these retired keys."""
        ...

    async def destroy_keys(self, ids: Collection[str]) -> int:
        """Destroy the keys with these ids for good, whoever's they are, and say how many still existed.

        Unknown ids are passed over: repeating an erasure, also on a key file put back from a copy, is always safe.
        """
        ...


class ContentErased(Exception):  # noqa: N818  # it names what is
    """The content's key was destroyed; only the envelope is left."""
