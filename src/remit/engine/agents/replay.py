"""Recently verified proofs and assertions, regardless of their requests' outcome.

Across nodes and restarts the store's replay marks are authoritative; this covers requests refused before a record.
"""

from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.identity.dpop import ProofRefused

_HALF: Final = 32_768
"""Keys remembered at least, and half the maximum; an agent's rate limit applies far earlier."""


class ReplayCache:
    """Used credentials by a hash of their replay keys: each counts for the first request it is verified for."""

    def __init__(self) -> None:
        self._new: set[int] = set()
        self._old: set[int] = set()

    def use_assertion(self, replay_key: str) -> None:
        """Mark a client assertion as used.

        Raises:
            Refused: `credential.replayed`.
        """
        if self._is_used(replay_key):
            raise Refused(Code.CREDENTIAL_REPLAYED, "the assertion was used before")

    def use_proof(self, replay_key: str) -> None:
        """Mark a DPoP proof as used.

        Raises:
            ProofRefused: `credential.replayed`.
        """
        if self._is_used(replay_key):
            raise ProofRefused(Code.CREDENTIAL_REPLAYED, "the proof was used before")

    def _is_used(self, replay_key: str) -> bool:
        """Return whether the key was used before, and mark it as used.

        ⚔ A credential of a refused request, found in a log or in transit, must not work for another request.

        Source: RFC 9449 §11.1; RFC 7523bis (jti).
        """
        key = hash(replay_key)
        if key in self._new or key in self._old:
            return True
        self._new.add(key)
        if len(self._new) >= _HALF:
            self._old, self._new = self._new, set()
        return False

    def allow_reuse(self, replay_key: str) -> None:
        """Allow one more use: the request was refused for a value the desk had not told yet."""
        self._new.discard(hash(replay_key))
        self._old.discard(hash(replay_key))
