"""The cost of the rows' MACs in an ask, as CPU time: two desks on a real disk, one with and one without, asked in turns in one run.

Neither desk has a switch of its own: called with a folder, this script serves the desk of `desk_server.py` with MACs that count the time
inside their own calls, or that do nothing. The share of these calls in an ask's CPU is steady on a loaded machine; the difference of the
two desks counts all else too (longer rows, the sum's own row) and is as noisy as the machine. `python bench/row_macs.py [--rounds N] [--asks N]`.
"""

import argparse
import asyncio
import json
import mmap
import os
import runpy
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ask import KINDS, Asks, Server, base, drive, set_up
from machine import yardstick_us
from remit.adapters.store.row_macs import RowMacs
from remit.sandbox import Sandbox

HERE = Path(__file__).parent
SIDES = ("with", "without")
SIDE = "BENCH_ROW_MACS"
SPENT = "macs-ns"


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


def timed(name: str, spent: memoryview) -> Callable[..., Any]:
    """Return a method that adds the thread's CPU time inside it, in ns, to `spent`: only the outermost, as they call each other."""
    method = getattr(RowMacs, name)

    def counted(self: RowMacs, *given: Any) -> Any:
        if getattr(_INSIDE, "one", False):
            return method(self, *given)
        _INSIDE.one, began = True, time.thread_time_ns()
        try:
            return method(self, *given)
        finally:
            spent[0] += time.thread_time_ns() - began
            _INSIDE.one = False

    return counted


_INSIDE = threading.local()


def serve(folder: Path) -> None:
    """Serve the bench's desk, with MACs that are timed or with none."""
    names = [name for name in vars(NoMacs) if not name.startswith("__")]
    if os.environ[SIDE] == "without":
        for name in names:
            setattr(RowMacs, name, vars(NoMacs)[name])
    else:
        (folder / SPENT).write_bytes(bytes(8))
        with (folder / SPENT).open("r+b") as file:
            spent = memoryview(mmap.mmap(file.fileno(), 8)).cast("q")
        for name in names:
            setattr(RowMacs, name, timed(name, spent))
    runpy.run_path(str(HERE / "desk_server.py"), run_name="__main__")


def cpu_s(pid: int) -> float:
    """Seconds that the threads of a process were on a core, in ns as the scheduler counts them."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(one.read_text().split()[0]) for one in tasks) / 1e9


def macs_s(server: Server) -> float:
    """Seconds inside the calls of a desk's MACs so far."""
    return int.from_bytes((server.folder / SPENT).read_bytes(), sys.byteorder) / 1e9


def measure(given: argparse.Namespace, kind: str) -> None:
    """Ask both desks in turns and print medians."""
    servers = {side: Server(given, script="row_macs.py", environment={SIDE: side}) for side in SIDES}
    asks, spent, share = {}, {side: list[float]() for side in SIDES}, list[float]()
    for side, server in servers.items():
        with Sandbox({}, base_url=base(server.port)) as desk:
            asks[side] = Asks(set_up(desk, given.customers, given.customers, given.orders), server.port)
    try:
        for turn in range(given.rounds + 1):
            for side in sorted(SIDES, reverse=bool(turn % 2)):
                server, ready = servers[side], asks[side].write(given.asks, kind)
                before, macs = cpu_s(server.pid), macs_s(server) if side == "with" else 0.0
                _, _, said = asyncio.run(drive(server.port, ready, given.connections))
                if set(said) != {"done"}:
                    raise SystemExit(f"not all done: {json.dumps(said)}")
                used = cpu_s(server.pid) - before
                if turn:  # the first round warms up
                    spent[side].append(used / given.asks * 1e6)
                if turn and side == "with":
                    share.append((macs_s(server) - macs) / used * 100)
    finally:
        for server in servers.values():
            server.close()
    ours, theirs = (statistics.median(spent[side]) for side in SIDES)
    ratios = sorted(one / other for one, other in zip(spent["with"], spent["without"], strict=True))
    half = f"half of the rounds {ratios[len(ratios) // 4]:.2f} to {ratios[-1 - len(ratios) // 4]:.2f}"
    print(
        f"{kind:7} {ours:5.0f} us an ask; inside the MACs' calls {statistics.median(share):.1f} % ({min(share):.1f} to {max(share):.1f}); "
        f"against a desk without {statistics.median(ratios):.3f} ({half}; {len(ratios)} rounds of {given.asks}, {theirs:.0f} us)"
    )


def main() -> None:
    """Measure writes and reads."""
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        serve(Path(sys.argv[1]))  # called by `Server` as desk_server.py is: FOLDER PORT CUSTOMERS ORDERS
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--asks", type=int, default=60)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--customers", type=int, default=48)
    parser.add_argument("--orders", type=int, default=20)
    parser.add_argument("--folder")
    given = parser.parse_args()
    print(f"yardstick: one ES256 check takes {yardstick_us():.0f} us")
    for kind in KINDS:
        if kind != "words":
            measure(given, kind)


if __name__ == "__main__":
    main()
