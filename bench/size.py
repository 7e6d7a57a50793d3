"""What a full store costs: asks on stores with so many mandates and log entries, in turns with the same asks on an empty one.

`python bench/size.py` fills SQLite and PostgreSQL, one after the other, with 1,000, 100,000 and 1,000,000 mandates and ten entries for each;
on SQLite ten million entries take some 80 GB beside the repository. `--mandates 100000` tries one size, `--store sqlite` one kind. For each store
it tells how long a start takes, and a round of what happens by itself, and for asks that read and that act, alone and among 32,
the CPU an ask (of the desk, and of the database server where there is one) and the rate, times those on an empty store.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

import ask
from machine import yardstick_us
from processes import cpu_s, pss_mb
from remit.adapters.db.postgres import BlockingConnection
from remit.adapters.signer.file import FileSigner
from remit.adapters.store.postgres.schema import migrate, prepare
from remit.proof.checkpoint import Checkpoint, checkpoint_text
from remit.proof.merkle import EMPTY_ROOT
from remit.sandbox import Sandbox
from size_fill import PostgresTable, SqliteTable, fill

sys.path.append(str(Path(__file__).parents[1] / "tests"))
import postgres_server  # the tests' own way to start one

NAME = "bench.remit.invalid"
WANTED = 1.3
BYTES_AN_ENTRY = {"sqlite": 7_700, "postgres": 4_500}
"""Of a store with ten entries a mandate, everything counted; on SQLite with the log of the first start, which writes a MAC beside each row."""
OPTIONS = (
    "-c shared_buffers=1GB -c max_wal_size=4GB -c autovacuum=on -c checkpoint_timeout=15min -c maintenance_work_mem=256MB "
    "-c wal_level=minimal -c max_wal_senders=0"
)
FIRST = 16
"""The desk's first customers are those of the pattern."""
QUIET_MS = 30.0
LONGEST_S = 600.0
KINDS = {"reads": "asks that read", "writes": "asks that act"}


