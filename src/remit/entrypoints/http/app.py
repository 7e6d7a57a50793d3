"""The ASGI application: hot endpoints first and raw, everything else through a small router. Paths match as sent."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from typing import Final

from remit.domain.errors import Code, Fault, Refused
from remit.domain.structs import struct
from remit.engine.context import DeskContext
from remit.entrypoints.agents.a2a_card import PATH as A2A
from remit.entrypoints.agents.api import ADDRESSES as AGENT_ADDRESSES
from remit.entrypoints.agents.api import PATHS as AGENT_PATHS
from remit.entrypoints.agents.api import AgentApi
from remit.entrypoints.agents.mcp.door import PATH as MCP_PATH
from remit.entrypoints.agents.oauth import PATHS as OAUTH_PATHS
from remit.entrypoints.agents.oauth import OAuth
from remit.entrypoints.decision_point.api import PREFIX as DECISIONS
from remit.entrypoints.decision_point.api import DecisionApi
from remit.entrypoints.decision_point.api import addresses as decision_addresses
from remit.entrypoints.http.bodies import INTAKE
from remit.entrypoints.http.client_certificates import FRONT, TlsFront
from remit.entrypoints.http.limits import Limits
from remit.entrypoints.http.replies import BodyStream, HttpResponse, problem_response
from remit.entrypoints.http.request_log import ECHO, HEADER, begin_request, end_request, log_fault, new_request_id
from remit.entrypoints.http.server_protocol import WHOLE
from remit.entrypoints.http.wire import (
    HEADERS,
    Receive,
    Scope,
    Send,
    header_values,
    read_headers,
    unless_gone,
    until_closed,
)
from remit.entrypoints.ops.metrics import Metrics, route_group
from remit.entrypoints.people.access import BEGINS as RECEIPTS
from remit.entrypoints.people.access import presents_token
from remit.ports.tracing import SpanAttribute

_LOG: Final = logging.getLogger("remit")
_SAFE: Final = (
    (b"x-content-type-options", b"nosniff"),
    # Not `no-referrer`: a browser then calls the origin of our own forms "null" (Fetch, "append a request Origin
    # header").
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_UNTRACED: Final = "public"
"""Health checks are not traced."""
_FRAMING: Final = frozenset({b"x-frame-options", b"content-security-policy"})
_PROVING: Final = frozenset({*OAUTH_PATHS, A2A, MCP_PATH})
"""Addresses with proofs of their own, beside the agents' API."""
_SAFE_LINES: Final = b"".join(b"%b: %b\r\n" % header for header in _SAFE)

Headers = tuple[tuple[bytes, bytes], ...]
Handler = Callable[[Scope, Receive, Mapping[str, str]], Awaitable[HttpResponse]]


@struct(frozen=True)
class Route:
    """A path as OpenAPI writes it, its pattern, methods and handler."""

    path: str
    methods: frozenset[str]
    pattern: "re.Pattern[str]"
    handler: Handler


def route(methods: str, path: str, handler: Handler) -> Route:
    """Build a route such as `route("GET POST", "/me/v1/requests/{id}", …)`. A placeholder never spans a slash."""
    pattern = re.sub(
        r"\\\{([a-z]+)(:path)?\\\}",
        lambda found: f"(?P<{found[1]}>.+)" if found[2] else f"(?P<{found[1]}>[^/]+)",
        re.escape(path),
    )
    return Route(path.replace(":path}", "}"), frozenset(methods.split()), re.compile(pattern), handler)


