"""Floods of callers that prove nothing, beside honest agents: `floods.py [--rounds N] [--seconds S] [FLOOD …]`.

Each flood comes from an address of its own (127.0.0.66) at a desk with the limits of a real one. Printed, as medians: the health check's p50 and p99
over new connections, its failures, and the rate of honest agents over 16 kept connections, against the same without a flood. `of its CPU` is what is
left of the asks a CPU second of the desk: what the flood costs the desk itself, also on a machine that other work keeps busy. `--servers FOLDER`
measures the desk of another checkout by its own `desk_server.py`.
"""

import argparse
import asyncio
import contextlib
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import ask
from load import post
from processes import cpu_s
from remit.sandbox import Sandbox

ATTACKER: Final = ("127.0.0.66", 0)
MIB: Final = 1024 * 1024
HONEST: Final = 16
FILES: Final = 1024
"""Open files that the desk is given when it starts, as most systems do."""
PATIENCE_S: Final = 30.0
SIGN_IN: Final = "/login/v1/sign-in"


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection of the attacker's; another one soon where none is to be had."""
    while True:
        with contextlib.suppress(OSError):
            return await asyncio.open_connection("127.0.0.1", port, local_addr=ATTACKER)
        await asyncio.sleep(0.05)


def repeated(request: bytes) -> Callable[[int], Awaitable[None]]:
    """The same request again and again, on a new connection where the old one was closed."""

    async def run(port: int) -> None:
        while True:
            reader, writer = await connect(port)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while True:
                    writer.write(request)
                    await writer.drain()
                    head = await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            writer.close()

    return run


def dripped(begin: bytes, drop: bytes, every_s: float) -> Callable[[int], Awaitable[None]]:
    """A beginning, then a drop now and then; nothing is read."""

    async def run(port: int) -> None:
        while True:
            _, writer = await connect(port)
            with contextlib.suppress(OSError):
                writer.write(begin)
                while not writer.is_closing():
                    await asyncio.sleep(every_s)
                    writer.write(drop)
                    await writer.drain()
            writer.close()

    return run


def head(path: str, port: int, size: int) -> bytes:
    """The head of a request whose body is to come."""
    return post(path, port, b"x" * size, kind="application/json")[:-size]


def floods(port: int) -> dict[str, tuple[int, Callable[[int], Awaitable[None]]]]:
    """Every flood: its connections, and what each does."""
    numbers = b'{"ceremony":[' + b"1," * (MIB // 2 - 10) + b"1]}"
    return {
        "numbers": (64, repeated(post(SIGN_IN, port, numbers, kind="application/json"))),
        "parameters": (64, repeated(post("/language", port, b"&" * MIB, f"origin: {ask.base(port)}"))),
        "small": (64, repeated(post(SIGN_IN, port, b'{"ceremony":"' + b"x" * 16_000 + b'"}', kind="application/json"))),
        "slow-bodies": (64, dripped(head(SIGN_IN, port, 16_000), b"1", 0.5)),
        "half-open": (512, dripped(head(SIGN_IN, port, 16_000), b"", 1.0)),
        "slow-heads": (512, dripped(b"POST / HTTP/1.1\r\nhost: x\r\n", b"a: b\r\n", 1.0)),
        "idle": (1100, dripped(b"", b"", 1.0)),
        "unread": (
            64,
            dripped(f"GET /openapi.json HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n".encode() * 20, b"", 1.0),
        ),
    }


async def attack(name: str, port: int) -> None:
    """Flood until ended."""
    count, run = floods(port)[name]
    await asyncio.gather(*(run(port) for _ in range(count)))


async def health(port: int, until: float) -> tuple[list[float], int]:
    """The health check over new connections: seconds of each, and how many failed."""
    took, failed = [], 0
    while time.monotonic() < until:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                failed += b"200 OK" not in await reader.read()
                writer.close()
        except (OSError, TimeoutError):
            failed += 1
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.02)
    return took, failed


async def honest(port: int, ready: list[bytes], until: float) -> int:
    """Honest asks over kept connections until the time is up; how many were done."""
    waiting, done = iter(ready), 0

    async def one() -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() < until:
            request = next(waiting)
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    writer.write(request)
                    answer = await reader.readuntil(b"\r\n\r\n")
                    size = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                    done += b'"outcome":"done"' in await reader.readexactly(size)
            except (OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except TimeoutError:
                break
        writer.close()

    await asyncio.gather(*(one() for _ in range(HONEST)), return_exceptions=True)
    return done


async def measured(server: ask.Server, ready: list[bytes], seconds: float) -> tuple[float, float, float, float, int]:
    """Honest asks a second, and a CPU second of the desk; the health check's p50 and p99 in ms, and its failures."""
    port, before = server.port, cpu_s(server.pid)
    until = time.monotonic() + seconds
    done, (took, failed) = await asyncio.gather(honest(port, ready, until), health(port, until))
    took.sort()
    used = cpu_s(server.pid) - before
    return done / seconds, done / used, statistics.median(took) * 1000, took[int(len(took) * 0.99)] * 1000, failed


def started(given: argparse.Namespace) -> ask.Server:
    """A desk with few open files and the limits of a real one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    environment = {"BENCH_LIMITS": "real", "PYTHONDONTWRITEBYTECODE": "1"}
    script = "desk_server.py"
    if given.servers:
        environment["PYTHONPATH"] = str(given.servers.parent / "src")
        script = str((given.servers / script).resolve())
    try:
        return ask.Server(given, script=script, environment=environment)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8 * FILES) if hard > 0 else 8 * FILES, hard))


def main() -> int:
    """Measure each flood in turns with a calm desk."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("flood", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--servers", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--attack", nargs=2, metavar=("FLOOD", "PORT"))
    given = parser.parse_args()
    if given.attack:
        asyncio.run(attack(given.attack[0], int(given.attack[1])))
    given.customers, given.orders = 64, 20
    server = started(given)
    try:
        with Sandbox({}, base_url=ask.base(server.port)) as desk:
            asks = ask.Asks(ask.set_up(desk, HONEST, given.customers, given.orders), server.port)
        for name in given.flood or floods(server.port):
            row = [turn(given, asks, server, name) for _ in range(given.rounds)]
            calm, calm_cpu, calm_p99, flooded, cpu, p50, p99, failed = (
                statistics.median(column) for column in zip(*row, strict=True)
            )
            print(
                f"{name:12} honest {calm:6.0f} -> {flooded:6.0f} asks/s ({flooded / calm:4.0%}, {cpu / calm_cpu:4.0%} of its CPU)  health p50 {p50:8.1f} ms  "
                f"p99 {calm_p99:6.1f} -> {p99:8.1f} ms  failed {failed:.0f}",
                flush=True,
            )
    finally:
        server.close()
    return 0


def turn(given: argparse.Namespace, asks: ask.Asks, server: ask.Server, name: str) -> tuple[float, ...]:
    """One round without a flood and one with it."""
    many = int(given.seconds * 1500)
    calm = asyncio.run(measured(server, asks.write(many, "writes"), given.seconds))
    ready = asks.write(many, "writes")
    flood = subprocess.Popen([sys.executable, __file__, "--attack", name, str(server.port)], env=os.environ)
    try:
        time.sleep(2)
        flooded = asyncio.run(measured(server, ready, given.seconds))
    finally:
        flood.kill()
        flood.wait()
    time.sleep(1)
    return calm[0], calm[1], calm[3], *flooded


if __name__ == "__main__":
    raise SystemExit(main())
