"""Two desks with the same keys, clock and random bytes; every request is sent to both.

One keeps its caches; the other clears every cache of tasks, mandates and asks before each request. Answers, rows and entries of both are
equal to the byte, unless a cached value differs from the one computed anew.
"""

import asyncio
import hashlib
import shutil
import sqlite3
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any, Final

import httpx
import uvloop
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from remit.adapters.signer import file as signer
from remit.adapters.store.replay_expiry import ElapsedTime
from remit.adapters.vault import file as vault
from remit.adapters.vault import sealing
from remit.client import Clock as AgentClock
from remit.client.sync import LoopThread
from remit.domain.records import Record
from remit.domain.values import Instant
from remit.engine.ask import authorization_state
from remit.engine.cache import BoundedCache
from remit.engine.mandates import issuable, signed
from remit.ports.store import Commit, Put, RecordMissing
from remit.sandbox import SandboxAgent, SandboxCustomer, SandboxPerson
from remit.sandbox.backend import Room
from remit.sandbox.rules import policies_given
from remit.sandbox.transport import DirectTransport
from remit.settings import Settings, make_settings
from remit.usecases.policy.adopt import verify_rules
from remit.wiring import Desk, RulesSource, SandboxDesk, build_desk

START_MS: Final = 1_796_040_000_000
"""30 November 2026, at noon: every world begins then."""
_ISSUER: Final = "http://localhost"
_TOLD: Final = 12
_MEMORIES: Final = (
    (authorization_state, "_grounds"),
    (authorization_state, "_parsed"),
    (signed, "_consented"),
    (signed, "_reported"),
    (issuable, "_judged"),
)
"""Caches that the process keeps across asks; each desk gets its own."""


class DifferenceError(AssertionError):
    """The two desks differ."""


@dataclass(kw_only=True)
class World:
    """The clock and random bytes of one desk: these follow from the seed and the number of the request alone."""

    seed: int
    now_ms: int = START_MS
    request: int = 0
    drawn: int = 0

    def now(self) -> Instant:
        return Instant(self.now_ms)

    def ticks(self) -> float:
        return self.now_ms / 1000

    def random(self, size: int) -> bytes:
        self.drawn += 1
        return hashlib.shake_256(f"{self.seed} {self.request} {self.drawn}".encode()).digest(size)


