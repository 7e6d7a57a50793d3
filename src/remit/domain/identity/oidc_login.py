"""Rules of the company's OpenID provider: acceptable tokens of a sign-in or sign-out, and the meaning of their claims.

Signatures are for the plug, storing a login for the use cases.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.identity.jws import UnverifiedJws, token_type
from remit.domain.structs import struct
from remit.domain.values import Instant, Json, JsonObject
from remit.proof.canonical import b64url, canonical

LEEWAY_MS: Final = 30_000
"""The tolerated difference of the provider's clock from ours."""
OLDEST_MS: Final = 600_000
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
ALGORITHMS: Final = frozenset(
    {
        "ES256",
        "ES384",
        "ES512",
        "EdDSA",
        "Ed25519",
        *(f"{kind}{size}" for kind in ("PS", "RS") for size in (256, 384, 512)),
    }
)
"""⚔ Public-key signatures alone: no `none`, and none that a shared secret could have made."""

_MAX_SUBJECT_LENGTH: Final = 255
_MAX_LENGTH: Final = 1024
_LAST_SECOND: Final = 2**40


class CustomerLogins(StrEnum):
    """The customers who may sign in at the provider: any, those the desk has added, or none."""

    CREATE = "create"
    KNOWN = "known"
    NONE = "none"


@struct(frozen=True, kw_only=True)
class LoginRules:
    """The mapping of the provider's claims to people, and the required strength of a sign-in, all from the settings.

    `issuer` is the provider, `name` the company's as people know it. `roles` maps a value of `roles_claim` to roles.
    `officer_claim` and `customer_claim` name the claim with the person's id; `sub` (officers alone) derives one from
    issuer and subject. `acr` are the accepted classes (none: any), `max_age_s` the greatest age of the sign-in there
    (0: any). `vouching` are the classes that vouch for a first passkey within `vouching_age_s`. `passkey_login` also
    allows passkeys, `front_channel` sign-outs by a frame of the provider's page.
    """

    issuer: str
    name: str
    roles_claim: str
    roles: Mapping[str, tuple[str, ...]]
    officer_claim: str
    customers: CustomerLogins
    customer_claim: str
    acr: tuple[str, ...]
    max_age_s: int
    vouching: tuple[str, ...]
    vouching_age_s: int
    passkey_login: bool
    front_channel: bool
    id_jag: bool = False
    """Whether its ID-JAGs say which customer an agent acts for."""


@struct(frozen=True, kw_only=True)
class ProvedLogin:
    """A person's sign-in at the provider: `subject` is unique at `issuer` alone, `auth_at` its time (None: unknown)."""

    issuer: str
    subject: str
    sid: str
    acr: str
    auth_at: Instant | None
    claims: JsonObject


@struct(frozen=True, kw_only=True)
class LoggedOut:
    """The scope of a verified logout token: one session (`sid`) or a whole subject. Its `jti` counts `until` then."""

    issuer: str
    subject: str
    sid: str
    jti: str
    until: Instant


def verify_id_token(jws: UnverifiedJws, *, issuer: str, client_id: str, nonce: str, now: Instant) -> ProvedLogin:
    """Verify the claims of an ID token that answers our own request.

    ⚔ Another issuer (mix-up), another client's token, one that answers another browser's request, an old one, or a
    token of another kind proves nothing.

    Raises:
        Refused: `login.invalid`.

    Source: OpenID Connect Core 1.0 §2, §3.1.3.7; RFC 8725 §3.11.
    """
    claims = jws.claims
    if token_type(jws.header) not in {"", "jwt"}:
        raise provider_refusal("the token is of another type")
    _verify_common(claims, issuer=issuer, client_id=client_id, now=now)
    if not nonce or claims.get("nonce") != nonce:
        raise provider_refusal("the nonce is not the one this browser was sent with")
    auth_at = _instant(claims, "auth_time") if "auth_time" in claims else None
    if auth_at is not None and auth_at > now + LEEWAY_MS:
        raise provider_refusal("auth_time lies in the future")
    return ProvedLogin(
        issuer=issuer,
        subject=_text(claims, "sub", longest=_MAX_SUBJECT_LENGTH),
        sid=_text(claims, "sid") if "sid" in claims else "",
        acr=_text(claims, "acr") if "acr" in claims else "",
        auth_at=auth_at,
        claims=claims,
    )


def verify_strength(login: ProvedLogin, *, acr: tuple[str, ...], max_age_s: int, now: Instant) -> ProvedLogin:
    """Return a login if the sign-in was as strong and as recent as required.

    ⚔ A provider may overlook `acr_values` and `max_age`: a requirement counts as met only when the token says so.

    Raises:
        Refused: `login.weak`.

    Source: OpenID Connect Core 1.0 §3.1.2.1, §5.5.1.1; RFC 9470 §4.
    """
    if acr and login.acr not in acr:
        raise Refused(
            Code.LOGIN_WEAK,
            f"acr is {login.acr!r}",
            public=marked("The sign-in method you used isn't strong enough."),
        )
    if max_age_s and not _fresh(login.auth_at, max_age_s, now):
        raise Refused(Code.LOGIN_WEAK, "auth_time is missing or too old", public=marked("You signed in too long ago."))
    return login


