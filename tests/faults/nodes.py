"""Several nodes of one desk in this process: one store, one database of content keys and one built-in desk, on PostgreSQL; or one on SQLite.

Each node has a clock, points and an address of the store of its own. People and agents speak to the node they are turned to.
"""

import asyncio
import shutil
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

import httpx

from faults.cluster import read_rows
from faults.killed_desk import AGENT, Disk, complain, correct, read_disk, seed
from postgres_tests import postgres_url
from remit.adapters.files.pack import read_pack
from remit.adapters.world.system import SystemWorld
from remit.client import Clock as AgentClock
from remit.domain.values import Instant
from remit.entrypoints.ops.health import RECENT_S
from remit.sandbox import Sandbox, SandboxCustomer, SandboxTask
from remit.sandbox.backend import Room
from remit.sandbox.transport import DirectTransport
from remit.settings import make_settings
from remit.usecases.background.sweep import sweep
from remit.usecases.policy.adopt import verify_rules
from remit.wiring import Desk, RulesSource, build_desk, forget_desk, keep_high_water

T = TypeVar("T")
PACK = read_pack("consumer")
RULES = RulesSource(catalogue=PACK.catalogue, policies=PACK.policies)
CHANGED = [f"P{number}" for number in range(6)]
REFUNDED = [f"R{number}" for number in range(6)]
ADDRESS = "New Street 0, 10000 Town"