class App:
    """One desk over HTTP. `life` holds the start and stop callbacks; `lost` answers browsers at unknown addresses."""

    def __init__(  # noqa: PLR0913  # handlers of the hot endpoints
        self,
        *,
        agents: AgentApi,
        oauth: OAuth,
        decisions: DecisionApi | None,
        routes: Sequence[Route],
        lost: Handler,
        desk: DeskContext,
        metrics: Metrics,
        limits: Limits,
        life: tuple[Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]],
    ) -> None:
        self._agents = agents
        self._oauth = oauth
        self._decisions = decisions
        self._routes = tuple(routes)
        self._lost = lost
        self._desk = desk
        self._issuer = desk.terms.issuer
        self._metrics = metrics
        self._limits = limits
        self._front = TlsFront(desk.terms.tls_proxies) if desk.terms.tls_proxies else None
        self._takes_nonces = desk.proofs.nonce(desk.world.now()) is not None
        self._start, self._stop = life

    @property
    def addresses(self) -> frozenset[tuple[str, str]]:
        """Return every method and address of this desk, as OpenAPI writes them. HEAD goes with every GET."""
        routed = {(method, one.path) for one in self._routes for method in one.methods}
        decided = frozenset[tuple[str, str]]() if self._decisions is None else decision_addresses(self._decisions.point)
        return AGENT_ADDRESSES | {("POST", path) for path in OAUTH_PATHS} | routed | decided

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection event."""
        if scope["type"] == "lifespan":
            with suppress(
                asyncio.CancelledError
            ):  # a second Ctrl-C ends the loop; the desk is closed elsewhere all the same
                await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        started_s, door = self._metrics.started(), route_group(scope["path"])
        request = new_request_id(self._desk.world)
        begun = begin_request(request)
        scope[INTAKE], scope[FRONT], scope[HEADERS] = self._limits, self._front, read_headers(scope["headers"])
        tracing = self._desk.tracing
        try:
            with (
                nullcontext()
                if door == _UNTRACED
                else tracing.start_request(traceparent=partial(_traceparent, scope), door=door, method=scope["method"])
            ):
                tracing.note(SpanAttribute.REQUEST, request)
                try:
                    answer = await self._answer(scope, receive)
                except Exception as error:  # noqa: BLE001  # the last place there is: a caller gets an answer, never silence
                    answer = self._failed(scope, error)
                tracing.note(SpanAttribute.STATUS, answer.status)
            self._metrics.answered(door, answer.status, started_s)
            nonce = self._next_nonce(scope) if self._takes_nonces else ()
            more = ((HEADER, scope.get(ECHO, request.encode())), *nonce)
            if answer.stream is None:
                await _send(answer, more, scope, send)
            else:
                await send_stream(answer, answer.stream, (*more, *_SAFE), receive, send)
        finally:
            self._limits.release_body(scope)
            end_request(begun)

    def _failed(self, scope: Scope, error: Exception) -> HttpResponse:
        """Return the answer to a request that was refused or failed."""
        if isinstance(error, (Refused, Fault)):
            log_fault(error, scope["path"])
            return problem_response(error, issuer=self._issuer)
        _LOG.error("unexpected failure at %s", scope["path"], exc_info=error, extra={"event": "request.broken"})
        return problem_response(Fault(Code.FAULT_INTERNAL), issuer=self._issuer)

    def _next_nonce(self, scope: Scope) -> Headers:
        """Return the nonce header for endpoints with proofs, where the desk requires one (RFC 9449 §8.2, §9)."""
        nonce, path = self._desk.proofs.nonce(self._desk.world.now()), scope["path"]
        if nonce is None:
            return ()
        proves = (
            path in _PROVING or AGENT_PATHS.fullmatch(path) or (path.startswith(RECEIPTS) and presents_token(scope))
        )
        return ((b"dpop-nonce", nonce.encode()),) if proves else ()

    def _answer(self, scope: Scope, receive: Receive) -> Coroutine[None, None, HttpResponse]:
        """Dispatch by path."""
        path: str = scope["path"]
        raw: bytes = scope.get("raw_path", b"")
        if b"%" in raw:
            # An escaped slash arrives decoded; our ids in agents' addresses need no escaping.
            raw = raw.lower()
            if b"%2f" in raw or b"%00" in raw:
                raise Refused(Code.REQUEST_NOT_FOUND, "an escaped slash")
        if (match := AGENT_PATHS.fullmatch(path)) is not None:
            return self._agents.handle(scope, receive, match)
        if path in OAUTH_PATHS:
            return self._oauth.handle(scope, receive)
        if self._decisions is not None and path.startswith(DECISIONS):
            return self._decisions.handle(scope, receive)
        return self._route(path, scope, receive)

    async def _route(self, path: str, scope: Scope, receive: Receive) -> HttpResponse:
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        allowed: set[str] = set()
        for route in self._routes:
            found = route.pattern.fullmatch(path)
            if found is None:
                continue
            if method in route.methods:
                return await route.handler(scope, receive, found.groupdict())
            allowed |= route.methods
        if allowed:
            allow = ", ".join(sorted(allowed))
            return problem_response(
                Refused(Code.REQUEST_METHOD, f"{method} at {path}"), issuer=self._issuer, allow=allow
            )
        if method == "GET" and any("text/html" in accepted for accepted in header_values(scope, b"accept")):
            return await self._lost(scope, receive, {})
        raise Refused(Code.REQUEST_NOT_FOUND, f"no such address: {path}")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self._start()
                except (Refused, Fault) as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self._stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _traceparent(scope: Scope) -> str:
    """Return the caller's trace context; "" for contradicting headers."""
    headers = header_values(scope, b"traceparent")
    return headers[0] if len(headers) == 1 else ""


async def _send(answer: HttpResponse, more: Headers, scope: Scope, send: Send) -> None:
    body = b"" if scope["method"] == "HEAD" else answer.body
    length = str(len(answer.body)).encode()
    own = (*answer.headers, *more)
    if answer.framed_by:
        framed = (*own, *_framed(answer.framed_by))
        await send({"type": "http.response.start", "status": answer.status, "headers": _headed(answer, length, framed)})
        await send({"type": "http.response.body", "body": body})
        return
    if WHOLE in scope.get("extensions", ()):
        lines = b"".join([b"%b: %b\r\n" % header for header in own])
        head = b"content-type: %b\r\ncontent-length: %b\r\n%b%b" % (answer.media_type, length, lines, _SAFE_LINES)
        await send(
            {"type": WHOLE, "status": answer.status, "head": head, "lines": 2 + len(own) + len(_SAFE), "body": body}
        )
        return
    await send(
        {"type": "http.response.start", "status": answer.status, "headers": _headed(answer, length, (*own, *_SAFE))}
    )
    await send({"type": "http.response.body", "body": body})


async def send_stream(answer: HttpResponse, stream: BodyStream, more: Headers, receive: Receive, send: Send) -> None:
    """Send an answer piece by piece, until it ends or its caller is gone: ⚔ nothing waits without a reader."""
    gone = asyncio.ensure_future(until_closed(receive))
    try:
        head = [(b"content-type", answer.media_type), *answer.headers, *more]
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        while (piece := await unless_gone(gone, _next(stream.pieces))) is not None:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        stream.close()


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


def _headed(answer: HttpResponse, length: bytes, more: Headers) -> list[tuple[bytes, bytes]]:
    return [(b"content-type", answer.media_type), (b"content-length", length), *more]


def _framed(origin: str) -> Headers:
    """Return the headers of an answer that only one origin may frame; inside the frame it can do nothing."""
    policy = f"default-src 'none'; frame-ancestors {origin}; base-uri 'none'; form-action 'none'"
    return (*(one for one in _SAFE if one[0] not in _FRAMING), (b"content-security-policy", policy.encode()))
