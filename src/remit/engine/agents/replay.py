"""Recently verified proofs and assertions, regardless of their requests' outcome.

Across nodes and restarts the store's replay marks are authoritative; this covers requests refused before a record.
"""

from array import array
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.identity.dpop import ProofRefused

_HALF: Final = 32_768
"""Keys remembered at least, and half the maximum; an agent's rate limit applies far earlier."""
_SLOTS: Final = 2 * _HALF
"""A power of two, twice as many as there are hashes: a place is found after one or two looks."""
_FORGOTTEN: Final = -1
"""No hash of Python's is this."""


class _Hashes:
    """Hashes in 16 bytes each; a set takes some 90. A hash stands at its own place, or at the next free one behind it."""

    def __init__(self, size: int) -> None:
        """Have `size` places, a power of two, half of which may be taken."""
        self.taken = 0
        self._slots: Final = array("q", bytes(8 * size))
        self._mask: Final = size - 1

    def holds(self, key: int) -> bool:
        """Return whether a hash other than 0 is among these."""
        return self._slots[self._place(key)] == key

    def add(self, key: int) -> None:
        """Take a hash in, where one was forgotten if there is such a place on its way."""
        at = self._place(key)
        self.taken += self._slots[at] == 0
        self._slots[at] = key

    def forget(self, key: int) -> None:
        """Take a hash out. Those behind it are still found."""
        at = self._place(key)
        if self._slots[at] == key:
            self._slots[at] = _FORGOTTEN

    def _place(self, key: int) -> int:
        """Return where a hash stands, or else would stand."""
        slots, mask = self._slots, self._mask
        at, free = key & mask, -1
        while (found := slots[at]) and found != key:
            if found == _FORGOTTEN and free < 0:
                free = at
            at = (at + 1) & mask
        return at if found or free < 0 else free


class ReplayCache:
    """Used credentials by a hash of their replay keys: each counts for the first request it is verified for."""

    def __init__(self) -> None:
        self._new = _Hashes(_SLOTS)
        self._old = _Hashes(1)

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
        key = _hash(replay_key)
        if self._new.holds(key) or self._old.holds(key):
            return True
        self._new.add(key)
        if self._new.taken >= _HALF:
            self._old, self._new = self._new, _Hashes(_SLOTS)
        return False

    def allow_reuse(self, replay_key: str) -> None:
        """Allow one more use: the request was refused for a value the desk had not told yet."""
        self._new.forget(_hash(replay_key))
        self._old.forget(_hash(replay_key))


def _hash(replay_key: str) -> int:
    return hash(replay_key) or 1  # 0 is a free place
