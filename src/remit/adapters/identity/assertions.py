"""Proof of workloads by client assertions, X.509-SVIDs and signed requests.

Combines the domain's rules with keys and signatures. It remembers nothing that was presented.
"""

import ssl
from collections.abc import Collection, Sequence

from remit.adapters.identity.certificates import verify_x509_svid
from remit.adapters.identity.fetching import Fetcher, verify_url
from remit.adapters.identity.key_sets import verify_jwks
from remit.adapters.identity.key_sources import KeySources, WorkloadBundles
from remit.adapters.identity.keys import SVID_ALGORITHMS
from remit.domain.errors import Code, Fault, Refused
from remit.domain.identity.assertions import (
    CLIENT_ALGORITHMS,
    AssertionType,
    replay_key,
    verify_assertion_claims,
    verify_assertion_type,
    verify_svid_claims,
)
from remit.domain.identity.certificates import PresentedCertificate
from remit.domain.identity.federation import FederationRule, verify_federated_claims
from remit.domain.identity.jws import UnverifiedJws, read, text_member
from remit.domain.identity.message_signatures import (
    MAX_BOT_LIFE_S,
    MAX_LIFE_S,
    SKEW_S,
    WEB_BOT_AUTH_TAG,
    SignedMessage,
    malformed_signature,
    signature_base,
    the_signature,
    verify_algorithm,
    verify_coverage,
    verify_times,
)
from remit.domain.identity.signature_agent import signature_agent
from remit.domain.identity.spiffe import (
    SCHEME,
    SpiffeId,
    SpiffePattern,
    verify_member,
    verify_spiffe_pattern,
    verify_trust_domain,
)
from remit.domain.values import Instant
from remit.ports.identity import (
    SIGNING_METHODS,
    SPIFFE_METHODS,
    ClientMethod,
    FederatedIssuer,
    InlineKeys,
    KeyFile,
    KeySource,
    KeyUrl,
    ProvedClient,
    Registration,
    SignatureDirectory,
    SpiffeBundle,
    SpiffeBundleUrl,
)

_METHODS_OF = {
    AssertionType.JWT_BEARER: frozenset({ClientMethod.PRIVATE_KEY_JWT, ClientMethod.FEDERATED_JWT}),
    AssertionType.JWT_SPIFFE: frozenset({ClientMethod.SPIFFE_JWT}),
}
_SOURCES: dict[ClientMethod, tuple[type[KeySource], ...]] = {
    ClientMethod.FEDERATED_JWT: (FederatedIssuer,),
    ClientMethod.HTTP_SIGNATURE: (InlineKeys, KeyFile, KeyUrl),
    ClientMethod.PRIVATE_KEY_JWT: (InlineKeys, KeyFile, KeyUrl),
    ClientMethod.WEB_BOT_AUTH: (SignatureDirectory,),
}
_MAX_NAME_LENGTH = 2048
_KEY_CURES = {
    ClientMethod.PRIVATE_KEY_JWT: (
        "Check which key signs the client assertion: its public half must be in the key set this client is "
        "registered with, under the `kid` of the header."
    ),
    ClientMethod.SPIFFE_JWT: (
        "Take a fresh JWT-SVID, and check that the trust bundle this client is registered with has the key that "
        "signed it, under the `kid` of the header."
    ),
    ClientMethod.FEDERATED_JWT: "Use a fresh token of the listed issuer, for the server's audience only.",
}
"""⚔ The same for an unknown key and a bad signature: it reveals only a client's registration, which is public."""


