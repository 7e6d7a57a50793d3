"""Durable asks a second through one worker: fresh proofs, varied inputs, built-in desk, 50 policies, a real disk.

Every counted ask is proved (token and DPoP) and durable before its answer. One that acts is decided and recorded as sent with a
synced commit, done at the desk (its own synced commit), and its outcome recorded with a third; one that reads is recorded once,
with its answer. Beside it, in turns, runs the stack one would write first (`first_stack.py`), and the ratio is printed; with
`--far` a desk whose built-in backoffice is another process, asked over HTTP.
`python bench/ask.py [--asks N] [--folder DIR] [--only PART] [--alone | --far]`.
"""

import argparse
import asyncio
import contextlib
import importlib.util
import json
import math
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from machine import yardstick_us
from processes import cpu_s, tree
from remit.sandbox import Sandbox
from signing import Signer


def base(port: int) -> str:
    """The desk's address."""
    return f"http://localhost:{port}" if port != 80 else "http://localhost"


KINDS = {
    "writes": "writes: permitted and sent, done, outcome recorded",
    "words": "writes with a sentence of words, read together with the task's last three",
    "reads": "reads: permitted, answered by the desk, both on the record in one commit",
}
MIXED = "mixed"
"""Reads and writes in turns, from task to task and within each."""
PEERED = ("writes", "reads")
"""What the first stack does too; it reads no words."""
SENTENCES = (
    "The customer has moved, please send order {order} to {address}.",
    "{address} is where order {order} should go, thank you.",
    "Order {order} is to be sent to {address}.",
    "Thank you for sending order {order} to {address}.",
)
ADDRESSES = [f"New Street {number}, 10{number}00 Town" for number in range(4)]
HERE = Path(__file__).parent
FRESH_S = 60.0
"""Credentials that are older are renewed before more requests are written: a task's lives five minutes."""


def set_up(desk: Sandbox, agents: int, customers: int, orders: int, *, first: int = 0) -> list[dict[str, Any]]:
    """Agents with mandates over each customer's orders (the customers from number `first` on), each with an open task."""
    made = []
    known = []
    for number in range(agents):
        agent = desk.agent(f"spiffe://op{number}{f'x{first}' if first else ''}.example/bench")
        known.append(agent)
    for number in range(first, first + customers):
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
        made.append({"task": task.id, "token": task.token, "signer": Signer(agent.key), "orders": ids, "opened": task})
    return made


def renew(made: list[dict[str, Any]]) -> None:
    """Renew the credentials of tasks, whose sandbox is still open."""
    for one in made:
        one["opened"].renew()
        one["token"] = one["opened"].token


def authorized(one: dict[str, Any], url: str, number: int, now: int) -> str:
    """Return the header lines that authorize a request: a token, and the proof of its key where it has one."""
    if "signer" not in one:
        return f"authorization: Bearer {one['token']}\r\n"
    proof = one["signer"].proof(url, one["token"], number, now)
    return f"authorization: DPoP {one['token']}\r\ndpop: {proof}\r\n"