class Side:
    """One of the two desks, with a memory of its own."""

    def __init__(self, folder: Path, seed: int, *, forgets: bool) -> None:
        self.folder, self.forgets = folder, forgets
        self.world = World(seed=seed)
        self.desk: Desk | None = None
        self.transport = DirectTransport(lambda *_: _not_open())
        self._memories: list[BoundedCache[Any, Any]] = [BoundedCache(512) for _ in _MEMORIES]

    @property
    def context(self) -> Any:
        """The ports of the open desk."""
        assert self.desk is not None
        return self.desk.context

    async def open(self, rules: RulesSource, facts: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        """Open the desk as `remit serve` does, without its jobs."""
        sandbox = SandboxDesk(facts=facts, perform=None)
        made = _settings(self.folder, settings)
        with self.memory():
            self.desk = await asyncio.to_thread(build_desk, made, rules, sandbox=sandbox, world=self.world)
            await verify_rules(self.desk.context, by="remit serve")
        self.transport = DirectTransport(self.desk.app)

    async def close(self) -> None:
        """Stop the desk, where it is open."""
        if self.desk is not None:
            desk, self.desk = self.desk, None
            await desk.stop()

    @contextmanager
    def memory(self) -> Iterator[None]:
        """Use the caches of this desk inside."""
        with ExitStack() as put:
            for (module, name), kept in zip(_MEMORIES, self._memories, strict=True):
                put.enter_context(_put(module, name, kept))
            yield

    async def answer(self, request: httpx.Request, number: int) -> httpx.Response:
        """Answer one request; a desk that forgets clears its caches first."""
        self.world.request, self.world.drawn = number, 0
        with self.memory():
            if self.forgets:
                self._forget()
            return await self.transport.handle_async_request(request)

    def _forget(self) -> None:
        authorization_state.clear_state_cache()
        for kept in self._memories:
            kept.clear()
        self.context.policy._answers.clear()
        self.context.store.inner._held.clear()  # all is read from the file again

    async def states(self, tasks: list[str]) -> list[object]:
        """Snapshots of tasks from the store: records, counters, risk histories, last uses; and the head of the log."""
        store = self.context.store
        told: list[object] = [await store.snapshot(task=task, idempotency="", about=(), sure=True) for task in tasks]
        return [*told, await store.checkpoint()]

    def files(self) -> dict[str, list[bytes]]:
        """Every row of every database of the stopped desk."""
        return {str(file.relative_to(self.folder)): _rows(file) for file in sorted(self.folder.rglob("*.sqlite"))}


async def _not_open() -> None:
    raise AssertionError("the desk is not open")


@contextmanager
def _put(where: object, name: str, value: object) -> Iterator[None]:
    before = getattr(where, name)
    setattr(where, name, value)
    try:
        yield
    finally:
        setattr(where, name, before)


def _rows(file: Path) -> list[bytes]:
    found = []
    with sqlite3.connect(file) as connection:
        for (table,) in sorted(connection.execute("select name from sqlite_master where type = 'table'")):
            rows = [f"{table} {row!r}".encode() for row in connection.execute(f"select * from {table}")]
            found.extend(sorted(rows))
    connection.close()
    return found


def _settings(folder: Path, more: Mapping[str, Any]) -> Settings:
    raw: dict[str, Any] = {
        "server": {"issuer": _ISSUER, "host": "127.0.0.1", "port": 0, "data": "."},
        "store": {"url": "sqlite:///store.sqlite"},
        "log": {"name": "twins.remit.invalid", "high_water": "high-water/checkpoint"},
        "desk": {"database": "desk.sqlite"},
        "words": {"secrets": "refuse", "model": "none"},
        "sandbox": {"enabled": True},
    }
    for table, values in more.items():
        raw[table] = {**raw.get(table, {}), **values}
    made = make_settings(raw, base=folder, environment={}, rules=False)
    made.high_water.parent.mkdir(parents=True, exist_ok=True)
    return made


class _Both(httpx.AsyncBaseTransport):
    """Sends each request to both desks, and compares their answers."""

    def __init__(self, sides: tuple[Side, Side]) -> None:
        self.sides = sides
        self.requests = 0
        self.last: deque[str] = deque(maxlen=_TOLD)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        await request.aread()
        first, second = [await side.answer(request, self.requests) for side in self.sides]
        said = [(one.status_code, one.headers.raw, await one.aread()) for one in (first, second)]
        self.last.append(f"{request.method} {request.url.path} {request.content[:300]!r} -> {said[0][0]} {said[0][2][:300]!r}")
        if said[0] != said[1]:
            before = "\n  ".join(self.last)
            raise DifferenceError(
                f"the answers differ; the last requests:\n  {before}\nremembering:\n  {said[0]}\nforgetting:\n  {said[1]}"
            )
        return first


class Twins:
    """The two desks, and people and agents who speak to both at once."""

    def __init__(self, seed: int, template: Path, rules: RulesSource, facts: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        self._own = Path(tempfile.mkdtemp(prefix="remit-twins-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self._facts, self._settings = facts, settings
        folders = [shutil.copytree(template, self._own / name) for name in ("remembers", "forgets")]
        self.sides = (Side(folders[0], seed, forgets=False), Side(folders[1], seed, forgets=True))
        self.tasks: list[str] = []
        self._thread = LoopThread(uvloop.new_event_loop)
        self._both = _Both(self.sides)
        self.room = Room(issuer=_ISSUER, thread=self._thread, transport=self._both)
        self.agents: list[SandboxAgent] = []
        self.open(rules)

    @property
    def now_ms(self) -> int:
        """The time of this world."""
        return self.sides[0].world.now_ms

    def pass_ms(self, ms: int) -> None:
        """Let time pass."""
        for side in self.sides:
            side.world.now_ms += ms

    def open(self, rules: RulesSource) -> None:
        """Open both desks, or open them again, with these rules."""

        async def opening() -> None:
            for side in self.sides:
                await side.close()
                side.world.request, side.world.drawn = -self._both.requests, 0
                await side.open(rules, self._facts, self._settings)

        self._thread.run(opening())

    def agent(self, client_id: str, tier: str, operator: str) -> SandboxAgent:
        """Register an agent at both."""
        agent = SandboxAgent(self.room, client_id, tier=tier, operator=operator, name=client_id)
        agent.door.sender.clock = AgentClock(now=lambda: self.now_ms / 1000)
        self.agents.append(agent)
        return agent

    def customer(self, name: str) -> SandboxCustomer:
        """Enrol a customer at both."""
        return SandboxCustomer(self.room, name, kind="customer", email=f"{name}@mail.example", name=name.title(), roles=())

    def officer(self, name: str, *roles: str) -> SandboxPerson:
        """Enrol an officer at both."""
        return SandboxPerson(self.room, name, kind="officer", email="", name=name.title(), roles=roles)

    def change(self, kind: type[Record], record_id: str, change: Callable[[Record], Record], *, made: Record | None = None) -> None:
        """Change a record in both stores, beside the doors; where there is none, put what is made there, if anything is."""

        async def changing() -> None:
            for side in self.sides:
                store = side.context.store
                try:
                    kept = await store.get(kind, record_id)
                    put = Put(change(kept.record), kept.rev, kept.record)
                except RecordMissing:
                    if made is None:
                        continue
                    put = Put(made, 0)
                await store.commit(Commit(puts=(put,)))

        self._thread.run(changing())

    def put_fact(self, kind: str, record_id: str, owner: str, status: str) -> None:
        """Change a record at both backoffices: whose it is, and what is told of it."""
        for side in self.sides:
            assert side.desk is not None
            side.desk.backoffice.put(kind, record_id, owners=[owner], values={f"{kind}.status": status})  # type: ignore[attr-defined]  # a sandbox's

    def compare(self) -> None:
        """Compare what both stores tell of every task, and their logs.

        Raises:
            DifferenceError: they are not the same.
        """

        async def read() -> list[list[object]]:
            return [await side.states(self.tasks) for side in self.sides]

        first, second = self._thread.run(read())
        for task, one, other in zip([*self.tasks, "the log"], first, second, strict=True):
            if one != other:
                raise DifferenceError(f"the stores differ about {task}:\n  {one}\n  {other}")

    def compare_files(self) -> None:
        """Stop both desks and compare every row that they have written.

        Raises:
            DifferenceError: they are not the same.
        """
        self._stop()
        first, second = [side.files() for side in self.sides]
        assert first.keys() == second.keys()
        for name in first:
            if first[name] != second[name]:
                lone, other = [[row[:2000] for row in one if row not in two][:3] for one, two in permutations([first[name], second[name]])]
                raise DifferenceError(f"the rows of {name} differ:\n  {lone}\n  {other}")

    def _stop(self) -> None:
        async def closing() -> None:
            for side in self.sides:
                await side.close()

        self._thread.run(closing())

    def close(self) -> None:
        """Close everything."""
        try:
            self.room.close(agent.client for agent in self.agents)
            self._stop()
        finally:
            self._thread.close()
            shutil.rmtree(self._own, ignore_errors=True)


def _made_key(world: World) -> tuple[bytes, bytes]:
    return world.random(sealing.ID), world.random(32)


@contextmanager
def drawn_from_the_world() -> Iterator[None]:
    """Derive all other random bytes from the world inside (content keys, nonces of signatures), and never forget a replay mark."""
    ecdsa = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
    counted = _put(ElapsedTime, "over", lambda *_, **__: 0)
    with _put(signer, "_ECDSA", ecdsa), _put(vault, "new_key", _made_key), counted:
        yield


def make_template(folder: Path, rules: RulesSource, facts: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    """Make the folder that the desks of every world begin as copies of: their keys, and their first entries."""

    async def make() -> None:
        side = Side(folder, 0, forgets=False)
        await side.open(rules, facts, settings)
        await side.close()

    asyncio.run(make())


def rules_of(catalogue: Mapping[str, object], policies: str) -> RulesSource:
    """The rules of a catalogue and of policies."""
    return RulesSource(catalogue=catalogue, policies=policies_given(policies))
