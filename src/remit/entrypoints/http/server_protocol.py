"""HTTP protocol limits before any of our code: requests bounded in size and time, and refusals that say why.

Uvicorn's parser takes heads of any size and waits for the rest of a request for ever.
"""

import asyncio
import gc
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from remit.domain.errors import Code, Refused
from remit.entrypoints.http.connections import ConnectionPool
from remit.entrypoints.http.replies import PROBLEM, problem_response

MAX_HEAD: Final = 32 * 1024
"""Bytes of a request's line and headers: a token, a proof and a cookie are some 3 kB."""
MAX_HEADERS: Final = 100
MAX_HEAD_S: Final = 10.0
"""Maximum time, in seconds, for a request's line and headers, from the connection's or their own first byte."""
MAX_REQUEST_S: Final = 30.0
"""Maximum time, in seconds, for the body behind them; and for a caller to take the answer."""
MAX_UNREAD: Final = 1024 * 1024
"""Bytes of bodies that a connection may send although they were answered before they came."""
WHOLE: Final = "remit.http.response.whole"
"""ASGI extension of ours: an answer's status, head and body in one message.

`head` is header lines, each with its line end; `lines` is their number.
"""
_LINGER_S: Final = 5.0
_TOO_MANY: Final = 429
_REST_S: Final = 1.0
_PACE_S: Final = 0.25
"""Seconds between two reads, of some 256 kB, of a body that was answered before it came."""
_BODY: Final = frozenset({b"content-length", b"transfer-encoding"})
_CHUNKING: Final = 8
"""Received bytes allowed per byte of body: the smallest chunks take six."""
_TOO_LARGE: Final = (
    b"431 Request Header Fields Too Large",
    Refused(
        Code.REQUEST_TOO_LARGE,
        "headers too large",
        public=f"A request has at most {MAX_HEADERS} headers, and {MAX_HEAD} bytes before its body.",
    ),
)
_TOO_SLOW: Final = (
    b"408 Request Timeout",
    Refused(
        Code.REQUEST_MALFORMED,
        "request too slow",
        public=f"The headers of a request must arrive within {MAX_HEAD_S:.0f} seconds, its body within {MAX_REQUEST_S:.0f} more.",
    ),
)
_FULL: Final = (
    b"503 Service Unavailable",
    Refused(
        Code.REQUEST_RATE_LIMITED,
        "a connection that gave way",
        public="Too many connections are open right now.",
        retry_after_s=1,
    ),
)
_MALFORMED: Final = (
    b"400 Bad Request",
    Refused(Code.REQUEST_MALFORMED, "not HTTP", public="This is not an HTTP request."),
)
_UPGRADE: Final = (
    b"400 Bad Request",
    Refused(
        Code.REQUEST_MALFORMED,
        "an upgrade with a body",
        public="No other protocol is supported: send the request again without the Upgrade header.",
    ),
)


class _TooLarge(Exception):  # noqa: N818  # it names what is
    """A head beyond its limits."""


class _Upgrade(Exception):  # noqa: N818  # it names what is
    """A request with a body that asks for another protocol."""


