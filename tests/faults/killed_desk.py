"""Driving a desk that keeps dying: asks under fixed idempotency keys, sent again until each has one outcome, and what is on disk afterwards."""

import json
import os
import queue
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from remit.adapters.store.sqlite.inspect import overlay_journal
from remit.client.errors import Problem
from remit.domain.transcript.entry import Section, unseal_entry
from remit.sandbox import Sandbox, SandboxCustomer, SandboxReply, SandboxTask
from remit.usecases.transcript.verify import verify_log
from remit.wiring import open_stored_log, verify_ed25519

ROOT = Path(__file__).resolve().parents[2]
SERVER = Path(__file__).with_name("server.py")
SETTLED = {"done", "failed", "void", "refused", "declined", "expired"}
AGENT = "spiffe://helper.example/shop"
ADDRESSES = [f"New Street {number}, 10{number}00 Town" for number in range(6)]


class Forge:
    """The process that forks servers, with everything imported once."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}"}
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        self.pid = 0

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())

    def start(self, order: Mapping[str, Any]) -> bool:
        """Start a server. True when it serves, False when it died before."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self._status: int | None = None
        while True:
            line = self._lines.get(timeout=30)
            word, _, number = line.partition(" ")
            if word == "pid":
                self.pid = int(number)
            elif word == "died":
                self._status = int(number)
                return False
            elif word == "ready":
                return True

    def dead(self, *, within_s: float) -> int | None:
        """The status the server died with, if it does so soon."""
        if self._status is None:
            try:
                line = self._lines.get(timeout=within_s)
            except queue.Empty:
                return None
            assert line.startswith("died "), line
            self._status = int(line.split()[1])
        return self._status

    def end(self) -> int:
        """Stop the server in good order."""
        if self.dead(within_s=0.01) is None:
            os.kill(self.pid, signal.SIGTERM)
        status = self.dead(within_s=30)
        assert status is not None
        return status

    def close(self) -> None:
        if self.pid and getattr(self, "_status", 0) is None:
            os.kill(self.pid, signal.SIGKILL)
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._reading.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


@dataclass(slots=True)
class Wish:
    """One ask an agent wants an outcome for, under one idempotency key, and every answer it ever got."""

    task: SandboxTask
    action: str
    params: Mapping[str, Any]
    key: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    asks: set[str] = field(default_factory=set)
    states: list[str] = field(default_factory=list)

    @property
    def state(self) -> str:
        """What the agent last heard ("" when it never got an answer)."""
        return self.states[-1] if self.states else ""

    @property
    def settled(self) -> bool:
        """Whether the agent knows an outcome."""
        return self.state in SETTLED

    def send(self, customer: SandboxCustomer) -> None:
        """Ask, or ask again; what needs the customer is confirmed. A server that dies meanwhile leaves it as it was."""
        reply = self.task.ask(self.action, self.params, idempotency_key=self.key)
        if self._heard(reply) and reply.needs_human and reply.state == "waiting":
            try:
                self._heard(customer.confirm(reply))
            except (httpx.HTTPError, Problem):
                return  # the server died on the way, or the yes was taken before: the next time tells

    def _heard(self, reply: SandboxReply) -> bool:
        if reply.status in {0, 503} or reply.codes == ("credential.expired",):  # it waited so long: a fresh one next time
            return False
        assert reply.ask, reply.body
        self.asks.add(reply.ask)
        self.states.append(reply.state or str(reply.outcome))
        return True


