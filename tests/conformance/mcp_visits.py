"""A desk that lets visitors in, at an address of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from attacks.arena import Arena
from conformance.mcp_peers import Proxy
from desks import shop
from remit.sandbox import Sandbox
from visiting import opened


@contextmanager
def desk_at(proxy: Proxy, settings: Mapping[str, Any]) -> Iterator[Arena]:
    """A desk whose own address is the proxy's, which only carries."""
    proxy.proves, proxy.url = False, proxy.url.replace("127.0.0.1", "localhost")
    given = {**settings, "server": {"issuer": proxy.url.removesuffix("/mcp")}}
    with Sandbox(opened(shop.CATALOGUE), facts=shop.FACTS, settings=given) as desk:
        proxy.room = desk.room
        yield Arena(desk)
