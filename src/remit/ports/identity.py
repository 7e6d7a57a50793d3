"""The port to the identity of agents: the workload, and possession of its key.

People's logins are in `people`; the desk's own keys are in `signer`. Looking up registrations is the store's work.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from remit.domain.identity.certificates import PresentedCertificate
from remit.domain.identity.message_signatures import SignedMessage
from remit.domain.ids import OperatorId
from remit.domain.structs import struct
from remit.domain.values import Instant, Json


@struct(frozen=True, kw_only=True)
class InlineKeys:
    """A public JWK set (RFC 7517) written into the registration."""

    jwks: Mapping[str, Json]


@struct(frozen=True, kw_only=True)
class KeyFile:
    """A file with a public JWK set, read again when it is due."""

    path: str


@struct(frozen=True, kw_only=True)
class KeyUrl:
    """An https address (http on loopback only) that answers with a public JWK set."""

    url: str


@struct(frozen=True, kw_only=True)
class SpiffeBundleFile:
    """A file with the SPIFFE bundle of one trust domain."""

    path: str
    trust_domain: str


@struct(frozen=True, kw_only=True)
class SpiffeBundleUrl:
    """The bundle endpoint of one trust domain: https (profile `https_web`), http on loopback only."""

    url: str
    trust_domain: str


@struct(frozen=True, kw_only=True)
class SpiffeWorkloadApi:
    """The bundle of one trust domain from the SPIFFE Workload API that the desk itself is attached to."""

    trust_domain: str


@struct(frozen=True, kw_only=True)
class FederatedIssuer:
    """The keys of an issuer of the desk's allow-list, by its discovery document or a file of them."""

    issuer: str
    jwks_file: str = ""
    private: bool = False


@struct(frozen=True, kw_only=True)
class SignatureDirectory:
    """The signed directory of keys that an agent publishes at an https origin (Web Bot Auth)."""

    origin: str


SpiffeBundle: TypeAlias = SpiffeBundleFile | SpiffeBundleUrl | SpiffeWorkloadApi
KeySource: TypeAlias = InlineKeys | KeyFile | KeyUrl | SpiffeBundle | FederatedIssuer | SignatureDirectory


PUBLIC_CLIENT: Final = "none"
"""The method of a client that proves nothing: a visitor."""


class ClientMethod(StrEnum):
    """The registered proof of a workload at the OAuth endpoints; the metadata lists those that OAuth names."""

    FEDERATED_JWT = "federated_jwt"
    HTTP_SIGNATURE = "http_message_signature"
    PRIVATE_KEY_JWT = "private_key_jwt"
    SPIFFE_JWT = "spiffe_jwt"
    SPIFFE_X509 = "spiffe_x509"
    WEB_BOT_AUTH = "web_bot_auth"


SPIFFE_METHODS: Final = frozenset({ClientMethod.SPIFFE_JWT, ClientMethod.SPIFFE_X509})
SIGNING_METHODS: Final = frozenset({ClientMethod.HTTP_SIGNATURE, ClientMethod.WEB_BOT_AUTH})
"""Methods whose agents sign each request: the signature also proves the key that a token is bound to."""


@struct(frozen=True, kw_only=True)
class Registration:
    """The desk's knowledge of a client before any proof.

    `actor` becomes `act.sub`: the desk's own id of the agent, or a SPIFFE ID. With a SPIFFE method, `spiffe_id` is the
    exact ID, or a pattern with a trailing `/*`; then `actor` must equal `spiffe_id`, and each workload acts under its
    own proved ID, so that agents that share a registration stay apart.
    """

    client_id: str
    actor: str
    operator: OperatorId
    method: ClientMethod
    keys: KeySource
    spiffe_id: str | None = None


@struct(frozen=True, kw_only=True)
class ProvedClient:
    """A workload that proved itself. `actor` is the `act.sub` of everything it does.

    A `replay_key` must be marked as used in the store until `expires_at`, in the same transaction as the request's
    effect. It is None for JWT-SVIDs and other credentials that are presented many times
    (docs/decisions/0003-jwt-spiffe-replay.md): those requests need a DPoP proof. `jkt` is the key that signed the
    request itself, "" where the proof shows none.
    """

    client_id: str
    actor: str
    jti: str | None
    expires_at: Instant
    replay_key: str | None
    jkt: str = ""


