"""Requests to receivers and transmitters, by the address rules of every fetch."""

from collections.abc import Mapping

from remit.adapters.identity.fetching import Fetcher, verify_url
from remit.ports.events import HttpReply


class HttpEventPosts:
    """Posts; to private addresses only where the party's settings allow them."""

    def __init__(self, fetchers: Mapping[bool, Fetcher]) -> None:
        """Take a fetcher for public addresses (False), and one that may reach private ones (True)."""
        self._fetchers = fetchers

    def verify_url(self, unverified: str, *, private_network: bool) -> str:
        """Return the address if it may be sent to.

        Raises:
            Refused: `request.malformed`.
        """
        loopback = self._fetchers[private_network].allow_loopback
        return str(verify_url(unverified, allow_loopback=loopback, allow_private=private_network))

    async def post(self, url: str, *, private_network: bool, media_type: str, header: str, content: bytes) -> HttpReply:
        """Send one POST; `header` is the `Authorization` ("" for none).

        Raises:
            Fault: `fault.identity`: it is not known whether it arrived.
        """
        headers = {"Content-Type": media_type, **({"Authorization": header} if header else {})}
        return HttpReply(*await self._fetchers[private_network].send("POST", url, headers=headers, content=content))
