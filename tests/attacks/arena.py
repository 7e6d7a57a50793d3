"""A desk to attack: the consumer pack's own rules over facts of two customers, raw requests, and eyes on what changed.

Everything goes through the ASGI application. What a test changes behind the desk's back is the desk itself (its
backoffice, helpdesk, clock or disk), never Remit's rules.
"""

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx

from remit import packs
from remit.adapters.backoffice.sandbox import SandboxBackoffice
from remit.adapters.files.catalogue import read_files
from remit.adapters.helpdesk.memory import MemoryHelpdesk
from remit.client import calls
from remit.client.keys import ProofKey
from remit.sandbox import Sandbox, SandboxAgent, SandboxCustomer, SandboxMandate, SandboxReply, SandboxTask

T = TypeVar("T")
PACK = Path(str(packs.__path__[0])) / "consumer"
ISSUER = "http://localhost"
SHOP = "spiffe://helper.example/shop"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"

FACTS: dict[str, Any] = {
    "owners": {
        "order": {"W1": "anna", "W2": "anna", "W9": "bram"},
        "payment_method": {"pm_1": "anna", "pm_2": "anna", "pm_9": "bram"},
        "product": {"p_lamp": []},
    },
    "attributes": {
        "order": {
            "W1": {"order.status": "delivered", "order.items": ["i1", "i2"], "order.shipping_address": "Lindenweg 4, 20095 Hamburg"},
            "W9": {"order.status": "delivered", "order.items": ["i9"]},
        },
        "customer": {"anna": {"identity.name": "Anna Berg", "identity.birth_date": "1988-04-17", "contact.email": "anna@mail.example"}},
    },
    "records": {"order": {"W1": {"name": "Order W1, one kettle"}}},
}

RETURN: dict[str, Any] = {
    "type": "remit_mandate",
    "objective": {"type": "return-item", "target": {"order": ["W1"]}, "summary": "send back the kettle"},
    "powers": [
        {"power": "represent"},
        {"power": "receive", "attributes": ["order.status", "order.items"]},
        {"power": "request", "actions": ["order.return"], "uses": 3, "where": {"item_ids": {"subset_of": ["i1", "i2"]}}},
        {
            "power": "request",
            "actions": ["payment.refund"],
            "uses": 20,
            "where": {"payment_method_id": {"equals": "pm_1"}, "amount": {"max": "50.00 EUR"}},
            "total": {"amount": "50.00 EUR"},
        },
    ],
    "never": [{"power": "accept"}, {"power": "receive", "attributes": ["identity.*"]}],
}
SEND_BACK = {"order_id": "W1", "item_ids": ["i1"]}


def refund(amount: str = "40.00 EUR", **changed: Any) -> dict[str, Any]:
    """The params of a refund."""
    return {"order_id": "W1", "payment_method_id": "pm_1", "amount": amount, **changed}


def mandate(**changed: Any) -> dict[str, Any]:
    """The mandate to send back a kettle, with members changed."""
    return deepcopy(RETURN) | changed


COMPLAIN = mandate(
    objective={"type": "complain", "target": {"order": ["W1"]}, "summary": "late"},
    powers=[
        {"power": "represent"},
        {"power": "receive", "attributes": ["order.status", "complaint.reference"]},
        {"power": "request", "actions": ["complaint.file"], "uses": 5},
    ],
    never=[],
)
"""One complaint about an order, told freely."""


def catalogue(**changed: Mapping[str, Any]) -> dict[str, Any]:
    """The pack's catalogue, with tables of it changed."""
    data: dict[str, Any] = deepcopy(dict(read_files([PACK / "catalogue.toml"], {})))
    for table, values in changed.items():
        data[table] = {**data[table], **values}
    return data


