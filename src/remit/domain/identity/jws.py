"""Strict parsing of a compact JWS: shape only, no signature, no claim rule.

A signature is verified over `signing_input`.
"""

from functools import lru_cache
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.values import JsonObject, decode_json
from remit.proof.canonical import unb64url

MAX_COMPACT: Final = 16 * 1024
MAX_MEMBERS: Final = 512
"""Members and items of a header, and of the claims: nothing in them is proved while they are decoded."""

_PARTS: Final = 3
_NOT_UNDERSTOOD: Final = ("crit", "b64", "zip")


@struct(frozen=True, kw_only=True)
class UnverifiedJws:
    """A compact JWS as sent; nothing in it is proved."""

    header: JsonObject
    claims: JsonObject
    signature: bytes
    signing_input: bytes


@struct(frozen=True, kw_only=True)
class Segments:
    """The three raw segments, still encoded."""

    header: str
    payload: str
    signature: str


def split(unverified: str, *, max_chars: int = MAX_COMPACT) -> Segments:
    """Split a compact JWS into its segments.

    Raises:
        Refused: `credential.malformed` when it is too long, not ASCII, or not three non-empty segments.

    Source: RFC 7515 §7.1; ⚔ an empty third segment is the `none` trick.
    """
    if len(unverified) > max_chars:
        raise _too_long(max_chars)
    if not unverified.isascii():
        raise malformed_token("not ASCII")
    parts = unverified.split(".")
    if len(parts) != _PARTS or not all(parts):
        raise malformed_token("not three segments")
    return Segments(header=parts[0], payload=parts[1], signature=parts[2])


def read(unverified: str, *, max_chars: int = MAX_COMPACT) -> UnverifiedJws:
    """Decode header, claims and signature.

    Raises:
        Refused: `credential.malformed`, also for base64url that is not canonical (⚔ one token, many spellings, would
            pass a replay set that remembers spellings) and for critical extensions, which we do not understand.

    Source: RFC 7515 §2, §4.1.11, §5.2; RFC 7797; RFC 8725 §2.4.
    """
    if len(unverified) > max_chars:
        raise _too_long(max_chars)
    return _read(unverified)


@lru_cache(maxsize=1)  # several checks in a row read one request's token
def _read(unverified: str) -> UnverifiedJws:
    segments = split(unverified, max_chars=len(unverified))
    return UnverifiedJws(
        header=read_header(segments.header),
        claims=read_object(segments.payload),
        signature=read_bytes(segments.signature),
        signing_input=f"{segments.header}.{segments.payload}".encode("ascii"),
    )


def _too_long(max_chars: int) -> Refused:
    return malformed_token(f"longer than {max_chars} characters")


def read_header(segment: str) -> JsonObject:
    """Decode a protected header and refuse parameters that change the meaning of the rest; short ones are cached.

    Raises:
        Refused: `credential.malformed`.
    """
    return _known_header(segment) if len(segment) <= _SHORT else _read_header(segment)


def _read_header(segment: str) -> JsonObject:
    header = read_object(segment)
    for name in _NOT_UNDERSTOOD:
        if name in header:
            raise malformed_token(f"the header parameter '{name}' is not supported")
    return header


_SHORT: Final = 512
_known_header: Final = lru_cache(maxsize=1024)(_read_header)


def read_object(segment: str) -> JsonObject:
    """Decode one base64url segment that must be a JSON object.

    Raises:
        Refused: `credential.malformed`.
    """
    try:
        value = decode_json(read_bytes(segment), max_bytes=MAX_COMPACT, max_members=MAX_MEMBERS)
    except Refused as refused:
        raise malformed_token(refused.detail) from None
    if not isinstance(value, dict):
        raise malformed_token("a segment is not a JSON object")
    return value


def read_bytes(segment: str) -> bytes:
    """Decode canonical base64url.

    Raises:
        Refused: `credential.malformed`.
    """
    try:
        return unb64url(segment)
    except ValueError:
        raise malformed_token("not canonical base64url") from None


def text_member(members: JsonObject, name: str, *, longest: int = 2048) -> str:
    """Return a member that must be a text of 1 to `longest` characters.

    Raises:
        Refused: `credential.malformed`.
    """
    value = members.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise malformed_token(f"'{name}' must be a text of 1 to {longest} characters")
    return value


def token_type(header: JsonObject, *, absent: str = "") -> str:
    """Return the `typ` of a header, in small letters and without its prefix; "?" for one that is no text.

    Source: RFC 7515 §4.1.9.
    """
    typ = header.get("typ", absent)
    return typ.lower().removeprefix("application/") if isinstance(typ, str) else "?"


def malformed_token(reason: str) -> Refused:
    """Build a refusal of an unreadable token, with the reason for its sender."""
    return Refused(Code.CREDENTIAL_MALFORMED, reason, public=f"The token cannot be accepted: {reason}.")
