"""Authentication for other libraries that speak to the desk over httpx, such as an A2A or MCP client."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from typing import Final, TypeAlias

import httpx

from remit.client.errors import Miswritten

_UNAUTHORIZED: Final = 401
_NONCE: Final = "dpop-nonce"


Run: TypeAlias = Callable[[Coroutine[None, None, httpx.Request | None]], httpx.Request | None]


class TaskAuth(httpx.Auth):
    """Signs each request as one task: `httpx.AsyncClient(auth=task.auth())`. Renews the credential by itself.

    ⚔ Only requests to the desk's own origin are signed; any other raises `Miswritten`, so that a redirect or a foreign
    address gets no credential.
    """

    def __init__(
        self,
        desk: str,
        sign: Callable[[str, str], Awaitable[dict[str, str]]],
        keep_nonce: Callable[[str], None],
        run: Run | None = None,
    ) -> None:
        """Prepare it; `sign` returns the headers for a method and an address, `run` is for blocking clients."""
        self._run = run
        self._origin = httpx.URL(desk)
        self._sign = sign
        self._keep_nonce = keep_nonce

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """Sign a request, and once more where the desk asks for its nonce (RFC 9449 §9).

        Raises:
            Miswritten: when the request goes to another origin.
            Refused: when the task is over, or cannot be renewed.
            Unavailable: when the desk cannot be reached for a renewal.
        """
        url = request.url
        if (url.scheme, url.host, url.port) != (self._origin.scheme, self._origin.host, self._origin.port):
            raise Miswritten(
                "request.malformed",
                detail="a request to another origin than the desk's was to be signed.",
                cure="Use this client for addresses of the desk alone.",
            )
        request.headers.update(await self._sign(request.method, str(url)))
        response = yield request
        nonce = response.headers.get(_NONCE)
        if nonce is None:
            return
        self._keep_nonce(nonce)
        if response.status_code == _UNAUTHORIZED and "use_dpop_nonce" in response.headers.get("www-authenticate", ""):
            request.headers.update(await self._sign(request.method, str(url)))
            again = yield request
            if _NONCE in again.headers:
                self._keep_nonce(again.headers[_NONCE])

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the requests of a blocking client; see `async_auth_flow`.

        Raises:
            RuntimeError: for the authentication of an async task.
        """
        if self._run is None:
            raise RuntimeError("this authentication is for httpx.AsyncClient; remit.client.sync has the blocking one")
        flow = self.async_auth_flow(request)
        following = self._run(_next(flow, None))
        while following is not None:
            following = self._run(_next(flow, (yield following)))


async def _next(
    flow: AsyncGenerator[httpx.Request, httpx.Response], response: httpx.Response | None
) -> httpx.Request | None:
    try:
        return await (anext(flow) if response is None else flow.asend(response))
    except StopAsyncIteration:
        return None
