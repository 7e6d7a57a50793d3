"""`make bench`: Remit beside others on this machine, in turns, with fresh proofs and varied inputs; everything on loopback.

Servers are started here and ended here, one process each; this process is the load generator, the same for all. Figures are
medians over rounds. A whole run writes docs/bench.json, docs/bench.svg and the table of docs/performance.md. A goal that is not
reached is said and fails nothing; a peer that does not start fails the run.
"""

import argparse
import asyncio
import importlib.metadata
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import ask
import big_log
from ask import Signer, set_up
from chart import draw
from goals import judged
from load import Stuck, post
from machine import busy_s, machine, yardstick_us
from peer_servers import AUTHGENT, NPM, ROOT, Authgent, Cerbos, OidcProvider, cedar_policies, questions
from processes import Unstarted, cpu_s
from remit.sandbox import Sandbox
from results import Run, goal_row, replaced, report, side_row
from sides import AGENTS, Exchanges, Side, desk_of, folder_of
from slow_syncs import Unmeasured, slowed

ADDED_MS = 4.0
ALONE = 0.3
"""A round at one connection has so much of the requests of one at 32."""


def take_turns(sides: list[Side], connections: int, rounds: int, share: float = 1.0) -> float:
    """Rounds of every side in turns, after one of each that does not count; returns how many cores other work used meanwhile."""
    for one in sides:
        one.warm_up(connections)
    used = []
    for number in range(rounds):
        began, busy, own = time.monotonic(), busy_s(), cpu_s(os.getpid())
        for one in sides:
            one.round(connections, share)
        used.append((busy_s() - busy - cpu_s(os.getpid()) + own) / (time.monotonic() - began))
        beside = f"an ES256 check takes {yardstick_us():.0f} us, other work {used[-1]:.1f} cores"
        print(f"    {connections:>2} connections, round {number + 1} of {rounds}; {beside}", flush=True)
    return statistics.median(used)


def both(run: Run, sides: list[Side], rounds: int) -> None:
    """Measure sides among 32 and alone, and print them."""
    for connections, share in ((32, 1.0), (1, ALONE)):
        run.others[f"other-work-{sides[0].part}-{connections}"] = take_turns(sides, connections, rounds, share)
        for one in sides:
            found = one.measured(connections)
            run.sides.append(found)
            label, count, rate, p50, p99, cpu, memory = side_row(found)
            print(
                f"  {label:<44} {count:>2} connections: {rate:>6}/s  p50 {p50:>5} ms  p99 {p99:>5} ms  CPU {cpu:>5} us  {memory:>4} MB  "
                f"(generator: {found.generator_share:.0%} of a core){f'  {found.failed} FAILED' if found.failed else ''}"
            )


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
        both(run, sides, given.rounds)


def asks_of(server: ask.Server, customers: int, orders: int, *, first_stack: bool = False) -> ask.Asks:
    """A server's tasks, ready to be asked in."""
    if first_stack:
        made = json.loads((server.folder / "tasks.json").read_text(encoding="utf-8"))
        return ask.Asks([{**one, "signer": Signer(one["key"])} for one in made], server.port)
    with Sandbox({}, base_url=ask.base(server.port)) as desk:
        return ask.Asks(set_up(desk, AGENTS, customers, orders), server.port)


def ask_side(name: str, label: str, server: ask.Server, asks: ask.Asks, kind: str, *, per_round: int) -> Side:
    """A side that asks."""
    return Side(
        part="ask",
        name=name,
        label=label,
        port=server.port,
        pid=server.pid,
        per_round=per_round,
        write=lambda count: asks.write(count, kind),
        good=b'"outcome":"done"',
    )


def cerbos_side(part: str, name: str, label: str, cerbos: Cerbos, numbers: Iterator[int], *, per_round: int) -> Side:
    """A side that decides by Cerbos: `numbers` are the first of each round's questions."""
    return Side(
        part=part,
        name=name,
        label=label,
        port=cerbos.port,
        pid=cerbos.server.pid,
        per_round=per_round,
        write=lambda count: list(cerbos.requests(count, next(numbers), "order.change_address")),
        good=b'"decision":true',
    )


def asking(given: argparse.Namespace, run: Run) -> None:
    """Whole durable asks, beside decisions of Cerbos and the stack one would write first."""
    print("asks: proved, decided, done at the desk and durable before the answer; starting …", flush=True)
    with ExitStack() as closing:
        cerbos = Cerbos.start(folder_of(given, closing))
        closing.callback(cerbos.server.stop)
        ours, first = desk_of(given, closing), desk_of(given, closing, script="first_stack.py")
        asks, plain = asks_of(ours, given.customers, given.orders), asks_of(first, 0, 0, first_stack=True)
        numbers = iter(range(0, 10**9, 10_000))
        sides = [
            ask_side("reads", "Remit, whole ask that reads", ours, asks, "reads", per_round=2400),
            ask_side("acts", "Remit, whole ask that acts", ours, asks, "writes", per_round=2400),
            cerbos_side("ask", "cerbos", "Cerbos, a decision and its log, not synced", cerbos, numbers, per_round=4000),
            ask_side("first-stack-reads", "first stack, ask that reads", first, plain, "reads", per_round=800),
            ask_side("first-stack-acts", "first stack, ask that acts", first, plain, "writes", per_round=800),
        ]
        both(run, sides, given.rounds)


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
        both(run, sides, given.rounds)


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
                    asks = asks_of(server, 128, given.orders)
                    sides.append(
                        ask_side(f"{name} {label}", f"asks that {kind}, {label}", server, asks, kind, per_round=2400)
                    )
                run.others[f"other-work-{name}"] = take_turns(sides, 64, min(given.rounds, 3))
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


PARTS = {"exchange": exchange, "ask": asking, "decide": deciding, "sync": sync, "log": log}


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
        except (Unstarted, Stuck, Unmeasured) as problem:
            problems.append(f"{name}: {problem}")
            print(f"  {problems[-1]}", flush=True)
    run.goals = list(judged(run))
    print(f"\ngoals ({(time.monotonic() - began) / 60:.1f} minutes)")
    for goal in (one for one in run.goals if one.found is not None or not given.only):
        what, wanted, found, became, cpu = goal_row(goal)
        print(f"  {became:<12} {found:>10} ({wanted}){f', CPU {cpu} times' if cpu else ''}: {what}")
    for problem in problems:
        print(f"bench: {problem}", file=sys.stderr)
    if not problems and not given.only:
        write_down(run, docs)
        print("docs/bench.json, docs/bench.svg and docs/performance.md are written")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
