"""Servers over real sockets, whose clock a test may move, and raw connections to them."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from remit.entrypoints.http.connections import ConnectionPool
from remit.entrypoints.http.server_protocol import MAX_REQUEST_S, WHOLE, BoundedProtocol, bounded_protocol

GET = b"GET / HTTP/1.1\r\nhost: x\r\n"
SLOW_S = 2 * MAX_REQUEST_S
IDLE_S = 1000
LONG = 32 * 1024 * 1024


def pooled() -> type[BoundedProtocol]:
    """The protocol, over more connections than a test opens."""
    return bounded_protocol(ConnectionPool(most=1000, most_of_peer=1000, peer_of=str, note=lambda: None))


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with how much body came; `/slow` takes its time, `/whole…` is answered by one message, `/forged` with a line end in a header.

    `/limited` is told to wait, `/early` is answered before its body, `/long` with `LONG` bytes.
    """
    size = 0
    while scope["path"] != "/early":
        message = await receive()
        if message["type"] != "http.request":
            return
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    if scope["path"] == "/slow":
        await asyncio.sleep(SLOW_S)
    body = b"%d bytes %d headers" % (size, len(scope["headers"])) + b"." * (LONG if scope["path"] == "/long" else 0)
    if WHOLE in scope["extensions"] and scope["path"] in {"/whole", "/forged", "/limited"}:
        value = b"1\r\nset-cookie: a=b" if scope["path"] == "/forged" else b"1"
        head = b"content-length: %d\r\nx-one: %b\r\n" % (len(body), value)
        await send(
            {
                "type": WHOLE,
                "status": 429 if scope["path"] == "/limited" else 201,
                "head": head,
                "lines": 2,
                "body": b"" if scope["method"] == "HEAD" else body,
            }
        )
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class MovedLoop(asyncio.SelectorEventLoop):
    """A loop whose clock is set ahead."""

    ahead_s = 0.0

    def time(self) -> float:
        """The time by its clock."""
        return super().time() + self.ahead_s


@dataclass
class Timed:
    """A server whose clock is moved: what it waits for comes due when a test says so, and never on a busy machine by itself."""

    port: int
    loop: MovedLoop
    taken: Callable[[], int]
    """How many bytes it has taken from its connections."""

    def later(self, seconds: float, *, taken: int) -> None:
        """Let so much time pass once it has taken all that was sent; whatever came due is done when this returns."""
        done = threading.Event()

        def passes() -> None:
            if self.taken() < taken:
                self.loop.call_soon(passes)
                return
            self.loop.ahead_s += seconds
            # One turn of the loop for what came due, one for closing what that ended.
            self.loop.call_soon(self.loop.call_soon, self.loop.call_soon, done.set)

        self.loop.call_soon_threadsafe(passes)
        assert done.wait(60)


class Serving:
    """A server on a thread of its own."""

    def __init__(self, protocol: type[BoundedProtocol], loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        config = uvicorn.Config(app, http=protocol, ws="none", lifespan="off", log_level="critical", timeout_keep_alive=IDLE_S)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, args=(loop,))

    def _run(self, loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(self._server.serve(sockets=[self._listener]))

    def __enter__(self) -> int:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self.port

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)


@contextmanager
def serving_timed(protocol: type[BoundedProtocol]) -> Iterator[Timed]:
    """A server whose clock is moved."""
    taken: list[int] = []

    class Taking(protocol):  # type: ignore[misc,valid-type]  # the given one, counting
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
            super().connection_made(transport)
            taken.append(0)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            taken.append(len(data))

    loop = MovedLoop()
    with Serving(Taking, lambda: loop) as at:
        yield Timed(at, loop, lambda: sum(taken) if taken else -1)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side closes."""
    found = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return found
        if not part:
            return found
        found += part


def told(raw: bytes) -> tuple[bytes, dict[str, Any]]:
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"connection: close" in head
    return head.split(b"\r\n")[0], json.loads(body)


def closed(connection: socket.socket) -> bytes:
    """What has come, and that the other side has closed by now."""
    connection.settimeout(1)
    return everything(connection)
