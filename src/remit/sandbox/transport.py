"""An httpx transport that calls an ASGI application directly, without sockets, and counts the requests."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx

Asgi = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]
]


class DirectTransport(httpx.AsyncBaseTransport):
    """Each request is one ASGI call. `requests` counts them at the boundary."""

    def __init__(self, app: Asgi) -> None:
        self._app = app
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Run the application for one request."""
        self.requests += 1
        body = await request.aread()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path.partition(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 0),
            "server": (request.url.host, request.url.port or 443),
        }
        sent: list[MutableMapping[str, Any]] = []
        given = False

        async def receive() -> MutableMapping[str, Any]:
            nonlocal given
            if given:
                await asyncio.Event().wait()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        start = sent[0]
        content = b"".join(message.get("body", b"") for message in sent[1:])
        return httpx.Response(start["status"], headers=start["headers"], content=content, request=request)
