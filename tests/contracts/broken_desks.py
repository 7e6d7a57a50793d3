"""Backoffices that each break one promise of the contract, and the places where they are served."""

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from contracts.desk_plugs import builtin_desk, run
from contracts.http_desk import ABOUT, GATE, SHOP, LoopThread, listening, signer, verifier
from remit.adapters.backoffice.http.server import BackofficeServer
from remit.domain.errors import Code, Fault
from remit.ports.backoffice import Act, ActOutcome, ActResult, RecordSummary

FENCED = ActResult(state=ActOutcome.FENCED, values={})
UNSEEN = ActResult(state=ActOutcome.UNSEEN, values={})

MORE = {"kind": "order", "id": "W4", "name": "Pan", "owners": ["anna"], "data": {"status": "pending"}}
PROBE = """
customer = "anna"
kind = "order"
id = "W1"
foreign = "W2"
unknown = "W9"
aliases = ["w1", "W-1"]
attributes = ["contact.email"]

[read]
action = "order.read"
params = { order_id = "{id}" }

[write]
action = "order.mark"
ids = ["W1", "W4"]
params = { order_id = "{id}" }
effect = "order.marks"
"""


class Honest:
    """The built-in backoffice; what breaks one promise takes its place in one method."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def look_around(self, times: int = 40) -> None:
        """Take some time, in which other requests are answered."""
        for _ in range(times):
            await self.inner.facts([("order", "W1")], customer="anna")

    async def anew(self, act: Act) -> ActResult:
        """Do an act under a key that nobody else knows."""
        done: ActResult = await self.inner.perform(replace(act, key=os.urandom(8).hex()))
        return done


class ActsTwice(Honest):
    """Keeps every key and answer, and looks at neither before it acts."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.keys: dict[str, ActResult] = {}

    async def perform(self, act: Act) -> ActResult:
        if self.keys.get(act.key) == FENCED:
            return FENCED
        self.keys[act.key] = await self.anew(replace(act, versions={}))
        return self.keys[act.key]

    async def outcome(self, act: Act) -> ActResult:
        return self.keys.get(act.key, UNSEEN)

    async def fence(self, act: Act) -> ActResult:
        return self.keys.setdefault(act.key, FENCED)


class BreaksOnARepeatedKey(Honest):
    """Leaves it to its unique index, and tells that as an error of its own."""

    async def perform(self, act: Act) -> ActResult:
        if (await self.inner.outcome(act)).state is ActOutcome.DONE:
            raise Fault(Code.FAULT_BACKOFFICE, "duplicate key")
        done: ActResult = await self.inner.perform(act)
        return done


class LooksBeforeItActs(ActsTwice):
    """Looks for the key, then acts, then keeps it: what comes in between acts too."""

    async def perform(self, act: Act) -> ActResult:
        if act.key not in self.keys:
            await self.look_around()
            done = await self.anew(act)
            self.keys.setdefault(act.key, done)
        return self.keys[act.key]