class AssertionClients:
    """Verifier of workloads by assertion, certificate or signed request (port `ClientVerifier`)."""

    def __init__(
        self,
        *,
        allow_loopback: bool,
        tls: ssl.SSLContext | None = None,
        federation: Sequence[FederationRule] = (),
        bundles: WorkloadBundles | None = None,
    ) -> None:
        """Fetch keys from public addresses only, or from loopback too; `tls` None means the system's trust.

        `federation` are the listed issuers; `bundles` are those of the desk's own Workload API.
        """
        self._allow_loopback = allow_loopback
        self._federation = tuple(federation)
        fetcher = Fetcher(allow_loopback=allow_loopback, tls=tls or ssl.create_default_context())
        self._sources = KeySources(fetcher, bundles)

    async def verify_client(
        self, *, unverified_type: str, unverified_assertion: str, registration: Registration, issuer: str, now: Instant
    ) -> ProvedClient:
        """Verify an assertion by the client's registered method."""
        kind = verify_assertion_type(unverified_type)
        _verify_method(registration, _METHODS_OF[kind])
        jws = read(unverified_assertion)
        match registration.method:
            case ClientMethod.FEDERATED_JWT:
                return await self._verify_federated(jws, registration, issuer, now)
            case ClientMethod.SPIFFE_JWT:
                return await self._verify_svid(jws, registration, issuer, now)
            case _:
                return await self._verify_own(jws, registration, issuer, now)

    async def verify_certificate(
        self, *, certificate: PresentedCertificate, registration: Registration, now: Instant
    ) -> ProvedClient:
        """Verify an X.509-SVID by the registration's bundle; ⚔ its ID must be of that very trust domain."""
        _verify_method(registration, {ClientMethod.SPIFFE_X509})
        pattern = _spiffe_terms(registration)
        authorities = (await self._sources.key_set(registration.keys, now=now)).authorities
        spiffe_id, ends_at = verify_x509_svid(certificate, authorities, now=now)
        verify_member(spiffe_id, pattern)
        return ProvedClient(
            client_id=registration.client_id,
            actor=_actor(registration, spiffe_id),
            jti=None,
            expires_at=ends_at,
            replay_key=None,
        )

    async def verify_message(
        self, *, message: SignedMessage, registration: Registration, now: Instant, expected_jkt: str | None
    ) -> ProvedClient:
        """Verify a signed request: its rules first, the key's signature last."""
        _verify_method(registration, SIGNING_METHODS)
        signature, bot = the_signature(message), registration.method is ClientMethod.WEB_BOT_AUTH
        if bot and signature.tag != WEB_BOT_AUTH_TAG:
            raise malformed_signature(f"its tag must be {WEB_BOT_AUTH_TAG}")
        verify_coverage(message, signature)
        if bot and signature_agent(message, signature, allow_loopback=self._allow_loopback) != registration.actor:
            raise Refused(Code.AGENT_UNKNOWN, "Signature-Agent is another agent's")
        expires_at = verify_times(signature, now, most_s=MAX_BOT_LIFE_S if bot else MAX_LIFE_S)
        keyid, nonce = signature.text("keyid"), signature.text("nonce")
        if expected_jkt is not None and keyid != expected_jkt:
            raise Refused(
                Code.CREDENTIAL_WRONG_KEY, "signed by another key", public="The token belongs to another key."
            )
        key = await self._sources.verify_signer(registration.keys, thumbprint=keyid, now=now)
        alg = verify_algorithm(signature.algorithm, key.algorithms)
        key.verify_signature(alg, signature.signature, signature_base(message, signature))
        return ProvedClient(
            client_id=registration.client_id,
            actor=registration.actor,
            jti=nonce,
            expires_at=Instant(expires_at + SKEW_S * 1000),  # the clocks of nodes differ
            replay_key=replay_key("message signature", key.jkt, nonce),
            jkt=key.jkt,
        )

    async def verify_registration(self, *, unverified: Registration, now: Instant) -> Registration:
        """Verify that a registration can work, and that its keys can be read now."""
        if not 0 < len(unverified.client_id) <= _MAX_NAME_LENGTH or not 0 < len(unverified.actor) <= _MAX_NAME_LENGTH:
            raise _wrong("client_id and actor must be texts")
        try:
            if unverified.method in SPIFFE_METHODS:
                _spiffe_terms(unverified)
            elif not isinstance(unverified.keys, _SOURCES[unverified.method]) or unverified.spiffe_id is not None:
                raise _wrong(_TAKES[unverified.method])
        except Refused as refused:
            raise _wrong(refused.detail) from None
        match unverified.keys:
            case InlineKeys(jwks=jwks):
                verify_jwks(jwks)
            case FederatedIssuer(issuer=issuer):
                self._verify_listed(unverified.client_id, issuer)  # its keys are read at the first token
            case KeyUrl(url=url) | SpiffeBundleUrl(url=url):
                verify_url(url, allow_loopback=self._allow_loopback)
                await self._verify_readable(unverified, now)
            case _:
                await self._verify_readable(unverified, now)
        return unverified

    async def _verify_readable(self, unverified: Registration, now: Instant) -> None:
        """Verify that the source has keys for the method.

        Raises:
            Fault: `fault.identity`.
        """
        found = await self._sources.key_set(unverified.keys, now=now)
        if not (found.authorities if unverified.method is ClientMethod.SPIFFE_X509 else found.keys):
            raise Fault(Code.FAULT_IDENTITY, f"the bundle holds no usable key for {unverified.method}")

    def _verify_listed(self, client_id: str, issuer: str) -> None:
        """Verify that the settings map some subject of the issuer to this agent."""
        if not any((one.issuer, one.agent) == (issuer, client_id) for one in self._federation):
            raise _wrong(f"no [[federation]] of {issuer} names the agent {client_id}")

    async def _verify_federated(
        self, jws: UnverifiedJws, registration: Registration, issuer: str, now: Instant
    ) -> ProvedClient:
        """Verify a token of a listed issuer. ⚔ The issuer is that of the registration, too."""
        rule, expires_at = verify_federated_claims(
            jws, self._federation, client_id=registration.client_id, issuer=issuer, now=now
        )
        if registration.keys != FederatedIssuer(issuer=rule.issuer):
            raise Refused(Code.AGENT_UNKNOWN, "the agent is registered for another issuer")
        source = FederatedIssuer(issuer=rule.issuer, jwks_file=rule.jwks_file, private=rule.private)
        await self._verify_signature(jws, registration, source, CLIENT_ALGORITHMS, now)
        return ProvedClient(
            client_id=registration.client_id,
            actor=registration.actor,
            jti=None,
            expires_at=expires_at,
            replay_key=None,
        )

    async def _verify_own(
        self, jws: UnverifiedJws, registration: Registration, issuer: str, now: Instant
    ) -> ProvedClient:
        claims = verify_assertion_claims(jws, client_id=registration.client_id, issuer=issuer, now=now)
        await self._verify_signature(jws, registration, registration.keys, CLIENT_ALGORITHMS, now)
        return ProvedClient(
            client_id=registration.client_id,
            actor=registration.actor,
            jti=claims.jti,
            expires_at=claims.expires_at,
            replay_key=replay_key("client assertion", registration.client_id, claims.jti),
        )

    async def _verify_svid(
        self, jws: UnverifiedJws, registration: Registration, issuer: str, now: Instant
    ) -> ProvedClient:
        pattern = _spiffe_terms(registration)
        claims = verify_svid_claims(jws, pattern=pattern, issuer=issuer, now=now)
        await self._verify_signature(jws, registration, registration.keys, SVID_ALGORITHMS, now)
        return ProvedClient(
            client_id=registration.client_id,
            actor=_actor(registration, claims.spiffe_id),
            jti=None,
            expires_at=claims.expires_at,
            replay_key=None,
        )

    async def _verify_signature(
        self,
        jws: UnverifiedJws,
        registration: Registration,
        source: KeySource,
        allowed: Collection[str],
        now: Instant,
    ) -> None:
        alg = text_member(jws.header, "alg")
        if alg not in allowed:
            raise Refused(
                Code.CREDENTIAL_MALFORMED,
                f"alg {alg!r} is not accepted",
                public=f"'alg' must be one of {', '.join(sorted(allowed))}.",
            )
        kid = text_member(jws.header, "kid") if "kid" in jws.header else None
        try:
            key = await self._sources.verify_key(source, kid=kid, alg=alg, now=now)
            key.verify_signature(alg, jws.signature, jws.signing_input)
        except Refused as refused:
            cure = _KEY_CURES[registration.method]
            raise Refused(refused.code, refused.detail, public=refused.public, public_cure=cure) from None


