"""A listener on 127.0.0.1 for the one redirect that ends a mandate request in the customer's browser on this machine.

Source: RFC 8252 §7.3 (loopback redirect). It knows addresses and bytes; what a redirect means is in `consent`.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

_PATH: Final = "/callback"
_HEAD_BYTES: Final = 16_384
_HEAD_S: Final = 10
_PAGE: Final = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
    "<body style='font-family:sans-serif;margin:3rem'><h1>{title}</h1><p>{text}</p></body></html>"
)


class LoopbackListener:
    """Listens until it is closed. Whoever asks for anything but the awaited redirect gets an error page and changes nothing."""

    def __init__(self, accept: Callable[[str], bool]) -> None:
        """`accept` is given each redirect's address and says whether it was the awaited one."""
        self._accept = accept
        self._server: asyncio.Server | None = None
        self.redirect_uri = ""

    async def __aenter__(self) -> Self:
        """Open a free port, on 127.0.0.1 alone: other machines must not be able to answer for the customer."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_HEAD_BYTES)
        port: int = self._server.sockets[0].getsockname()[1]
        self.redirect_uri = f"http://127.0.0.1:{port}{_PATH}"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
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
            # Whoever this was is gone or talks no HTTP; the customer's browser can still come.
            writer.transport.abort()
        finally:
            writer.close()

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
        target = rest.partition(" ")[0]
        if target.partition("?")[0] != _PATH:
            return _page("404 Not Found", "Nothing here", "This address only takes the answer of a support desk.")
        if method != "GET":
            return _page("405 Method Not Allowed", "Nothing here", "This address only takes the answer of a support desk.")
        if not self._accept(f"{self.redirect_uri}{target[len(_PATH) :]}"):
            return _page("400 Bad Request", "This answer was not expected", "Go back to your agent and start again from there.")
        return _page("200 OK", "Thank you", "Your answer has reached your agent. You can close this page.")


def _page(status: str, title: str, text: str) -> bytes:
    """A page without scripts, that is not stored and tells nobody the address it came from: the address holds the code."""
    body = _PAGE.format(title=title, text=text).encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\r\n"
    )
    return head.encode("ascii") + body
