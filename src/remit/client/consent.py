"""The customer's consent in the browser: the secrets of one mandate request, and the checks on its redirect.

Source: RFC 7636 (PKCE), RFC 9207 (`iss`), RFC 6749 §4.1.2.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Generic, Self, TypeVar
from urllib.parse import parse_qsl, urlsplit

from remit.client.errors import ProtocolError, Refused
from remit.client.keys import b64url

T = TypeVar("T")
_MANY: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(Generic[T]):
    """One mandate request in the browser. `state` and `verifier` are secrets of this process."""

    redirect_uri: str
    granted: asyncio.Future[T] = field(repr=False, compare=False)
    state: str = field(default_factory=lambda: secrets.token_hex(24), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    @property
    def challenge(self) -> str:
        """The PKCE S256 challenge."""
        return b64url(hashlib.sha256(self.verifier.encode("ascii")).digest())

    def settle(self, redeemed: asyncio.Task[T]) -> None:
        """Pass the result of redeeming the code to the waiting call."""
        if redeemed.cancelled():
            self.granted.cancel()
        elif (error := redeemed.exception()) is not None:
            self.fail(error)
        elif not self.granted.done():
            self.granted.set_result(redeemed.result())

    def fail(self, error: BaseException) -> None:
        """Fail the waiting call: there will be no mandate."""
        if not self.granted.done():
            self.granted.set_exception(error)
            # There may be no waiter (`begin` and `finish`); a retrieved error is not reported as forgotten.
            self.granted.exception()


def redirect_members(redirect_url: str) -> dict[str, str]:
    """Parse the query of a redirect.

    Raises:
        ProtocolError: when a member appears twice. ⚔ Which of two codes counts must not depend on the parser.
    """
    try:
        pairs = parse_qsl(urlsplit(redirect_url).query, keep_blank_values=True, max_num_fields=_MANY)
    except ValueError as error:
        raise ProtocolError("the redirect cannot be read") from error
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ProtocolError("a member of the redirect stands twice")
    return members


def verify_redirect(members: dict[str, str], *, issuer: str) -> str:
    """Return the code of a redirect with our state.

    Raises:
        ProtocolError: when the issuer is not our desk. ⚔ Wrong or missing `iss`: a code of one server is handed to
            another (mix-up).
        Refused: when the customer or the desk said no (`oauth.access_denied`).

    Source: RFC 9207 §2.4; RFC 6749 §4.1.2.
    """
    if members.get("iss") != issuer:
        raise ProtocolError("the redirect does not come from this desk (iss)")
    if members.get("error"):
        raise Refused(
            f"oauth.{members['error']}",
            title="The mandate was not granted",
            detail=members.get("error_description", ""),
            cure="Talk with the customer, then ask again for what they want to grant.",
            challenge={"error": members["error"]},
        )
    if not members.get("code"):
        raise ProtocolError("the redirect carries no code")
    return members["code"]


_PATH: Final = "/callback"
_HEAD_BYTES: Final = 16_384
_HEAD_S: Final = 10
_PAGE: Final = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
    "<body style='font-family:sans-serif;margin:3rem'><h1>{title}</h1><p>{text}</p></body></html>"
)


class LoopbackListener:
    """A loopback listener for the redirect. Any other request gets an error page and changes nothing."""

    def __init__(self, accept: Callable[[str], bool]) -> None:
        """Prepare the listener. `accept` gets each redirect's address and returns whether it was the awaited one."""
        self._accept = accept
        self._server: asyncio.Server | None = None
        self.redirect_uri = ""

    async def __aenter__(self) -> Self:
        """Open a free port, only on 127.0.0.1: other machines must not be able to answer for the customer."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_HEAD_BYTES)
        port: int = self._server.sockets[0].getsockname()[1]
        self.redirect_uri = f"http://127.0.0.1:{port}{_PATH}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_S):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(self._answer(head))
            await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            # This peer is gone or does not speak HTTP; the customer's browser can still come.
            writer.transport.abort()
        finally:
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        target = rest.partition(" ")[0]
        if target.partition("?")[0] != _PATH:
            return _page("404 Not Found", "Nothing here", "This address only takes the answer of a support desk.")
        if method != "GET":
            return _page(
                "405 Method Not Allowed", "Nothing here", "This address only takes the answer of a support desk."
            )
        if not self._accept(f"{self.redirect_uri}{target[len(_PATH) :]}"):
            return _page(
                "400 Bad Request", "This answer was not expected", "Go back to your agent and start again from there."
            )
        return _page("200 OK", "Thank you", "Your answer has reached your agent. You can close this page.")


def _page(status: str, title: str, text: str) -> bytes:
    """Build a page without scripts, cache and referrer: its address holds the code."""
    body = _PAGE.format(title=title, text=text).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\r\n"
    )
    return head.encode("ascii") + body
