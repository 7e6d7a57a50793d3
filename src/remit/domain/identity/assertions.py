"""Claims and headers of client assertions: `private_key_jwt` (RFC 7523bis) and `jwt-spiffe` (a JWT-SVID).

Keys and signatures are for the identity plugs.
"""

import hashlib
from decimal import Decimal
from enum import StrEnum
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.identity.jws import UnverifiedJws, malformed_token, read, text_member
from remit.domain.identity.spiffe import SpiffeId, SpiffePattern, verify_member, verify_spiffe_id
from remit.domain.structs import struct
from remit.domain.values import Instant, Json, JsonObject
from remit.proof.canonical import b64url

CLIENT_ALGORITHMS: Final = ("ES256", "ES384", "Ed25519", "EdDSA", "PS256", "RS256")
"""The algorithms of `private_key_jwt` assertions, by their names in metadata."""
SKEW_MS: Final = 60_000
MAX_ASSERTION_MS: Final = 10 * 60_000
MAX_SVID_MS: Final = 60 * 60_000
MAX_JTI_LENGTH: Final = 256

_TYPES: Final = frozenset({"client-authentication+jwt", "application/client-authentication+jwt", "jwt"})
_SVID_HEADER: Final = frozenset({"alg", "kid", "typ"})
_SVID_TYPES: Final = ("JWT", "JOSE")


class AssertionType(StrEnum):
    """The supported kinds of client assertion."""

    JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    JWT_SPIFFE = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"


_ASSERTION_TYPES: Final = {kind.value: kind for kind in AssertionType}


@struct(frozen=True, kw_only=True)
class AssertionClaims:
    """The verified claims of a private_key_jwt assertion with an unverified signature."""

    client_id: str
    jti: str
    expires_at: Instant


@struct(frozen=True, kw_only=True)
class SvidClaims:
    """The verified claims of a JWT-SVID with an unverified signature."""

    spiffe_id: SpiffeId
    expires_at: Instant


def verify_assertion_type(unverified: str) -> AssertionType:
    """Return the kind of assertion.

    Raises:
        Refused: `credential.malformed`.
    """
    kind = _ASSERTION_TYPES.get(unverified)
    if kind is None:
        kinds = ", ".join(AssertionType)
        raise Refused(
            Code.CREDENTIAL_MALFORMED,
            "unknown client_assertion_type",
            public=f"client_assertion_type must be one of {kinds}",
        )
    return kind


def claimed_client(assertion_type: str, unverified_assertion: str) -> str:
    """Return the claimed client, for looking up the registration. Proves nothing.

    For `jwt-bearer` that is the client id; for `jwt-spiffe` the SPIFFE ID, which is the client id or is covered by
    the pattern of the registration that the form's `client_id` names.

    Raises:
        Refused: `credential.malformed`.

    Source: RFC 7523 §3 (iss and sub are the client id); draft-ietf-oauth-spiffe-client-auth.
    """
    kind = verify_assertion_type(assertion_type)
    jws = read(unverified_assertion)
    subject = text_member(jws.claims, "sub")
    match kind:
        case AssertionType.JWT_SPIFFE:
            return str(verify_spiffe_id(subject))
        case AssertionType.JWT_BEARER:
            if jws.claims.get("iss") != subject:
                raise malformed_token("'iss' and 'sub' must both be the client id")
            return subject


def verify_assertion_claims(jws: UnverifiedJws, *, client_id: str, issuer: str, now: Instant) -> AssertionClaims:
    """Verify the claims of a private_key_jwt assertion.

    ⚔ `aud` must be the issuer identifier, one string: an assertion that names a token endpoint, or several
    audiences, can be carried from another server to this one.

    Raises:
        Refused: `credential.malformed`, `credential.wrong_audience`, `credential.expired`, or `agent.unknown` when
            it speaks for another client.

    Source: RFC 7523bis §3; FAPI 2.0 Security Profile §5.3.2.1 (an array is refused).
    """
    typ = jws.header.get("typ", "jwt")  # servers are advised not to require it
    if not isinstance(typ, str) or typ.lower() not in _TYPES:
        raise malformed_token("'typ' must be client-authentication+jwt")
    if jws.claims.get("iss") != client_id or jws.claims.get("sub") != client_id:
        raise Refused(Code.AGENT_UNKNOWN, "iss and sub are not the registered client id")
    if jws.claims.get("aud") != issuer:
        raise _wrong_audience(issuer)
    jti = text_member(jws.claims, "jti", longest=MAX_JTI_LENGTH)
    return AssertionClaims(
        client_id=client_id, jti=jti, expires_at=verify_times(jws.claims, now, longest_ms=MAX_ASSERTION_MS)
    )


