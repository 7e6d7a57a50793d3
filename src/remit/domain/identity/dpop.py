"""Rules of DPoP proofs: method, address, time, token; and nonces that need no store.

Keys and signatures are for the identity plug, the replay set is for the store.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final, Self
from urllib.parse import urlsplit

from remit.domain.errors import Code, Refused
from remit.domain.identity.assertions import MAX_JTI_LENGTH, instant_member
from remit.domain.identity.jws import malformed_token, text_member
from remit.domain.structs import struct
from remit.domain.values import Instant, JsonObject
from remit.proof.canonical import b64url

PROOF_ALGORITHMS: Final = ("ES256", "ES384", "Ed25519", "EdDSA", "PS256")
"""The algorithms of proofs, by their names in metadata and challenges. RS256 is missing (FAPI 2.0): proofs are made
fresh, so no agent is tied to an old key. `EdDSA` is Ed25519's older name (RFC 9864)."""
WINDOW_MS: Final = 60_000
NONCE_WINDOW_MS: Final = 60_000

_URL: Final = re.compile(r"[!-~]{1,2048}", re.ASCII)
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})?", re.ASCII)
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_TAG_BYTES: Final = 16
_WINDOW_BYTES: Final = 8


def verify_header_type(header: JsonObject) -> None:
    """Verify `typ`: a proof is no other kind of JWT.

    Raises:
        Refused: `credential.malformed`.

    Source: RFC 9449 §4.3 (4); RFC 8725 §3.11.
    """
    typ = header.get("typ")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") != "dpop+jwt":
        raise malformed_token("'typ' must be dpop+jwt")


def verify_claims(claims: JsonObject, *, method: str, url: str, now: Instant, ath: str | None) -> tuple[str, Instant]:
    """Verify that the proof was made for this very request, and return its `jti` and time.

    `ath` is the hash of the token beside the proof (`token_hash`), None without one.

    Raises:
        Refused: `credential.malformed`, `credential.wrong_audience` (another request or token) or
            `credential.expired` (older or newer than a minute, or outside its own `exp` and `nbf`).

    Source: RFC 9449 §4.3 (8)-(12), §7.
    """
    jti = text_member(claims, "jti", longest=MAX_JTI_LENGTH)
    if claims.get("htm") != method:
        text_member(claims, "htm")  # one that is no text is malformed
        raise _elsewhere("'htm' is not the method of this request")
    htu = text_member(claims, "htu")
    if htu != url and normalized_url(htu) != normalized_url(url):
        raise _elsewhere("'htu' is not the address of this request")
    issued_at = instant_member(claims, "iat")
    if issued_at is None:
        raise malformed_token("'iat' is required")
    if abs(issued_at - now) > WINDOW_MS:
        raise Refused(
            Code.CREDENTIAL_EXPIRED,
            "iat outside the window",
            public="'iat' is more than a minute off; sign a fresh proof and check the clock.",
        )
    if "exp" in claims or "nbf" in claims:
        _verify_life(claims, now)
    if ath is not None:
        _verify_token_hash(claims, ath)
    return jti, issued_at


def token_hash(access_token: str) -> str:
    """Return the `ath` of an access token.

    Source: RFC 9449 §4.2.
    """
    return b64url(hashlib.sha256(access_token.encode("utf-8", errors="surrogatepass")).digest())


def normalized_url(url: str) -> str:
    """Return the address without query and fragment, in RFC 3986's normal form.

    Raises:
        Refused: `credential.malformed` when it is no http(s) address, or carries user information.

    Source: RFC 9449 §4.3 (9); RFC 3986 §6.2.2, §6.2.3.
    """
    if _URL.fullmatch(url) is None:
        raise malformed_token("'htu' is no address")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise malformed_token("'htu' is no address") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc or "\\" in url:
        raise malformed_token("'htu' must be an http or https address without user information")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    place = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    path = _without_dots(_ESCAPE.sub(_unescape, parts.path))
    return f"{parts.scheme}://{host}{place}{path}"


