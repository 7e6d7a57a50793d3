"""The cost of the rows' MACs in an ask: two desks on a real disk, one with and one without, asked in turns in one run.

The desk without has no switch of its own: `--serve` starts `desk_server.py` with MACs that do nothing. CPU time of all threads of the
server is compared, not wall time, so that a loaded machine counts little. `python bench/row_macs.py [--rounds N] [--asks N] [--folder DIR]`.
"""

import argparse
import asyncio
import json
import runpy
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path

from ask import KINDS, Asks, Server, base, drive, set_up
from machine import yardstick_us
from remit.adapters.store.row_macs import RowMacs
from remit.sandbox import Sandbox

HERE = Path(__file__).parent
SIDES = {"with": "desk_server.py", "without": "row_macs.py"}


class NoMacs(RowMacs):
    """MACs that cost a call and nothing else."""

    def record(self, *_: object) -> bytes:
        """Return none."""
        return b""

    counter = risk_history = record

    def verify_record(self, *_: object) -> None:
        """Verify nothing."""

    verify_counter = verify_risk_history = verify_link = verify_record

    def moved(self, total: int, *_: object) -> int:
        """Count nothing."""
        return total

    def total(self, _: Iterable[object]) -> int:
        """Count nothing."""
        return 0

    def state(self, *_: object) -> bytes:
        """Return what is no sum."""
        return bytes(48)

    def read_state(self, *_: object) -> int:
        """Read nothing."""
        return 0


def serve() -> None:
    """Serve the bench's desk without MACs."""
    for name, value in vars(NoMacs).items():
        if not name.startswith("__"):
            setattr(RowMacs, name, value)
    runpy.run_path(str(HERE / SIDES["with"]), run_name="__main__")


def cpu_s(pid: int) -> float:
    """Seconds that the threads of a process were on a core, in ns as the scheduler counts them."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(one.read_text().split()[0]) for one in tasks) / 1e9


def measure(given: argparse.Namespace, kind: str) -> None:
    """Ask both desks in turns and print the medians and the median of the ratios."""
    servers, asks = {}, {}
    for side, script in SIDES.items():
        servers[side] = Server(given, script=script)
        with Sandbox({}, base_url=base(servers[side].port)) as desk:
            asks[side] = Asks(set_up(desk, 64, given.customers, given.orders), servers[side].port)
    spent: dict[str, list[float]] = {side: [] for side in SIDES}
    try:
        for turn in range(given.rounds + 1):
            for side in sorted(SIDES, reverse=bool(turn % 2)):
                ready = asks[side].write(given.asks, kind)
                before = cpu_s(servers[side].pid)
                _, _, said = asyncio.run(drive(servers[side].port, ready, given.connections))
                if set(said) != {"done"}:
                    raise SystemExit(f"not all done: {json.dumps(said)}")
                if turn:  # the first round warms up
                    spent[side].append((cpu_s(servers[side].pid) - before) / given.asks * 1e6)
    finally:
        for server in servers.values():
            server.close()
    ratios = [one / other for one, other in zip(spent["with"], spent["without"], strict=True)]
    ours, theirs = (statistics.median(spent[side]) for side in SIDES)
    low, high = sorted(ratios)[len(ratios) // 4], sorted(ratios)[-1 - len(ratios) // 4]
    print(
        f"{kind:7} {ours:5.0f} us with, {theirs:5.0f} us without: {(ours / theirs - 1) * 100:+.1f} %; "
        f"ratio of rounds {statistics.median(ratios):.3f} (half of them {low:.3f} to {high:.3f}, {len(ratios)} rounds of {given.asks})"
    )


def main() -> None:
    """Measure writes and reads."""
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        serve()  # called by `Server` as desk_server.py is: FOLDER PORT CUSTOMERS ORDERS
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--asks", type=int, default=300)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--customers", type=int, default=128)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--folder")
    given = parser.parse_args()
    print(f"yardstick: one ES256 check takes {yardstick_us():.0f} us")
    for kind in KINDS:
        if kind != "words":
            measure(given, kind)


if __name__ == "__main__":
    main()
