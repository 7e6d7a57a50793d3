"""Authentication of agent requests: this desk's access token, and possession of its key.

A DPoP proof, a signature of the request or the TLS certificate of the connection proves the key.

A visitor's token has no key to prove: it is a bearer token of one resource, and worth little (`policy/visitors`).
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.identity.binding import bound_certificate, bound_family, certificate_binding, family_binding
from remit.domain.identity.dpop import ScopeRefused, token_hash, verify_bound, verify_presented
from remit.domain.identity.message_signatures import SignedMessage
from remit.domain.structs import struct
from remit.domain.values import Instant, Json
from remit.engine.agents.authenticate import prove_signer
from remit.engine.cache import BoundedCache
from remit.engine.context import DeskContext
from remit.ports.store import ReplayMark


@struct(frozen=True, kw_only=True)
class Workload:
    """The caller of one request, as proved by its access token and the key that this is bound to.

    `jkt` is the binding of its grant: for a visitor, who proves no key, the token family.
    """

    task: str
    client_id: str
    actor: str
    jkt: str
    token_jti: str
    marks: tuple[ReplayMark, ...]
    limited_as: str
    """The name its requests are counted under. ⚔ Customers share a visitor's client: one must not use up all of it."""


MCP_DOOR: Final = "/mcp"
DOORS: Final = (MCP_DOOR, "/a2a")
"""The doors that are protected resources of their own, by path."""
SIGNED: Final = "signed"
"""Stands for the DPoP proof of a request that is signed itself."""
_KEPT: Final = 1024
"""Tokens cached at least; each lives for minutes."""


_LONGEST_S: Final = 360
"""The longest life of a token that settings allow, with clocks a minute apart."""


@struct(frozen=True, kw_only=True)
class _Token:
    """The claims of a verified token that a request needs."""

    task: str
    client_id: str
    actor: str
    binding: str
    certificate: str
    """The thumbprint of the certificate that the token is bound to; "" for another binding."""
    family: str
    """The family of a visitor's token; "" for one bound to a key."""
    audience: str
    jti: str
    scope: str
    expires_s: int
    mandate: str
    ath: str
    """The hash that proofs beside the token carry (`token_hash`)."""


class TokenVerifier:
    """Bounded cache of token signatures, keyed by a hash of all bytes; expiry and state are checked per request."""

    def __init__(self) -> None:
        self._known: BoundedCache[bytes, _Token] = BoundedCache(_KEPT)

    def verify(self, desk: DeskContext, unverified_token: str) -> _Token:
        """Return a verified token of this desk.

        Raises:
            Refused: `credential.malformed`, `credential.wrong_key`, `credential.wrong_audience`.
        """
        name = sha256(unverified_token.encode()).digest()  # ⚔ the signature too: claims alone can be written by anyone
        known = self._known.get(name)
        if known is None:
            known = _read(desk, desk.signer.verify_jwt(unverified_token, "at+jwt"), token_hash(unverified_token))
            if known.expires_s <= desk.world.now() // 1000 + _LONGEST_S:
                # ⚔ One from beyond this clock is verified anew each time: remembered, it would outlive its key.
                self._known.put(name, known)
        return known


def prove_workload(  # noqa: PLR0913  # everything that a request can prove itself with, by name
    desk: DeskContext,
    tokens: TokenVerifier,
    *,
    authorization: tuple[str, ...],
    dpop: tuple[str, ...],
    method: str,
    path: str,
    scope: str = "ask",
    resource: str = "",
    certificate: str = "",
) -> Workload:
    """Authenticate the caller of one request; its replay mark must be committed with the request's effects.

    `resource` is the path of the door where it is another protected resource than the desk itself: `/mcp`, `/a2a`. A
    token that proves a key is for the whole desk, or for that door. ⚔ A visitor's is for one of them alone.
    `certificate` is the thumbprint of the caller's TLS certificate, "" without one.

    Raises:
        Refused: `credential.*`.

    Source: RFC 9449 §7, RFC 9068 §4, RFC 8707 §2, RFC 6750 §2.1.
    """
    presented = verify_presented(authorization=authorization, dpop=dpop)
    token = tokens.verify(desk, presented.unverified_token)
    held, family = token.certificate, token.family
    verify_bound(presented, token_jkt=None if held or family else token.binding)
    if held and certificate != held:
        # ⚔ A copied token is worth nothing without the key of the TLS connection (RFC 8705 §3).
        raise Refused(Code.CREDENTIAL_WRONG_KEY, "the certificate of the connection is not the token's")
    _verify_audience(desk, token, resource)
    now = desk.world.now()
    _verify_usable(token, now, scope)
    if family and desk.visitors is None:
        # ⚔ A desk that lets no visitors in any more takes none of their tokens.
        raise Refused(Code.CREDENTIAL_REVOKED, "this desk lets no visitors in")
    if held or family:
        return _workload(token, ())
    proof = desk.proofs.verify_proof(
        presented.unverified_proof or "",
        method=method,
        url=desk.terms.issuer + path,
        now=now,
        ath=token.ath,
        expected_jkt=token.binding,
    )
    desk.replay_cache.use_proof(proof.replay_key)
    return _workload(token, (ReplayMark(proof.replay_key, proof.expires_at),))


