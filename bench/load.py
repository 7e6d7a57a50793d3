"""The load generator, the same for every server: requests made beforehand, sent over so many kept connections, nothing parsed but lengths."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import uvloop

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
LONGEST_S = 120.0
"""No round takes longer: a server that hangs ends the run instead of holding it up."""


class Stuck(Exception):  # noqa: N818  # what was found, not an error of the program
    """A server closed a connection, or did not answer in time."""


@dataclass(kw_only=True)
class Seen:
    """What was seen of some requests. Times in seconds; `cpu_s` is the server's, `failed` are answers that were not good."""

    seconds: float = 0.0
    generator_cpu_s: float = 0.0
    cpu_s: float = 0.0
    failed: int = 0
    latencies: list[float] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    """Of every answer, where they were asked for."""

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.latencies) / self.seconds

    @property
    def cpu_us(self) -> float:
        """The server's CPU a request, in microseconds."""
        return self.cpu_s / len(self.latencies) * 1e6

    def percentile_ms(self, share: float) -> float:
        """A latency in ms that so many of all stay under."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000

    def add(self, later: "Seen", cpu_s: float) -> None:
        """Count another lot of the same round; its answers are not kept."""
        self.seconds += later.seconds
        self.generator_cpu_s += later.generator_cpu_s
        self.cpu_s += cpu_s
        self.latencies += later.latencies


class _Connection(asyncio.Protocol):
    """One kept connection: the next request goes out as soon as the last answer is whole."""

    def __init__(self, waiting: Iterator[bytes], found: Seen, *, keep: bool) -> None:
        self._waiting, self._found, self._keep = waiting, found, keep
        self._seen = b""
        self._whole = 0
        self._began = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what to write to; the first request goes out once told to."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is one, and does not say so

    def begin(self) -> None:
        """Send the next request, or end where none is left."""
        request = next(self._waiting, None)
        if request is None or self._transport is None:
            if not self.done.done():
                self.done.set_result(None)
            return
        self._began = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Wait until the answer is whole."""
        self._seen += data
        if not self._whole:
            head, end, _ = self._seen.partition(HEAD_END)
            if not end:
                return
            self._whole = len(head) + len(HEAD_END) + _length(head)
        if len(self._seen) < self._whole:
            return
        self._found.latencies.append(time.perf_counter() - self._began)
        if self._keep:
            self._found.bodies.append(self._seen[: self._whole].partition(HEAD_END)[2])
        self._seen, self._whole = b"", 0
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        """A server that closes while answers are due is stuck."""
        if not self.done.done():
            self.done.set_exception(Stuck(f"the server closed a connection ({exc or 'no reason given'})"))

    def close(self) -> None:
        """Let go of the connection."""
        if self._transport is not None:
            self._transport.close()


def _length(head: bytes) -> int:
    lowered = head.lower()
    place = lowered.find(LENGTH)
    if place < 0:
        raise Stuck("an answer without a length: this generator reads no chunks")
    return int(lowered[place + len(LENGTH) :].partition(b"\r\n")[0])


async def _send(port: int, ready: Sequence[bytes], connections: int, *, keep: bool) -> Seen:
    found = Seen()
    waiting = iter(ready)
    loop = asyncio.get_running_loop()
    made = [
        (await loop.create_connection(lambda: _Connection(waiting, found, keep=keep), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    began, cpu = time.perf_counter(), time.process_time()
    for one in made:
        one.begin()
    try:
        await asyncio.wait_for(asyncio.gather(*(one.done for one in made)), LONGEST_S)
    except TimeoutError:
        raise Stuck(f"{len(found.latencies)} of {len(ready)} requests were answered in {LONGEST_S:.0f} s") from None
    found.seconds, found.generator_cpu_s = time.perf_counter() - began, time.process_time() - cpu
    for one in made:
        one.close()
    return found


def send(port: int, ready: Sequence[bytes], connections: int, *, keep: bool = False) -> Seen:
    """Send all requests to a server on this machine; with `keep`, the answers' bodies are returned too.

    Raises:
        Stuck: when the server closes a connection or does not answer.
    """
    return uvloop.run(_send(port, ready, connections, keep=keep))


def post(path: str, port: int, body: bytes, *headers: str, kind: str = "application/x-www-form-urlencoded") -> bytes:
    """One whole HTTP request."""
    lines = (
        f"POST {path} HTTP/1.1",
        f"host: localhost:{port}",
        f"content-type: {kind}",
        f"content-length: {len(body)}",
        *headers,
    )
    return "\r\n".join(lines).encode() + HEAD_END + body
