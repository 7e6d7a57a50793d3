"""Recognition of a person's credential in an agent's hands: a borrowed login is refused and reported.

It verifies nothing: an unrecognised credential still has to pass the real checks.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.identity.jws import read
from remit.domain.structs import struct
from remit.domain.values import JsonObject

_DOTS: Final = 2
"""Between the three segments of a compact JWS."""
_PASSWORD_SCHEMES: Final = frozenset({"basic", "digest", "negotiate", "ntlm"})
_PASSWORD_FIELDS: Final = frozenset({"otp", "password", "passwd", "username"})
_TOKEN_FIELDS: Final = (
    "access_token", "actor_token", "assertion", "client_assertion", "id_token_hint", "login_hint_token",
    "subject_token",
)  # fmt: skip
_ID_TOKEN_SIGNS: Final = frozenset({"at_hash", "c_hash", "email", "nonce", "preferred_username", "s_hash"})
_LOGIN_SIGNS: Final = frozenset({"acr", "amr", "auth_time"})
_DELEGATED_TYPES: Final = frozenset({"oauth-id-jag+jwt", "client-authentication+jwt", "dpop+jwt"})


class HumanCredential(StrEnum):
    """The kinds of recognised credentials of a person."""

    BASIC = "basic"
    ID_TOKEN = "id_token"  # noqa: S105  # a name, not a secret
    PASSWORD_GRANT = "password_grant"  # noqa: S105  # a name, not a secret
    SESSION_BEARER = "session_bearer"
    SESSION_COOKIE = "session_cookie"
    USER_TOKEN = "user_token"  # noqa: S105  # a name, not a secret


@struct(frozen=True, kw_only=True)
class CredentialSigns:
    """The marks of a person's credential at this company.

    `login_issuers` are the issuers people log in at (never the desk's own token issuer), `session_cookies` our own
    session cookies, `session_prefixes` the prefixes of our own session ids. `workloads` are issuer and subject of
    federated workloads: an issuer may write an e-mail address into a machine's token, too.
    """

    login_issuers: frozenset[str]
    session_cookies: frozenset[str]
    session_prefixes: tuple[str, ...]
    workloads: frozenset[tuple[str, str]] = frozenset()


@struct(frozen=True, kw_only=True)
class RequestCredentials:
    """The header values and form fields of a request at an agent's door, as sent."""

    authorization: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    form: Mapping[str, str]


def verify_no_human_credential(arrival: RequestCredentials, signs: CredentialSigns) -> RequestCredentials:
    """Return the request's credentials if none is a person's.

    Raises:
        Refused: `agent.human_credential`; the detail is the `HumanCredential`, never a part of the credential.

    Source: docs/model/product.md#workload-identity; OWASP NHI10; RFC 9700 §2.4.
    """
    for found in human_credentials(arrival, signs):
        raise Refused(Code.AGENT_HUMAN_CREDENTIAL, found.value)
    return arrival


def human_credentials(arrival: RequestCredentials, signs: CredentialSigns) -> Iterator[HumanCredential]:
    """Yield every sign of a person's credential in a request."""
    tokens = [arrival.form[name] for name in _TOKEN_FIELDS if name in arrival.form]
    for value in arrival.authorization:
        scheme, _, credential = value.strip().partition(" ")
        if scheme.lower() in _PASSWORD_SCHEMES:
            yield HumanCredential.BASIC
        else:
            tokens.append(credential.strip())
    for header in arrival.cookies:
        names = {pair.partition("=")[0].strip() for pair in header.split(";")}
        if names & signs.session_cookies:
            yield HumanCredential.SESSION_COOKIE
    if arrival.form.get("grant_type") == "password" or _PASSWORD_FIELDS & arrival.form.keys():
        yield HumanCredential.PASSWORD_GRANT
    for token in tokens:
        if signs.session_prefixes and token.startswith(signs.session_prefixes):
            yield HumanCredential.SESSION_BEARER
        elif token.count(".") == _DOTS:  # others are opaque, such as a mandate's id
            found = _in_jwt(token, signs)
            if found is not None:
                yield found


def _in_jwt(unverified_token: str, signs: CredentialSigns) -> HumanCredential | None:
    try:
        jws = read(unverified_token)
    except Refused:
        return None  # not a JWT: the door's own check reports the problem
    typ = _text(jws.header, "typ").lower().removeprefix("application/")
    if typ in _DELEGATED_TYPES or _speaks_for_a_workload(jws.claims):
        return None
    if (_text(jws.claims, "iss"), _text(jws.claims, "sub")) in signs.workloads:
        return None
    if typ != "at+jwt" and _any_in(_ID_TOKEN_SIGNS, jws.claims):
        return HumanCredential.ID_TOKEN
    if _any_in(_LOGIN_SIGNS, jws.claims) or _text(jws.claims, "iss") in signs.login_issuers:
        return HumanCredential.ID_TOKEN if _looks_like_id_token(typ, jws.claims) else HumanCredential.USER_TOKEN
    return None


def _speaks_for_a_workload(claims: JsonObject) -> bool:
    """Return whether a token names its actor, is bound to a key, or is a workload's own (itself as subject)."""
    subject = claims.get("sub")
    own = subject is not None and subject in (claims.get("client_id"), claims.get("azp"), claims.get("iss"))
    return own or "act" in claims or "cnf" in claims


def _looks_like_id_token(typ: str, claims: JsonObject) -> bool:
    return typ in {"", "jwt"} and not _any_in(("client_id", "scope", "scp"), claims)


def _any_in(names: Iterable[str], claims: JsonObject) -> bool:
    return any(name in claims for name in names)


def _text(members: JsonObject, name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""