async def prove_signed_workload(
    desk: DeskContext,
    tokens: TokenVerifier,
    *,
    authorization: tuple[str, ...],
    message: SignedMessage,
    scope: str = "ask",
    resource: str = "",
) -> Workload:
    """Authenticate the caller of one request by its HTTP Message Signature, in place of a DPoP proof.

    ⚔ The signature must be by the key that the token is bound to, and cover the token.

    Raises:
        Refused: `credential.*`, `agent.unknown`.
        Fault: `fault.identity`, `fault.store`.

    Source: RFC 9421; RFC 9449 §6.1 (cnf); docs/decisions/0054-message-signatures.md.
    """
    presented = verify_presented(authorization=authorization, dpop=(SIGNED,))
    token = tokens.verify(desk, presented.unverified_token)
    verify_bound(presented, token_jkt=None if token.family else token.binding)
    _verify_audience(desk, token, resource)
    _verify_usable(token, desk.world.now(), scope)
    caller = await prove_signer(desk, message, claimed_id=token.client_id, expected_jkt=token.binding)
    return _workload(token, caller.marks)


def _verify_audience(desk: DeskContext, token: _Token, resource: str) -> None:
    """Verify that a token is for this door; one that proves a key may be for the whole desk."""
    here = desk.terms.issuer + resource
    if token.audience != here and (token.family or token.audience != desk.terms.issuer):
        raise Refused(Code.CREDENTIAL_WRONG_AUDIENCE, "a token for another resource")


def _verify_usable(token: _Token, now: Instant, scope: str) -> None:
    """Verify that a token has not expired and is for this kind of request."""
    if now // 1000 >= token.expires_s:
        raise Refused(Code.CREDENTIAL_EXPIRED, "the access token has expired")
    if token.scope != scope:
        raise ScopeRefused(
            scope,
            f"the token is for {token.scope}",
            public="This token opens no task; exchange the mandate first.",
            public_cure="Exchange the mandate at the token endpoint and use the token of the task it opens.",
        )


def _workload(token: _Token, marks: tuple[ReplayMark, ...]) -> Workload:
    """Return the workload of a verified token."""
    return Workload(
        task=token.task,
        client_id=token.client_id,
        actor=token.actor,
        jkt=token.binding,
        token_jti=token.jti,
        marks=marks,
        limited_as=token.family or token.client_id,
    )


def resources(issuer: str) -> tuple[str, ...]:
    """Return the protected resources of a desk: the whole, and the doors with tokens of their own."""
    return (issuer, *(issuer + door for door in DOORS))


def _read(desk: DeskContext, claims: Mapping[str, Json], ath: str) -> _Token:
    """Extract the needed claims. Our own signature is on them; a missing one is still a refusal."""
    if claims.get("iss") != desk.terms.issuer or claims.get("aud") not in resources(desk.terms.issuer):
        raise Refused(Code.CREDENTIAL_WRONG_AUDIENCE, "a token of another issuer or for another audience")
    match claims:
        case {
            "client_id": str(client_id),
            "act": {"sub": str(actor)},
            "jti": str(jti),
            "scope": str(scope),
            "iat": int(issued_s),
            "exp": int(expires_s),
            "aud": str(audience),
        }:
            if expires_s - issued_s > _LONGEST_S:
                # ⚔ Only a stolen key makes such a token.
                raise Refused(Code.CREDENTIAL_MALFORMED, "the token lives longer than this desk lets any")
            binding = _binding(claims)
            family = bound_family(binding)
            return _Token(
                task=str(claims.get("task", "")),
                client_id=client_id,
                actor=actor,
                binding=binding,
                certificate=bound_certificate(binding),
                family=family,
                audience=audience,
                jti=jti,
                scope="ask" if family else scope,  # a visitor's scope is its purpose
                expires_s=expires_s,
                mandate=str(claims.get("mandate", "")),
                ath=ath,
            )
        case _:
            raise Refused(Code.CREDENTIAL_MALFORMED, "a claim is missing")


def _binding(claims: Mapping[str, Json]) -> str:
    """Return the binding of a token: it names exactly one of key, certificate and family.

    ⚔ A key that reads as a family's binding is none: its token would need no proof.
    """
    match claims:
        case {"cnf": {"jkt": str(jkt)}} if jkt and not bound_family(jkt) and "family" not in claims:
            return jkt
        case {"cnf": {"x5t#S256": str(thumbprint)}} if thumbprint and "family" not in claims:
            return certificate_binding(thumbprint)
        case {"family": str(family)} if family and "cnf" not in claims:
            return family_binding(family)
        case _:
            raise Refused(Code.CREDENTIAL_MALFORMED, "a token names its key or its family")