_TAKES = {
    ClientMethod.FEDERATED_JWT: "federated_jwt takes a federated_issuer and no spiffe_id",
    ClientMethod.HTTP_SIGNATURE: "http_message_signature takes a JWK set and no spiffe_id",
    ClientMethod.PRIVATE_KEY_JWT: "private_key_jwt takes a JWK set and no spiffe_id",
    ClientMethod.WEB_BOT_AUTH: "web_bot_auth takes a directory and no spiffe_id",
}


def _verify_method(registration: Registration, methods: Collection[ClientMethod]) -> None:
    """⚔ The method is pinned: a client registered for one kind cannot be impersonated with another.

    Raises:
        Refused: `credential.malformed`.
    """
    if registration.method not in methods:
        raise Refused(
            Code.CREDENTIAL_MALFORMED,
            "not the registered method",
            public=f"This client is registered for {registration.method}.",
        )


def _actor(registration: Registration, proved: SpiffeId) -> str:
    """Return the proved ID where SPIFFE IDs are the actors, to tell workloads of one registration apart."""
    return str(proved) if registration.actor.startswith(SCHEME) else registration.actor


def _spiffe_terms(registration: Registration) -> SpiffePattern:
    """Verify that a SPIFFE registration is consistent, and return its pattern.

    ⚔ The keys of one trust domain never vouch for a name in another.

    Raises:
        Refused: `agent.unknown` or `credential.malformed`.
    """
    if not isinstance(registration.keys, SpiffeBundle) or registration.spiffe_id is None:
        raise Refused(Code.AGENT_UNKNOWN, f"{registration.method} needs a SPIFFE bundle and a spiffe_id")
    pattern = verify_spiffe_pattern(registration.spiffe_id)
    if pattern.trust_domain != verify_trust_domain(registration.keys.trust_domain):
        raise Refused(Code.AGENT_UNKNOWN, "spiffe_id lies outside the bundle's trust domain")
    if (pattern.below or registration.actor.startswith(SCHEME)) and registration.actor != registration.spiffe_id:
        raise Refused(Code.AGENT_UNKNOWN, "actor must equal spiffe_id")
    return pattern


def _wrong(reason: str) -> Refused:
    return Refused(
        Code.REQUEST_MALFORMED, f"registration: {reason}", public=f"The registration cannot be used: {reason}."
    )
