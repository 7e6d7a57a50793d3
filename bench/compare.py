"""`make bench`: Remit beside others on this machine, in turns, with fresh proofs and varied inputs; everything on loopback.

Servers are started here and ended here, one process each; this process is the load generator, the same for all. Figures are
medians over rounds. A whole run writes docs/bench.json, docs/bench.svg and the table of docs/performance.md. A goal that is not
reached is said and fails nothing; a peer that does not start fails the run.
"""

import argparse
import asyncio
import importlib.metadata
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import big_log
import nodes
from asking import ask_side, asking, asks_of, before, cerbos_side, on_postgres
from chart import draw
from goals import judged
from load import Stuck, post
from machine import machine
from peer_servers import AUTHGENT, NPM, ROOT, Authgent, Cerbos, OidcProvider, cedar_policies, questions
from processes import LeftOut, Unstarted
from results import Run, goal_row, replaced, report
from sides import Exchanges, Side, both, desk_of, folder_of, take_turns
from slow_syncs import Unmeasured, slowed

ADDED_MS = 4.0
NODES_ASKS, NODES_CUSTOMERS, NODES_ROUNDS = 2000, 100, 3


def exchange(given: argparse.Namespace, run: Run) -> None:
    """Token exchanges: ours that open a task and that renew one, beside oidc-provider and authgent-server."""
    print(
        "token exchanges: a fresh assertion (not authgent, which takes none) and a fresh proof each; starting …",
        flush=True,
    )
    with ExitStack() as closing:
        oidc = OidcProvider.start(folder_of(given, closing))
        closing.callback(oidc.server.stop)
        authgent = Authgent.start(folder_of(given, closing))
        closing.callback(authgent.server.stop)
        opened, renewed = desk_of(given, closing), desk_of(given, closing)
        opens, renews = Exchanges(opened, 100, 4), Exchanges(renewed, 64, 1)
        renews.open_for_good()
        token = b'"access_token":"ey'
        sides = [
            Side(
                part="exchange",
                name="opens",
                label="Remit, opens a task, recorded",
                port=opened.port,
                pid=opened.pid,
                per_round=800,
                write=opens.opening,
                good=token,
                afterwards=opens.complete,
            ),
            Side(
                part="exchange",
                name="renews",
                label="Remit, renews a token",
                port=renewed.port,
                pid=renewed.pid,
                per_round=1200,
                write=renews.renewing,
                good=token,
            ),
            Side(
                part="exchange",
                name="oidc-provider",
                label="oidc-provider, client credentials",
                port=oidc.port,
                pid=oidc.server.pid,
                per_round=1200,
                write=lambda count: list(oidc.requests(count, int(time.time()))),
                good=token,
            ),
            Side(
                part="exchange",
                name="authgent",
                label="authgent-server, exchange, SQLite",
                port=authgent.port,
                pid=authgent.server.pid,
                per_round=200,
                write=lambda count: list(authgent.requests(count, int(time.time()))),
                good=token,
            ),
        ]
        both(run, sides, given)


def deciding(given: argparse.Namespace, run: Run) -> None:
    """Evaluations of our decision point and of Cerbos: the same 20 rules and questions, nothing logged."""
    print("evaluations: 20 rules, no two questions alike, nothing logged; starting …", flush=True)
    with ExitStack() as closing:
        cerbos = Cerbos.start(folder_of(given, closing), audit=False)
        closing.callback(cerbos.server.stop)
        policies = folder_of(given, closing) / "rules.cedar"
        policies.write_text(cedar_policies())
        few = argparse.Namespace(**{**vars(given), "customers": 1, "orders": 1})
        ours = desk_of(few, closing, environment={"BENCH_DECISIONS": str(policies)})
        numbers = iter(range(0, 10**9, 10_000))

        def asked(count: int, *, alike: bool) -> list[bytes]:
            return [
                post(
                    "/access/v1/evaluation",
                    ours.port,
                    json.dumps(one).encode(),
                    "authorization: Bearer bench",
                    kind="application/json",
                )
                for one in questions(count, next(numbers), "change_address", alike=alike)
            ]

        sides = [
            Side(
                part="decide",
                name=name,
                label=label,
                port=ours.port,
                pid=ours.pid,
                per_round=6000,
                write=partial(asked, alike=alike),
                good=b'"decision":true',
            )
            for name, label, alike in (
                ("evaluations", "Remit, rules read the same of many", True),
                ("new-evaluations", "Remit, rules read something new of each", False),
            )
        ] + [
            cerbos_side("decide", "cerbos-evaluations", "Cerbos, an evaluation", cerbos, numbers, per_round=6000),
        ]
        both(run, sides, given)


def sync(given: argparse.Namespace, run: Run) -> None:
    """Our own rate with every sync made longer, against our own rate."""
    print(f"slow disk: every sync takes {ADDED_MS:.0f} ms longer; starting …", flush=True)
    with ExitStack() as closing:
        scratch = folder_of(given, closing)
        slower, same = slowed(scratch, ADDED_MS), slowed(scratch, 0.0)
        for kind, name in (("reads", "slow-reads"), ("writes", "slow-acts")):
            sides = []
            with ExitStack() as these:
                for label, environment in (("as it is", same), (f"+{ADDED_MS:.0f} ms", slower)):
                    server = desk_of(given, these, environment=environment)
                    asks = asks_of(server, these, 128, given.orders)
                    sides.append(
                        ask_side(f"{name} {label}", f"asks that {kind}, {label}", server, asks, kind, per_round=2400)
                    )
                run.others[f"other-work-{name}"] = take_turns(sides, 64, min(given.rounds, 3), given.share)
                own, slow = (one.measured(64) for one in sides)
                run.others[name] = slow.rate / own.rate * 100
                print(
                    f"  {name}: {slow.rate:.0f} of {own.rate:.0f} a second, p50 {slow.p50_ms:.1f} instead of {own.p50_ms:.1f} ms"
                )