class _Cycle(RequestResponseCycle):
    """Uvicorn's request cycle that also takes a whole answer: one write instead of two, with its head ready."""

    rest: Callable[[], None]

    async def send(self, message: Any) -> None:  # noqa: ANN401  # as in uvicorn
        """Send a part of an answer, or all of it.

        Raises:
            RuntimeError: for a header that is no line.
        """
        if message["type"] != WHOLE:
            await super().send(message)
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        head: bytes = message["head"]
        # ⚔ A line end inside a header would begin another header, or another answer.
        if head.count(b"\r") != message["lines"] or head.count(b"\n") != message["lines"] or b"\0" in head:
            raise RuntimeError("a header is no line")
        own = b"".join([b"%b: %b\r\n" % header for header in self.default_headers])
        close = b"" if self.keep_alive else b"connection: close\r\n"
        self.response_started = self.response_complete = True
        self.transport.write(b"".join((STATUS_LINE[message["status"]], own, head, close, b"\r\n", message["body"])))
        self.message_event.set()
        if message["status"] == _TOO_MANY:
            self.rest()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with bounded requests. A refusal closes the connection and leaves nothing behind."""

    pool: ConnectionPool

    def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401  # whatever uvicorn gives its protocols
        super().__init__(*given, **named)
        self._in_head = False
        self._whole = False
        self._came = self._chunk = self._body = 0
        """Bytes received since the current request began, those that came at once, and those of its body."""
        self._refusal = _MALFORMED
        self._timer: asyncio.TimerHandle | None = None
        self._untaken: asyncio.TimerHandle | None = None
        self._unread = 0
        self._resting = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Take a connection, and wait for its first request."""
        super().connection_made(transport)
        try:
            self.pool.enter(self, self.client[0] if self.client else "")
        except Refused as full:
            self._refuse((b"503 Service Unavailable", full))
            return
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self.pool.leave(self)
        self._wait_no_more()
        self._untaken_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; refuse an endless head, or junk beside head and body, before keeping more of it."""
        self._came += len(data)
        self._chunk = len(data)
        super().data_received(data)
        if self.transport.is_closing() or (self._whole and self._answering()):
            return
        if not self._whole and self._came > (MAX_HEAD if self._in_head else 2 * MAX_HEAD + _CHUNKING * self._body):
            self._refuse(_TOO_LARGE)
        else:
            self._wait()

    def give_way(self) -> None:
        """End for another connection; a request that has begun is told to come again."""
        if self._came and not self._whole:
            self._refuse(_FULL)
        else:
            self.transport.abort()

    def pause_writing(self) -> None:
        """Stop writing to a caller that takes nothing; ⚔ end the connection if that lasts."""
        super().pause_writing()
        self._untaken_no_more()
        self._untaken = self.loop.call_later(MAX_REQUEST_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Write again."""
        self._untaken_no_more()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection without a further request."""
        if not self.transport.is_closing():
            self._close()

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._in_head, self._whole = True, False
        self._came, self._body = self._chunk, 0
        super().on_message_begin()
        self.scope["extensions"] = {WHOLE: {}}

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. ⚔ Trailers after the body are dropped: they were neither bounded nor seen with the head."""
        if self._in_head:
            name = name.lower()
            self.headers.append((name, value))
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True

    def on_body(self, body: bytes) -> None:
        """Take a part of the body; ⚔ of one that is answered already, no more than `MAX_UNREAD`, and that slowly."""
        self._body += len(body)
        if self.cycle.response_complete:
            self._unread += len(body)
            if self._unread > MAX_UNREAD:
                self.transport.abort()
            else:
                self.flow.pause_reading()
                self.loop.call_later(_PACE_S, self._read_on)
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """Finish the head. Bytes received with it may be body: only a large amount is counted."""
        self._in_head = False
        self._wait_no_more()  # the body has a time of its own
        if len(self.headers) > MAX_HEADERS or (self._came > MAX_HEAD and self._head_bytes() > MAX_HEAD):
            self._refusal = _TOO_LARGE
            raise _TooLarge
        upgrade = self.parser.should_upgrade()
        # ⚔ The parser takes a head that asks for another protocol for the whole request, and its body for the next one:
        # behind a proxy, another caller would get the answer to it.
        if upgrade and any(name in _BODY for name, _ in self.headers):
            self._refusal = _UPGRADE
            raise _Upgrade
        super().on_headers_complete()
        if self.cycle is not None:
            cycle: Any = self.cycle
            cycle.__class__ = _Cycle  # its task has not begun
            cycle.rest = self._rest
            if upgrade:
                self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Finish the request: from now on it waits for us."""
        self._whole = True
        self._chunk = 0  # the start of the next head in it is unknown
        self._wait_no_more()
        super().on_message_complete()
        if not self.cycle.response_complete:
            self.pool.works(self)

    def on_response_complete(self) -> None:
        """Finish an answer; without another whole request the connection waits for its caller again."""
        super().on_response_complete()
        if self._resting:
            self._resting = False
            self.flow.pause_reading()
            self.loop.call_later(_REST_S, self._read_on)
        if not self._whole or not self._answering():
            self.pool.waits(self)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: an upgrade request is answered in the present protocol."""

    def send_400_response(self, msg: str) -> None:
        """Answer an invalid request like every other: with a code and a cure."""
        del msg
        self._refuse(self._refusal)

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _wait(self) -> None:
        if self._timer is None:
            in_body = not self._in_head and not self._whole and self.cycle is not None
            self._timer = self.loop.call_later(MAX_REQUEST_S if in_body else MAX_HEAD_S, self._too_slow)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rest(self) -> None:
        """After "too many requests", read the next one of this address later; ⚔ drop those it sent meanwhile."""
        if not self.pool.is_counted(self):
            return
        self._resting = True
        if self.pipeline:
            self.transport.close()

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def _untaken_no_more(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None

    def _too_slow(self) -> None:
        """Refuse a request that is too slow, unless we stopped reading or still answer an earlier one."""
        self._timer = None
        if self.flow.read_paused or (self._in_head and self._answering()):
            self._wait()
        else:
            self._refuse(_TOO_SLOW)

    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _unanswered(self) -> bool:
        """Return whether the one running request is still arriving, so that a refusal answers it."""
        return not self._whole and not self._in_head and not self.pipeline and not self.cycle.response_started

    def _refuse(self, why: tuple[bytes, Refused]) -> None:
        self._wait_no_more()
        if self.transport.is_closing():
            return
        if not self._answering() or self._unanswered():
            self.transport.write(_raw(*why))
        self._close()

    def _close(self) -> None:
        """Close. ⚔ A caller that takes nothing keeps no descriptor."""
        self.transport.close()
        self.loop.call_later(_LINGER_S, self.transport.abort)


def bounded_protocol(pool: ConnectionPool) -> type[BoundedProtocol]:
    """Return the protocol whose connections are counted in a pool."""
    return type("PooledProtocol", (BoundedProtocol,), {"pool": pool})


def _raw(status: bytes, refused: Refused) -> bytes:
    """Build an answer as bytes, for input that never became a request."""
    answer = problem_response(refused, issuer="")
    body = answer.body.replace(b'"status":%d' % answer.status, b'"status":' + status[:3], 1)
    later = b"" if refused.retry_after_s is None else b"retry-after: %d\r\n" % refused.retry_after_s
    head = b"HTTP/1.1 %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%bcache-control: no-store\r\nconnection: close\r\n\r\n"
    return head % (status, PROBLEM, len(body), later) + body


_YOUNG: Final = 50_000
_MIDDLE: Final = 20
_OLD: Final = 50


def tune_garbage_collector() -> None:
    """Exempt a started desk's objects from garbage collection, and collect less often.

    Rules, schemas, pages and modules are some hundred thousand objects that live as long as the process; scanning them
    took a tenth of its time. Requests are freed by reference counts, but for rare cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
