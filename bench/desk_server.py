"""The desk that `bench/ask.py` measures: SQLite on a real disk, built-in desk, consumer pack and policies up to 50.

Run by ask.py and nodes.py as a process of its own: `desk_server.py FOLDER PORT CUSTOMERS ORDERS [watch | watch-exchange]`. Prints `ready`; a line on its
standard input makes it begin to count, the end of it makes it stop and print what it counted.
"""

import asyncio
import hashlib
import json
import logging
import os
import resource
import signal
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

import as_installed  # noqa: F401  # before Remit's own
from remit.adapters.files.pack import pack_files, read_pack
from remit.entrypoints.http.server_protocol import bounded_protocol, tune_garbage_collector
from remit.settings import Settings, make_settings
from remit.settings.tables import LimitsTable
from remit.usecases.background.sweep import end_orphaned_tasks
from remit.wiring import Desk, RulesSource, build_desk
from stages import EXCHANGE, PATH, Stages, by_thread

POLICIES = 50
STORE = "BENCH_STORE"
"""Names another store than a SQLite file in the folder."""
LIMITS = "BENCH_LIMITS"
"""Set: the limits of a real desk."""
FAR = "BENCH_FAR"
"""Set: the built-in backoffice is served over HTTP by `remit desk serve`, a process of its own below this one."""
DECISIONS = "BENCH_DECISIONS"
"""Names a file of policies of the decision point, whose caller has the secret `bench`."""
VISITORS = "BENCH_VISITORS"
"""Set: agents without a key are let in, and register themselves."""
ROUNDS = "BENCH_ROUNDS"
"""Set: so many rounds of the desk's jobs are made and measured before it serves."""


def filler(number: int) -> str:
    """A policy in the style of a desk's own, that must be evaluated and does not fire."""
    area = ("payment", "routine", "identity", "security")[number % 4]
    return (
        f'@id("filler-{number}")\nforbid (principal, action in Action::"area:{area}", resource)\n'
        f'when {{ principal.tier == "unproved" && context.risk >= {50 + number % 40} }};\n'
    )


def limits() -> dict[str, int]:
    """The limits of a real desk, but for proved agents, where they are wanted; a sandbox has a hundred times as wide ones."""
    if LIMITS not in os.environ:
        return {}
    real = {name: value for name, value in msgspec.structs.asdict(LimitsTable()).items() if isinstance(value, int)}
    return real | {"client_per_s": 100_000, "client_burst": 100_000}


def decision_point(folder: Path) -> dict[str, Any]:
    """Return the settings of the decision point, where it is measured."""
    if DECISIONS not in os.environ:
        return {}
    (folder / "caller").write_text(hashlib.sha256(b"bench").hexdigest())
    caller = {"name": "bench", "sha256_file": "caller", "actions": ["*"]}
    return {"decision_point": {"policies": [os.environ[DECISIONS]], "callers": [caller]}}


class Counted:
    """What the server counts of itself, from a line on standard input on."""

    def __init__(self, *, watch: str) -> None:
        self.stages = Stages()
        self._threads: dict[str, float] = {}
        self._until: dict[str, float] = {}
        self._commits = 0
        self._from = 0
        self.start: dict[str, object] = {}
        """What its start took."""
        self.over: Callable[[], None] = lambda: None
        """Called when standard input ends: nobody wants more."""
        if watch:
            self.stages.watch(EXCHANGE if watch == "watch-exchange" else PATH)
        threading.Thread(target=self._begin, name="begin", daemon=True).start()

    def point(self, name: str) -> None:
        """Count the store's commits, each of which is one sync."""
        self._commits += name == "store.after_commit"

    def _begin(self) -> None:
        for _ in sys.stdin:
            self._threads, self._from = by_thread(), self._commits
            self.stages.sums.clear()
        self._until = by_thread()  # before the desk stops, and its threads with it
        self.over()

    def told(self) -> dict[str, object]:
        """Seconds by thread and by stage, and commits, since it began."""
        threads = {name: spent - self._threads.get(name, 0.0) for name, spent in self._until.items()}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {
            "threads": threads,
            "stages": self.stages.sums,
            "store_commits": self._commits - self._from,
            "peak_mb": peak,
        } | self.start


async def rounds(desk: Desk, count: int) -> dict[str, float]:
    """What a start does after the store was opened, and rounds of everything that happens by itself: seconds, and CPU seconds of this process."""
    began = time.perf_counter()
    await end_orphaned_tasks(desk.context)
    caught_s = time.perf_counter() - began
    took, cpu = [], []
    for _ in range(count):
        began, used = time.perf_counter(), time.process_time()
        await desk.jobs.round()
        took.append(time.perf_counter() - began)
        cpu.append(time.process_time() - used)
    return {"catch_up_s": caught_s, "round_s": statistics.median(took), "round_cpu_s": statistics.median(cpu)}


