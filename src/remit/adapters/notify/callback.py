"""Posts to addresses that agents registered, under the rules for fetching from them."""

import ssl

from remit.adapters.identity.fetching import Fetcher, verify_url
from remit.domain.errors import Fault
from remit.ports.notify import DeliveryFailed, DeliveryObstacle

_TAKEN = range(200, 300)


class HttpCallbacks:
    """Poster of callbacks (port `Callbacks`)."""

    def __init__(self, *, allow_loopback: bool, tls: ssl.SSLContext | None = None) -> None:
        """Post to public addresses only, or to loopback too; `tls` None means the system's trust."""
        self._allow_loopback = allow_loopback
        self._fetcher = Fetcher(allow_loopback=allow_loopback, tls=tls or ssl.create_default_context())

    def verify(self, url: str) -> None:
        """Verify that an address may be posted to."""
        verify_url(url, allow_loopback=self._allow_loopback)

    async def post(self, url: str, *, bearer: str, body: bytes) -> None:
        """Post JSON with a bearer token.

        ⚔ The name is resolved again for each post and the verified address dialled: it may have come to lead inside.

        Source: OpenID CIBA Core 1.0 §10.2.
        """
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        try:
            status, _ = await self._fetcher.send("POST", url, headers=headers, content=body)
        except Fault as failed:
            raise DeliveryFailed(DeliveryObstacle.LETTER, failed.detail) from None
        if status not in _TAKEN:  # it answered: sending again would bring the same (FAPI-CIBA)
            raise DeliveryFailed(DeliveryObstacle.NEVER, f"status {status}")