def cpu_of(*arguments: str) -> float:
    """CPU seconds of one run of the `remit` command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "remit", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def log(given: argparse.Namespace, run: Run) -> None:
    """How many entries a second `remit verify-log` verifies: of a published log, and of a store with its records."""
    print(f"log: making {given.entries:,} entries …", flush=True)
    with ExitStack() as closing:
        folder = folder_of(given, closing)
        key = asyncio.run(big_log.make(folder, given.entries))
        sources = {
            "verify-published": ("--log", str(folder / "log")),
            "verify-store": ("--store", str(folder / "store.sqlite")),
        }
        started_s = min(cpu_of("verify-log", "--help") for _ in range(3))
        found: dict[str, list[float]] = {name: [] for name in sources}
        for _ in range(given.rounds):
            for name, source in sources.items():
                found[name].append(given.entries / (cpu_of("verify-log", *source, "--key", key) - started_s))
        for name, rates in found.items():
            run.others[name] = statistics.median(rates)
            print(f"  {name}: {run.others[name]:,.0f} entries a second of CPU, the program's start not counted")


def two_nodes(given: argparse.Namespace, run: Run) -> None:
    """Two nodes on PostgreSQL against one, each held to a share of a core."""
    print(f"nodes: two on one PostgreSQL against one, each held to {nodes.SHARE} of a core; starting …", flush=True)
    wanted = {
        "share": nodes.SHARE,
        "asks": round(NODES_ASKS * given.share),
        "customers": min(given.customers, NODES_CUSTOMERS),
    }
    held = argparse.Namespace(**{**vars(given), **wanted, "rounds": min(given.rounds, NODES_ROUNDS)})
    times = nodes.compared(held)
    run.others |= {"nodes-reads": times["reads"], "nodes-acts": times["writes"]}


PARTS = {
    "exchange": exchange,
    "ask": asking,
    "before": before,
    "postgres": on_postgres,
    "decide": deciding,
    "sync": sync,
    "nodes": two_nodes,
    "log": log,
}


def versions() -> dict[str, str]:
    """What is compared with, as it is installed."""
    found = {}
    for name in ("oidc-provider", "@cerbos/cerbos-linux-x64"):
        package = NPM / name / "package.json"
        found[name] = json.loads(package.read_text(encoding="utf-8"))["version"] if package.is_file() else "missing"
    if not AUTHGENT.exists():
        return found | {"authgent-server": "missing"}
    told = "import importlib.metadata as m; print(m.version('authgent-server'))"
    found["authgent-server"] = subprocess.run(
        [str(AUTHGENT), "-c", told], capture_output=True, text=True, check=True
    ).stdout.strip()
    return found | {name: importlib.metadata.version(name) for name in ("fastapi", "pyjwt", "cedarpy")}


def write_down(run: Run, folder: Path) -> None:
    """The JSON, and what is made of it: the chart and the table."""
    run.save(folder / "bench.json")
    draw(run, folder / "bench.svg")
    document = folder / "performance.md"
    document.write_text(replaced(document.read_text(encoding="utf-8"), report(run)), encoding="utf-8")


def asked() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", action="append", choices=sorted(PARTS), help="may be given several times; writes nothing into docs/"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="of each round's requests, to try whether everything works; writes nothing into docs/",
    )
    parser.add_argument("--customers", type=int, default=300)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--entries", type=int, default=100_000, help="of the log that is verified")
    parser.add_argument(
        "--folder",
        default=None,
        help="where servers keep their data; default a new folder beside this one, on its disk",
    )
    parser.add_argument(
        "--draw", action="store_true", help="measure nothing: make chart and table again from docs/bench.json"
    )
    return parser.parse_args()


def main() -> int:
    """Measure, print, write down."""
    given, docs = asked(), ROOT / "docs"
    if given.draw:
        run = Run.read(docs / "bench.json")
        run.goals = list(judged(run))
        write_down(run, docs)
        return 0
    began, problems = time.monotonic(), []
    with tempfile.TemporaryDirectory(dir=given.folder or ROOT, prefix=".bench-") as probe:
        run = Run(machine=machine(Path(probe)) | {"rounds": given.rounds}, versions=versions())
    for name in given.only or PARTS:
        try:
            PARTS[name](given, run)
        except LeftOut as reason:
            run.left[name] = str(reason)
            print(f"  NOT MEASURED: {reason}", flush=True)
        except (Unstarted, Stuck, Unmeasured) as problem:
            problems.append(f"{name}: {problem}")
            print(f"  {problems[-1]}", flush=True)
    run.goals = list(judged(run))
    print(f"\ngoals ({(time.monotonic() - began) / 60:.1f} minutes)")
    for goal in (one for one in run.goals if one.found is not None or not given.only):
        what, wanted, floor, found, verdict, cpu, cores, per_core = goal_row(goal)
        parts = [] if goal.wanted is None else [f"{wanted}, floor {floor.split(maxsplit=2)[-1]}"]
        parts += [f"CPU {cpu} us, cores {cores}"] if cpu else []
        parts += [f"per core {per_core} times"] if per_core else []
        print(f"  {verdict:<13} {found:>20} ({'; '.join(parts)}): {what}")
    for part, why in run.left.items():
        print(f"  left out: {part}: {why}")
    for told in problems:
        print(f"bench: {told}", file=sys.stderr)
    if not problems and not given.only and given.share == 1.0:
        write_down(run, docs)
        print("docs/bench.json, docs/bench.svg and docs/performance.md are written")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
