"""Static tokens of the parties, kept as digests."""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Generic, TypeVar

from remit.domain.events.parties import Receiver, Transmitter

T = TypeVar("T")


class _Tokens(Generic[T]):
    """Digests of tokens with their owners. ⚔ Every digest is compared, so that time tells nothing of a token."""

    def __init__(self, owners: Sequence[tuple[str, T]]) -> None:
        self._owners = tuple((_digest(token), owner) for token, owner in owners)

    def owner(self, token: str) -> T | None:
        found, digest = None, _digest(token)
        for known, owner in self._owners:
            if hmac.compare_digest(known, digest):
                found = owner
        return found


class StaticTokens:
    """The tokens that the settings' files hold."""

    def __init__(
        self, receivers: Sequence[tuple[str, Receiver]], transmitters: Sequence[tuple[str, Transmitter]]
    ) -> None:
        self._receivers = _Tokens(receivers)
        self._transmitters = _Tokens(transmitters)

    def receiver(self, token: str) -> Receiver | None:
        """Return the receiver of a token."""
        return self._receivers.owner(token)

    def transmitter(self, token: str) -> Transmitter | None:
        """Return the transmitter of a push token."""
        return self._transmitters.owner(token)


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", errors="surrogatepass")).digest()
