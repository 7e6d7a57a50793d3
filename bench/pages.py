"""How long pages take to be made: a desk with 100,000 mandates and 1,000,000 entries, and a customer with many mandates of their own.

`python bench/pages.py [--mandates N] [--entries N] [--own N]`, SQLite. Each page is asked for again and again by one who is signed in,
over HTTP on loopback; told are the medians, of the time until the whole page is there and of the CPU the server took for it. The
goal is 100 ms. An empty desk of the same kind is asked in turns.
"""

import argparse
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import httpx

import ask
from machine import yardstick_us
from processes import cpu_s
from remit.sandbox import Sandbox
from size import seed_in, signing
from size_fill import SqliteTable, fill

WANTED_MS = 100.0
ROUNDS = 12
FIRST = 16
"""The desk's first customers are those of the pattern."""
PAGES = {
    "audit": ("admin", "/audit"),
    "audit, search": ("admin", "/audit?q=refund"),
    "audit, one case": ("admin", "/audit/cases/{case}"),
    "case": ("officer", "/desk/cases/{case}"),
    "customer's page": ("customer", "/me"),
    "desk": ("officer", "/desk"),
    "everything, first page": ("customer", "/me/history"),
    "mandate": ("customer", "/me/mandates/{mandate}"),
    "receipt": ("customer", "/verify?entry={entry}"),
    "report": ("admin", "/audit/report"),
    "security": ("admin", "/security"),
    "security, administration": ("admin", "/security/admin"),
    "security, agents": ("admin", "/security/agents"),
}


def people(port: int, orders: int, own: int) -> tuple[dict[str, str], dict[str, str]]:
    """Who looks at pages (cookies by role), and ids for their addresses. The customer has `own` mandates, and a task in which much was asked."""
    with Sandbox({}, base_url=ask.base(port)) as desk:
        customer, agent = desk.customer(f"c{FIRST}"), desk.agent("spiffe://pages.example/bench")
        ids = [f"W{FIRST}x{order}" for order in range(orders)]
        powers = [{"power": "represent"}, {"power": "receive", "attributes": ["order.status"]}]
        wire = {
            "type": "remit_mandate",
            "objective": {"type": "correct-order", "target": {"order": ids}},
            "powers": powers,
        }
        granted = [customer.grant(agent, wire) for _ in range(own)]
        task = agent.open(granted[-1])
        for _ in range(200):
            task.ask("order.read", {"order_id": ids[0]})
        admin, officer = desk.officer("bench-admin", ["admin"]), desk.officer("bench-officer", ["care"])
        cookies = {"customer": customer.cookie, "admin": admin.cookie, "officer": officer.cookie}
        return cookies, {"case": task.case, "mandate": granted[0].id, "entry": "3"}


def measure(
    desks: dict[str, tuple[ask.Server, dict[str, str], dict[str, str]]],
) -> dict[tuple[str, str], tuple[float, float, int]]:
    """Each page of each desk in turns: median ms until it is there, median ms of the server's CPU, bytes."""
    found: dict[tuple[str, str], tuple[float, float, int]] = {}
    with httpx.Client(timeout=120) as client:
        for name, (who, path) in PAGES.items():
            times: dict[str, list[tuple[float, float]]] = {}
            sizes: dict[str, int] = {}
            for _ in range(ROUNDS):
                for label, (server, cookies, ids) in desks.items():
                    cpu, began = cpu_s(server.pid), time.perf_counter()
                    told = client.get(
                        ask.base(server.port) + path.format(**ids),
                        headers={"cookie": cookies[who], "accept": "text/html"},
                    )
                    taken = time.perf_counter() - began
                    if told.status_code != 200:
                        raise SystemExit(f"{name}: {told.status_code} {told.text[:300]}")
                    times.setdefault(label, []).append((taken * 1000, (cpu_s(server.pid) - cpu) * 1000))
                    sizes[label] = len(told.content)
            for label, rows in times.items():
                found[name, label] = (median(row[0] for row in rows), median(row[1] for row in rows), sizes[label])
            print(f"    {name}: " + ", ".join(f"{label} {found[name, label][0]:.0f} ms" for label in desks), flush=True)
    return found


def run(given: argparse.Namespace) -> bool:
    """Fill, serve, measure, print."""
    with ExitStack() as closing:
        room = Path(tempfile.mkdtemp(prefix=".bench-size-", dir=given.folder or ask.HERE.parent))
        closing.callback(shutil.rmtree, room, ignore_errors=True)
        seed = seed_in(given, Path(tempfile.mkdtemp(dir=room)))
        desks = {}
        for label, mandates, entries, own in (("empty", 0, 0, 3), ("full", given.mandates, given.entries, given.own)):
            folder = room / label
            shutil.copytree(seed, folder)
            for marker in folder.rglob("*.rows"):  # what is filled in has no MACs: the first start makes them
                marker.unlink()
            print(f"  filling {label}", flush=True)
            fill(
                seed / "store.sqlite",
                SqliteTable(folder / "store.sqlite"),
                mandates=mandates,
                entries=entries,
                sign=signing(seed),
                with_seed=False,
            )
            server = ask.Server(given, folder=folder)
            closing.callback(server.close)
            desks[label] = (server, *people(server.port, given.orders, own))
        found = measure(desks)
        print(
            f"\n{given.mandates:,} mandates and {given.entries:,} entries, {given.own} mandates of the customer; an ES256 check takes {yardstick_us():.0f} us"
        )
        print("| page | ms, empty | ms, full | ms of CPU, full | KB |\n| --- | --- | --- | --- | --- |")
        good = True
        for name in PAGES:
            (empty, _, _), (full, cpu, size) = found[name, "empty"], found[name, "full"]
            good = good and full <= WANTED_MS
            print(
                f"| {name} | {empty:.0f} | {full:.0f}{'' if full <= WANTED_MS else ' (more than 100)'} | {cpu:.0f} | {size / 1000:.0f} |"
            )
        return good


def main() -> int:
    """Fill, measure, say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mandates", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--own", type=int, default=300, help="mandates of the customer who looks")
    parser.add_argument(
        "--folder", default=None, help="where everything is kept; default a new folder beside this one, on its disk"
    )
    given = parser.parse_args()
    given.orders, given.customers = 20, FIRST + 1
    print(f"\nevery page within {WANTED_MS:.0f} ms: {'yes' if run(given) else 'no'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
