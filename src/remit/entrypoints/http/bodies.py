"""Bodies of requests: small before a proof, counted while they are held, and decoded beside the loop when long.

⚔ A door that says nothing reads little: only a proof in the headers, or a line of `_DOORS`, lets a request say more.

Source: docs/model/model.md#before-a-proof.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, Protocol, TypeVar

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.values import MAX_BYTES, MAX_ITEMS, JsonObject
from remit.entrypoints.http.signed_requests import note_body
from remit.entrypoints.http.wire import (
    EmptyBody,
    Receive,
    Scope,
    convert,
    decode_form,
    decode_object,
    malformed_request,
    one_header,
    verify_json_type,
)

T = TypeVar("T")


@struct(frozen=True)
class BodyLimit:
    """The bytes of a body, and the members, items and numbers in it."""

    size: int
    members: int


UNPROVED: Final = BodyLimit(16 * 1024, 256)
"""A passkey's response with an attestation is some 6 kB and has 20 members."""
PROVED: Final = BodyLimit(MAX_BYTES, MAX_ITEMS)
OAUTH: Final = BodyLimit(64 * 1024, 4096)
"""A client assertion and a token of 16 kB each, and a mandate; the form's parameters are bounded by themselves."""
_DOORS: Final[Mapping[str, BodyLimit]] = {
    "/oauth/par": OAUTH,
    "/oauth/token": OAUTH,
    "/oauth/introspect": OAUTH,
    "/oauth/revoke": OAUTH,
    "/sandbox/v1/facts": BodyLimit(MAX_BYTES, MAX_BYTES),  # a sandbox on this machine alone
}
"""Doors that read more before a proof: their proof is in the body."""
INLINE: Final = 8 * 1024
"""Bytes decoded on the event loop; the costliest take less than 2 ms."""
INTAKE: Final = "remit.intake"
CALLER_PROVED: Final = "remit.proved"
"""In the scope of a request whose caller is proved (`mark_proved`)."""
_DECODER: Final = ThreadPoolExecutor(1, thread_name_prefix="remit-bodies")


class Intake(Protocol):
    """The counter of body bytes of one process."""

    def hold_body(self, scope: Scope, size: int) -> None:
        """Count bytes of a body until the request is answered.

        Raises:
            Refused: `request.rate_limited`.
        """
        ...


def mark_proved(scope: Scope) -> None:
    """Let a request whose caller is proved say more, and charge its bytes to no address."""
    scope[CALLER_PROVED] = True


def body_limit(scope: Scope) -> BodyLimit:
    """Return the limit of a request's body as far as it is proved now."""
    return PROVED if CALLER_PROVED in scope else _DOORS.get(scope["path"], UNPROVED)


async def read_body(scope: Scope, receive: Receive, *, most: int | None = None) -> bytes:
    """Read a body within the limit of its door, or of at most `most` bytes.

    Raises:
        Refused: `request.too_large`, `request.rate_limited`, `request.malformed` when the client went away,
            `credential.malformed` or `credential.wrong_key` for another body than the signed one.
    """
    most = body_limit(scope).size if most is None else most
    declared = one_header(scope, b"content-length")
    if declared and (not declared.isdecimal() or len(declared) > 12 or int(declared) > most):  # noqa: PLR2004  # ⚔ thousands of digits are no number to Python
        raise _too_large(most)
    intake: Intake = scope[INTAKE]
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise malformed_request("the request ended early")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most:
            raise _too_large(most)
        if chunk:
            intake.hold_body(scope, len(chunk))
        chunks.append(chunk)
        if not message.get("more_body", False):
            body = b"".join(chunks) if len(chunks) > 1 else chunks[0]
            note_body(scope, body)
            return body


def _too_large(most: int) -> Refused:
    public = f"At most {most} bytes are read here."
    return Refused(Code.REQUEST_TOO_LARGE, f"more than {most} bytes", public=public)


async def decode_body(scope: Scope, raw: bytes, *, files: tuple[str, ...] | None = None) -> JsonObject:
    """Decode a JSON object strictly, within the limit of its door. `files` as in `decode_object`.

    Raises:
        Refused: `request.malformed`, `request.too_large`.
    """
    decode = partial(decode_object, raw, files=files, max_members=body_limit(scope).members)
    return decode() if len(raw) <= INLINE else await _beside_the_loop(decode)


async def read_object(scope: Scope, receive: Receive) -> JsonObject:
    """Read a body that is a JSON object.

    Raises:
        Refused: as `read_body` and `decode_body`.
    """
    return await decode_body(scope, await read_body(scope, receive))


async def read_as(scope: Scope, receive: Receive, kind: type[T]) -> T:
    """Read a body that is a JSON object strictly into a struct.

    Raises:
        Refused: as `read_object`; `request.malformed` naming the member.
    """
    return convert(await read_object(scope, receive), kind)


async def read_form(scope: Scope, receive: Receive) -> Mapping[str, str]:
    """Read a body that is a form.

    Raises:
        Refused: as `read_body` and `decode_form`.
    """
    raw = await read_body(scope, receive)
    decode = partial(decode_form, scope, raw)
    return decode() if len(raw) <= INLINE else await _beside_the_loop(decode)


async def read_empty_body(scope: Scope, receive: Receive) -> None:
    """Read the body of a request that needs none: empty, or a JSON object without members.

    Raises:
        Refused: `request.malformed` for any member, `request.too_large`, `request.unsupported_type`.
    """
    raw = await read_body(scope, receive)
    if raw:
        verify_json_type(scope)
        convert(await decode_body(scope, raw), EmptyBody)


def _beside_the_loop(work: Callable[[], T]) -> "asyncio.Future[T]":
    return asyncio.get_running_loop().run_in_executor(_DECODER, work)