def is_vouched(*, acr: str, auth_at: Instant | None, rules: LoginRules, now: Instant) -> bool:
    """Return whether the company's login vouches for the first passkey of its person now.

    Source: docs/model/model.md#passkeys.
    """
    return acr != "" and acr in rules.vouching and _fresh(auth_at, rules.vouching_age_s, now)


def verify_logout_token(jws: UnverifiedJws, *, issuer: str, client_id: str, now: Instant) -> LoggedOut:
    """Verify the claims of a logout token.

    ⚔ An ID token is none: it carries a nonce and no such event.

    Raises:
        Refused: `login.invalid`.

    Source: OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6.
    """
    claims = jws.claims
    if token_type(jws.header) not in {"", "jwt", "logout+jwt"}:
        raise provider_refusal("the token is of another type")
    _verify_common(claims, issuer=issuer, client_id=client_id, now=now)
    events = claims.get("events")
    if not isinstance(events, Mapping) or not isinstance(events.get(LOGOUT_EVENT), Mapping):
        raise provider_refusal("it has no logout event")
    if "nonce" in claims:
        raise provider_refusal("a logout token has no nonce")
    subject = _text(claims, "sub", longest=_MAX_SUBJECT_LENGTH) if "sub" in claims else ""
    sid = _text(claims, "sid") if "sid" in claims else ""
    if not subject and not sid:
        raise provider_refusal("it names neither a subject nor a session")
    until = Instant(_instant(claims, "exp") + LEEWAY_MS)
    return LoggedOut(issuer=issuer, subject=subject, sid=sid, jti=_text(claims, "jti"), until=until)


def roles_of(claims: JsonObject, rules: LoginRules) -> tuple[str, ...]:
    """Return the roles the settings map claims to. ⚔ An unmapped value gives no role, whatever its name."""
    claim = claims.get(rules.roles_claim)
    values = [claim] if isinstance(claim, str) else claim if isinstance(claim, list | tuple) else []
    return tuple(sorted({role for value in values if isinstance(value, str) for role in rules.roles.get(value, ())}))


def text_claim(claims: JsonObject, name: str) -> str:
    """Return a text claim ("" for anything else)."""
    value = claims.get(name) if name else ""
    return value if isinstance(value, str) and len(value) <= _MAX_LENGTH else ""


def login_id(issuer: str, subject: str) -> str:
    """Return the id of a login. ⚔ A subject is unique at its issuer alone.

    Source: OpenID Connect Core 1.0 §5.7.
    """
    return b64url(hashlib.sha256(canonical(["login", issuer, subject])).digest())


def sid_id(issuer: str, sid: str) -> str:
    """Return the id of a session at the provider ("" for none)."""
    return b64url(hashlib.sha256(canonical(["sid", issuer, sid])).digest()) if sid else ""


def officer_id(login: ProvedLogin, rules: LoginRules) -> str:
    """Return the officer's id of a login, by the settings ("" when the claim is missing)."""
    if rules.officer_claim != "sub":
        return text_claim(login.claims, rules.officer_claim)
    return f"login-{login_id(login.issuer, login.subject)[:22]}"


def provider_refusal(reason: str) -> Refused:
    """Build a refusal of the provider's answer; the reason is for the desk's log."""
    return Refused(Code.LOGIN_INVALID, reason)


def _verify_common(claims: JsonObject, *, issuer: str, client_id: str, now: Instant) -> None:
    if claims.get("iss") != issuer:
        raise provider_refusal("the token is of another issuer")
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list | tuple) or client_id not in named:
        raise provider_refusal("the token is for another client")
    if claims.get("azp", client_id) != client_id or (len(named) > 1 and "azp" not in claims):
        raise provider_refusal("the token was issued to another client")
    if now >= _instant(claims, "exp") + LEEWAY_MS:
        raise provider_refusal("the token has expired")
    issued = _instant(claims, "iat")
    if not now - OLDEST_MS <= issued <= now + LEEWAY_MS:
        raise provider_refusal("the token is too old, or from the future")


def _fresh(auth_at: Instant | None, max_age_s: int, now: Instant) -> bool:
    return auth_at is not None and now - auth_at <= max_age_s * 1000 + LEEWAY_MS


def _instant(claims: JsonObject, name: str) -> Instant:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _LAST_SECOND:
        raise provider_refusal(f"'{name}' must be a whole number of seconds")
    return Instant(value * 1000)


def _text(claims: JsonObject, name: str, *, longest: int = _MAX_LENGTH) -> str:
    value: Json = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise provider_refusal(f"'{name}' must be a text of 1 to {longest} characters")
    return value
