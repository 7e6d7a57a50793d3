"""A running server driven by a sandbox: its address, and its own name."""

import httpx

from remit.client.discovery import desk_url, server_document
from remit.client.errors import ProtocolError, Unavailable
from remit.client.json_fields import decode, object_of, text
from remit.client.transport import KEPT

_PATIENCE_S = 10.0


async def issuer_at(base_url: str) -> str:
    """Return the issuer of the desk at an address, possibly another name of the machine, for proofs and passkeys.

    Raises:
        Miswritten: `settings.invalid` when it is no address of a desk.
        Unavailable: `desk.unavailable` when nothing answers there, or what answers is no desk.
    """
    address = _address(base_url)
    try:
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(), timeout=_PATIENCE_S) as http:
            answered = await http.get(server_document(address))
    except httpx.TransportError:
        cure = "Start a server there (`remit serve`), or set base_url to where one listens."
        raise Unavailable("desk.unavailable", detail=f"nothing answers at {address}.", cure=cure) from None
    try:
        return desk_url(text(object_of(decode(answered.content)), "issuer"))
    except (ProtocolError, ValueError):
        raise Unavailable(
            "desk.unavailable",
            detail=f"what answers at {address} does not say that it is a desk.",
            cure="Set base_url to where `remit serve` listens.",
            status=answered.status_code,
        ) from None


class RunningServerTransport(httpx.AsyncBaseTransport):
    """Sends the desk's requests to its reachable address, under the desk's own name."""

    def __init__(self, base_url: str) -> None:
        self._at = httpx.URL(_address(base_url))
        self._inner = httpx.AsyncHTTPTransport(limits=KEPT)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; its `Host` stays the desk's own."""
        request.url = request.url.copy_with(scheme=self._at.scheme, host=self._at.host, port=self._at.port)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def _address(base_url: str) -> str:
    return desk_url(base_url, name="base_url")
