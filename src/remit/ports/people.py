"""The port to people's passkeys: enrolling one and checking an assertion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from remit.domain.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A new passkey as verified: base64url ids and keys."""

    credential_id: str
    public_key: str
    sign_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """A verified assertion."""

    credential_id: str
    sign_count: int
    evidence: str


class Passkeys(Protocol):
    """WebAuthn Level 3, user verification always required, our own origin only.

    Promises: `crossOrigin: true` and any `topOrigin` are refused; only ES256, EdDSA and RS256 keys; attestation is not asked for.
    """

    def creation_options(self, *, person: str, name: str, challenge: bytes, known: tuple[str, ...]) -> Mapping[str, Json]:
        """What the browser needs to make a passkey."""
        ...

    def request_options(self, *, challenge: bytes, allowed: tuple[str, ...]) -> Mapping[str, Json]:
        """What the browser needs to use a passkey."""
        ...

    def verify_creation(self, unverified: Mapping[str, Json], *, challenge: bytes) -> Enrolled:
        """Check an attestation response.

        Raises:
            Refused: `credential.malformed`.
        """
        ...

    def verify_assertion(self, unverified: Mapping[str, Json], *, challenge: bytes, public_key: str, sign_count: int) -> Asserted:
        """Check an assertion over exactly this challenge.

        Raises:
            Refused: `credential.malformed`, or `credential.wrong_key` when the signature, origin or challenge is not right.
        """
        ...
