"""Claims of a security event token: those of a received one verified, those of an own one built.

Source: RFC 8417 §2; SSF 1.0 §4, §7; RFC 8935 §2.4.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.events.subjects import Subject, verify_subject
from remit.domain.identity.jws import UnverifiedJws, token_type
from remit.domain.structs import struct
from remit.domain.values import Instant, Json, JsonObject

TYPE: Final = "secevent+jwt"
MAX_TOKEN: Final = 16 * 1024
"""The longest token, in characters."""
LEEWAY_MS: Final = 60_000
"""The tolerated difference of a transmitter's clock from ours."""
OLDEST_MS: Final = 7 * 24 * 3600 * 1000
"""The oldest accepted event: replays are remembered for as long."""
_MAX_TEXT: Final = 256
_MAX_AUDIENCES: Final = 32
_LAST_SECOND: Final = 2**40
_FOREIGN: Final = ("exp", "sub")


class SetRefused(Refused):
    """A refused token; `err` is its name at delivery by push or poll."""

    def __init__(self, err: str, detail: str, code: Code = Code.CREDENTIAL_MALFORMED) -> None:
        """Carry a registered error name of RFC 8935 §2.4 and the reason for the sender."""
        super().__init__(code, f"{err}: {detail}", public=f"The event cannot be accepted: {detail}.")
        self.err = err
        self.description = detail


@struct(frozen=True, kw_only=True)
class SecurityEvent:
    """A verified event: nothing of its meaning is judged yet."""

    issuer: str
    jti: str
    issued_at: Instant
    type: str
    event: JsonObject
    subject: Subject
    txn: str


def verify_header(jws: UnverifiedJws, *, algorithms: frozenset[str]) -> str:
    """Return the pinned algorithm of a token's header.

    ⚔ An access token, an ID token or a logout token of the same issuer is no event; the algorithm is ours to say.

    Raises:
        SetRefused: `credential.malformed`.

    Source: RFC 8417 §2.3; RFC 8725 §3.1, §3.11.
    """
    if token_type(jws.header) != TYPE:
        raise SetRefused("invalid_request", f"the token's type is not {TYPE}")
    alg = jws.header.get("alg")
    if not isinstance(alg, str) or alg not in algorithms:
        raise SetRefused("invalid_key", f"the algorithm is not one of {', '.join(sorted(algorithms))}")
    return alg


def verify_set(claims: JsonObject, *, issuer: str, audience: str, now: Instant) -> SecurityEvent:
    """Verify the claims of a token with a good signature.

    ⚔ One event, one issuer, this audience, neither an expiry nor a `sub`: a token that another party meant for a
    sign-in, or for another receiver, ends nothing here.

    Raises:
        SetRefused: `credential.malformed`, `credential.wrong_audience`.

    Source: RFC 8417 §2.2, §4; SSF 1.0 §4.1.5 to §4.1.9, §11.1.
    """
    if claims.get("iss") != issuer:
        raise SetRefused("invalid_issuer", "the issuer is not the one of this stream")
    if audience not in _audiences(claims.get("aud")):
        raise SetRefused("invalid_audience", "it is for another receiver", Code.CREDENTIAL_WRONG_AUDIENCE)
    for name in _FOREIGN:
        if name in claims:
            raise SetRefused("invalid_request", f"an event has no {name}")
    issued_at = _instant(claims.get("iat"))
    if issued_at > now + LEEWAY_MS:
        raise SetRefused("invalid_request", "iat lies in the future")
    if issued_at < now - OLDEST_MS:
        raise SetRefused("invalid_request", "iat is older than seven days")
    name, event = _one_event(claims.get("events"))
    try:
        subject = verify_subject(claims.get("sub_id"))
    except Refused as refused:
        raise SetRefused("invalid_request", refused.detail) from None
    return SecurityEvent(
        issuer=issuer,
        jti=_text(claims, "jti"),
        issued_at=issued_at,
        type=name,
        event=event,
        subject=subject,
        txn=_text(claims, "txn") if "txn" in claims else "",
    )


def own_claims(
    *, issuer: str, audience: str, jti: str, at: Instant, kind: str, event: JsonObject, subject: JsonObject, txn: str
) -> JsonObject:
    """Build the claims of a token of our own.

    Source: RFC 8417 §2.2; SSF 1.0 §4.
    """
    return {
        "iss": issuer,
        "aud": audience,
        "iat": at // 1000,
        "jti": jti,
        **({"txn": txn} if txn else {}),
        "sub_id": subject,
        "events": {kind: event},
    }


def _one_event(value: Json) -> tuple[str, JsonObject]:
    if not isinstance(value, Mapping) or len(value) != 1:
        raise SetRefused("invalid_request", "events must hold exactly one event")
    ((name, event),) = value.items()
    if not isinstance(event, Mapping) or len(name) > _MAX_TEXT:
        raise SetRefused("invalid_request", "an event must be an object under a type of at most 256 characters")
    return name, event


def _audiences(value: Json) -> Sequence[Json]:
    if isinstance(value, str):
        return (value,)
    return value if isinstance(value, Sequence) and len(value) <= _MAX_AUDIENCES else ()


def _text(claims: JsonObject, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT:
        raise SetRefused("invalid_request", f"{name} must be a text of 1 to {_MAX_TEXT} characters")
    return value


def _instant(value: Json) -> Instant:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LAST_SECOND:
        raise SetRefused("invalid_request", "iat must be a whole number of seconds")
    return Instant(value * 1000)
