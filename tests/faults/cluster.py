"""Real `remit serve` processes of one desk, what an honest agent keeps asking of them, and the books afterwards. For tests and `bench/soak.py`."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from secrets import token_hex
from typing import Any

import asyncpg
import httpx

import remit as remit_package
from faults.killed_desk import ADDRESSES, AGENT, Disk, Wish, correct, free_port, read_disk, read_records
from forked import Commands
from remit.domain.transcript.entry import Section, unseal_entry
from remit.sandbox import Sandbox, SandboxCustomer, SandboxTask
from remit.settings import load_settings
from remit.wiring import build_desk, rules_of

SOURCE = Path(remit_package.__file__).resolve().parents[1]
"""The very source that these tests run on, which may be one with a rule switched off."""
ORDERS = 20
"""So many orders has each customer: what is changed again and again on one record is looked at with suspicion."""
PATIENCE_S = 60


_COMMANDS = Commands(environment={**os.environ, "PYTHONPATH": str(SOURCE)})


def remit(*argv: object, environment: Mapping[str, str] | None = None) -> str:
    """Run one command of Remit; what it printed."""
    ran = _COMMANDS.run(argv, environment)
    assert ran.code == 0, (argv, ran)
    return ran.out


@dataclass
class Node:
    """One node: its folder, its port, and its process while it runs."""

    folder: Path
    port: int
    process: "subprocess.Popen[str] | None" = None
    within: Sequence[str] = ()
    """What its command is begun with, where it does not run here."""
    program: Sequence[str] = ("-m", "remit")
    command: Sequence[str] = ("serve",)
    around: Mapping[str, str] = field(default_factory=dict)
    """What its environment is to have besides."""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self, *more: str, **environment: str) -> None:
        """Start it; it serves when this returns."""
        command = [*self.within, sys.executable, *self.program, *self.command, "--json", "--config", str(self.folder), *more]
        with (self.folder / "log").open("a") as log:
            around = {**os.environ, "PYTHONPATH": str(SOURCE), **self.around, **environment}
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=around)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, (self.folder / "log").read_text()[-2000:]

    def said(self) -> str:
        """What it wrote to its log."""
        return (self.folder / "log").read_text()

    def tell(self, how: signal.Signals) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(how)

    def ended(self) -> int:
        """Wait for its end; its exit code."""
        assert self.process is not None
        code = self.process.wait(timeout=PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
        return code

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop it; its exit code."""
        self.tell(how)
        return self.ended()

    def change(self, old: str, new: str) -> None:
        """Edit remit.toml as its owner would."""
        file = self.folder / "remit.toml"
        text = file.read_text()
        assert old in text, text
        file.write_text(text.replace(old, new, 1))


