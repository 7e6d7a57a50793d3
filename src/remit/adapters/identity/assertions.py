"""Proof of workloads by client assertions: private_key_jwt and jwt-spiffe.

Combines the domain's claim rules with keys and signatures. It remembers no assertion.
"""

import ssl
from collections.abc import Collection

from remit.adapters.identity.fetching import Fetcher, verify_url
from remit.adapters.identity.key_sets import verify_jwks
from remit.adapters.identity.key_sources import KeySources
from remit.adapters.identity.keys import SVID_ALGORITHMS
from remit.domain.errors import Code, Refused
from remit.domain.identity.assertions import (
    CLIENT_ALGORITHMS,
    AssertionType,
    replay_key,
    verify_assertion_claims,
    verify_assertion_type,
    verify_svid_claims,
)
from remit.domain.identity.jws import UnverifiedJws, read, text_member
from remit.domain.identity.spiffe import SCHEME, SpiffeId, SpiffePattern, verify_spiffe_pattern, verify_trust_domain
from remit.domain.values import Instant
from remit.ports.identity import (
    ClientMethod,
    InlineKeys,
    KeyUrl,
    ProvedClient,
    Registration,
    SpiffeBundleFile,
    SpiffeBundleUrl,
)

_METHOD_OF = {AssertionType.JWT_BEARER: ClientMethod.PRIVATE_KEY_JWT, AssertionType.JWT_SPIFFE: ClientMethod.SPIFFE_JWT}
_MAX_NAME_LENGTH = 2048
_KEY_CURES = {
    ClientMethod.PRIVATE_KEY_JWT: (
        "Check which key signs the client assertion: its public half must stand in the key set this client is "
        "registered with, under the `kid` of the header."
    ),
    ClientMethod.SPIFFE_JWT: (
        "Take a fresh JWT-SVID, and check that the trust bundle this client is registered with has the key that "
        "signed it, under the `kid` of the header."
    ),
}
"""⚔ The same for an unknown key and a bad signature: it reveals only a client's registration, which is public."""


class AssertionClients:
    """Verifier of workloads by signed assertions (port `ClientVerifier`)."""

    def __init__(self, *, allow_loopback: bool, tls: ssl.SSLContext | None = None) -> None:
        """Fetch keys from public addresses only, or from loopback too; `tls` None means the system's trust."""
        self._allow_loopback = allow_loopback
        self._sources = KeySources(Fetcher(allow_loopback=allow_loopback, tls=tls or ssl.create_default_context()))

    async def verify_client(
        self, *, unverified_type: str, unverified_assertion: str, registration: Registration, issuer: str, now: Instant
    ) -> ProvedClient:
        """Verify an assertion by the client's registered method.

        ⚔ The method is pinned: a client registered for one kind cannot be impersonated with the other.
        """
        kind = verify_assertion_type(unverified_type)
        if _METHOD_OF[kind] is not registration.method:
            raise Refused(
                Code.CREDENTIAL_MALFORMED,
                "not the registered method",
                public=f"This client is registered for {registration.method}.",
            )
        jws = read(unverified_assertion)
        match kind:
            case AssertionType.JWT_BEARER:
                return await self._verify_own(jws, registration, issuer, now)
            case AssertionType.JWT_SPIFFE:
                return await self._verify_svid(jws, registration, issuer, now)

    async def verify_registration(self, *, unverified: Registration, now: Instant) -> Registration:
        """Verify that a registration can work, and that its keys can be read now."""
        if not 0 < len(unverified.client_id) <= _MAX_NAME_LENGTH or not 0 < len(unverified.actor) <= _MAX_NAME_LENGTH:
            raise _wrong("client_id and actor must be texts")
        try:
            if unverified.method is ClientMethod.SPIFFE_JWT:
                _spiffe_terms(unverified)
            elif isinstance(unverified.keys, SpiffeBundleFile | SpiffeBundleUrl) or unverified.spiffe_id is not None:
                raise _wrong("private_key_jwt takes a JWK set and no spiffe_id")
        except Refused as refused:
            raise _wrong(refused.detail) from None
        match unverified.keys:
            case InlineKeys(jwks=jwks):
                verify_jwks(jwks)
            case KeyUrl(url=url) | SpiffeBundleUrl(url=url):
                verify_url(url, allow_loopback=self._allow_loopback)
                await self._sources.key_set(unverified.keys, now=now)
            case _:
                await self._sources.key_set(unverified.keys, now=now)
        return unverified

    async def _verify_own(
        self, jws: UnverifiedJws, registration: Registration, issuer: str, now: Instant
    ) -> ProvedClient:
        claims = verify_assertion_claims(jws, client_id=registration.client_id, issuer=issuer, now=now)
        await self._verify_signature(jws, registration, CLIENT_ALGORITHMS, now)
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
        await self._verify_signature(jws, registration, SVID_ALGORITHMS, now)
        return ProvedClient(
            client_id=registration.client_id,
            actor=_actor(registration, claims.spiffe_id),
            jti=None,
            expires_at=claims.expires_at,
            replay_key=None,
        )

    async def _verify_signature(
        self, jws: UnverifiedJws, registration: Registration, allowed: Collection[str], now: Instant
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
            key = await self._sources.verify_key(registration.keys, kid=kid, alg=alg, now=now)
            key.verify_signature(alg, jws.signature, jws.signing_input)
        except Refused as refused:
            cure = _KEY_CURES[registration.method]
            raise Refused(refused.code, refused.detail, public=refused.public, public_cure=cure) from None


def _actor(registration: Registration, proved: SpiffeId) -> str:
    """Return the proved ID where SPIFFE IDs are the actors, to tell workloads of one registration apart."""
    return str(proved) if registration.actor.startswith(SCHEME) else registration.actor


def _spiffe_terms(registration: Registration) -> SpiffePattern:
    """Verify that a SPIFFE registration is consistent, and return its pattern.

    ⚔ The keys of one trust domain never vouch for a name in another.

    Raises:
        Refused: `agent.unknown` or `credential.malformed`.
    """
    if not isinstance(registration.keys, SpiffeBundleFile | SpiffeBundleUrl) or registration.spiffe_id is None:
        raise Refused(Code.AGENT_UNKNOWN, "spiffe_jwt needs a SPIFFE bundle and a spiffe_id")
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
