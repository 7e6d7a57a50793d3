"""A backoffice behind the HTTP contract: its server on loopback, and the client of Remit in a loop of its own."""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from secrets import token_bytes
from typing import Any, TypeVar

import uvicorn
import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from remit.adapters.backoffice.http.client import HttpBackoffice
from remit.adapters.backoffice.http.messages import AboutAnswer
from remit.adapters.backoffice.http.server import BackofficeServer
from remit.adapters.backoffice.http.signatures import MessageSigner, MessageVerifier
from remit.adapters.http.connection import HttpConnections
from remit.ports.backoffice import Act, Backoffice
from remit.ports.world import World

GATE, SHOP = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32), Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
App = TypeVar("App")
ABOUT = AboutAnswer(contract="1", kinds=["order", "product"], actions=["order.mark"])


def now_s() -> int:
    return int(time.time())


def signer(key: Ed25519PrivateKey, at: Callable[[], int] = now_s) -> MessageSigner:
    return MessageSigner(key, now_s=at, random=token_bytes)


def verifier(key: Ed25519PrivateKey, at: Callable[[], int] = now_s) -> MessageVerifier:
    return MessageVerifier((key.public_key(),), now_s=at)


def token_of(act: Act) -> str:
    return f"token-of-{act.key}"


class LoopThread:
    """A loop in a thread of its own: what a test awaits in one loop after the other keeps its connections here."""

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, Any]) -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class FarPlug:
    """The client, asked from any loop; what is no method of the port goes to the backoffice behind the server."""

    def __init__(self, client: HttpBackoffice, behind: Any, loop: LoopThread) -> None:
        self._client, self._behind, self._loop = client, behind, loop

    def __getattr__(self, name: str) -> Any:
        if not hasattr(Backoffice, name):
            return getattr(self._behind, name)
        return partial(self._asked, name)

    async def _asked(self, name: str, *args: Any, **named: Any) -> Any:
        return await asyncio.wrap_future(self._loop.submit(getattr(self._client, name)(*args, **named)))


@contextmanager
def listening(port: int = 0) -> Iterator[tuple[socket.socket, str]]:
    """Listen on a free port of loopback, or on this one; yield the socket and the base address of the contract."""
    with socket.create_server(("127.0.0.1", port)) as sock:
        yield sock, f"http://127.0.0.1:{sock.getsockname()[1]}/desk"


def client_to(base: str, world: World) -> HttpBackoffice:
    """Build the client of Remit to a service on loopback."""
    connections = HttpConnections(base, tls=ssl.create_default_context(), allow_loopback=True)
    return HttpBackoffice(connections, world, public_kinds={"product"}, signer=signer(GATE), verifier=verifier(SHOP), act_token=token_of)


@contextmanager
def served(loop: LoopThread, make: Callable[[str], App]) -> Iterator[tuple[App, str]]:
    """Serve the application made for a base address; yield both."""
    with listening() as (sock, base):
        app = make(base)
        config = uvicorn.Config(app, log_level="error", lifespan="off", http="httptools", access_log=False)  # type: ignore[arg-type]
        server = uvicorn.Server(config)
        running = loop.submit(server.serve(sockets=[sock]))
        try:
            yield app, base
        finally:
            server.should_exit = True
            running.result(timeout=20)


@contextmanager
def http_plug(behind: Any, world: World) -> Iterator[FarPlug]:
    """Serve a backoffice by the contract, and yield the client to it."""
    loop = LoopThread()

    def make(base: str) -> BackofficeServer:
        return BackofficeServer(behind, base=base, about=ABOUT, signer=signer(SHOP), verifier=verifier(GATE))

    try:
        with served(loop, make) as (_, base):
            client = client_to(base, world)
            try:
                yield FarPlug(client, behind, loop)
            finally:
                loop.loop.call_soon_threadsafe(client.close)
    finally:
        loop.close()
