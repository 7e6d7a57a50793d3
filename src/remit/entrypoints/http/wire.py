"""Bytes to typed requests: bodies, forms, headers. Strict: unknown members, duplicates and coercion are refused."""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from remit.domain.errors import Code, Refused
from remit.domain.secrets.find import find_secrets, redact
from remit.domain.secrets.opaque import holds_secret
from remit.domain.values import Json, JsonObject, decode_json
from remit.proof.canonical import b64url

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
RequestHeaders: TypeAlias = Mapping[bytes, tuple[str, ...]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
T = TypeVar("T")

MAX_PARAMETERS: Final = 200
"""Parameters of a form or a query: no door takes that many."""
_MAX_SAID_LENGTH: Final = 1000
HEADERS: Final = "remit.headers"
"""Where the headers of a request lie, as `read_headers` returns them: read once, and asked for a dozen times."""
_JSON: Final = ("application/json",)
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


class AttachmentIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file with an ask: base64 data of a declared media type."""

    name: str
    media_type: str
    data_b64: str


class AskBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an ask."""

    action: str
    params: dict[str, Any]
    words: str | None = None
    attachments: list[AttachmentIn] | None = None


class EmptyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request that needs none."""


async def until_closed(receive: Receive) -> None:
    """Wait until the caller is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def unless_gone(gone: "asyncio.Future[None]", waiting: Coroutine[Any, Any, T]) -> T | None:
    """Return the result of a coroutine; None where the caller is gone before it, which cancels it."""
    following = asyncio.ensure_future(waiting)
    try:
        await asyncio.wait((following, gone), return_when=asyncio.FIRST_COMPLETED)
        return await following if following.done() else None
    finally:
        if not following.done():
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


def read_headers(lines: Iterable[tuple[bytes, bytes]]) -> RequestHeaders:
    """Return all values of each header, as sent."""
    values: dict[bytes, tuple[str, ...]] = {}
    for name, value in lines:
        values[name] = (*values.get(name, ()), value.decode("latin-1"))
    return values


def header_values(scope: Scope, name: bytes) -> tuple[str, ...]:
    """Return all values of a header, as sent."""
    sent: RequestHeaders = scope[HEADERS]
    return sent.get(name, ())


def one_header(scope: Scope, name: bytes) -> str:
    """Return a header that may occur once at most ("" when absent).

    Raises:
        Refused: `request.malformed_request` for a duplicate: two readers could pick different ones.
    """
    values = header_values(scope, name)
    if len(values) > 1:
        raise malformed_request(f"the {name.decode()} header appears twice")
    return values[0] if values else ""


def verify_json_type(scope: Scope) -> None:
    """Verify that a body is declared as JSON in UTF-8.

    Raises:
        Refused: `request.unsupported_type`.
    """
    sent: RequestHeaders = scope[HEADERS]
    if sent.get(b"content-type") == _JSON and b"content-encoding" not in sent:
        return  # as nearly every caller writes it
    declared = _declared(scope)
    if declared not in {"application/json", "application/json;charset=utf-8"} or one_header(
        scope, b"content-encoding"
    ) not in {"", "identity"}:
        raise Refused(Code.REQUEST_UNSUPPORTED_TYPE, "not application/json")


def _declared(scope: Scope) -> str:
    """Normalise the declared type: names have no case, and a charset may be quoted (RFC 9110 §5.6.6, §8.3.1)."""
    return one_header(scope, b"content-type").lower().replace(" ", "").replace('charset="utf-8"', "charset=utf-8")


def verify_json_or_empty(scope: Scope, receive: Receive) -> Receive:
    """Verify that a body is declared as JSON in UTF-8, or absent; return what to read it by.

    ⚔ A page of any site can send a form, or bytes without a type, with a person's session: neither is read. The bytes
    themselves decide whether there is a body, not the headers.

    Raises:
        Refused: `request.unsupported_type`.
    """
    if header_values(scope, b"content-type"):
        verify_json_type(scope)
        return receive

    async def nothing() -> MutableMapping[str, Any]:
        message = await receive()
        if message.get("body"):
            raise Refused(Code.REQUEST_UNSUPPORTED_TYPE, "a body without a type")
        return message

    return nothing


def decode_object(raw: bytes, *, files: tuple[str, ...] | None = None, max_members: int | None = None) -> JsonObject:
    """Decode a JSON object strictly. `files` is the path to the files and their data member (`decode_json`).

    Raises:
        Refused: `request.malformed_request`, `request.too_large`.
    """
    value = decode_json(raw, files=files, max_members=max_members)
    if not isinstance(value, (dict, Mapping)):
        raise malformed_request("the body must be a JSON object")
    return value


def convert(value: Json, kind: type[T]) -> T:
    """Convert a decoded value into a struct, without coercion.

    Raises:
        Refused: `request.malformed_request` naming the member.
    """
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as wrong:
        said = str(wrong)
        if len(said) > _MAX_SAID_LENGTH:  # ⚔ it names a field made up by the sender, perhaps as long as a message
            raise malformed_request("a member that is not known here") from None
        raise malformed_request(redact(said, find_secrets(said))) from None


def idempotency_key(scope: Scope) -> str:
    """Return the required Idempotency-Key.

    Raises:
        Refused: `request.malformed_request` when it is absent, doubled, not 1 to 255 visible ASCII characters, or
            carries a secret.
    """
    values = header_values(scope, b"idempotency-key")
    return verify_idempotency_key(values[0] if len(values) == 1 else "")


def verify_idempotency_key(key: str, name: str = "Idempotency-Key") -> str:
    """Return an idempotency key that is one; `name` is its name on the wire.

    Raises:
        Refused: `request.malformed_request` when it is not 1 to 255 visible ASCII characters, or carries a secret.
    """
    if _KEY.fullmatch(key) is None:
        raise malformed_request(f"send one {name} of 1 to 255 visible ASCII characters")
    if holds_secret(key):
        raise malformed_request(f"an {name} is an opaque id, and this one carries a secret")
    return key


def body_digest(raw: bytes) -> str:
    """Compute the digest that recognises a repeated request."""
    return b64url(hashlib.sha256(raw).digest())


def decode_form(scope: Scope, raw: bytes) -> Mapping[str, str]:
    """Decode a form body strictly: UTF-8, each parameter once (RFC 6749 §3.2).

    Raises:
        Refused: `request.unsupported_type`, `request.malformed_request`.
    """
    declared = _declared(scope)
    if declared not in {"application/x-www-form-urlencoded", "application/x-www-form-urlencoded;charset=utf-8"}:
        raise Refused(Code.REQUEST_UNSUPPORTED_TYPE, "not a form")
    return _each_once(raw)


def query_parameters(scope: Scope) -> Mapping[str, str]:
    """Parse the query parameters, each once.

    Raises:
        Refused: `request.malformed_request`.
    """
    return _each_once(scope.get("query_string", b""))


def _each_once(raw: bytes) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in form_pairs(raw):
        if name in found:
            raise malformed_request(f"the parameter {name[:40]} appears twice")
        found[name] = value
    return found


def form_pairs(raw: bytes) -> Sequence[tuple[str, str]]:
    """Parse the name and value pairs of a form or query.

    Raises:
        Refused: `request.malformed_request` for what is not ASCII outside, UTF-8 inside, or holds NUL.
    """
    if not raw:
        return ()
    if raw.count(b"&") >= MAX_PARAMETERS:  # ⚔ counted before a million of them are taken apart
        raise malformed_request(f"more than {MAX_PARAMETERS} parameters")
    try:
        text = raw.decode("ascii")
        found = [
            (_unescaped(name), _unescaped(value)) if "%" in part or "+" in part else (name, value)
            for part in text.split("&")
            for name, _, value in [part.partition("=")]
        ]
    except UnicodeDecodeError:
        raise malformed_request("the parameters are not UTF-8") from None
    if ("\x00" in text or "%00" in text) and any("\x00" in name or "\x00" in value for name, value in found):
        raise malformed_request("a NUL character")
    return found


def _unescaped(half: str) -> str:
    """Percent-decode a name or value; most carry no escape."""
    if "+" in half:
        half = half.replace("+", " ")
    return unquote_to_bytes(half).decode("utf-8", "strict") if "%" in half else half


def whole_number(text: str, *, where: str, most: int) -> int:
    """Parse a decimal number from 0 to `most`.

    Raises:
        Refused: `request.malformed_request`.
    """
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) > most:  # noqa: PLR2004  # digits of the largest number any door takes
        raise malformed_request(f"{where} must be a whole number from 0 to {most}")
    return int(text)


def malformed_request(reason: str) -> Refused:
    """Build the refusal of an unreadable request, with the reason."""
    return Refused(Code.REQUEST_MALFORMED, reason, public=f"The request cannot be accepted: {reason}.")
