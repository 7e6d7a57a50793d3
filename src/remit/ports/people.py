"""The ports by which people prove who they are: their passkeys, and the company's OpenID provider."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from remit.domain.identity.oidc_login import LoggedOut, ProvedLogin
from remit.domain.values import Instant, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasskey:
    """A new passkey as verified: base64url ids and keys."""

    credential_id: str
    public_key: str
    sign_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedAssertion:
    """A verified assertion."""

    credential_id: str
    sign_count: int
    evidence: str


class Passkeys(Protocol):
    """WebAuthn Level 3, user verification always required, our own origin only.

    Promises: `crossOrigin: true` and any `topOrigin` are refused; only ES256, EdDSA and RS256 keys; attestation is not asked for.
    """

    def creation_options(
        self, *, person: str, name: str, challenge: bytes, known: tuple[str, ...]
    ) -> Mapping[str, Json]:
        """What the browser needs to make a passkey."""
        ...

    def request_options(self, *, challenge: bytes, allowed: tuple[str, ...]) -> Mapping[str, Json]:
        """What the browser needs to use a passkey."""
        ...

    def verify_creation(self, unverified: Mapping[str, Json], *, challenge: bytes) -> NewPasskey:
        """Check an attestation response.

        Raises:
            Refused: `credential.malformed`.
        """
        ...

    def verify_assertion(
        self, unverified: Mapping[str, Json], *, challenge: bytes, public_key: str, sign_count: int
    ) -> VerifiedAssertion:
        """Check an assertion over exactly this challenge.

        Raises:
            Refused: `credential.malformed`, or `credential.wrong_key` when the signature, origin or challenge is not right.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """What a browser is sent to the provider with. `verifier` stays here; only its SHA-256 is shown. `max_age_s` None: not asked for."""

    state: str
    nonce: str
    verifier: str
    acr: tuple[str, ...]
    max_age_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderStatus:
    """What the provider says of itself, for whoever runs the desk. `key` is our public key there, as JSON ("" with a secret)."""

    issuer: str
    keys: int
    says_iss: bool
    pushes: bool
    back_channel: bool
    key: str


class Provider(Protocol):
    """The company's OpenID provider: authorization code with PKCE, for one client.

    Promises: only what the provider's own metadata names is talked to, no redirect is followed, every answer is bounded in size and time;
    a `login.invalid` says that what came proves nobody, a `fault.identity` that the provider cannot be reached or does not behave.
    Nothing is kept but metadata and keys.
    """

    async def address(self, asked: LoginRequest, *, now: Instant) -> str:
        """Where the browser is sent to sign in.

        Raises:
            Fault: `fault.identity`.
        """
        ...

    async def finish(self, unverified: Mapping[str, str], *, asked: LoginRequest, now: Instant) -> ProvedLogin:
        """Exchange the code of an answer whose state was found right, and verify the ID token.

        Raises:
            Refused: `login.invalid`, `login.declined` when the provider says so.
            Fault: `fault.identity`.
        """
        ...

    async def sign_out_address(self, *, now: Instant) -> str:
        """Where a browser goes to sign out at the provider too ("" where it has no such page, or cannot be asked)."""
        ...

    async def verify_logout(self, unverified_token: str, *, now: Instant) -> LoggedOut:
        """Verify a logout token: signature and claims, not whether it came before.

        Raises:
            Refused: `login.invalid`.
            Fault: `fault.identity`.
        """
        ...

    async def refresh(self, *, now: Instant) -> ProviderStatus:
        """Read metadata and keys afresh.

        Raises:
            Fault: `fault.identity`.
        """
        ...
