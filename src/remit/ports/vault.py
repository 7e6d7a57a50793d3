"""The port to the content keys: one per customer, kept apart from the store, so that content can be erased."""

from typing import Protocol


class Vault(Protocol):
    """Encrypts what entries say about a person. Destroying the key erases the content, not the entry.

    Promises: a key is durable before `seal` returns for the first time; keys are never in the store's backups.
    Faults: `fault.store` when keys cannot be read or written.
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

    async def destroy(self, subject: str) -> None:
        """Destroy the subject's key for good; a later `seal` starts a new one."""
        ...


class Erased(Exception):  # noqa: N818  # it names what is
    """The content's key was destroyed; only the envelope is left."""
