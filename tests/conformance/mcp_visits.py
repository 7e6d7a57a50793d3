"""A desk that lets visitors in, at an address of its own, and its customer's browser."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

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


def consented(arena: Arena, address: str, objective: str, records: Sequence[str]) -> str:
    """Let Anna's browser open an authorization request, and let her pick, and sign; return where it is sent back to."""
    anna = arena.anna
    picked = anna.post(f"/me/v1/visits?{urlsplit(address).query}", {"objective": objective, "records": list(records)})
    path = f"/me/v1/requests/{picked['request']}"
    shown = anna.get(path)
    answer = {"answer": "grant", "ceremony": shown["ceremony"], "assertion": anna.passkey.get(shown["options"])}
    return str(anna.post(path, answer)["redirect"])