@struct(frozen=True, kw_only=True)
class Proof:
    """A verified DPoP proof. `jkt` is the RFC 7638 thumbprint of the key that signed it.

    `replay_key` must be marked as used in the store until `expires_at`. `nonce` is as sent: ours or not, see
    `identity.dpop.verify_nonce`.
    """

    jkt: str
    jti: str
    iat: Instant
    nonce: str | None
    replay_key: str
    expires_at: Instant


class ClientVerifier(Protocol):
    """Proves workloads by client assertions, certificates and signed requests.

    Promises: keys are read again when older than five minutes (or the bundle's own hint) and once when a `kid` is
    unknown; one read at a time for each source, five seconds, 256 KiB, no redirects; a failed read keeps the old keys
    for at most an hour. Assertions are not remembered: replay is for the caller and the store.
    """

    async def verify_client(
        self, *, unverified_type: str, unverified_assertion: str, registration: Registration, issuer: str, now: Instant
    ) -> ProvedClient:
        """Verify a client assertion against the registration found by `identity.assertions.claimed_client`.

        Raises:
            Refused: `credential.malformed`, `credential.expired`, `credential.wrong_audience`, `credential.wrong_key`
                or `agent.unknown`.
            Fault: `fault.identity` without keys; nothing is proved, try again later.
        """

    async def verify_certificate(
        self, *, certificate: PresentedCertificate, registration: Registration, now: Instant
    ) -> ProvedClient:
        """Verify an X.509-SVID, whose key the caller used in its TLS handshake, against the registration's bundle.

        Raises:
            Refused: `credential.malformed`, `credential.expired`, `credential.wrong_key` or `agent.unknown`.
            Fault: `fault.identity` without a bundle.
        """

    async def verify_message(
        self, *, message: SignedMessage, registration: Registration, now: Instant, expected_jkt: str | None
    ) -> ProvedClient:
        """Verify the signature of a request by a key of the registration, and that it covers all we act on.

        `expected_jkt` is the key that the token or grant beside it is bound to, None where the key is first seen.

        Raises:
            Refused: `credential.malformed`, `credential.expired`, `credential.wrong_key` or `agent.unknown`.
            Fault: `fault.identity` without keys.
        """

    async def verify_registration(self, *, unverified: Registration, now: Instant) -> Registration:
        """Verify that a registration can work: method, actor and pattern fit, and its keys can be read now.

        Raises:
            Refused: `request.malformed` with the problem in `public`.
            Fault: `fault.identity` when the keys cannot be had.
        """


class DocumentLane(StrEnum):
    """The reason to read a client's document. ⚔ Slow servers that one kind of caller names hold up no other kind."""

    CUSTOMER = "customer"
    """A signed-in customer looks at the request of a client that the desk never met."""
    KNOWN = "known"
    """A stored client is looked up."""
    UNPROVED = "unproved"
    """A caller that proved nothing says that it is this client."""


class ClientDocuments(Protocol):
    """Fetches client id metadata documents.

    Promises: only answers with status 200 count; no redirects, no special-use address (loopback only for a desk on
    loopback), five seconds, 5 KiB; a document is kept for an hour at most, a failure is not kept, and one address is
    read at most once in ten seconds, several at once, but not many.
    """

    async def document(self, client_id: str, *, now: Instant, lane: DocumentLane, newest: bool = False) -> bytes:
        """Return the document at a client id verified by `verify_document_id`; `newest`: read in the last ten seconds.

        Raises:
            Fault: `fault.identity`: the client cannot be known now.
        """


class ProofVerifier(Protocol):
    """Verifies DPoP proofs (RFC 9449). No I/O; safe to call on every request."""

    def algorithms(self) -> tuple[str, ...]:
        """Return the algorithms of proofs, for metadata and challenges."""

    def nonce(self, now: Instant) -> str | None:
        """Return the nonce that proofs must carry now, None where the desk requires none (RFC 9449 §8, §9)."""

    def verify_proof(
        self,
        unverified_proof: str,
        *,
        method: str,
        url: str,
        now: Instant,
        ath: str | None,
        expected_jkt: str | None,
    ) -> Proof:
        """Verify a proof for one request.

        `url` is the desk's own address (issuer and path), never one built from the Host header. `ath` is the hash of the
        token beside the proof, None at the OAuth endpoints; `expected_jkt` is the key the token, grant or pushed
        request is bound to, None where the key is first seen.

        Raises:
            ProofRefused: `credential.malformed`, `credential.expired`, `credential.wrong_audience` (another request or
                token), `credential.wrong_key` or `credential.nonce`.
        """