def requests(made: list[dict[str, Any]], port: int, count: int, start: int, *, kind: str = "writes") -> list[bytes]:
    """Whole HTTP requests, each with a proof of its own where there is a key; no two are alike. `kind` is one of KINDS, or MIXED."""
    ready = []
    now = int(time.time())
    for number in range(start, start + count):
        one = made[number % len(made)]
        path = f"/v1/tasks/{one['task']}/asks"
        order = one["orders"][(number // len(made)) % len(one["orders"])]
        address = ADDRESSES[number % 4]
        wish: dict[str, Any] = {"action": "order.change_address", "params": {"order_id": order, "address": address}}
        if kind == "words":
            wish["words"] = SENTENCES[number // len(made) % len(SENTENCES)].format(order=order, address=address)
        if kind == "reads" or (kind == MIXED and (number % len(made) + number // len(made)) % 2):
            wish = {"action": "order.read", "params": {"order_id": order}}
        body = json.dumps(wish).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: localhost:{port}\r\n{authorized(one, f'{base(port)}{path}', number, now)}"
            f"idempotency-key: k{number}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        ready.append(head.encode() + body)
    return ready


class Asks:
    """The tasks of a server, asked in one after the other: no two requests are alike. With `renewing`, credentials are renewed as long as their sandbox is open."""

    def __init__(self, made: list[dict[str, Any]], port: int, *, renewing: bool = False) -> None:
        self._made, self._port, self._number = made, port, 0
        self._until = time.monotonic() + FRESH_S if renewing else math.inf

    def write(self, count: int, kind: str) -> list[bytes]:
        """So many more."""
        if time.monotonic() > self._until:
            renew(self._made)
            self._until = time.monotonic() + FRESH_S
        ready = requests(self._made, self._port, count, self._number, kind=kind)
        self._number += count
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
            outcome = (
                "done" if b'"outcome":"done"' in body else json.loads(body).get("code") or json.loads(body)["state"]
            )
            said[outcome] = said.get(outcome, 0) + 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    return time.perf_counter() - began, latencies, said


class Server:
    """A desk in a process of its own, on a folder of its own."""

    def __init__(
        self,
        given: argparse.Namespace,
        *,
        watch: str = "",
        strace: bool = False,
        script: str = "desk_server.py",
        environment: Mapping[str, str] | None = None,
        prepared: Callable[[Path], None] = lambda _: None,
        folder: Path | None = None,
    ) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix=".bench-", dir=given.folder or HERE.parent))
        prepared(self.folder)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        command = [
            sys.executable,
            str(HERE / script),
            str(self.folder),
            str(self.port),
            str(given.customers),
            str(given.orders),
        ]
        command += [watch] if watch else []
        if strace:
            command = ["strace", "-f", "-c", "-e", "trace=fsync,fdatasync", "-o", str(self.folder / "syncs"), *command]
        around = os.environ | dict(environment or {})
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=around)
        if self.process.stdout is None or self.process.stdout.readline().strip() != "ready":
            raise SystemExit(f"{script} did not start; its own message stands above")
        self.pid = (
            int(subprocess.check_output(["pgrep", "-P", str(self.process.pid)]).split()[0])
            if strace
            else self.process.pid
        )

    def begin(self) -> None:
        """From here on it counts."""
        if self.process.stdin is not None:
            self.process.stdin.write("begin\n")
            self.process.stdin.flush()
        time.sleep(0.2)

    def stop(self) -> dict[str, Any]:
        """Stop it; returns what it counted."""
        said: dict[str, Any] = json.loads(self.process.communicate(timeout=60)[0].strip().splitlines()[-1])
        return said

    def close(self) -> None:
        """Leave nothing behind."""
        for pid in reversed(tree(self.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Side:
    """One of those that are measured in turns: a server with its tasks, and what was seen of it."""

    def __init__(self, server: Server, made: list[dict[str, Any]], kind: str) -> None:
        self.server = server
        self._made = made
        self._kind = kind
        self._number = 0
        self._found: list[tuple[float, float, float, float]] = []

    def round(self, count: int, connections: int, *, counts: bool = True) -> None:
        """Send so many asks; a round that does not count warms up."""
        ready = requests(self._made, self.server.port, count, self._number, kind=self._kind)
        self._number += count
        before = cpu_s(self.server.pid)
        seconds, latencies, said = asyncio.run(drive(self.server.port, ready, connections))
        if said != {"done": count}:
            print("  not all done:", said)
        latencies.sort()
        p99 = latencies[int(len(latencies) * 0.99)]
        row = (
            count / seconds,
            statistics.median(latencies) * 1000,
            p99 * 1000,
            (cpu_s(self.server.pid) - before) / count * 1e6,
        )
        if counts:
            self._found.append(row)

    def medians(self) -> tuple[float, ...]:
        """Asks a second, p50 and p99 in ms, and CPU us an ask."""
        return tuple(statistics.median(column) for column in zip(*self._found, strict=True))


def remit_side(given: argparse.Namespace, kind: str, *, far: bool = False) -> Side:
    """A desk with granted mandates and open tasks; `far`: its backoffice is another process, asked over HTTP."""
    server = Server(given, environment={"BENCH_FAR": "1"} if far else None)
    with Sandbox({}, base_url=base(server.port)) as desk:
        return Side(server, set_up(desk, 64, given.customers, given.orders), kind)


def first_stack_side(given: argparse.Namespace, kind: str) -> Side:
    """The first stack, which has made its tasks itself."""
    server = Server(given, script="first_stack.py")
    made = json.loads((server.folder / "tasks.json").read_text(encoding="utf-8"))
    return Side(server, [{**one, "signer": Signer(one["key"])} for one in made], kind)


def rates(given: argparse.Namespace) -> None:
    """Asks a second, latencies, CPU by thread and commits an ask, at one connection and at 32; in turns with the first stack."""
    for kind, connections in ((kind, connections) for kind in KINDS for connections in (1, 32)):
        print(KINDS[kind])
        sides = {"remit": remit_side(given, kind)}
        try:
            if given.far:
                sides["over HTTP"] = remit_side(given, kind, far=True)
            elif kind in PEERED and not given.alone:
                sides["first stack"] = first_stack_side(given, kind)
            measure(given, sides, connections)
        finally:
            for side in sides.values():
                side.server.close()


def measure(given: argparse.Namespace, sides: dict[str, Side], connections: int) -> None:
    """Measure sides in turns and print what was seen."""
    count = given.asks // 6 if connections == 1 else given.asks
    for side in sides.values():
        side.round(200, connections, counts=False)
    sides["remit"].server.begin()
    for _ in range(given.rounds):
        for side in sides.values():
            side.round(count, connections)
    print(f"    yardstick: one ES256 check takes {yardstick_us():.0f} us")
    seen = {name: side.medians() for name, side in sides.items()}
    for name, (rate, p50, p99, cpu) in seen.items():
        what = f"{connections:>3} connections: {rate:7.0f} asks/s   p50 {p50:6.2f} ms   p99 {p99:6.2f} ms   server CPU {cpu:5.0f} us an ask"
        print(what if name == "remit" else f"{what}   ({name})")
    if "first stack" in seen:
        ours, theirs = seen["remit"], seen["first stack"]
        print(
            f"     against the first stack: {ours[0] / theirs[0]:.2f} times its rate, {ours[1] / theirs[1]:.2f} of its p50, "
            f"{ours[3] / theirs[3]:.2f} of its CPU an ask"
        )
    if "over HTTP" in seen:
        here, there = seen["remit"], seen["over HTTP"]
        print(
            f"     over HTTP: {there[1] - here[1]:+.2f} ms of p50 ({there[1] / here[1]:.2f} times), "
            f"{(there[3] - here[3]) / 1000:+.2f} ms of CPU an ask in both processes"
        )
    told, asked = sides["remit"].server.stop(), given.rounds * count
    threads = sorted(told["threads"].items(), key=lambda one: -one[1])
    print(
        "     CPU by thread, us an ask: "
        + ", ".join(f"{name} {s / asked * 1e6:.0f}" for name, s in threads if s / asked > 1e-6)
    )
    print(f"     store commits {told['store_commits'] / asked:.2f} an ask; peak memory {told['peak_mb']:.0f} MB")


def stages(given: argparse.Namespace) -> None:
    """CPU by stage on the event loop's thread, in a run of its own: counting makes everything slower, so the shares matter."""
    server = Server(given, watch="watch")
    try:
        with Sandbox({}, base_url=base(server.port)) as desk:
            made = set_up(desk, 64, given.customers, given.orders)
        server.begin()
        count = given.asks // 2
        asyncio.run(drive(server.port, requests(made, server.port, count, 0), 32))
        told = server.stop()
        loop = told["threads"]["MainThread"] / count * 1e6
        print(f"stages on the loop's thread, of {loop:.0f} us an ask while counting:")
        rest = loop
        for name, spent in sorted(told["stages"].items(), key=lambda one: -one[1]):
            rest -= spent / count * 1e6
            print(f"     {spent / count * 1e6:6.0f} us  {spent / count * 1e8 / loop:4.0f} %  {name}")
        print(f"     {rest:6.0f} us  {rest / loop * 100:4.0f} %  server, loop and what stands between the stages")
    finally:
        server.close()


def syncs(given: argparse.Namespace) -> None:
    """Syncs an ask, counted by the kernel, alone and among 32: everything is slower meanwhile."""
    if shutil.which("strace") is None:
        print("syncs: not counted, strace is not there")
        return
    for connections, count in ((1, 300), (32, 1500)):
        counted = []
        for asked in (0, count):
            server = Server(given, strace=True)
            try:
                with Sandbox({}, base_url=base(server.port)) as desk:
                    made = set_up(desk, 8, 32, given.orders)
                asyncio.run(drive(server.port, requests(made, server.port, asked, 0), connections))
                server.stop()
                rows = [line.split() for line in (server.folder / "syncs").read_text().splitlines()]
                counted.append(sum(int(row[3]) for row in rows if row and row[-1] in {"fsync", "fdatasync"}))
            finally:
                server.close()
        print(
            f"syncs: {(counted[1] - counted[0]) / count:.2f} an ask at {connections} connections (store twice, desk once, shared in groups)"
        )


def main() -> int:
    """Start the desk, drive it, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--asks", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument(
        "--folder", default=None, help="where the data lies; default a new folder beside this one, on its disk"
    )
    parser.add_argument("--only", choices=("rates", "stages", "syncs"), default=None)
    beside = parser.add_mutually_exclusive_group()
    beside.add_argument("--alone", action="store_true", help="without the first stack beside it")
    beside.add_argument("--far", action="store_true", help="a desk with its backoffice over HTTP beside it instead")
    given = parser.parse_args()
    missing = [name for name in ("fastapi", "jwt") if importlib.util.find_spec(name) is None]
    if missing and not given.alone and not given.far and given.only in {None, "rates"}:
        raise SystemExit(
            f"{' and '.join(missing)} are not installed for the stack to compare with; run `make bench` once, or give --alone"
        )
    for name, part in (("rates", rates), ("stages", stages), ("syncs", syncs)):
        if given.only in {None, name}:
            part(given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
