"""Two nodes over one PostgreSQL: whether each knows at once what the other did, and how much more two do than one.

`python bench/nodes.py [--times N] [--asks N] [--share CORES] [--only PART]`. It starts the server itself (as the tests do), with its data on
the disk. What must hold each time, holds N times of N or the run fails. Where two nodes, the server and the load share two cores, no rate
says anything of nodes: so each node is held to a share of a core by its control group (root), and the others have room.
"""

import argparse
import asyncio
import contextlib
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from ask import Server, base, drive, renew, requests, set_up
from postgres_server import NoServer, start
from processes import LeftOut, cpu_s
from remit.sandbox import Sandbox
from signing import Signer

_PERIOD_US = 20_000
SHARE = 0.25
"""How much of a core a node gets while rates are measured."""
MANDATE = {
    "type": "remit_mandate",
    "objective": {"type": "correct-order", "target": {"order": ["W0x0"]}, "summary": "another address"},
    "powers": [{"power": "represent"}, {"power": "receive", "attributes": ["order.status"]}],
}


class Shares:
    """Holds processes to a share of a core each, through control groups of ours."""

    def __init__(self, cores: float) -> None:
        self._cores = cores
        self._made: list[Path] = []

    def hold(self, pid: int) -> bool:
        """Hold a process; False where that is not to be had here."""
        if not self._cores:
            return False
        old = Path("/sys/fs/cgroup/cpu")
        group = (old if old.is_dir() else Path("/sys/fs/cgroup")) / f"remit-bench-{pid}"
        try:
            group.mkdir()
            self._made.append(group)
            if old.is_dir():
                (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
                (group / "cpu.cfs_quota_us").write_text(str(round(_PERIOD_US * self._cores)))
            else:
                (group / "cpu.max").write_text(f"{round(_PERIOD_US * self._cores)} {_PERIOD_US}")
            (group / "cgroup.procs").write_text(str(pid))
        except OSError as problem:
            print(f"no share of a core to be had: {problem}")
            return False
        return True

    def close(self) -> None:
        """Take the groups away again, once nobody is in them."""
        for group in self._made:
            with contextlib.suppress(OSError):
                group.rmdir()


class Nodes:
    """Two nodes of one desk on one machine: processes with a high water each, and keys and records in one folder."""

    def __init__(self, given: argparse.Namespace, url: str, keys: str) -> None:
        self.first = Server(given, environment={"BENCH_NODE": json.dumps({"store": url, "keys": keys, "first": True})})
        node = {
            "store": url,
            "keys": keys,
            "first": False,
            "issuer": base(self.first.port),
            "data": str(self.first.folder),
        }

        def joined(folder: Path) -> None:
            (folder / "outside").mkdir()
            shutil.copy(self.first.folder / "outside" / "checkpoint", folder / "outside" / "checkpoint")

        self.second = Server(given, environment={"BENCH_NODE": json.dumps(node)}, prepared=joined)
        self.both = (self.first, self.second)

    def close(self) -> None:
        """Stop both."""
        for server in self.both:
            server.close()


async def _said(port: int, request: bytes) -> str:
    """What became of one request: `done`, or the code of its refusal."""
    _, _, said = await drive(port, [request], 1)
    return next(iter(said))


def replays(given: argparse.Namespace, nodes: Nodes, made: list[dict[str, Any]]) -> int:
    """The same request, proof and all, at both nodes at once: one of them does it. Returns how often it was so."""
    fine = 0
    for request in requests(made, nodes.first.port, given.times, 0, kind="reads"):

        async def both(request: bytes = request) -> list[str]:
            return await asyncio.gather(*(_said(node.port, request) for node in nodes.both))

        fine += sorted(asyncio.run(both())) == ["credential.replayed", "done"]
    return fine


def revocations(given: argparse.Namespace, nodes: Nodes, _: list[dict[str, Any]]) -> int:
    """A mandate revoked at one node: the very next ask at the other is refused. Returns how often it was so."""
    fine = 0
    with Sandbox({}, base_url=base(nodes.first.port)) as desk:
        customer, agent = desk.customer("c0"), desk.agent("spiffe://revoked.example/bench")
        signer = Signer(agent.key)
        for number in range(given.times):
            mandate = customer.grant(agent, MANDATE)
            task = agent.open(mandate)
            one = [{"task": task.id, "token": task.token, "signer": signer, "orders": ["W0x0"]}]
            before, after = requests(one, nodes.first.port, 2, number * 2, kind="reads")
            was = asyncio.run(_said(nodes.second.port, before))
            customer.revoke(mandate)
            now = asyncio.run(_said(nodes.second.port, after))
            fine += was == "done" and now in {"mandate.revoked", "task.ended"}
    return fine


def rates(given: argparse.Namespace, nodes: Nodes, made: list[dict[str, Any]]) -> Mapping[str, float]:
    """Asks a second at one node and at both, in turns, over as many connections; returns how many times as many both do, by kind."""
    number, times = 10**6, {}
    for kind in ("reads", "writes"):
        found: dict[str, list[tuple[float, float]]] = {"one": [], "two": []}
        for turn in range(given.rounds + 1):  # the first warms up
            for name, ports in (("one", [nodes.first.port]), ("two", [node.port for node in nodes.both])):
                renew(made)  # a lot of acts takes minutes at a share of a core
                each = given.asks // len(ports)
                ready = [
                    requests(made, nodes.first.port, each, number + place * each, kind=kind)
                    for place in range(len(ports))
                ]
                number += given.asks
                row = _round(nodes, ports, ready)
                if turn:
                    found[name].append(row)
        one, two = (statistics.median(rate for rate, _ in found[name]) for name in ("one", "two"))
        busy = [statistics.median(cores for _, cores in found[name]) for name in ("one", "two")]
        print(
            f"{kind}: {one:,.0f} a second at one node, {two:,.0f} at two: {two / one:.2f} times; nodes kept {busy[0]:.2f} and {busy[1]:.2f} cores busy",
            flush=True,
        )
        times[kind] = two / one
    return times


def _round(nodes: Nodes, ports: list[int], ready: list[list[bytes]]) -> tuple[float, float]:
    """Asks a second over 32 connections, and how many cores the nodes kept busy."""

    async def load() -> list[Any]:
        return await asyncio.gather(
            *(drive(port, part, 32 // len(ports)) for port, part in zip(ports, ready, strict=True))
        )

    before, began = sum(cpu_s(node.pid) for node in nodes.both), time.perf_counter()
    said = asyncio.run(load())
    seconds = time.perf_counter() - began
    wrong = [one for _, _, one in said if set(one) != {"done"}]
    if wrong:
        print("  not all done:", wrong)
    return sum(map(len, ready)) / seconds, (sum(cpu_s(node.pid) for node in nodes.both) - before) / seconds


@dataclass(frozen=True, kw_only=True)
class Database:
    """A PostgreSQL server: where stores and content keys go, and its first process."""

    url: str
    keys: str
    pid: int


@contextmanager
def database(folder: str | None) -> Iterator[Database]:
    """A PostgreSQL server with its data on the disk, as the tests start one; stopped and removed at the end.

    Raises:
        LeftOut: when none can be started here.
    """
    with ExitStack() as closing:
        room = Path(tempfile.mkdtemp(prefix=".bench-pg-", dir=folder or Path(__file__).parent.parent))
        closing.callback(shutil.rmtree, room, ignore_errors=True)
        room.chmod(0o755)  # PostgreSQL runs as somebody else
        try:
            url, stop = start(room=room)
        except NoServer as none:
            raise LeftOut(str(none)) from None
        closing.callback(stop)
        asyncio.run(_make_database(url))
        pid = int(next(room.glob("*/data/postmaster.pid")).read_text(encoding="utf-8").split()[0])
        yield Database(url=url, keys=url.replace("/postgres?", "/bench_keys?"), pid=pid)


async def _make_database(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("create database bench_keys")
    await connection.close()


def compared(given: argparse.Namespace) -> Mapping[str, float]:
    """How many times as many asks as one node two do, by kind, each held to a share of a core.

    Raises:
        LeftOut: without a PostgreSQL, or without shares of a core.
    """
    with database(given.folder) as found:
        nodes, shares = Nodes(given, found.url, found.keys), Shares(given.share)
        try:
            if not all(shares.hold(node.pid) for node in nodes.both):
                raise LeftOut("nodes cannot be held to a share of a core: control groups need root")
            with Sandbox({}, base_url=base(nodes.first.port)) as desk:
                return rates(given, nodes, set_up(desk, 16, given.customers, given.orders))
        finally:
            nodes.close()
            shares.close()


def _tried(given: argparse.Namespace, nodes: Nodes) -> int:
    """Do every part that is wanted; returns how many did not hold."""
    failed = 0
    with Sandbox({}, base_url=base(nodes.first.port)) as desk:
        made = set_up(desk, 16, given.customers, given.orders)
        parts: dict[str, Callable[..., int]] = {"replays": replays, "revocations": revocations}
        for name, work in parts.items():
            if given.only in {None, name}:
                fine = work(given, nodes, made)
                failed += fine != given.times
                print(f"{name}: {fine:,} of {given.times:,} as they must be", flush=True)
        if given.only in {None, "rates"}:
            shares = Shares(given.share)
            held = [shares.hold(node.pid) for node in nodes.both]
            print(f"each node is held to {given.share} of a core" if all(held) else "nodes take what they get")
            rates(given, nodes, made)
            nodes.close()
            shares.close()
    return failed


def main() -> int:
    """Start server and nodes, try what must hold, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--asks", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--customers", type=int, default=100)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--folder", default=None)
    parser.add_argument(
        "--share",
        type=float,
        default=SHARE,
        help="how much of a core each node gets while rates are measured; 0: what it can get",
    )
    parser.add_argument("--only", choices=("replays", "revocations", "rates"), default=None)
    given = parser.parse_args()
    with database(given.folder) as found:
        nodes = Nodes(given, found.url, found.keys)
        try:
            return 1 if _tried(given, nodes) else 0
        finally:
            nodes.close()


if __name__ == "__main__":
    sys.exit(main())
