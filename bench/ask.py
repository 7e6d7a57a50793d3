"""Durable asks a second through one worker: fresh proofs, varied inputs, built-in desk, 50 policies, a real disk.

Every counted ask is proved (token and DPoP), decided, recorded with a synced commit, sent to the desk (its own synced
commit) and its outcome recorded with a third. `python bench/ask.py [--asks N] [--folder DIR] [--fsyncs]`.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from remit.client.keys import load_key
from remit.sandbox import Sandbox


def base(port: int) -> str:
    """The desk's address."""
    return f"http://localhost:{port}" if port != 80 else "http://localhost"


ADDRESSES = [f"New Street {number}, 10{number}00 Town" for number in range(4)]
HERE = Path(__file__).parent


def b64(raw: bytes) -> str:
    """Unpadded base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Signer:
    """Makes DPoP proofs quickly: one key, the header written once."""

    def __init__(self, pem: str) -> None:
        key = load_key(pem)
        self._key = key.private_key if hasattr(key, "private_key") else key.get_private_key()
        public = {name: value for name, value in key.as_dict(private=False).items() if name in {"kty", "crv", "x", "y"}}
        self._head = b64(json.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": public}).encode()) + "."

    def proof(self, url: str, token: str, number: int, now: int) -> str:
        """A fresh proof for one POST."""
        claims = {
            "jti": f"{number}-{os.urandom(9).hex()}",
            "htm": "POST",
            "htu": url,
            "iat": now,
            "ath": b64(hashlib.sha256(token.encode()).digest()),
        }
        text = self._head + b64(json.dumps(claims, separators=(",", ":")).encode())
        r, s = decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def set_up(desk: Sandbox, agents: int, customers: int, orders: int) -> list[dict[str, Any]]:
    """Agents with mandates over each customer's orders, each with an open task."""
    made = []
    known = []
    for number in range(agents):
        agent = desk.agent(f"spiffe://op{number}.example/bench")
        known.append(agent)
    for number in range(customers):
        customer = desk.customer(f"c{number}")
        agent = known[number % agents]
        ids = [f"W{number}x{order}" for order in range(orders)]
        mandate = customer.grant(
            agent,
            {
                "type": "remit_mandate",
                "objective": {"type": "correct-order", "target": {"order": ids}, "summary": "another address"},
                "powers": [
                    {"power": "represent"},
                    {"power": "receive", "attributes": ["order.status"]},
                    {
                        "power": "request",
                        "actions": ["order.change_address"],
                        "uses": 1000,
                        "where": {"order_id": {"one_of": ids}, "address": {"one_of": ADDRESSES}},
                    },
                ],
            },
        )
        task = agent.open(mandate)
        made.append({"task": task.id, "token": task.token, "signer": Signer(agent.key), "orders": ids})
    return made


def requests(made: list[dict[str, Any]], port: int, count: int, start: int) -> list[bytes]:
    """Whole HTTP requests, each with a proof of its own; no two are alike."""
    ready = []
    now = int(time.time())
    for number in range(start, start + count):
        one = made[number % len(made)]
        path = f"/v1/tasks/{one['task']}/asks"
        order = one["orders"][(number // len(made)) % len(one["orders"])]
        body = json.dumps({"action": "order.change_address", "params": {"order_id": order, "address": ADDRESSES[number % 4]}}).encode()
        proof = one["signer"].proof(f"{base(port)}{path}", one["token"], number, now)
        head = (
            f"POST {path} HTTP/1.1\r\nhost: localhost:{port}\r\nauthorization: DPoP {one['token']}\r\ndpop: {proof}\r\n"
            f"idempotency-key: k{number}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        ready.append(head.encode() + body)
    return ready


async def drive(port: int, ready: list[bytes], connections: int) -> tuple[float, list[float], dict[str, int]]:
    """Send all requests over so many connections; returns seconds, latencies, and what came back."""
    latencies: list[float] = []
    said: dict[str, int] = {}
    queue = iter(ready)

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in queue:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await reader.readexactly(length)
            latencies.append(time.perf_counter() - began)
            outcome = "done" if b'"outcome":"done"' in body else json.loads(body).get("code") or json.loads(body)["state"]
            said[outcome] = said.get(outcome, 0) + 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return time.perf_counter() - began, latencies, said


def yardstick_us() -> float:
    """How long one ES256 check takes right now: on a busy machine everything takes longer in proportion."""
    key = ec.generate_private_key(ec.SECP256R1())
    public, text = key.public_key(), b"x" * 300
    signature = key.sign(text, ec.ECDSA(hashes.SHA256()))
    times = []
    for _ in range(300):
        began = time.perf_counter()
        public.verify(signature, text, ec.ECDSA(hashes.SHA256()))
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def cpu_s(pid: int) -> float:
    """User and system seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Start the desk, drive it, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asks", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--folder", default=None, help="where the data lies; default a new folder beside this one, on its disk")
    parser.add_argument("--fsyncs", action="store_true", help="count syncs with strace (slows everything; a run of its own)")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix=".bench-", dir=given.folder or HERE.parent))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(HERE / "desk_server.py"), str(folder), str(port), str(given.customers), str(given.orders)]
    if given.fsyncs:
        command = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync", "-o", str(folder / "syncs"), *command]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if server.stdout is None or server.stdout.readline().strip() != "ready":
            return 1
        pid = int(subprocess.check_output(["pgrep", "-P", str(server.pid)]).split()[0]) if given.fsyncs else server.pid
        with Sandbox({}, base_url=f"http://localhost:{port}") as desk:
            began = time.perf_counter()
            made = set_up(desk, 64, given.customers, given.orders)
            print(f"set up: {given.customers} mandates granted and opened in {time.perf_counter() - began:.1f} s")
            number = 0
            for connections in (1, 32):
                rates, p50s, p99s, cpus = [], [], [], []
                for _ in range(given.rounds):
                    count = given.asks // 6 if connections == 1 else given.asks
                    ready = requests(made, port, count, number)
                    number += count
                    before = cpu_s(pid)
                    seconds, latencies, said = asyncio.run(drive(port, ready, connections))
                    cpus.append((cpu_s(pid) - before) / count * 1e6)
                    rates.append(count / seconds)
                    latencies.sort()
                    p50s.append(statistics.median(latencies) * 1000)
                    p99s.append(latencies[int(len(latencies) * 0.99)] * 1000)
                    if said != {"done": count}:
                        print("  not all done:", said)
                mid = statistics.median
                print(f"    yardstick: one ES256 check takes {yardstick_us():.0f} us")
                print(
                    f"{connections:>3} connections: {mid(rates):7.0f} asks/s   p50 {mid(p50s):6.2f} ms   p99 {mid(p99s):6.2f} ms   server CPU {mid(cpus):5.0f} us an ask"
                )
        server.terminate()
        print(server.communicate(timeout=30)[0].strip())
        if given.fsyncs:
            print((folder / "syncs").read_text())
            print(f"for {number} asks")
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
