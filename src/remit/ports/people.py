"""The ports that authenticate people: their passkeys, and the company's OpenID provider."""

from collections.abc import Mapping
from typing import Protocol

from remit.domain.identity.id_jag import IdJag
from remit.domain.identity.oidc_login import LoggedOut, ProvedLogin
from remit.domain.structs import struct
from remit.domain.values import Instant, Json


@struct(frozen=True, kw_only=True)
class NewPasskey:
    """A new passkey as verified: base64url ids and keys."""

    credential_id: str
    public_key: str
    sign_count: int


@struct(frozen=True, kw_only=True)
class VerifiedAssertion:
    """A verified assertion."""

    credential_id: str
    sign_count: int
    evidence: str


class Passkeys(Protocol):
    """WebAuthn Level 3, user verification always required, our own origin only.

    Promises: `crossOrigin: true` and any `topOrigin` are refused; only ES256, EdDSA and RS256 keys; no attestation.
    """

    def creation_options(
        self, *, person: str, name: str, challenge: bytes, known: tuple[str, ...]
    ) -> Mapping[str, Json]:
        """Return the browser's options for making a passkey."""

    def request_options(self, *, challenge: bytes, allowed: tuple[str, ...]) -> Mapping[str, Json]:
        """Return the browser's options for using a passkey."""

    def verify_creation(self, unverified: Mapping[str, Json], *, challenge: bytes) -> NewPasskey:
        """Verify an attestation response.

        Raises:
            Refused: `credential.malformed`.
        """

    def verify_assertion(
        self, unverified: Mapping[str, Json], *, challenge: bytes, public_key: str, sign_count: int
    ) -> VerifiedAssertion:
        """Verify an assertion over exactly this challenge.

        Raises:
            Refused: `credential.malformed`, or `credential.wrong_key` for a wrong signature, origin or challenge.
        """


@struct(frozen=True, kw_only=True)
class LoginRequest:
    """A sign-in sent to the provider. `verifier` stays here, only its SHA-256 is sent; `max_age_s` None: any."""

    state: str
    nonce: str
    verifier: str
    acr: tuple[str, ...]
    max_age_s: int | None


@struct(frozen=True, kw_only=True)
class ProviderStatus:
    """The provider's self-description, for operators. `key` is our public key there, as JSON ("" with a secret)."""

    issuer: str
    keys: int
    says_iss: bool
    pushes: bool
    back_channel: bool
    key: str


class Provider(Protocol):
    """The company's OpenID provider: authorization code with PKCE, for one client.

    Promises: it talks only to addresses in the provider's own metadata, follows no redirect, and bounds every answer in
    size and time. `login.invalid` means that an answer proves nothing, `fault.identity` that the provider cannot be
    reached or misbehaves. Only metadata and keys are kept.
    """

    async def address(self, asked: LoginRequest, *, now: Instant) -> str:
        """Return the provider's address for the browser's sign-in.

        Raises:
            Fault: `fault.identity`.
        """

    async def finish(self, unverified: Mapping[str, str], *, asked: LoginRequest, now: Instant) -> ProvedLogin:
        """Exchange the code of an answer with a verified state, and verify the ID token.

        Raises:
            Refused: `login.invalid`, `login.declined` when the provider says so.
            Fault: `fault.identity`.
        """

    async def sign_out_address(self, *, now: Instant) -> str:
        """Return the provider's sign-out page for the browser ("" without one, or when it cannot be asked)."""

    async def verify_logout(self, unverified_token: str, *, now: Instant) -> LoggedOut:
        """Verify a logout token: signature and claims, not replay.

        Raises:
            Refused: `login.invalid`.
            Fault: `fault.identity`.
        """

    async def verify_id_jag(
        self, unverified: str, *, audience: str, client_id: str, actor: str, jkt: str, now: Instant
    ) -> IdJag:
        """Verify an ID-JAG for a client of this desk: signature and claims, not replay.

        Raises:
            Refused: `grant.invalid`.
            Fault: `fault.identity`.
        """

    async def refresh(self, *, now: Instant) -> ProviderStatus:
        """Read metadata and keys afresh.

        Raises:
            Fault: `fault.identity`.
        """
