"""A backoffice at the other end of real connections, which can be slow, talk nonsense, or be brought the same call twice; and the plug to it.

Its books are its own: what it did is what it says it did.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import httpx

from remit.adapters.backoffice.sandbox import SandboxBackoffice
from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Fault
from remit.domain.policy.decision import RecordFacts
from remit.ports.backoffice import Act, ActOutcome, ActResult, RecordSummary
from remit.ports.world import World

_NEVER_S = 60
Work = Callable[[], bytes]
Trouble = Callable[[Work], bytes]
"""What becomes of one call: it is handed the work, and returns what is answered."""


class FarDesk:
    """The server. `trouble` says what becomes of the calls of a method, until it is taken away."""

    def __init__(self, catalogue: Catalogue, world: World, facts: Mapping[str, Any]) -> None:
        """Listen on loopback."""
        self._books = SandboxBackoffice(catalogue, world, facts, versions_move=True)
        self._door = threading.Lock()
        self.trouble: dict[str, Trouble] = {}
        self.calls: Counter[str] = Counter()
        far = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                answer = far._answer(self.path.strip("/"), json.loads(body))
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def handle(self) -> None:
                with suppress(BrokenPipeError, ConnectionResetError):  # who asked has given up
                    super().handle()

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def acts(self) -> dict[str, ActOutcome]:
        """What became of each act that it was ever brought or asked to fence."""
        return {key: result.state for key, result in self._books._acts.items()}

    @property
    def performed(self) -> Sequence[Act]:
        """What it did, in order."""
        return tuple(self._books.performed)

    def _answer(self, method: str, given: dict[str, Any]) -> bytes:
        self.calls[method] += 1
        trouble = self.trouble.get(method, lambda work: work())
        return trouble(lambda: self._work(method, given))

    def _work(self, method: str, given: dict[str, Any]) -> bytes:
        if "act" in given:
            versions = {(kind, one): version for kind, one, version in given["act"]["versions"]}
            given = {"act": Act(**{**given["act"], "versions": versions})}
        with self._door:
            found = _at_once(_METHODS[method](self._books, **given))
        return json.dumps(found, default=_plain).encode()


_METHODS: dict[str, Callable[..., Coroutine[Any, Any, Any]]] = {
    "attributes": lambda books, customer, names, beside: books.attributes(customer, names, beside=beside),
    "contents": lambda books, records, customer: books.contents([tuple(one) for one in records], customer=customer),
    "facts": lambda books, records, customer: books.facts([tuple(one) for one in records], customer=customer),
    "fence": lambda books, act: books.fence(act),
    "outcome": lambda books, act: books.outcome(act),
    "perform": lambda books, act: books.perform(act),
    "read": lambda books, action, params, customer: books.read(action, params, customer=customer),
    "records": lambda books, customer, kind: books.records(customer, kind),
}


def _at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """Its books never wait for anything."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError(work)


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else asdict(value)  # type: ignore[call-overload]  # else a dataclass


class Held:
    """A trouble: the call stands still until it is let go on, before the work is done or after it."""

    def __init__(self, *, done: bool) -> None:
        self._done = done
        self._go_on = threading.Event()
        self.reached = threading.Event()
        self.over = threading.Semaphore(0)

    def __call__(self, work: Work) -> bytes:
        answer = work() if self._done else b""
        self.reached.set()
        assert self._go_on.wait(_NEVER_S)
        answer = answer or work()
        self.over.release()
        return answer

    def let_go(self, calls: int = 1) -> None:
        """Let all of them go on; back when so many calls have."""
        self._go_on.set()
        for _ in range(calls):
            assert self.over.acquire(timeout=_NEVER_S)


def nonsense(answer: bytes) -> Trouble:
    """A trouble: the work is done, and something else is answered."""

    def trouble(work: Work) -> bytes:
        work()
        return answer

    return trouble


def twice(work: Work) -> bytes:
    """A trouble: the call arrives twice at the same moment."""
    told: list[bytes] = []
    other = threading.Thread(target=lambda: told.append(work()))
    other.start()
    answer = work()
    other.join()
    assert told == [answer], "one key, one answer"
    return answer


class FarBackoffice:
    """The plug: JSON over HTTP. What cannot be read is the port's fault."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=_NEVER_S)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._http.aclose()

    async def facts(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[RecordFacts | None]:
        """Say whose the records are."""
        return await self._asked("facts", _facts, records=records, customer=customer)

    async def contents(self, records: Sequence[tuple[str, str]], *, customer: str) -> Sequence[Mapping[str, str]]:
        """Say what the records consist of."""
        return await self._asked("contents", list, records=records, customer=customer)

    async def read(self, action: str, params: Mapping[str, Any], *, customer: str) -> ActResult:
        """Answer a read."""
        return await self._asked("read", _result, action=action, params=params, customer=customer)

    async def perform(self, act: Act) -> ActResult:
        """Do the act once."""
        return await self._asked("perform", _result, act=_sent(act))

    async def outcome(self, act: Act) -> ActResult:
        """Say what became of an act."""
        return await self._asked("outcome", _result, act=_sent(act))

    async def fence(self, act: Act) -> ActResult:
        """Make sure the act is never done."""
        return await self._asked("fence", _result, act=_sent(act))

    async def attributes(
        self, customer: str, names: Sequence[str], *, beside: Mapping[str, Collection[str]] | None = None
    ) -> Mapping[str, Any]:
        """The customer's actual values."""
        given = {kind: list(ids) for kind, ids in (beside or {}).items()}
        return await self._asked("attributes", dict, customer=customer, names=names, beside=given)

    async def records(self, customer: str, kind: str) -> Sequence[RecordSummary]:
        """The customer's own records of a kind."""
        return await self._asked("records", lambda found: [RecordSummary(**one) for one in found], customer=customer, kind=kind)

    async def _asked(self, method: str, read: Callable[[Any], Any], **given: Any) -> Any:
        try:
            response = await self._http.post(f"/{method}", content=json.dumps(given))
            return read(json.loads(response.raise_for_status().content))
        except (httpx.HTTPError, ValueError, TypeError, KeyError, AttributeError) as broken:
            raise Fault(Code.FAULT_BACKOFFICE, f"the desk's answer to {method} is none: {type(broken).__name__}") from None


def _sent(act: Act) -> dict[str, Any]:
    versions = [(*place, version) for place, version in act.versions.items()]
    return {**asdict(act), "versions": versions}


def _result(found: Any) -> ActResult:
    return ActResult(state=ActOutcome(found["state"]), values=dict(found["values"]), reason=str(found["reason"]))


def _facts(found: Any) -> list[RecordFacts | None]:
    return [None if one is None else RecordFacts(**{**one, "owners": frozenset(one["owners"])}) for one in found]