class KilledDesk:
    """One folder, one desk, one customer and their agent, over many lives of the server."""

    def __init__(self, forge: Forge, folder: Path, rounds: int) -> None:
        self.forge, self.folder = forge, folder
        self.port = free_port()
        self.wishes: list[Wish] = []
        self.kills = 0
        self.rounds = rounds
        self._sandbox = Sandbox({}, base_url=f"http://localhost:{self.port}")

    def __enter__(self) -> Self:
        changed, refunded = [f"P{n}" for n in range(self.rounds)], [f"R{n}" for n in range(self.rounds)]
        self.start(seed=seed(changed, refunded))
        self._sandbox.__enter__()
        self.customer = self._sandbox.customer("anna")
        agent = self.agent = self._sandbox.agent(AGENT)
        self.correcting = agent.open(self.customer.grant(agent, correct(changed)))
        self.complaining = agent.open(self.customer.grant(agent, complain(refunded)))
        self.key = self._sandbox.room.raw("GET", "/log/key").text.strip()
        self.want(self.complaining, "complaint.file", {"kind": "damaged", "text": "The cup is broken."})
        self.send(self.wishes)
        assert self.wishes[0].state == "done", self.wishes[0]
        self.forge.end()
        return self

    def __exit__(self, *_: object) -> None:
        self._sandbox.__exit__(None, None, None)
        self.forge.end()

    def start(self, point: str = "", nth: int = 0, seed: Mapping[str, Any] | None = None) -> bool:
        """Start the server on this folder."""
        return self.forge.start({"folder": str(self.folder), "port": self.port, "point": point, "nth": nth, "seed": seed})

    def open(self, objective: str, action: str, orders: Sequence[str]) -> SandboxTask:
        """Another task, for one action on some orders."""
        powers = [{"power": "request", "actions": [action], "uses": 5}]
        wanted = {"type": "remit_mandate", "objective": {"type": objective, "target": {"order": list(orders)}}, "powers": powers}
        return self.agent.open(self.customer.grant(self.agent, wanted))

    def dead(self) -> bool:
        """Whether the server was killed."""
        return self.forge.dead(within_s=5) == signal.SIGKILL

    def want(self, task: SandboxTask, action: str, params: Mapping[str, Any]) -> None:
        """One more wish."""
        self.wishes.append(Wish(task, action, params))

    def send(self, wishes: Sequence[Wish]) -> None:
        """Send wishes side by side."""
        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(wish.send, self.customer) for wish in wishes]:
                done.result()

    def live(self, point: str, number: int) -> None:
        """One life of the server: what is unsettled is asked again, new asks come, and it dies at the point."""
        # Only what a person's yes permits is queued first; everything else is recorded as sent.
        confirmed = point == "act.queued"
        if self.start(point, 1 if confirmed else 1 + number % 4):
            self.send([wish for wish in self.wishes if not wish.settled])
            self._new_wishes(number, large=confirmed)
            for more in range(20):
                if self.forge.dead(within_s=0.01) is not None:
                    break
                self.want(
                    self.correcting, "order.change_address", {"order_id": f"P{(number + more) % self.rounds}", "address": ADDRESSES[5]}
                )
                self.send(self.wishes[-1:])
        status = self.forge.dead(within_s=5)
        assert status == signal.SIGKILL, f"{point} was not reached: {status}"
        self.kills += 1

    def _new_wishes(self, number: int, *, large: bool) -> None:
        first = len(self.wishes)
        for address in ADDRESSES[number % 3 : number % 3 + 2]:
            self.want(self.correcting, "order.change_address", {"order_id": f"P{number}", "address": address})
        self.want(self.correcting, "order.read", {"order_id": f"P{number}"})
        amount = "12.00 EUR" if large or number % 2 else "3.00 EUR"
        self.want(self.complaining, "payment.refund", {"order_id": f"R{number}", "payment_method_id": "pm_1", "amount": amount})
        self.want(self.complaining, "case.comment", {"text": "The cup is broken."})
        self.send(self.wishes[first:])

    def settle(self) -> None:
        """A life without accidents: everything unsettled is asked again until it has an outcome, then the server stops in good order."""
        assert self.start()
        ends = time.monotonic() + 10
        while any(not wish.settled for wish in self.wishes):
            assert time.monotonic() < ends, [wish for wish in self.wishes if not wish.settled]
            self._sandbox.sweep()
            self.send([wish for wish in self.wishes if not wish.settled])
        self.budgets = {task.id: task.status()["budgets"] for task in (self.correcting, self.complaining)}
        self.entries = self._sandbox.transcript()
        assert self.forge.end() == 0


def free_port() -> int:
    """A port outside the range that outgoing connections take, so that nobody has it while the server is dead."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as trying:
            try:
                trying.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def seed(changed: Sequence[str], refunded: Sequence[str]) -> dict[str, Any]:
    """Anna's orders: some have not left the house, some were delivered and paid."""
    records: list[dict[str, Any]] = [
        {
            "kind": "payment_method",
            "id": "pm_1",
            "name": "Card",
            "owners": ["anna"],
            "data": {"kind": "card", "ending": "4242", "status": "active"},
        }
    ]
    for order in (*changed, *refunded):
        data = {
            "status": "pending" if order in changed else "delivered",
            "total": "50.00 EUR",
            "items": [],
            "shipping_address": "Old Street 1, Town",
        }
        paid = [{"method": "pm_1", "amount": "50.00 EUR"}]
        records.append({"kind": "order", "id": order, "name": f"Order {order}", "owners": ["anna"], "data": data, "paid": paid})
    return {"customers": {"anna": {"name": "Anna Berg", "attributes": {}}}, "records": records}