def issue_nonce(secret: bytes, now: Instant) -> str:
    """Make the nonce of the current minute, the same on every node with the same secret.

    Source: RFC 9449 §8; docs/model/standards.md#dpop-nonce.
    """
    return _nonce(secret, now // NONCE_WINDOW_MS)


def verify_nonce(unverified_nonce: str | None, secret: bytes, now: Instant) -> str:
    """Return the nonce if we made it in this minute or the one before.

    Raises:
        Refused: `credential.nonce` when it is absent, old or not ours.

    Source: RFC 9449 §8, §11.3.
    """
    window = now // NONCE_WINDOW_MS
    if unverified_nonce is not None and unverified_nonce.isascii():
        given = unverified_nonce.encode("ascii")
        for each in (window, window - 1):
            if each >= 0 and hmac.compare_digest(given, _nonce(secret, each).encode("ascii")):
                return unverified_nonce
    raise Refused(Code.CREDENTIAL_NONCE, "nonce absent, old or not ours")


def _nonce(secret: bytes, window: int) -> str:
    place = window.to_bytes(_WINDOW_BYTES, "big")
    tag = hmac.digest(secret, b"remit dpop nonce" + place, "sha256")[:_TAG_BYTES]
    return b64url(place + tag)


def _verify_token_hash(claims: JsonObject, expected: str) -> None:
    """Verify `ath`. ⚔ Without it a proof caught beside one token could be used beside another of the same key."""
    ath = text_member(claims, "ath", longest=MAX_JTI_LENGTH)
    if not hmac.compare_digest(ath.encode("utf-8", errors="surrogatepass"), expected.encode("ascii")):
        raise _elsewhere("'ath' is not the hash of this access token")


def _verify_life(claims: JsonObject, now: Instant) -> None:
    """Verify the optional `exp` and `nbf` (RFC 7519 §4.1.4, §4.1.5), with a minute's grace."""
    ends, starts = instant_member(claims, "exp"), instant_member(claims, "nbf")
    if (ends is not None and ends + WINDOW_MS <= now) or (starts is not None and starts - WINDOW_MS > now):
        raise Refused(
            Code.CREDENTIAL_EXPIRED,
            "outside its own exp and nbf",
            public="The proof is not valid at this time; sign a fresh one.",
        )


def _elsewhere(reason: str) -> Refused:
    return Refused(Code.CREDENTIAL_WRONG_AUDIENCE, reason, public=f"The proof was made for another request: {reason}.")


def _unescape(match: re.Match[str]) -> str:
    """Decode needless escapes and write the others in capitals."""
    digits = match.group(1)
    if digits is None:
        raise malformed_token("'htu' has a broken escape")
    letter = chr(int(digits, 16))
    return letter if letter in _UNRESERVED else f"%{digits.upper()}"


def _without_dots(path: str) -> str:
    """Remove `.` and `..` segments (RFC 3986 §5.2.4); an empty path is the root."""
    if "/." not in path:
        return path or "/"
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


MAX_TOKEN: Final = 8 * 1024

_TOKEN68: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


class ProofRefused(Refused):
    """A refusal of the DPoP proof alone: its credential stays as good as it was.

    Source: RFC 9449 §4.3, §5, §7.1 (invalid_dpop_proof).
    """

    @classmethod
    def of(cls, refused: Refused) -> Self:
        """Turn a refusal into one of the proof."""
        return cls(
            refused.code,
            refused.detail,
            public=refused.public,
            retry_after_s=refused.retry_after_s,
            cure=refused.cure,
            public_cure=refused.public_cure,
        )


class ScopeRefused(Refused):
    """A refusal of a good token for a lack of scope; `scope` is the required one (RFC 6750 §3.1)."""

    def __init__(self, scope: str, detail: str, *, public: str, public_cure: str) -> None:
        """Refuse with `credential.wrong_audience`, the code of a token for another use."""
        super().__init__(Code.CREDENTIAL_WRONG_AUDIENCE, detail, public=public, public_cure=public_cure)
        self.scope = scope


@struct(frozen=True, kw_only=True)
class PresentedToken:
    """An access token as presented; `unverified_proof` is None exactly for a plain bearer token."""

    unverified_token: str
    unverified_proof: str | None


def verify_presented(*, authorization: Sequence[str], dpop: Sequence[str]) -> PresentedToken:
    """Read the values of all Authorization and DPoP headers of a request.

    ⚔ Doubled headers are refused: two readers could pick different ones.

    Raises:
        Refused: `credential.missing`, or `credential.malformed` for doubled, unknown or half credentials.

    Source: RFC 9449 §4.3 (1), §7.1; RFC 9110 §11.1 (the scheme has no case), §11.4 (one or more spaces follow it).
    """
    if not authorization:
        raise Refused(Code.CREDENTIAL_MISSING, "no Authorization header")
    if len(authorization) > 1 or len(dpop) > 1:
        doubled = _malformed("one Authorization and one DPoP header, no more")
        raise doubled if len(authorization) > 1 else ProofRefused.of(doubled)
    scheme, _, rest = authorization[0].partition(" ")
    unverified_token = rest.lstrip(" ")
    if len(unverified_token) > MAX_TOKEN or _TOKEN68.fullmatch(unverified_token) is None:
        raise _malformed("the access token is not a token")
    match scheme.lower():
        case "dpop":
            if not dpop:
                raise Refused(Code.CREDENTIAL_MISSING, "DPoP token without a proof")
            return PresentedToken(unverified_token=unverified_token, unverified_proof=dpop[0])
        case "bearer":
            if dpop:
                raise _malformed("a DPoP proof belongs to 'Authorization: DPoP …'")
            return PresentedToken(unverified_token=unverified_token, unverified_proof=None)
        case _:
            raise _malformed("use 'Authorization: DPoP …'")


def verify_bound(presented: PresentedToken, *, token_jkt: str | None) -> PresentedToken:
    """Verify, once the token is verified, that a key-bound token came with its proof and an unbound one without.

    ⚔ A stolen bound token sent as `Bearer` must not pass as if it had never been bound.

    Raises:
        Refused: `credential.wrong_key`.

    Source: RFC 9449 §7.1, §7.2.
    """
    if (token_jkt is None) != (presented.unverified_proof is None):
        raise Refused(
            Code.CREDENTIAL_WRONG_KEY,
            "binding of token and scheme differ",
            public="A token that is bound to a key needs 'Authorization: DPoP …' and a proof.",
        )
    return presented


def _malformed(reason: str) -> Refused:
    return Refused(Code.CREDENTIAL_MALFORMED, reason, public=f"The credential cannot be accepted: {reason}.")