class Clock(SystemWorld):
    """A machine's clock, which can be set forward and back."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now(self) -> Instant:
        return Instant(super().now() + self.ahead_ms)


def unmarked(_name: str) -> None:
    """Let every point pass."""


@dataclass
class Node:
    """One node: what it does at each point (anything may be put in its place), its clock, and its desk."""

    clock: Clock = field(default_factory=Clock)
    at: Callable[[str], None] = unmarked
    store_url: str = ""
    rules: RulesSource = RULES
    desk: Desk | None = None

    def passes(self, name: str) -> None:
        """The node comes to a point."""
        self.at(name)

    @property
    def context(self) -> Any:
        assert self.desk is not None
        return self.desk.context


class _Turned(httpx.AsyncBaseTransport):
    """Brings each request to the node that everybody is turned to."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._to = [DirectTransport(node.desk.app) for node in nodes if node.desk is not None]
        self.to = 0

    def replace(self, place: int, node: Node) -> None:
        """A node was opened anew."""
        assert node.desk is not None
        self._to[place] = DirectTransport(node.desk.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._to[self.to].handle_async_request(request)


class Nodes(Sandbox):
    """A sandbox of several nodes. The first is spoken to until `turn`; jobs run only where a test has them (`sweep`)."""

    def __init__(self, *nodes: Node, settings: Mapping[str, Any] | None = None, on_sqlite: bool = False) -> None:
        super().__init__({}, settings=settings or {})
        self.nodes = nodes or ((Node(),) if on_sqlite else (Node(), Node()))
        self._on_sqlite = on_sqlite

    def _start(self, thread: Any) -> None:
        self._own = Path(tempfile.mkdtemp(prefix="remit-nodes-"))
        name = f"nodes-{token_hex(8)}.remit.invalid"
        loaded = [self._settings_of(node, number, name) for number, node in enumerate(self.nodes)]
        for number, (node, settings) in enumerate(zip(self.nodes, loaded, strict=True)):
            settings.high_water.parent.mkdir(parents=True, exist_ok=True)
            if number:  # as `remit join` has it begin
                keep_high_water(settings, loaded_desk(self.nodes[0]).outside.published())
            thread.run(self.open(node, settings))
        thread.run(loaded_desk(self.nodes[0]).seed(seed(CHANGED, REFUNDED)))
        self._shared = None if self._on_sqlite else loaded[0]
        self.turned = _Turned(self.nodes)
        self._room = Room(issuer=loaded[0].issuer, thread=thread, transport=self.turned)

    def _settings_of(self, node: Node, number: int, name: str) -> Any:
        raw: dict[str, Any] = {
            "server": {"issuer": "http://localhost", "host": "127.0.0.1", "port": 0, "data": "."},
            "store": {"url": node.store_url or postgres_url()},
            "keys": {"content": postgres_url("keys")},
            "log": {"name": name, "high_water": f"high-water-{number}/checkpoint"},
            "desk": {"database": postgres_url()},
            "words": {"secrets": "refuse", "model": "none"},
            "sandbox": {"enabled": True},
        }
        if self._on_sqlite:
            raw |= {"store": {"url": "sqlite:///store.sqlite"}, "keys": {}, "desk": {"database": "desk.sqlite"}}
        for table, values in self._settings.items():
            raw[table] = {**raw.get(table, {}), **values}
        assert self._own is not None
        return make_settings(raw, base=self._own, environment={}, rules=False)

    async def open(self, node: Node, settings: Any) -> None:
        """Open a node's desk as `remit serve` does, without its jobs."""
        node.desk = await asyncio.to_thread(build_desk, settings, node.rules, on_point=node.passes, world=node.clock)
        await verify_rules(node.desk.context, by="remit serve")
        for job in RECENT_S:  # the jobs run only where a test has them
            node.desk.health.job_succeeded(job)

    def again(self, place: int, rules: RulesSource = RULES) -> None:
        """Stop a node and start it again, with other rules where some are given."""
        node = self.nodes[place]
        desk = loaded_desk(node)
        self.run(desk.stop())
        node.rules = rules
        self.run(self.open(node, desk.settings))
        self.turned.replace(place, node)

    def set_clocks(self, ahead_ms: int, *nodes: int) -> None:
        """Set the clocks of these nodes, or else of the whole desk and its agents, so far ahead (behind, where it is less than nothing)."""
        for place in nodes or range(len(self.nodes)):
            self.nodes[place].clock.ahead_ms = ahead_ms
        for agent in () if nodes else self._agents.values():
            agent.door.sender.clock = AgentClock(now=lambda: time.time() + ahead_ms / 1000)

    def round(self, place: int) -> None:
        """One round of the jobs of a node, whoever is spoken to; what is under way elsewhere counts as left."""
        self.run(sweep(self.nodes[place].context, patience_s=0))

    def disk(self) -> Disk:
        """Store and desk as they lie there."""
        desk = loaded_desk(self.nodes[0])
        if self._on_sqlite:
            return read_disk(desk.settings.data)
        return asyncio.run(read_rows(postgres_url(), desk.settings.log_name, desk.settings.data))

    def turn(self, to: int) -> None:
        """From now on this node is spoken to."""
        self.turned.to = to

    def run(self, work: Awaitable[T]) -> T:
        """Run something on the nodes' own loop."""

        async def running() -> T:
            return await work

        return self.room.thread.run(running())

    def ready(self) -> tuple[int, str]:
        """What the node that is spoken to answers at /readyz: the status, and the code of a problem."""
        answer = self.room.raw("GET", "/readyz", check=False)
        return answer.status_code, str(answer.json().get("code", ""))

    def _close(self) -> None:
        thread, folder = self._thread, self._own
        if thread is None:
            return
        if self._room is not None:
            self._room.close(one.client for one in self._agents.values())
        for node in self.nodes:
            if node.desk is not None:
                thread.run(node.desk.stop())
                node.desk = None
        thread.close()
        self._thread = None
        if folder is not None:
            if self._shared is not None:
                forget_desk(self._shared)
            shutil.rmtree(folder, ignore_errors=True)


def loaded_desk(node: Node) -> Desk:
    """The desk of a node that was opened."""
    assert node.desk is not None
    return node.desk


@dataclass
class Job:
    """A customer, their agent, and its two tasks."""

    customer: SandboxCustomer
    correcting: SandboxTask
    complaining: SandboxTask


def begin(desk: Sandbox) -> Job:
    """Anna and an agent of hers, with mandates to change addresses and to complain."""
    customer, agent = desk.customer("anna"), desk.agent(AGENT)
    customer.sign_in()  # hours may have passed
    correcting = agent.open(customer.grant(agent, correct(CHANGED)))
    complaining = agent.open(customer.grant(agent, complain(REFUNDED)))
    return Job(customer, correcting, complaining)


def change(order: str = "P0", address: str = ADDRESS) -> tuple[str, dict[str, str]]:
    """An ask that acts at once, nobody being asked."""
    return "order.change_address", {"order_id": order, "address": address}


class Gate:
    """A point that a node stands still at, on its own thread, until it is let go on."""

    def __init__(self, point: str) -> None:
        self._point = point
        self._armed = threading.Event()
        self.reached = threading.Event()
        self._go_on = threading.Event()

    def __call__(self, name: str) -> None:
        """To be put in a node's `at`."""
        if name == self._point and self._armed.is_set():
            self._armed.clear()
            self.reached.set()
            assert self._go_on.wait(60)

    @contextmanager
    def closed(self) -> Iterator[None]:
        """The next one to pass stands still while this goes on."""
        self._armed.set()
        try:
            yield
        finally:
            self._armed.clear()
            self._go_on.set()


class Aside:
    """Something done on a thread of its own, whose end is waited for later."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._told: list[Any] = []
        self._thread = threading.Thread(target=lambda: self._told.append(work()))
        self._thread.start()

    def result(self) -> Any:
        """What came of it."""
        self._thread.join(60)
        assert self._told, "it never came to an end"
        return self._told[0]