def verify_svid_claims(jws: UnverifiedJws, *, pattern: SpiffePattern, issuer: str, now: Instant) -> SvidClaims:
    """Verify the claims of a JWT-SVID.

    ⚔ SPIFFE asks only that we are among `aud`; here we must be alone. Another audience of a shared SVID could
    otherwise carry it to this desk and speak as the agent.

    Raises:
        Refused: `credential.malformed`, `credential.wrong_audience`, `credential.expired` or `agent.unknown`.

    Source: JWT-SVID §2, §3, §4; docs/decisions/0003-jwt-spiffe-replay.md.
    """
    if not _SVID_HEADER.issuperset(jws.header):
        raise malformed_token("a JWT-SVID header has only alg, kid and typ")
    if jws.header.get("typ", "JWT") not in _SVID_TYPES:
        raise malformed_token("the typ of a JWT-SVID is JWT or JOSE")
    spiffe_id = verify_member(verify_spiffe_id(text_member(jws.claims, "sub")), pattern)
    audience = jws.claims.get("aud")
    if audience not in (issuer, [issuer]):
        raise _wrong_audience(issuer)
    return SvidClaims(spiffe_id=spiffe_id, expires_at=verify_times(jws.claims, now, longest_ms=MAX_SVID_MS))


def verify_times(claims: JsonObject, now: Instant, *, longest_ms: int) -> Instant:
    """Verify exp (required, no grace), iat and nbf (a minute of skew), and that the whole lifetime is short.

    Raises:
        Refused: `credential.malformed`, `credential.expired`.
    """
    expires_at, issued_at = instant_member(claims, "exp"), instant_member(claims, "iat")
    not_before = instant_member(claims, "nbf")
    if expires_at is None:
        raise malformed_token("'exp' is required")
    if expires_at <= now:
        raise _expired("it has expired")
    if expires_at - now > longest_ms or (issued_at is not None and expires_at - issued_at > longest_ms + SKEW_MS):
        raise malformed_token(f"it lives longer than {longest_ms // 60_000} minutes")
    for name, moment in (("iat", issued_at), ("nbf", not_before)):
        if moment is not None and moment > now + SKEW_MS:
            raise _expired(f"'{name}' lies in the future; check the clock")
    return expires_at


def replay_key(purpose: str, party: str, nonce: str) -> str:
    """Return the replay-cache key of a single-use value. Lengths are hashed too, so that no two inputs collide."""
    framed = f"{len(purpose)} {len(party)} {purpose}{party}{nonce}"
    return b64url(hashlib.sha256(framed.encode("utf-8", errors="surrogatepass")).digest())


_NUMBERS: Final = (int, Decimal)


def instant_member(claims: JsonObject, name: str) -> Instant | None:
    """Return a NumericDate claim in ms, or None where it is absent.

    Raises:
        Refused: `credential.malformed` when it is no number of seconds since 1970.

    Source: RFC 7519 §2 (NumericDate).
    """
    if name not in claims:
        return None
    value: Json = claims[name]
    if isinstance(value, bool) or not isinstance(value, _NUMBERS) or not 0 <= value < 2**43:
        raise malformed_token(f"'{name}' must be seconds since 1970")
    return Instant(int(value * 1000))


def _expired(reason: str) -> Refused:
    public = f"The client assertion cannot be accepted: {reason}."
    return Refused(Code.CREDENTIAL_EXPIRED, f"client assertion: {reason}", public=public)


def _wrong_audience(issuer: str) -> Refused:
    public = f"'aud' must be {issuer} and nothing else."
    return Refused(Code.CREDENTIAL_WRONG_AUDIENCE, "aud is not our issuer alone", public=public)
