"""Parts of `make bench` that ask: beside others, beside an older tree, and on PostgreSQL."""

import argparse
import json
from collections.abc import Iterator
from contextlib import ExitStack

import ask
from ask import MIXED, set_up
from before import COMMIT, environment_of, older_tree
from nodes import database
from peer_servers import Cerbos
from remit.sandbox import Sandbox
from results import Run
from sides import AGENTS, Side, both, desk_of, folder_of
from signing import Signer

FIRST_STACK_PER_ROUND = 800


def asks_of(
    server: ask.Server, closing: ExitStack, customers: int, orders: int, *, first_stack: bool = False
) -> ask.Asks:
    """A server's tasks, ready to be asked in until `closing` ends."""
    if first_stack:
        made = json.loads((server.folder / "tasks.json").read_text(encoding="utf-8"))
        return ask.Asks([{**one, "signer": Signer(one["key"])} for one in made], server.port)
    desk = closing.enter_context(Sandbox({}, base_url=ask.base(server.port)))
    return ask.Asks(set_up(desk, AGENTS, customers, orders), server.port, renewing=True)


def ask_side(
    name: str,
    label: str,
    server: ask.Server,
    asks: ask.Asks,
    kind: str,
    *,
    part: str = "ask",
    per_round: int = 2400,
    beside: tuple[int, ...] = (),
) -> Side:
    """A side that asks."""
    return Side(
        part=part,
        name=name,
        label=label,
        port=server.port,
        pid=server.pid,
        per_round=per_round,
        write=lambda count: asks.write(count, kind),
        good=b'"outcome":"done"',
        beside=beside,
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


def _first_stack(
    given: argparse.Namespace, closing: ExitStack, name: str, label: str, cerbos: Cerbos | None = None
) -> list[Side]:
    """The first stack's sides that read and that act, with Cedar in its process or with a server of Cerbos."""
    engine = {"BENCH_CERBOS": str(cerbos.port)} if cerbos else {}
    server = desk_of(given, closing, script="first_stack.py", environment=engine)
    asks = asks_of(server, closing, 0, 0, first_stack=True)
    kinds = [("reads", "reads", "ask that reads"), ("acts", "writes", "ask that acts")]
    kinds += [] if cerbos else [("mixed", MIXED, "asks of both kinds mixed")]
    return [
        ask_side(
            f"{name}-{short}",
            f"{label}, {told}",
            server,
            asks,
            kind,
            per_round=FIRST_STACK_PER_ROUND,
            beside=(cerbos.server.pid,) if cerbos else (),
        )
        for short, kind, told in kinds
    ]


def asking(given: argparse.Namespace, run: Run) -> None:
    """Whole durable asks, beside decisions of Cerbos and the stack one would write first, with Cedar or Cerbos as its engine."""
    print("asks: proved, decided, done at the desk and durable before the answer; starting …", flush=True)
    with ExitStack() as closing:
        cerbos = Cerbos.start(folder_of(given, closing))
        closing.callback(cerbos.server.stop)
        ours, told = desk_of(given, closing), desk_of(given, closing)
        asks, words = (asks_of(one, closing, given.customers, given.orders) for one in (ours, told))
        numbers = iter(range(0, 10**9, 10_000))
        sides = [
            ask_side("reads", "Remit, whole ask that reads", ours, asks, "reads"),
            ask_side("acts", "Remit, whole ask that acts", ours, asks, "writes"),
            ask_side("mixed", "Remit, asks of both kinds mixed", ours, asks, MIXED),
            ask_side("words", "Remit, ask that acts, with a sentence", told, words, "words", per_round=1200),
            cerbos_side("ask", "cerbos", "Cerbos, a decision and its log, not synced", cerbos, numbers, per_round=4000),
            *_first_stack(given, closing, "first-stack", "first stack"),
            *_first_stack(given, closing, "first-stack-cerbos", "first stack with Cerbos", cerbos),
        ]
        both(run, sides, given)


def before(given: argparse.Namespace, run: Run) -> None:
    """Whole durable asks of this tree and of an older one, in turns."""
    print(f"asks of this tree and of the tree at {COMMIT[:7]}, on the same Python; starting …", flush=True)
    tree = older_tree()
    with ExitStack() as closing:
        now = desk_of(given, closing)
        then = desk_of(given, closing, script=str(tree / "bench" / "desk_server.py"), environment=environment_of(tree))
        sides = []
        for name, label, server in (("now", "Remit, this tree", now), ("before", f"Remit at {COMMIT[:7]}", then)):
            asks = asks_of(server, closing, given.customers, given.orders)
            sides += [
                ask_side(f"{name}-reads", f"{label}, ask that reads", server, asks, "reads", part="before"),
                ask_side(f"{name}-acts", f"{label}, ask that acts", server, asks, "writes", part="before"),
            ]
        both(run, sides, given)


def on_postgres(given: argparse.Namespace, run: Run) -> None:
    """Whole durable asks of one node on PostgreSQL: store, content keys and built-in desk; the server's CPU and memory are counted."""
    print("asks on PostgreSQL, with its data on the disk; starting …", flush=True)
    with ExitStack() as closing:
        found = closing.enter_context(database(given.folder))
        node = {"store": found.url, "keys": found.keys, "first": True}
        server = desk_of(given, closing, environment={"BENCH_NODE": json.dumps(node)})
        asks = asks_of(server, closing, given.customers, given.orders)
        sides = [
            ask_side(
                f"postgres-{name}",
                f"Remit on PostgreSQL, ask that {name}",
                server,
                asks,
                kind,
                part="postgres",
                beside=(found.pid,),
            )
            for name, kind in (("reads", "reads"), ("acts", "writes"))
        ]
        both(run, sides, given)
