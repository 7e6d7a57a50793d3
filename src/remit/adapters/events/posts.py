"""Requests to receivers and transmitters, by the address rules of every fetch."""

import ssl
from typing import Final

from remit.adapters.identity.fetching import Fetcher, verify_url
from remit.ports.events import HttpReply


class HttpEventPosts:
    """Posts; to private addresses only where the party's settings allow them."""

    def __init__(self, *, allow_loopback: bool, tls: ssl.SSLContext) -> None:
        self._allow_loopback = allow_loopback
        self._fetchers: Final = {
            private: Fetcher(allow_loopback=allow_loopback, tls=tls, allow_private=private) for private in (False, True)
        }

    def verify_url(self, unverified: str, *, private_network: bool) -> str:
        """Return the address if it may be sent to.

        Raises:
            Refused: `request.malformed`.
        """
        return str(verify_url(unverified, allow_loopback=self._allow_loopback, allow_private=private_network))

    async def post(self, url: str, *, private_network: bool, media_type: str, header: str, content: bytes) -> HttpReply:
        """Send one POST; `header` is the `Authorization` ("" for none).

        Raises:
            Fault: `fault.identity`: it is not known whether it arrived.
        """
        headers = {"Content-Type": media_type, **({"Authorization": header} if header else {})}
        return HttpReply(*await self._fetchers[private_network].send("POST", url, headers=headers, content=content))