class Cluster:
    """One desk with its nodes. On SQLite (no `store`) it has one."""

    def __init__(self, room: Path, *, store: str = "", keys: str = "", nodes: int = 2, customers: int = 3) -> None:
        """Make the desk in `room`, with records to ask about; nothing is served yet."""
        self.store = store
        self.customers = [f"c{number}" for number in range(customers)]
        first = Node(room / f"desk-{token_hex(6)}", free_port())
        remit("init", "--empty", "--port", first.port, *(["--store", store, "--keys", keys] if store else []), first.folder)
        first.change("enabled = false", "enabled = true")
        first.change("[sandbox]", "[terms]\ndesk_timeout_ms = 2000\n\n[sandbox]")
        self.nodes = [first]
        settings = load_settings(first.folder / "remit.toml")
        self.name = settings.log_name

        async def sow() -> None:
            desk = build_desk(settings, rules_of(settings))
            await desk.seed(_seed(self.customers))
            await desk.stop()

        asyncio.run(sow())
        self._more = nodes - 1
        self._records: Node | None = None
        if store:
            self._serve_records()

    @property
    def records(self) -> Node:
        """The process that serves the records to all nodes."""
        assert self._records is not None
        return self._records

    def _serve_records(self) -> None:
        """Serve the records to all nodes by a process of its own."""
        first = self.nodes[0]
        self._records = Node(first.folder, free_port(), command=("desk", "serve"))
        first.change("[desk]", '[desk]\nbackoffice = "http"')
        first.change("[words]", f'[backoffice]\nurl = "{self._records.url}"\n\n[words]')
        self._records.start()

    def start(self) -> None:
        """Start every node; those after the first join."""
        self.nodes[0].start()
        for number in range(self._more):
            first, node = self.nodes[0], Node(self.nodes[0].folder.with_name(f"{self.nodes[0].folder.name}-{number + 2}"), free_port())
            shutil.copytree(first.folder, node.folder, ignore=shutil.ignore_patterns("high-water", "log", "desk.sqlite*"))
            (node.folder / "high-water").mkdir(mode=0o700)
            node.change(f"\nport = {first.port}", f"\nport = {node.port}")
            remit("join", "--config", node.folder, "--from", f"{first.url}/log")
            node.start()
            self.nodes.append(node)

    def stop(self) -> None:
        """Stop what still runs."""
        for node in self.nodes:
            if node.process is not None:
                node.tell(signal.SIGCONT)
                node.stop()

    def kill(self) -> None:
        """Leave no process behind, whatever it is doing."""
        for node in (*self.nodes, self._records):
            if node is not None and node.process is not None:
                with suppress(ProcessLookupError):
                    node.process.kill()
                node.ended()

    def verify_log(self) -> None:
        """What `remit verify-log` says against what each node had published."""
        for node in self.nodes:
            remit("verify-log", "--config", node.folder)

    def books(self) -> Disk:
        """Store and desk as they lie there."""
        if self.store:
            return asyncio.run(read_rows(self.store, self.name, self.nodes[0].folder / "data"))
        return read_disk(self.nodes[0].folder / "data")


async def read_rows(url: str, name: str, folder: Path) -> Disk:
    """Rows on the server of a desk, and in its file of records."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("select kind, envelope from remit.entry where desk = $1 order by idx", name)
        entries = [{"kind": kind, **unseal_entry(envelope, None).sections[Section.ENVELOPE].body} for kind, envelope in rows]
        records: dict[str, dict[str, Any]] = {}
        for kind, record_id, body in await connection.fetch("select kind, id, body from remit.record where desk = $1", name):
            records.setdefault(kind, {})[record_id] = json.loads(body)
        found = await connection.fetch("select scope, key, used from remit.counter where desk = $1", name)
        counters = {(scope, key): used for scope, key, used in found}
        of = f"from remit_desk.{{}} where desk like '{name}+%'"
        writes = [tuple(one) for one in await connection.fetch(f"select key, desk_case {of.format('case_write')}")]
        cases = [one[0] for one in await connection.fetch(f"select id {of.format('desk_case')}")]
        notes = await connection.fetchval(f"select count(*) {of.format('case_note')}")
        return Disk(entries, records, counters, *read_records(folder), writes, cases, notes)
    finally:
        await connection.close()


class _Spread(httpx.AsyncBaseTransport):
    """Hands requests to the nodes by turns, as a load balancer: what a node does not take at all, another is given."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self._inner = httpx.AsyncHTTPTransport()
        self._turn = count()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        first = next(self._turn)
        for number in range(len(self._nodes)):
            node = self._nodes[(first + number) % len(self._nodes)]
            request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=node.port)
            with suppress(httpx.ConnectError):
                return await self._inner.handle_async_request(request)
        message = "no node takes it"
        raise httpx.ConnectError(message)

    async def aclose(self) -> None:
        await self._inner.aclose()


