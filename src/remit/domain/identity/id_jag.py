"""Rules of an Identity Assertion Authorization Grant (ID-JAG), by which a provider says for which person an agent acts.

It identifies a customer and nothing more: what the agent may do is the mandate that this customer signs.
"""

from collections.abc import Mapping
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.identity.jws import UnverifiedJws, token_type
from remit.domain.structs import struct
from remit.domain.values import Instant, Json, JsonObject

TYP: Final = "oauth-id-jag+jwt"
PROFILE: Final = "urn:ietf:params:oauth:grant-profile:id-jag"
_LEEWAY_MS: Final = 30_000
_LONGEST_MS: Final = 600_000
_MAX_LENGTH: Final = 1024
_LAST_SECOND: Final = 2**40


@struct(frozen=True, kw_only=True)
class IdJag:
    """A verified ID-JAG. `jti` counts once until `until`; `details` are the authorization_details in it, if any."""

    issuer: str
    subject: str
    jti: str
    until: Instant
    details: Json
    claims: JsonObject


def verify_id_jag(
    jws: UnverifiedJws, *, provider: str, issuer: str, client_id: str, actor: str, jkt: str, now: Instant
) -> IdJag:
    """Verify the claims of an ID-JAG that this very client presents with a proof by this very key.

    `provider` is the one listed issuer, `issuer` this desk. ⚔ One for another client, another server or another key,
    an ID token, or one that names a tenant without a mapping, is refused like any other.

    Raises:
        Refused: `grant.invalid`.

    Source: draft-ietf-oauth-identity-assertion-authz-grant §4.3, §5; RFC 7523 §3; RFC 8725 §3.11.
    """
    claims = jws.claims
    if token_type(jws.header) != TYP:
        raise _refused("another type of token")
    if claims.get("iss") != provider:
        raise _refused("the issuer is not listed")
    if claims.get("aud") not in (issuer, [issuer]):
        raise _refused("it is for another server")
    if claims.get("client_id") != client_id:
        raise _refused("it was issued to another client")
    _verify_key(claims.get("cnf"), jkt)
    _verify_actor(claims.get("act"), actor)
    if "tenant" in claims or claims.get("resource", issuer) not in (issuer, [issuer]):
        raise _refused("it names a tenant or another resource")
    scope = claims.get("scope", "mandate")
    if not isinstance(scope, str) or "mandate" not in scope.split(" "):
        raise _refused("its scope leaves nothing here")
    return IdJag(
        issuer=provider,
        subject=_text(claims, "sub"),
        jti=_text(claims, "jti"),
        until=_verify_times(claims, now),
        details=claims.get("authorization_details"),
        claims=claims,
    )


def _verify_key(cnf: Json, jkt: str) -> None:
    """⚔ A grant that the provider bound to a key is redeemed by a proof of that key alone; other bindings are unknown."""
    if cnf is None:
        return
    if not isinstance(cnf, Mapping) or dict(cnf) != {"jkt": jkt}:
        raise _refused("it is bound to another key")


def _verify_actor(act: Json, actor: str) -> None:
    if act is not None and (not isinstance(act, Mapping) or act.get("sub") != actor or "act" in act):
        raise _refused("it names another actor")


def _verify_times(claims: JsonObject, now: Instant) -> Instant:
    issued, ends = _instant(claims, "iat"), _instant(claims, "exp")
    if now >= ends + _LEEWAY_MS or not now - _LONGEST_MS <= issued <= now + _LEEWAY_MS:
        raise _refused("it has expired, or is from another time")
    if ends - issued > _LONGEST_MS:
        raise _refused("it lives longer than ten minutes")
    return Instant(ends + _LEEWAY_MS)


def _instant(claims: JsonObject, name: str) -> Instant:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _LAST_SECOND:
        raise _refused(f"'{name}' is no time")
    return Instant(value * 1000)


def _text(claims: JsonObject, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_LENGTH:
        raise _refused(f"'{name}' is no text")
    return value


def _refused(detail: str) -> Refused:
    return Refused(Code.GRANT_INVALID, f"ID-JAG: {detail}")