@dataclass
class Store:
    """One store of a certain size, and what was seen of the desk that serves from it."""

    label: str
    folder: Path
    url: str = ""
    mandates: int = 0
    server: ask.Server | None = None
    database: int = 0
    """The process of the database server, 0 where there is none."""
    found: dict[tuple[str, int], list[tuple[float, float, float, float]]] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    made: list[dict[str, Any]] = field(default_factory=list)
    number: int = 0

    def serve(self, given: argparse.Namespace) -> None:
        """Start a desk on it."""
        around = {"BENCH_ROUNDS": "5"} | ({"BENCH_STORE": self.url} if self.url else {})
        began = time.monotonic()
        self.server = ask.Server(given, environment=around, folder=self.folder)
        self.told["ready_s"] = time.monotonic() - began
        print(f"    {self.label}: ready after {self.told['ready_s']:.1f} s", flush=True)

    def set_up(self, given: argparse.Namespace, first: int) -> None:
        """New mandates and tasks: tokens live five minutes."""
        assert self.server is not None
        began = time.monotonic()
        with Sandbox({}, base_url=ask.base(self.server.port)) as desk:
            self.made = ask.set_up(desk, 8, given.tasks, given.orders, first=first)
        self.told.setdefault("granted_ms", []).append((time.monotonic() - began) / given.tasks * 1000)

    def round(self, kind: str, count: int, connections: int, *, counts: bool = True) -> None:
        """Send so many asks."""
        assert self.server is not None
        ready = ask.requests(self.made, self.server.port, count, self.number, kind=kind)
        self.number += count
        before, beside = cpu_s(self.server.pid), cpu_s(self.database) if self.database else 0.0
        seconds, latencies, said = asyncio.run(ask.drive(self.server.port, ready, connections))
        if said != {"done": count}:
            print(f"    {self.label}: not all done: {said}")
        own = (cpu_s(self.server.pid) - before) / count * 1e6
        theirs = (cpu_s(self.database) - beside) / count * 1e6 if self.database else 0.0
        latencies.sort()
        if counts:
            row = (count / seconds, latencies[count // 2] * 1000, own, theirs)
            self.found.setdefault((kind, connections), []).append(row)

    def idle_ms(self) -> float:
        """CPU a second with nobody asking, in ms, over five seconds."""
        assert self.server is not None
        before = cpu_s(self.server.pid)
        time.sleep(5)
        return (cpu_s(self.server.pid) - before) / 5 * 1000

    def medians(self, kind: str, connections: int) -> tuple[float, ...]:
        """Rate, p50, CPU of the desk and of the server beside it."""
        return tuple(median(column) for column in zip(*self.found[kind, connections], strict=True))


def seed_in(given: argparse.Namespace, folder: Path) -> Path:
    """A desk's folder after its first few customers."""
    server = ask.Server(given, folder=folder)
    with Sandbox({}, base_url=ask.base(server.port)) as desk:
        made = ask.set_up(desk, 2, 4, 3)
    asks = ask.Asks(made, server.port)
    for kind in KINDS:
        asyncio.run(ask.drive(server.port, asks.write(8, kind), 1))
    time.sleep(1)
    server.stop()
    return folder


def signing(folder: Path) -> Any:
    """What signs heads of the log."""
    signer = FileSigner(folder / "keys")

    def sign(size: int, root: bytes) -> str:
        return signer.sign_note(checkpoint_text(Checkpoint(origin=NAME, size=size, root=root)))

    return sign


def database(url: str, name: str) -> str:
    """A new database with an empty store in it; returns its address."""

    async def make() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(f"create database {name}")
        await connection.close()

    asyncio.run(make())
    made = url.replace("/postgres?", f"/{name}?")
    session = BlockingConnection(made, name="bench", answer_s=60)
    migrate(session, making=True)
    prepare(session, NAME, EMPTY_ROOT)
    session.close()
    return made


def promises(url: str, kept: str) -> None:
    """Have the database server keep what it promises, or not: while it is filled nobody relies on it."""

    async def say() -> None:
        connection = await asyncpg.connect(url)
        for name in ("fsync", "full_page_writes"):
            await connection.execute(f"alter system set {name} to {kept}")
        await connection.execute("select pg_reload_conf()")
        await connection.execute("checkpoint")
        await connection.close()

    asyncio.run(say())


def stores(given: argparse.Namespace, kind: str, room: Path, closing: ExitStack) -> list[Store]:
    """The stores of one kind, the empty one first."""
    seed = seed_in(given, Path(tempfile.mkdtemp(dir=room)))
    sign, url, pid = signing(seed), "", 0
    if kind == "postgres":
        url, stop = postgres_server.start(OPTIONS, room)
        closing.callback(stop)
        place = Path(url.partition("host=")[2]) / "data" / "postmaster.pid"
        pid = int(place.read_text().split()[0])
        promises(url, "off")
    found = []
    most = max(given.mandates)
    for mandates in (0, *given.mandates):
        folder = room / f"{kind}-{mandates}"
        shutil.copytree(seed, folder)
        for marker in folder.rglob("*.rows"):  # what is filled in has no MACs: the first start makes them
            marker.unlink()
        store = Store(
            f"{kind}, {mandates:,} mandates" if mandates else f"{kind}, empty", folder, mandates=mandates, database=pid
        )
        found.append(store)
        if kind == "postgres":
            (folder / "store.sqlite").unlink()
            store.url = database(url, f"desk{mandates}")
            table: Any = PostgresTable(store.url, NAME)
        else:
            table = SqliteTable(folder / "store.sqlite")
        entries = given.entries * mandates // most
        print(f"  filling {store.label}", flush=True)
        fill(seed / "store.sqlite", table, mandates=mandates, entries=entries, sign=sign, with_seed=kind == "postgres")
    if url:
        promises(url, "on")
    return found


def settle(found: list[Store]) -> None:
    """Wait until desks that were just started have looked at all their live tasks once, as one that runs for days has."""
    began = time.monotonic()
    for store in found:
        while (idle := store.idle_ms()) > QUIET_MS and time.monotonic() - began < LONGEST_S:
            time.sleep(5)
        store.told |= {"settled_s": time.monotonic() - began, "idle_ms": idle}
        print(
            f"    {store.label}: {idle:.0f} ms of CPU a second with nobody asking, after {time.monotonic() - began:.0f} s",
            flush=True,
        )


def measure(given: argparse.Namespace, found: list[Store]) -> None:
    """Asks in turns."""
    for turn, connections in enumerate((32, 1)):
        for store in found:
            store.set_up(given, FIRST + turn * given.tasks)
            for kind in KINDS:
                store.round(kind, 2 * given.tasks, connections, counts=False)
        count = given.asks if connections > 1 else given.asks // 5
        for number in range(given.rounds):
            for kind in KINDS:
                for store in found if number % 2 == 0 else reversed(found):
                    store.round(kind, count, connections)
            print(
                f"    {connections} connections, round {number + 1}: an ES256 check takes {yardstick_us():.0f} us",
                flush=True,
            )


def report(found: list[Store]) -> bool:
    """Print what was found; returns whether everything is within what is wanted."""
    empty, good = found[0], True
    print(
        "| store | asks | connections | a second | times empty | p50 ms | CPU us an ask, desk + server | times empty |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for kind, connections in empty.found:
        base = empty.medians(kind, connections)
        for store in found:
            rate, p50, own, theirs = store.medians(kind, connections)
            slower, dearer = base[0] / rate, (own + theirs) / (base[2] + base[3])
            good = good and dearer <= WANTED
            said = "" if store is empty else f"{1 / slower:.2f}"
            more = "" if store is empty else f"{dearer:.2f}{'' if dearer <= WANTED else ' (more than 1.3)'}"
            print(
                f"| {store.label} | {KINDS[kind]} | {connections} | {rate:,.0f} | {said} | {p50:.2f} | {own:,.0f} + {theirs:,.0f} | {more} |"
            )
    print(
        "\n| store | open and verify s | catch up s | first rounds, ms (CPU) | later, ms of CPU a second | grant and open a task, ms | memory MB | GB |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for store in found:
        told = store.told
        print(
            f"| {store.label} | {told['open_s']:.1f} | {told['catch_up_s']:.2f} | {told['round_s'] * 1000:.1f} ({told['round_cpu_s'] * 1000:.1f}) "
            f"| {told['idle_ms']:.0f} | {median(told['granted_ms']):.1f} | {told['pss_mb']:.0f} | {told['disk_gb']:.2f} |"
        )
    return good


def on_disk_gb(store: Store) -> float:
    """How much a store takes."""
    if not store.url:
        return sum(one.stat().st_size for one in store.folder.glob("store.sqlite*")) / 1e9

    async def size() -> float:
        connection = await asyncpg.connect(store.url)
        try:
            return float(await connection.fetchval("select pg_database_size(current_database())")) / 1e9
        finally:
            await connection.close()

    return asyncio.run(size())


def run(given: argparse.Namespace, kind: str) -> bool:
    """Fill, serve and measure one kind of store."""
    with ExitStack() as closing:
        room = Path(tempfile.mkdtemp(prefix=".bench-size-", dir=given.folder or ask.HERE.parent))
        closing.callback(shutil.rmtree, room, ignore_errors=True)
        room.chmod(0o755)  # PostgreSQL runs as somebody else
        needed = given.entries * BYTES_AN_ENTRY[kind] * sum(given.mandates) / max(given.mandates) / 1e9
        free = shutil.disk_usage(room).free / 1e9
        print(f"{kind}: needs about {needed:.0f} GB of {free:.0f} GB free at {room.parent}", flush=True)
        if free < needed + 5:
            raise SystemExit(
                "too little room; name another place with --folder, or smaller sizes with --mandates and --entries"
            )
        found = stores(given, kind, room, closing)
        if given.pause:
            input(f"filled in {room}; press return to serve: ")
        for store in found:
            store.serve(given)
            closing.callback(store.server.close)  # type: ignore[union-attr]  # it was just started
        settle(found)
        measure(given, found)
        for store in found:
            assert store.server is not None
            store.told |= {"pss_mb": pss_mb(store.server.pid), "disk_gb": on_disk_gb(store)}
            store.told |= store.server.stop()
        good = report(found)
        if given.pause:
            input(f"kept in {room}; press return to remove it: ")
        return good


def asked() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--mandates", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    parser.add_argument(
        "--entries", type=int, default=10_000_000, help="in the largest store; in the others in proportion"
    )
    parser.add_argument("--asks", type=int, default=2_000, help="a round among 32 connections; alone a fifth of it")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=96, help="that are asked in")
    parser.add_argument(
        "--folder", default=None, help="where everything is kept; default a new folder beside this one, on its disk"
    )
    parser.add_argument(
        "--pause",
        action="store_true",
        help="wait for a line of standard input before serving, and before everything is removed",
    )
    given = parser.parse_args()
    given.orders, given.customers = 20, FIRST + 2 * given.tasks
    return given


def main() -> int:
    """Fill, measure, say."""
    given = asked()
    good = True
    for kind in ("sqlite", "postgres") if given.store == "both" else (given.store,):
        good = run(given, kind) and good
    print(f"\nCPU an ask within {WANTED} times that of an empty store: {'yes' if good else 'no'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
