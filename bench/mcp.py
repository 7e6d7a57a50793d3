"""What an ask over MCP costs beside the same ask over HTTP: CPU of one desk, asked both ways in turns.

`python bench/mcp.py [--asks N] [--rounds N]`. The goal: at most 1.5 times the CPU of the same ask over HTTP.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from typing import Any

import ask
from machine import yardstick_us
from processes import cpu_s
from remit.sandbox import Sandbox

GOAL = 1.5
META = "io.modelcontextprotocol/"
DOORS = ("http", "2026-07-28", "2025-11-25")


def calls(made: list[dict[str, Any]], port: int, count: int, start: int, *, kind: str, revision: str) -> list[bytes]:
    """Whole requests of `tools/call`, the same asks as those of `ask.requests`."""
    ready = []
    now = int(time.time())
    for number in range(start, start + count):
        one = made[number % len(made)]
        order = one["orders"][(number // len(made)) % len(one["orders"])]
        name, arguments = "order_read", {"order_id": order}
        if kind == "writes":
            name, arguments = "order_change_address", {"order_id": order, "address": ask.ADDRESSES[number % 4]}
        params: dict[str, Any] = {"name": name, "arguments": arguments}
        routed = ""
        if revision == "2026-07-28":
            client = {META + "clientInfo": {"name": "bench", "version": "1"}, META + "clientCapabilities": {}}
            params["_meta"] = {META + "protocolVersion": revision, **client}
            routed = f"mcp-method: tools/call\r\nmcp-name: {name}\r\n"
        body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).encode()
        proof = one["signer"].proof(f"{ask.base(port)}/mcp", one["token"], number, now)
        head = (
            f"POST /mcp HTTP/1.1\r\nhost: localhost:{port}\r\nauthorization: DPoP {one['token']}\r\ndpop: {proof}\r\n"
            f"accept: application/json, text/event-stream\r\nmcp-protocol-version: {revision}\r\n{routed}"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        ready.append(head.encode() + body)
    return ready


def measure(given: argparse.Namespace, kind: str) -> dict[str, float]:
    """CPU microseconds an ask, by door, in turns on one server; medians of the rounds."""
    server = ask.Server(given)
    found: dict[str, list[float]] = {door: [] for door in DOORS}
    try:
        with Sandbox({}, base_url=ask.base(server.port)) as desk:
            made = ask.set_up(desk, 64, given.customers, given.orders)
        number = 0
        for turn in range(given.rounds + 1):
            for door in DOORS:
                if door == "http":
                    ready = ask.requests(made, server.port, given.asks, number, kind=kind)
                else:
                    ready = calls(made, server.port, given.asks, number, kind=kind, revision=door)
                number += given.asks
                before = cpu_s(server.pid)
                _, _, said = asyncio.run(ask.drive(server.port, ready, given.connections))
                if said != {"done": given.asks}:
                    raise SystemExit(f"not all done: {said}")
                if turn:  # the first warms up
                    found[door].append((cpu_s(server.pid) - before) / given.asks * 1e6)
    finally:
        server.close()
    return {door: statistics.median(seen) for door, seen in found.items()}


def main() -> int:
    """Measure reads and writes, print the ratios, and fail beyond the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asks", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--customers", type=int, default=64)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--folder", default=None, help="where the data lies")
    parser.add_argument("--only", choices=("reads", "writes"), default=None)
    given = parser.parse_args()
    print(f"yardstick: one ES256 check takes {yardstick_us():.0f} us")
    worst = 0.0
    for kind in ("reads", "writes"):
        if given.only not in {None, kind}:
            continue
        seen = measure(given, kind)
        for door in DOORS[1:]:
            ratio = seen[door] / seen["http"]
            worst = max(worst, ratio)
            print(f"{kind}: MCP {door} {seen[door]:.0f} us, HTTP {seen['http']:.0f} us an ask: {ratio:.2f} times")
    print(f"goal: at most {GOAL} times; worst {worst:.2f}")
    return 0 if worst <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
