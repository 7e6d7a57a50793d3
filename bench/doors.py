"""CPU of one desk for an ask over MCP, and for a visitor's, beside an ask over HTTP, in turns.

`python bench/doors.py [--asks N] [--rounds N]`. The goal: at most 1.5 times the CPU of the same ask over HTTP. A visitor has no key, so
that its asks come without proofs; it reads alone, and what its preset covers: its orders with four attributes instead of one.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import ask
from machine import yardstick_us
from processes import cpu_s
from remit.sandbox import Sandbox

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from visiting import Visitor  # the tests' own app without a key

GOAL = 1.5
META = "io.modelcontextprotocol/"
HTTP, VISITOR = "HTTP", "a visitor"
REVISIONS = {"MCP 2026-07-28": "2026-07-28", "MCP 2025-11-25": "2025-11-25", "a visitor, MCP 2026-07-28": "2026-07-28"}
DOORS = {"reads": (HTTP, *REVISIONS, VISITOR), "writes": (HTTP, "MCP 2026-07-28", "MCP 2025-11-25")}
CALLBACK = "http://127.0.0.1/callback"


def visitors(desk: Sandbox, count: int, first: int, orders: int, *, resource: str) -> list[dict[str, Any]]:
    """Apps without a key, one for each of so many customers, let in to track every order of theirs."""
    made = []
    metadata = {"client_name": "Bench", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
    client_id = desk.room.call("POST", "/oauth/register", metadata)["client_id"]
    for number in range(first, first + count):
        ids = [f"W{number}x{order}" for order in range(orders)]
        visitor = Visitor(desk.room, client_id, redirect_uri=CALLBACK, resource=resource)
        tokens = visitor.connect(desk.customer(f"c{number}"), "track-order", ids).tokens
        made.append({"task": tokens["task"], "token": tokens["access_token"], "orders": ids})
    return made


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
        head = (
            f"POST /mcp HTTP/1.1\r\nhost: localhost:{port}\r\n{ask.authorized(one, f'{ask.base(port)}/mcp', number, now)}"
            f"accept: application/json, text/event-stream\r\nmcp-protocol-version: {revision}\r\n{routed}"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        ready.append(head.encode() + body)
    return ready


def measure(given: argparse.Namespace, kind: str) -> dict[str, float]:
    """CPU microseconds an ask, by door, in turns on one server; medians of the rounds."""
    server = ask.Server(given, environment={"BENCH_VISITORS": "1"})
    found: dict[str, list[float]] = {door: [] for door in DOORS[kind]}
    try:
        with Sandbox({}, base_url=ask.base(server.port)) as desk:
            keyed = ask.set_up(desk, 64, given.customers - given.visitors, given.orders)
            last = given.customers - given.visitors
            issuer, half = ask.base(server.port), given.visitors // 2
            made = dict.fromkeys(DOORS[kind], keyed)
            if kind == "reads":
                made["a visitor, MCP 2026-07-28"] = visitors(desk, half, last, given.orders, resource=f"{issuer}/mcp")
                made[VISITOR] = visitors(desk, half, last + half, given.orders, resource=issuer)
        number = 0
        for turn in range(given.rounds + 1):
            for door in DOORS[kind]:
                if door in {HTTP, VISITOR}:
                    ready = ask.requests(made[door], server.port, given.asks, number, kind=kind)
                else:
                    ready = calls(made[door], server.port, given.asks, number, kind=kind, revision=REVISIONS[door])
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
    parser.add_argument("--customers", type=int, default=80)
    parser.add_argument("--visitors", type=int, default=16, help="so many of the customers come by a visitor")
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
        for door, us in seen.items():
            ratio = us / seen[HTTP]
            worst = max(worst, ratio)
            print(f"{kind}: {door} {us:.0f} us an ask: {ratio:.2f} times HTTP")
    print(f"goal: at most {GOAL} times; worst {worst:.2f}")
    return 0 if worst <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
