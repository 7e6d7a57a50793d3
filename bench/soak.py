"""A desk under load and faults for a while: afterwards log, desk and outbox must agree, the log verify, and memory be flat.

`python bench/soak.py [--minutes N] [--store postgres|sqlite] [--asks-per-s N]`. Two nodes on PostgreSQL behind turns, or one on SQLite, as
real processes; asks under keys, sent again until they have an outcome. Every few seconds one of: a node killed (-9) and started again, a
node stopped (SIGSTOP) for a while and woken, its connections cut, the store's server slow, the desk slow. Not part of `make test`.
"""

import argparse
import asyncio
import random
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from faults.books import verify_all
from faults.cluster import Cluster, Load, Node, load
from postgres_server import server

EVERY_S = (3.0, 8.0)
FROZEN_S = (1.0, 12.0)
LOCKED_S = (0.5, 3.0)
HANDS = 8
CUSTOMERS = 300
"""So many that no record is changed so often in the run that it looks like slicing: tasks would be held, as they should."""


def on_the_server(url: str, *statements: str, held_s: float = 0.0) -> None:
    """Run statements in one transaction, and hold what they locked for a while."""

    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            async with connection.transaction():
                for one in statements:
                    await connection.execute(one)
                await asyncio.sleep(held_s)
        finally:
            await connection.close()

    asyncio.run(run())


class Faults:
    """What goes wrong, one after the other, until it is told to stop."""

    def __init__(self, desk: Cluster, chance: random.Random) -> None:
        self._desk = desk
        self._chance = chance
        self._over = threading.Event()
        self.done: Counter[str] = Counter()
        self.broken: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        kinds: list[Callable[[], None]] = [self.killed, self.frozen]
        kinds += [self.cut, self.slow_store, self.slow_desk] if self._desk.store else []
        try:
            while not self._over.wait(self._chance.uniform(*EVERY_S)):
                kind = self._chance.choice(kinds)
                kind()
                self.done[kind.__name__.replace("_", " ")] += 1
        except BaseException as broken:  # noqa: BLE001  # it is told at the end
            self.broken.append(broken)

    def _node(self) -> Node:
        return self._chance.choice(self._desk.nodes)

    def killed(self) -> None:
        """A node loses its power, and is started again."""
        node = self._node()
        node.stop(signal.SIGKILL)
        node.start()

    def frozen(self) -> None:
        """A node stands still, for longer than some of what times out, and goes on."""
        node = self._node()
        node.tell(signal.SIGSTOP)
        self._over.wait(self._chance.uniform(*FROZEN_S))
        node.tell(signal.SIGCONT)

    def cut(self) -> None:
        """The server ends every connection of the nodes."""
        on_the_server(
            self._desk.store,
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'remit%'",
        )

    def slow_store(self) -> None:
        """Somebody else holds the head of the log."""
        held_s = self._chance.uniform(*LOCKED_S)
        on_the_server(
            self._desk.store, f"select 1 from remit.head where desk = '{self._desk.name}' for update", held_s=held_s
        )

    def slow_desk(self) -> None:
        """The desk's systems do not answer in time."""
        held_s = self._chance.uniform(*LOCKED_S)
        with closing(
            sqlite3.connect(self._desk.nodes[0].folder / "data" / "desk.sqlite", isolation_level=None)
        ) as file:
            file.execute("pragma busy_timeout = 5000")
            file.execute("begin immediate")
            self._over.wait(held_s)

    def begin(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """No more of it."""
        self._over.set()
        self._thread.join(60)


def memory_mb(node: Node) -> float:
    """What a node's process has in memory; 0 while there is none."""
    try:
        pages = int(Path(f"/proc/{node.process.pid}/statm").read_text().split()[1]) if node.process is not None else 0
    except (OSError, AttributeError):
        return 0.0
    return pages * 4096 / 2**20


def watch(given: argparse.Namespace, desk: Cluster, asked: Load, faults: Faults) -> list[dict[str, float]]:
    """Let it run; memory is looked at each second, of each process by itself."""
    seen: list[dict[str, float]] = []
    began, told = time.monotonic(), 0.0
    while (gone := time.monotonic() - began) < given.minutes * 60:
        time.sleep(1)
        seen.append(
            {f"{node.port} {node.process.pid}": memory_mb(node) for node in desk.nodes if node.process is not None}
        )
        if gone - told > 30:
            told = gone
            print(f"  {gone / 60:4.1f} min  {asked.settled()} asks settled, {dict(faults.done)}", flush=True)
        if asked.broken or faults.broken:
            break
    return seen


def growth(seen: list[dict[str, float]]) -> tuple[float, float]:
    """The medians of memory over the first and the last fifth, after warming up: of the process of each moment that lived longest."""
    ages: Counter[str] = Counter()
    rows: list[tuple[int, float]] = []
    for one in seen:
        ages.update(one.keys())
        rows.extend((ages[name], mb) for name, mb in one.items() if mb and ages[name] > 20)
    fifth = max(len(rows) // 5, 1)
    return statistics.median(mb for _, mb in rows[:fifth]), statistics.median(mb for _, mb in rows[-fifth:])


def verify(desk: Cluster, asked: Load) -> None:
    """Everything agrees."""
    disk = desk.books()
    verify_all(asked.wishes, disk)
    desk.verify_log()
    print(
        f"log of {len(disk.entries)} entries verifies; {len(disk.acts)} acts at the desk, {len(disk.of('ask'))} asks: all agree"
    )


def soak(given: argparse.Namespace, room: Path, urls: dict[str, Any]) -> int:
    """One run."""
    desk = Cluster(room, nodes=2 if urls else 1, customers=CUSTOMERS, **urls)
    faults = Faults(desk, random.Random(given.seed))
    try:
        desk.start()
        with load(desk) as asked:
            asked.pause_s = HANDS / given.asks_per_s
            asked.begin(HANDS)
            faults.begin()
            began = time.monotonic()
            seen = watch(given, desk, asked, faults)
            faults.end()
            seconds = time.monotonic() - began
            print(f"faults: {dict(faults.done)} {faults.broken or ''}")
            asked.end()
        desk.stop()
        verify(desk, asked)
    finally:
        desk.kill()
    first, last = growth(seen)
    print(
        f"{len(asked.wishes)} asks in {seconds / 60:.1f} min, {len(asked.wishes) / seconds:.1f} a second; outcomes {asked.outcomes()}"
    )
    print(f"memory of a process, median of the first fifth {first:.0f} MB, of the last {last:.0f} MB")
    return 1 if faults.broken or last > first * 1.25 else 0


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--store", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--asks-per-s", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    urls: dict[str, Any] = {}
    if given.store == "postgres":
        from postgres_tests import postgres_url  # noqa: PLC0415  # a server is started for it

        server()
        urls = {"store": postgres_url("soak"), "keys": postgres_url("soak_keys")}
    with tempfile.TemporaryDirectory(prefix="remit-soak-") as room:
        return soak(given, Path(room), urls)


if __name__ == "__main__":
    sys.exit(main())
