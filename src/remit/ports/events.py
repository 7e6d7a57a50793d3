"""The port to shared signals: the desk's events key, delivery over HTTP, and verification of others' tokens."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from remit.domain.events.parties import Receiver, Transmitter
from remit.domain.events.security_event import SecurityEvent
from remit.domain.values import Instant, Json


class HttpReply(NamedTuple):
    """The answer of another party; its body is bounded."""

    status: int
    body: bytes


class EventSigner(Protocol):
    """Signs security event tokens with a key for nothing else.

    Promises: RS256 with a key of 2048 bits or more; `kid` is the RFC 7638 thumbprint; the private key never leaves the
    plug.
    """

    def jwks(self) -> Mapping[str, Json]:
        """Return the public keys as a JWK set, current first."""

    def sign(self, claims: str) -> str:
        """Sign claims, written as JSON, as a compact token of type `secevent+jwt`."""


class EventPosts(Protocol):
    """Sends requests to receivers and transmitters.

    Promises: no redirects; no special-use address but those that the party's settings allow, at every resolution; a
    bounded answer in a bounded time.
    """

    def verify_url(self, unverified: str, *, private_network: bool) -> str:
        """Return the address if it may be sent to.

        Raises:
            Refused: `request.malformed`.
        """

    async def post(self, url: str, *, private_network: bool, media_type: str, header: str, content: bytes) -> HttpReply:
        """Send one POST; `header` is the `Authorization` ("" for none).

        Raises:
            Fault: `fault.identity`: it is not known whether it arrived.
        """


class EventVerifier(Protocol):
    """Verifies security event tokens of the transmitters in the settings.

    Promises: the keys are those of the transmitter's own settings, whatever the token says; one algorithm list.
    """

    async def verify(self, transmitter: Transmitter, unverified: str, *, now: Instant) -> SecurityEvent:
        """Verify a token.

        Raises:
            Refused: a `SetRefused` with the reason for the transmitter.
            Fault: `fault.identity` without current keys.
        """


class PartyTokens(Protocol):
    """Recognises the parties by their static tokens, in constant time."""

    def receiver(self, token: str) -> Receiver | None:
        """Return the receiver of a token."""

    def transmitter(self, token: str) -> Transmitter | None:
        """Return the transmitter of a push token."""