def correct(orders: Sequence[str]) -> dict[str, Any]:
    """A mandate to look at orders and send them elsewhere."""
    where = {"order_id": {"one_of": list(orders)}, "address": {"one_of": ADDRESSES}}
    return {
        "type": "remit_mandate",
        "objective": {"type": "correct-order", "target": {"order": list(orders)}, "summary": "another address"},
        "powers": [
            {"power": "represent"},
            {"power": "receive", "attributes": ["order.status"]},
            {"power": "request", "actions": ["order.change_address"], "uses": 1000, "where": where},
        ],
    }


def complain(orders: Sequence[str]) -> dict[str, Any]:
    """A mandate to complain and be paid back."""
    where = {"order_id": {"one_of": list(orders)}, "payment_method_id": {"equals": "pm_1"}, "amount": {"max": "20.00 EUR"}}
    return {
        "type": "remit_mandate",
        "objective": {"type": "complain", "target": {"order": list(orders)}, "summary": "broken cups"},
        "powers": [
            {"power": "represent"},
            {"power": "receive", "attributes": ["order.status", "refund.*", "complaint.*"]},
            {"power": "request", "actions": ["complaint.file"], "uses": 1},
            {"power": "request", "actions": ["payment.refund"], "uses": 500, "where": where, "total": {"amount": "5000.00 EUR"}},
        ],
    }


@dataclass(frozen=True, slots=True)
class Disk:
    """What lies on the disk while no server runs."""

    entries: list[dict[str, Any]]
    records: dict[str, dict[str, Any]]
    counters: dict[tuple[str, str], int]
    acts: dict[str, dict[str, Any]]
    ledger: list[tuple[str, str, int]]
    versions: dict[str, int]
    case_writes: list[tuple[str, str]]
    cases: list[str]
    notes: int

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The records of one kind."""
        return list(self.records[kind].values())


def read_disk(folder: Path) -> Disk:
    """Read store and desk as files, as an auditor would."""
    with reading(folder / "store.sqlite") as store:
        store.execute("begin")
        overlay_journal(store)
        rows = store.execute("select kind, envelope from entry order by idx").fetchall()
        entries = [{"kind": kind, **unseal_entry(envelope, None).sections[Section.ENVELOPE].body} for kind, envelope in rows]
        records: dict[str, dict[str, Any]] = {}
        for kind, record_id, body in store.execute("select kind, id, body from record"):
            records.setdefault(kind, {})[record_id] = json.loads(body)
        counters = {(scope, key): used for scope, key, used in store.execute("select scope, key, used from counter")}
    with reading(folder / "desk.sqlite") as desk:
        case_writes = desk.execute("select key, desk_case from case_write").fetchall()
        cases = [row[0] for row in desk.execute("select id from desk_case")]
        ((notes,),) = desk.execute("select count(*) from case_note")
    return Disk(entries, records, counters, *read_records(folder), case_writes, cases, notes)


def read_records(folder: Path) -> tuple[dict[str, dict[str, Any]], list[tuple[str, str, int]], dict[str, int]]:
    """Acts, refunds and versions of orders in the file of records."""
    names = ("key", "state", "action", "decision", "at")
    with reading(folder / "desk.sqlite") as desk:
        acts = {row[0]: dict(zip(names, row, strict=True)) for row in desk.execute(f"select {', '.join(names)} from act")}
        ledger = desk.execute("select act, id, minor from ledger where entry = 'refund'").fetchall()
        return acts, ledger, dict(desk.execute("select id, version from record where kind = 'order'").fetchall())


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A database, for reading only."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


def verify_on_disk(folder: Path, key: str) -> int:
    """Verify the log as `remit verify-log` does, against the checkpoint outside; returns its size."""
    outside = (folder / "outside" / "checkpoint").read_text()
    with open_stored_log(folder / "store.sqlite") as log:
        report = verify_log(
            log,
            records=log,
            vkey=key,
            high_water=outside,
            earlier=[],
            verify_ed25519=verify_ed25519,
            ticks=time.monotonic,
            progress=lambda _done, _size: None,
        )
    return report.entries