class KeepsKeysInMemory(ActsTwice):
    """Once at once, by a lock; a restart forgets all."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner)
        self.lock = asyncio.Lock()

    async def perform(self, act: Act) -> ActResult:
        async with self.lock:
            if act.key not in self.keys:
                self.keys[act.key] = await self.anew(act)
            return self.keys[act.key]

    async def fence(self, act: Act) -> ActResult:
        async with self.lock:
            return self.keys.setdefault(act.key, FENCED)


class ForgetsAtOnce(KeepsKeysInMemory):
    """Knows its keys for as long as it acts."""

    async def outcome(self, act: Act) -> ActResult:  # noqa: ARG002  # it has forgotten
        return UNSEEN


class TakesAKeyForAnotherBody(Honest):
    """Finds keys by action and record: the same key does another record as well."""

    def named(self, act: Act) -> Act:
        return replace(act, key=f"{act.key} {act.params.get('order_id')}")

    async def perform(self, act: Act) -> ActResult:
        done: ActResult = await self.inner.perform(self.named(act))
        return done

    async def outcome(self, act: Act) -> ActResult:
        for order_id in ("W1", "W4"):
            known: ActResult = await self.inner.outcome(replace(act, key=f"{act.key} {order_id}"))
            if known.state is not ActOutcome.UNSEEN:
                return known
        return UNSEEN

    async def fence(self, act: Act) -> ActResult:
        fenced: ActResult = await self.inner.fence(self.named(act))
        return fenced


class IgnoresVersions(Honest):
    async def perform(self, act: Act) -> ActResult:
        done: ActResult = await self.inner.perform(replace(act, versions={}))
        return done


class ActsBehindAFence(KeepsKeysInMemory):
    """A fence is kept and told, and acts are done all the same."""

    async def perform(self, act: Act) -> ActResult:
        async with self.lock:
            if self.keys.get(act.key, FENCED) == FENCED:
                self.keys.setdefault(act.key, await self.anew(act))
            return self.keys[act.key]


class FinishesBehindAFence(ActsTwice):
    """Looks for a fence when an act begins, and not when it ends."""

    async def perform(self, act: Act) -> ActResult:
        if act.key in self.keys:
            while self.keys[act.key] == UNSEEN:
                await self.look_around(1)
            return self.keys[act.key]
        self.keys[act.key] = UNSEEN
        await self.look_around()
        done = await self.anew(act)
        if self.keys[act.key] == UNSEEN:
            self.keys[act.key] = done
        return done

    async def fence(self, act: Act) -> ActResult:
        if self.keys.get(act.key, UNSEEN) == UNSEEN:
            self.keys[act.key] = FENCED
        return self.keys[act.key]


class FoldsIds(Honest):
    """Finds an id in any case and with blanks around it, and answers it as it was asked for."""

    async def facts(self, records: Any, *, customer: str) -> Any:
        plain = [(kind, record_id.strip().upper()) for kind, record_id in records]
        found = await self.inner.facts(plain, customer=customer)
        return [fact and replace(fact, id=record_id) for fact, (_, record_id) in zip(found, records, strict=True)]


class LooksLongerAtAnothers(Honest):
    """Reads the whole file of a record that it then refuses to tell."""

    async def facts(self, records: Any, *, customer: str) -> Any:
        found = await self.inner.facts(records, customer=customer)
        for _ in range(600 * sum(fact is not None and customer not in fact.owners for fact in found)):
            await self.inner.contents(records, customer=customer)
        return found


class TellsOthersApart(Honest):
    async def read(self, action: str, params: Any, *, customer: str) -> ActResult:
        told: ActResult = await self.inner.read(action, params, customer=customer)
        return replace(told, reason="This order is another customer's.") if params.get("order_id") == "W2" else told


class AnswersGarbage(Honest):
    """A version is a number in its facts."""

    async def facts(self, records: Any, *, customer: str) -> Any:
        found = await self.inner.facts(records, customer=customer)
        return [fact and replace(fact, version=int(fact.version)) for fact in found]


class AnswersAtLength(Honest):
    async def records(self, customer: str, kind: str) -> Any:
        listed = await self.inner.records(customer, kind)
        return [*listed, *(RecordSummary(kind=kind, id=f"Y{n}", name="y" * 4_000) for n in range(100) if listed)]


class ReadsSlowly(Honest):
    async def attributes(self, *_: Any, **__: Any) -> Any:
        await asyncio.Event().wait()


class ActsSlowly(Honest):
    async def perform(self, act: Act) -> ActResult:
        await asyncio.Event().wait()
        return await self.anew(act)


@dataclass
class Served:
    """A backoffice at an address, with the files that `remit check-backoffice` needs."""

    url: str
    key: Path
    answer_key: Path
    probe: Path

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def options(self, *more: object) -> list[str]:
        named = ["--key", self.key, "--answer-key", self.answer_key, "--probe", self.probe]
        return [str(one) for one in ("check-backoffice", self.url, *named, *more)]


def key_files(folder: Path) -> tuple[Path, Path]:
    """Write Remit's private key and the shop's public one."""
    key, answer_key = folder / "gate.pem", folder / "shop.pub.pem"
    key.write_bytes(GATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    answer_key.write_bytes(SHOP.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return key, answer_key


@contextmanager
def serve_broken(
    folder: Path,
    make: Callable[[Any], Any] = Honest,
    server: Mapping[str, Any] | None = None,
    *,
    probe: str = PROBE,
    port: int = 0,
) -> Iterator[Served]:
    """Serve the built-in backoffice behind what breaks a promise; `server` changes the HTTP in front of it."""
    folder.mkdir(exist_ok=True)
    key, answer_key = key_files(folder)
    (folder / "probe.toml").write_text(probe)
    loop = LoopThread()
    try:
        with builtin_desk(folder) as desk, listening(port) as (sock, base):
            run(desk.plug.seed({"customers": {}, "records": [MORE]}))
            given = {"signer": signer(SHOP), "verifier": verifier(GATE), **(server or {})}
            app = BackofficeServer(make(desk.plug), base=base, about=ABOUT, **given)
            config = uvicorn.Config(app, log_level="error", lifespan="off", http="httptools", access_log=False)
            config.timeout_graceful_shutdown = 1
            running = uvicorn.Server(config)
            served = loop.submit(running.serve(sockets=[sock]))
            try:
                yield Served(base, key, answer_key, folder / "probe.toml")
            finally:
                running.should_exit = True
                served.result(timeout=20)
    finally:
        loop.close()