class Clock:
    """The machine's clock, which a test can move on."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now(self) -> int:
        """Now, in ms."""
        return time.time_ns() // 1_000_000 + self.ahead_ms


class Arena:
    """One desk with Anna, a shopping agent she may have granted something, and everything an attacker can send."""

    def __init__(self, desk: Sandbox) -> None:
        self.desk = desk
        self.room = desk.room
        self.clock = Clock()
        if desk.desk is None:
            message = "the arena's desk runs in this process"
            raise RuntimeError(message)
        self.context = desk.desk.context
        self.notify = desk.desk.notify
        backoffice, helpdesk = desk.desk.backoffice, desk.desk.helpdesk
        assert isinstance(backoffice, SandboxBackoffice)
        assert isinstance(helpdesk, MemoryHelpdesk)
        self.backoffice, self.helpdesk = backoffice, helpdesk
        self.context.world.now = self.clock.now  # type: ignore[method-assign,assignment]  # only the desk's clock is moved

    # people and agents

    @property
    def anna(self) -> SandboxCustomer:
        """The customer everything is about."""
        return self.desk.customer("anna", email="anna@mail.example")

    def agent(self, client_id: str = SHOP, tier: str = "known") -> SandboxAgent:
        """A registered agent."""
        return self.desk.agent(client_id, tier)

    def task(self, wanted: Mapping[str, Any] | None = None, *, agent: SandboxAgent | None = None) -> SandboxTask:
        """A task of an agent under a mandate that Anna has granted."""
        acting = agent or self.agent()
        return acting.open(self.anna.grant(acting, mandate() if wanted is None else wanted))

    def granted(self, wanted: Mapping[str, Any] | None = None) -> tuple[SandboxMandate, SandboxTask]:
        """A mandate of Anna's and a task under it."""
        acting = self.agent()
        found = self.anna.grant(acting, mandate() if wanted is None else wanted)
        return found, acting.open(found)

    def sent_back(self, wanted: Mapping[str, Any] | None = None) -> SandboxTask:
        """A task in which the return is done already, so that a refund is the next step."""
        task = self.task(wanted)
        done = self.anna.confirm(task.ask("order.return", SEND_BACK))
        assert done.outcome == "done"
        return task

    def waiting(self) -> tuple[SandboxTask, SandboxReply, str]:
        """A task, an ask that waits for Anna, and the id of its invitation."""
        task = self.task()
        reply = task.ask("order.return", SEND_BACK)
        assert reply.needs_human
        return task, reply, self.anna.invitation(reply)

    # raw requests

    def proof(
        self,
        key: SandboxAgent | ProofKey,
        method: str,
        path: str,
        *,
        token: str | None = None,
    ) -> str:
        """A fresh DPoP proof by a key."""
        held = ProofKey(key.key) if isinstance(key, SandboxAgent) else key
        return held.proof(method, ISSUER + path, now_s=self.clock.now() / 1000, token=token)

    def send(
        self,
        task: SandboxTask,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        method: str = "POST",
        key: ProofKey | None = None,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request at an agent's door, proved by hand. `headers` are laid over what a right request has."""
        held = token or task.token
        sent = {
            "authorization": f"DPoP {held}",
            "dpop": self.proof(key or task.agent, method, path.partition("?")[0], token=held),
            "idempotency-key": secrets.token_urlsafe(12),
            "content-type": "application/json",
            **(headers or {}),
        }
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return self.room.raw(method, path, headers={name: value for name, value in sent.items() if value}, content=content, check=False)

    def ask(self, task: SandboxTask, action: str, params: Any, **more: Any) -> httpx.Response:
        """One ask, as raw JSON."""
        return self.send(task, f"/v1/tasks/{task.id}/asks", {"action": action, "params": params, **more})

    def asking(self, task: SandboxTask, action: str, params: Any, key: str) -> Callable[[], Awaitable[httpx.Response]]:
        """One ask that is proved now and sent when it is called, on the desk's own loop: for those on their way at once."""
        path = f"/v1/tasks/{task.id}/asks"
        headers = {
            "authorization": f"DPoP {task.token}",
            "dpop": self.proof(task.agent, "POST", path, token=task.token),
            "idempotency-key": key,
            "content-type": "application/json",
        }
        content = json.dumps({"action": action, "params": params}).encode()
        return lambda: self.room._http.post(path, content=content, headers=headers)

    def ask_bytes(self, task: SandboxTask, raw: bytes) -> httpx.Response:
        """One ask whose body is written by hand."""
        return self.send(task, f"/v1/tasks/{task.id}/asks", raw)

    def pairs(self, method: str, path: str, headers: list[tuple[str, str]], content: bytes = b"") -> httpx.Response:
        """One request whose headers may stand twice."""
        request = httpx.Request(method, ISSUER + path, headers=headers, content=content)
        transport = self.room.transport
        assert transport is not None
        return self.run(transport.handle_async_request(request))

    def form(
        self,
        path: str,
        form: Mapping[str, str],
        *,
        agent: SandboxAgent | None = None,
        key: SandboxAgent | ProofKey | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """One request at an OAuth endpoint, as an agent (its assertion is added) with a proof by a key."""
        fields = dict(form)
        if agent is not None:
            fields |= agent.identity.credentials(issuer=ISSUER, now_s=self.clock.now() / 1000)
        sent = {"content-type": "application/x-www-form-urlencoded", **(headers or {})}
        if key is not None:
            sent["dpop"] = self.proof(key, "POST", path)
        return self.room.raw("POST", path, headers=sent, content=urlencode(fields).encode(), check=False)

    def exchange(
        self, agent: SandboxAgent, subject: str, *, key: SandboxAgent | ProofKey | None = None, kind: str = calls.MANDATE_TOKEN, **more: str
    ) -> httpx.Response:
        """A token exchange by an agent, proved by its own key or another one."""
        form = {"grant_type": EXCHANGE, "subject_token": subject, "subject_token_type": kind, **more}
        return self.form("/oauth/token", form, agent=agent, key=key or agent)

    def person(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, cookie: str = "", headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """One request at a person's door."""
        return self.room.raw(method, path, body, cookie=cookie, headers=headers, check=False)

    # what is there afterwards

    def run(self, work: Awaitable[T]) -> T:
        """Run something on the desk's own loop."""

        async def running() -> T:
            return await work

        return self.room.thread.run(running())

    def performed(self, action: str = "") -> list[Mapping[str, Any]]:
        """The params of what the desk really did."""
        return [act.params for act in self.backoffice.performed if action in {"", act.action}]

    def state(self) -> tuple[Any, ...]:
        """Everything an attack could have changed at the desk: acts done, cases, what is written in them."""
        cases = self.run(self.helpdesk.cases())
        return (tuple(self.backoffice.performed), tuple(cases), tuple(tuple(self.run(self.helpdesk.notes(case.id))) for case in cases))

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """What happens inside changes nothing at the desk."""
        before = self.state()
        yield
        assert self.state() == before, "the desk changed"

    def entries(self, kind: str = "") -> list[dict[str, Any]]:
        """The entries of the transcript, verified and opened."""
        return [one for one in self.desk.transcript() if kind in {"", one["kind"]}]

    def recorded(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """The newest entry of a kind whose envelope says this."""
        for one in reversed(self.entries(kind)):
            if all(one["envelope"].get(name) == value for name, value in wanted.items()):
                return one
        raise AssertionError(f"no entry {kind} with {wanted}; there are {[(e['kind'], e['envelope'].get('code')) for e in self.entries()]}")

    def refused(self, response: httpx.Response, code: str, *, on_record: bool = True) -> dict[str, Any]:
        """The response refuses with this code; when it was an ask, the entry says so too."""
        body: dict[str, Any] = response.json()
        assert body.get("code") == code, body
        assert response.is_error
        if on_record:
            assert body["decision"] == "refuse"
            entry = self.recorded("ask.decided", ask=body["ask"])
            assert (entry["envelope"]["decision"], entry["envelope"]["code"]) == ("refuse", code)
        return body


@contextmanager
def open_arena(**options: Any) -> Iterator[Arena]:
    """An arena; `options` are the sandbox's, over the consumer pack and the facts above."""
    given: dict[str, Any] = {"catalogue": PACK / "catalogue.toml", "policies": PACK / "policies", "facts": deepcopy(FACTS), **options}
    with Sandbox(**given) as desk:
        yield Arena(desk)


def code_of(response: httpx.Response) -> str:
    """The code of a refusal ("" of a success)."""
    return str(response.json().get("code", ""))


def gathered(arena: Arena, makers: list[Callable[[], Awaitable[T]]]) -> list[T]:
    """Everything at once, on the desk's own loop."""

    async def all_of_them() -> list[T]:
        return list(await asyncio.gather(*(make() for make in makers)))

    return arena.run(all_of_them())


def sha256(text: str) -> str:
    """A digest in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def pushed(arena: Arena, agent: SandboxAgent, **more: str) -> httpx.Response:
    """A pushed authorization request of an agent, with more members or other ones."""
    form = {
        "response_type": "code",
        "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
        "dpop_jkt": agent.client.key_thumbprint,
        "redirect_uri": "http://127.0.0.1/callback",
        "authorization_details": json.dumps([mandate()]),
    }
    return arena.form("/oauth/par", {**form, **more}, agent=agent)
