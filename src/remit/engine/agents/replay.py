"""Which proofs and assertions were verified here lately, whatever became of their requests.

The store's replay marks are the truth, across nodes and restarts, for what was recorded; this is for what was refused
before anything was.
"""

from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.identity.dpop import ProofRefused

_HALF: Final = 32_768
"""So many of the newest are remembered for sure, and at most twice as many. One agent alone is held to its rate long before."""


class ReplayCache:
    """What was used up, by a hash of its replay key: a credential counts for the first request it is verified for."""

    def __init__(self) -> None:
        self._new: set[int] = set()
        self._old: set[int] = set()

    def use_assertion(self, replay_key: str) -> None:
        """Use up a client assertion.

        Raises:
            Refused: `credential.replayed`.
        """
        if self._stood(replay_key):
            raise Refused(Code.CREDENTIAL_REPLAYED, "the assertion was used before")

    def use_proof(self, replay_key: str) -> None:
        """Use up a DPoP proof.

        Raises:
            ProofRefused: `credential.replayed`.
        """
        if self._stood(replay_key):
            raise ProofRefused(Code.CREDENTIAL_REPLAYED, "the proof was used before")

    def _stood(self, replay_key: str) -> bool:
        """Whether it was used up before; from now on it is.

        ⚔ Whoever finds one of a request that was refused, in a log or on its way, must not spend it on a request of their own.

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
        """Let it be used once more: its request was refused for what the desk had not told yet."""
        self._new.discard(hash(replay_key))
        self._old.discard(hash(replay_key))
