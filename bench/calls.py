"""How many calls of Python functions an ask or a token exchange makes, by thread and by function: exact where clocks are noisy.

`python bench/calls.py [--kind reads|writes|opens|renews] [--asks N] [--connections N] [--most N]`, from Python 3.12 on. Counting makes everything some
times slower, so that among many connections asks may be decided twice; with few they are not.
"""

import argparse
import asyncio
import math
import sys
import threading
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

import uvloop

import ask
import desk_server
from load import send
from remit.sandbox import Sandbox
from sides import Exchanges

MOST = {"reads": 600, "writes": 850}
"""The goals: calls an ask, on the loop and on the writing thread together."""
EXCHANGES = ("opens", "renews")
COUNTED = ("MainThread", "remit-write")
_FIRST = 200
"""So many asks are made before it is counted: what is worked out once is no part of an ask."""


class Calls(desk_server.Counted):
    """Counts calls instead of seconds."""

    def __init__(self, *, watch: str) -> None:
        self._calls: Counter[tuple[int, CodeType]] = Counter()
        self._named: dict[int | None, str] = {}
        super().__init__(watch=watch)

    def _begin(self) -> None:
        for _ in sys.stdin:
            threading.setprofile_all_threads(self._count)
        threading.setprofile_all_threads(None)
        self._named = {
            one.ident: one.name for one in threading.enumerate()
        }  # before the desk stops, and its threads with it
        self.over()

    def _count(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            code = frame.f_code
            self._calls[threading.get_ident(), code] += 1

    def told(self) -> dict[str, object]:
        """Calls by thread and function."""
        said: Counter[str] = Counter()
        for (thread, code), calls in self._calls.items():
            said[f"{self._named.get(thread, 'other')} {code.co_qualname} {Path(code.co_filename).name}"] += calls
        return dict(said)


def verdict(kind: str, calls: float) -> str:
    """Return a line with the calls found, the goal, and whether it is reached."""
    found = f"{calls:,.0f} calls an ask on the loop and the writing thread"
    if kind not in MOST:
        return f"{found} (no goal)"
    reached = "goal reached" if calls <= MOST[kind] else "missed"
    return f"{found}; goal: at most {MOST[kind]}: {reached}"


def count_asks(given: argparse.Namespace) -> tuple[Counter[str], int]:
    """Return what was called by asks, and how many there were."""
    server = ask.Server(given, script="calls.py")
    try:
        with Sandbox({}, base_url=ask.base(server.port)) as desk:
            made = ask.set_up(desk, 16, given.customers, given.orders)
            asks = ask.Asks(made, server.port)
            asyncio.run(ask.drive(server.port, asks.write(_FIRST, given.kind), given.connections))
            ask.renew(made)
            server.begin()
            said = asyncio.run(ask.drive(server.port, asks.write(given.asks, given.kind), given.connections))[2]
        if said != {"done": given.asks}:
            print("not all done:", said)
        return Counter(server.stop()), given.asks
    finally:
        server.close()


def count_exchanges(given: argparse.Namespace) -> tuple[Counter[str], int]:
    """Return what was called by token exchanges, and how many there were.

    Every mandate has opened a task before, and every task was renewed: what is worked out once is no part of an exchange.
    """
    server = ask.Server(given, script="calls.py")
    try:
        exchanges = Exchanges(server, given.customers, math.ceil(given.asks / given.customers))
        bodies = exchanges.open_for_good()
        if given.kind == "opens":
            exchanges.complete(bodies)
        write = exchanges.opening if given.kind == "opens" else exchanges.renewing
        if given.kind == "renews":
            send(server.port, write(given.asks), given.connections)
        ready = write(given.asks)
        server.begin()
        bodies = send(server.port, ready, given.connections, keep=True).bodies
        bad = [body for body in bodies if b'"access_token"' not in body]
        if bad:
            print("not all done:", bad[0])
        return Counter(server.stop()), len(bodies)
    finally:
        server.close()


def main() -> int:
    """Start a desk, ask or exchange, print what was called most."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=(*ask.KINDS, *EXCHANGES), default="reads")
    parser.add_argument("--asks", type=int, default=300)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--most", type=int, default=60, help="functions that are shown")
    parser.add_argument("--folder", default=None)
    given = parser.parse_args()
    given.customers, given.orders = 64 if given.kind in EXCHANGES else 16, 20
    called, count = (count_exchanges if given.kind in EXCHANGES else count_asks)(given)
    by_thread: Counter[str] = Counter()
    for name, calls in called.items():
        by_thread[name.partition(" ")[0]] += calls
    print("calls an ask: " + ", ".join(f"{name} {calls / count:.0f}" for name, calls in by_thread.most_common()))
    print(verdict(given.kind, sum(by_thread[name] for name in COUNTED) / count))
    for name, calls in called.most_common(given.most):
        print(f"{calls / count:8.2f}  {name}")
    return 0


if __name__ == "__main__":
    if sys.argv[1:2] and Path(sys.argv[1]).is_dir():  # started by the above
        desk_server.Counted = Calls
        uvloop.run(desk_server.main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
    else:
        sys.exit(main())