@dataclass
class Load:
    """Asks that are sent again, each under its own key and with fresh proofs, until they have an outcome."""

    desk: Sandbox
    customers: Sequence[SandboxCustomer]
    tasks: Sequence[SandboxTask]
    wishes: list[Wish] = field(default_factory=list)
    pause_s: float = 0.05
    _number: Iterator[int] = field(default_factory=count)
    _over: threading.Event = field(default_factory=threading.Event)
    _hands: list[threading.Thread] = field(default_factory=list)
    broken: list[BaseException] = field(default_factory=list)

    def wish(self) -> Wish:
        """Something new to ask for: to read an order, or to have it sent elsewhere."""
        number = next(self._number)
        turn, who = divmod(number, len(self.tasks))
        order = f"{self.customers[who].id}x{turn % ORDERS}"
        if number % 2:
            return Wish(self.tasks[who], "order.read", {"order_id": order})
        return Wish(self.tasks[who], "order.change_address", {"order_id": order, "address": ADDRESSES[turn % len(ADDRESSES)]})

    def _send(self, wish: Wish) -> None:
        """Send it; whoever it is for agrees where that is needed."""
        wish.send(self.customers[self.tasks.index(wish.task)])

    def _hand(self) -> None:
        try:
            while not self._over.is_set():
                self.wishes.append(wish := self.wish())
                while not wish.settled:
                    self._send(wish)
                    if self._over.wait(self.pause_s if wish.settled else 0.02):
                        break
        except BaseException as broken:  # noqa: BLE001  # it is told where the load is stopped
            self.broken.append(broken)

    def begin(self, hands: int) -> None:
        """Ask from so many hands."""
        self._hands = [threading.Thread(target=self._hand, daemon=True) for _ in range(hands)]
        for one in self._hands:
            one.start()

    def settled(self) -> int:
        """How many have an outcome."""
        return sum(wish.settled for wish in self.wishes[:])

    def outcomes(self) -> Mapping[str, int]:
        """How many came to which end."""
        return Counter(wish.state for wish in self.wishes)

    def more(self, wanted: int) -> None:
        """Come back when so many more have an outcome."""
        until = self.settled() + wanted
        wait_for(lambda: self.settled() >= until or bool(self.broken))
        assert not self.broken, self.broken

    def end(self) -> None:
        """Ask for nothing new, and for what is open until it has an outcome."""
        self._over.set()
        for one in self._hands:
            one.join(PATIENCE_S)
        assert not self.broken, self.broken
        ends = time.monotonic() + PATIENCE_S
        while left := [wish for wish in self.wishes if not wish.settled]:
            assert time.monotonic() < ends, left[:3]
            for wish in left:
                self._send(wish)


def wait_for(so: Callable[[], bool]) -> None:
    """Come back when something is so that only another process knows of."""
    ends = time.monotonic() + PATIENCE_S
    while not so():
        assert time.monotonic() < ends, "it never came to be"
        time.sleep(0.005)


@contextmanager
def load(cluster: Cluster) -> Iterator[Load]:
    """Customers and an agent of theirs, at whichever nodes take their requests."""
    with Sandbox({}, base_url=cluster.nodes[0].url) as desk:
        transport: Any = desk.room.transport
        transport._inner = _Spread(cluster.nodes)
        agent, customers, tasks = desk.agent(AGENT), [], []
        for name in cluster.customers:
            customers.append(customer := desk.customer(name))
            tasks.append(agent.open(customer.grant(agent, many(correct(_orders(name))))))
        yield Load(desk, customers, tasks)


def _orders(customer: str) -> list[str]:
    return [f"{customer}x{number}" for number in range(ORDERS)]


def _seed(customers: Sequence[str]) -> dict[str, Any]:
    data = {"status": "pending", "total": "50.00 EUR", "items": [], "shipping_address": "Old Street 1, Town"}
    return {
        "customers": {name: {"name": name, "attributes": {}} for name in customers},
        "records": [
            {"kind": "order", "id": order, "name": f"Order {order}", "owners": [name], "data": data}
            for name in customers
            for order in _orders(name)
        ],
    }


def many(wanted: dict[str, Any]) -> dict[str, Any]:
    """A mandate for as many uses as a long run takes."""
    powers = [{**power, "uses": 1_000_000} if power.get("uses", 1) > 1 else power for power in wanted["powers"]]
    return {**wanted, "powers": powers}