async def serve_backoffice(
    settings: Settings, rules: RulesSource, raw: dict[str, Any], seed: dict[str, Any]
) -> Settings:
    """Fill the built-in backoffice, serve it by `remit desk serve`, and return the settings of a desk that asks it."""
    desk = build_desk(settings, rules)
    await desk.backoffice.seed(seed)
    await desk.stop()
    folder = settings.data
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    raw |= {"desk": {**raw["desk"], "backoffice": "http"}, "backoffice": {"url": url}}
    for name, body in pack_files("consumer", ()).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(body)
    tables = {**raw, "catalogue": {"files": ["catalogue.toml"]}, "policies": {"files": ["policies/*.cedar"]}}
    (folder / "remit.toml").write_text(
        "".join(
            f"[{table}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())
            for table, keys in tables.items()
        )
    )
    command = [sys.executable, "-m", "remit", "desk", "serve", "--config", str(folder)]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    if process.stdout is None or not await process.stdout.readline():
        raise SystemExit("remit desk serve did not start; its own message stands above")
    return make_settings(raw, base=folder, environment={}, rules=False)


def seed_of(customers: int, orders: int) -> dict[str, Any]:
    """Build customers with as many orders each."""
    seed: dict[str, Any] = {"customers": {}, "records": []}
    for customer in range(customers):
        seed["customers"][f"c{customer}"] = {"name": f"Customer {customer}", "attributes": {}}
        for order in range(orders):
            data = {
                "status": "pending",
                "total": "10.00 EUR",
                "payment_method": "pm",
                "shipping_address": "Old Street 1, Town",
                "items": [],
            }
            seed["records"].append(
                {
                    "kind": "order",
                    "id": f"W{customer}x{order}",
                    "name": "Order",
                    "owners": [f"c{customer}"],
                    "data": data,
                }
            )
    return seed


async def main(folder: Path, port: int, customers: int, orders: int, *, watch: str = "") -> None:
    """Serve until told to stop."""
    counted = Counted(watch=watch)
    node = json.loads(os.environ.get("BENCH_NODE", "{}"))
    issuer = node.get("issuer", f"http://localhost:{port}")
    raw = {
        "server": {"issuer": issuer, "host": "127.0.0.1", "port": port, "data": node.get("data", ".")},
        "store": {"url": node.get("store") or os.environ.get(STORE, "sqlite:///store.sqlite")},
        "log": {"name": "bench.remit.invalid", "high_water": "outside/checkpoint"},
        "desk": {"database": node.get("store", "desk.sqlite")},
        "words": {"secrets": "refuse", "model": "none"},  # whether the model's libraries are installed or not
        "sandbox": {"enabled": True},
        "limits": limits(),
        **({"keys": {"content": node["keys"]}} if node else {}),
        **decision_point(folder),
        **({"visitors": {"enabled": True, "registration": "dynamic"}} if VISITORS in os.environ else {}),
    }
    settings = make_settings(raw, base=folder, environment={}, rules=False)
    settings.high_water.parent.mkdir(exist_ok=True)
    pack = read_pack("consumer")
    named = sum(text.count("@id(") for _, text in pack.policies)
    more = "\n".join(filler(number) for number in range(POLICIES - named))
    rules = RulesSource(catalogue=pack.catalogue, policies=(*pack.policies, ("filler.cedar", more)))
    seed = seed_of(customers, orders)
    if FAR in os.environ:
        settings = await serve_backoffice(settings, rules, raw, seed)
    began = time.perf_counter()
    desk = build_desk(settings, rules, on_point=counted.point)
    counted.start["open_s"] = time.perf_counter() - began
    if node.get("first", True) and FAR not in os.environ:
        await desk.backoffice.seed(seed)
    if ROUNDS in os.environ:
        counted.start |= await rounds(desk, int(os.environ[ROUNDS]))
    desk.connections.fit_descriptors(backlog=2048)
    server = uvicorn.Server(
        uvicorn.Config(
            desk.app,
            host="127.0.0.1",
            port=port,
            loop="uvloop",
            http=bounded_protocol(desk.connections),
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
        )
    )
    counted.over = lambda: setattr(server, "should_exit", True)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    tune_garbage_collector()
    print("ready", flush=True)
    await serving
    print(json.dumps(counted.told()), flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger("remit.notices").setLevel(logging.ERROR)  # hundreds of customers are told of their first passkey
    import uvloop

    uvloop.run(
        main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), watch=" ".join(sys.argv[5:]))
    )
