"""Connections to one HTTP/1.1 server: kept open, bounded, at verified addresses, without redirects or proxies."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, cast
from urllib.parse import urlsplit

import httptools

from remit.adapters.http.faults import ExchangeFault, Problem
from remit.adapters.identity.fetching import verify_address, verify_url
from remit.domain.errors import Code, Fault, Refused

MAX_ANSWER: Final = 256 * 1024
_MAX_IDLE: Final = 32
_MAX_HEADERS: Final = 16 * 1024
_TLS_PORT: Final = 443
_PLAIN_PORT: Final = 80


@dataclass(slots=True)
class HttpAnswer:
    """One answer; header names are in small letters."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class _TooLongError(ConnectionError):
    """An answer with more bytes than are read."""


class HttpConnections:
    """Keep-alive connections to the server of one base address."""

    def __init__(
        self,
        base: str,
        *,
        tls: ssl.SSLContext,
        allow_loopback: bool,
        fault: Code = Code.FAULT_BACKOFFICE,
        max_bytes: int = MAX_ANSWER,
    ) -> None:
        """Verify the base address, which comes from the settings alone; `max_bytes` bounds an answer.

        Raises:
            Refused: `request.malformed`.
        """
        verify_url(base, allow_loopback=allow_loopback, allow_private=True)
        parts = urlsplit(base.rstrip("/"))
        self.base = base.rstrip("/")
        self._path = parts.path
        self._host = parts.hostname or ""
        self._port = parts.port or (_TLS_PORT if parts.scheme == "https" else _PLAIN_PORT)
        self._authority = parts.netloc
        self._tls = tls if parts.scheme == "https" else None
        self._allow_loopback = allow_loopback
        self._fault = fault
        self._max_bytes = max_bytes
        self._idle: list[_Exchange] = []

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes, timeout_s: float, once: bool = False
    ) -> HttpAnswer:
        """Send one request below the base address and return its answer.

        Sent again on a new connection where a kept one was closed without a byte of an answer: reads change nothing,
        and an act has its key. ⚔ `once`: on a new connection from the start, as some systems do without keys.

        Raises:
            Fault: with the code of these connections; the request may have arrived.
        """
        raw = self._head(method, path, headers, body) + body
        sent = False
        try:
            async with asyncio.timeout(timeout_s):
                while self._idle and not once:
                    kept = self._idle.pop()
                    try:
                        return await self._exchange(kept, raw)
                    except ConnectionError:
                        if kept.answered:
                            raise
                fresh = await self._connect()
                sent = True
                return await self._exchange(fresh, raw)
        except TimeoutError:
            problem, detail = Problem.TIME, f"no answer within {timeout_s:g} s"
        except Refused as refused:
            problem, detail = Problem.CONNECTION, refused.detail
        except _TooLongError as broken:
            problem, detail = Problem.SIZE, str(broken)
        except (OSError, ValueError, httptools.HttpParserError) as broken:
            problem = Problem.CONNECTION if isinstance(broken, OSError) else Problem.FORM
            detail = f"{type(broken).__name__}: {broken}"
        if once and not sent:
            problem = Problem.UNREACHED
        raise ExchangeFault(problem, f"{path}: {detail}", code=self._fault)

    def close(self) -> None:
        """Close the idle connections."""
        for exchange in self._idle:
            exchange.abort()
        self._idle.clear()

    async def _exchange(self, exchange: "_Exchange", raw: bytes) -> HttpAnswer:
        try:
            answer = await exchange.send(raw)
        except BaseException:
            exchange.abort()
            raise
        if exchange.reusable and len(self._idle) < _MAX_IDLE:
            self._idle.append(exchange)
        else:
            exchange.abort()
        return answer

    async def _connect(self) -> "_Exchange":
        """⚔ Resolve the name, verify every address, and dial a verified one: a second DNS answer changes nothing."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
        for address in addresses:
            verify_address(address, allow_loopback=self._allow_loopback, allow_private=True)
            if self._tls is None and not address.is_loopback:
                raise Refused(Code.REQUEST_MALFORMED, "http is for loopback only")
        name = self._host if self._tls else None
        _, exchange = await loop.create_connection(
            partial(_Exchange, self._max_bytes + _MAX_HEADERS),
            str(addresses[0]),
            self._port,
            ssl=self._tls,
            server_hostname=name,
        )
        return exchange

    def _head(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        lines = [
            f"{method} {self._path}{path} HTTP/1.1",
            f"host: {self._authority}",
            f"content-length: {len(body)}",
            *(f"{name}: {value}" for name, value in {"accept": "application/json", **headers}.items()),
        ]
        head = "\r\n".join(lines)
        if head.count("\r\n") != len(lines) - 1 or not head.isascii():
            raise Fault(self._fault, f"{path}: a header cannot be sent")
        return head.encode() + b"\r\n\r\n"


class _Exchange(asyncio.Protocol):
    """One connection: a request at a time, its answer read by httptools."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[HttpAnswer] | None = None
        self._answer = HttpAnswer()
        self._body = bytearray()
        self._size = 0
        self._parser = httptools.HttpResponseParser(self)
        self.closed = False
        self.reusable = False

    @property
    def answered(self) -> bool:
        """Whether a byte of an answer to the last request came."""
        return self._size > 0

    async def send(self, raw: bytes) -> HttpAnswer:
        """Send one request and wait for its answer."""
        self._answer, self._body, self._size = HttpAnswer(), bytearray(), 0
        self._parser = httptools.HttpResponseParser(self)
        if self.closed or self._transport is None:
            raise ConnectionResetError("the connection was closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(raw)
        return await self._waiting

    def abort(self) -> None:
        """Drop the connection."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail the waiting request."""
        self.closed = True
        self._fail(exc or ConnectionResetError("the connection was closed before the answer was whole"))

    def data_received(self, data: bytes) -> None:
        """Parse. ⚔ Bytes that no request waits for end the connection: they would answer the next one."""
        self._size += len(data)
        if self._waiting is None or self._waiting.done() or self._size > self._max_bytes:
            self._fail(_TooLongError("the answer is too long"))
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as broken:
            self._fail(broken)
            self.abort()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self._answer.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Hand the answer over."""
        self._answer.status = self._parser.get_status_code()
        self._answer.body = bytes(self._body)
        self.reusable = self._parser.should_keep_alive()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(self._answer)

    def _fail(self, problem: Exception) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(problem)
