"""A desk with a decision point, an agent with a task, and two gateways that ask about its acts."""

import asyncio
import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from attacks.arena import Clock
from desks.shop import CATALOGUE, FACTS, MANDATE
from remit.domain.records import AskRecord
from remit.domain.transcript.logged_states import LoggedStates, record_facts
from remit.engine.ask.authorization_state import load_authorization_state
from remit.proof.canonical import digest
from remit.sandbox import Sandbox
from remit.sandbox.people import SandboxCustomer, SandboxMandate
from remit.sandbox.workloads import SandboxAgent, SandboxTask
from remit.usecases.tasks.task import remaining_budgets

READS = ["urn:remit:obligation:disclose_only"]
POLICIES = """
permit(principal == user::"ann", action == Action::"open", resource is door);
@obligation("log") @obligation_properties("{\\"level\\": 2}")
permit(principal == user::"ann", action == Action::"unlock", resource is door);
permit(principal, action, resource) when { resource has shared && resource.shared };
"""
ENTITIES = [{"type": "user", "id": "ann"}, {"type": "user", "id": "ben"}, *({"type": "door", "id": f"d{n}"} for n in range(5))]
_numbers = itertools.count()
GRANTED = {
    **MANDATE,
    "powers": [
        *(one for one in MANDATE["powers"] if one.get("attributes") != ["order.address"]),
        {"power": "request", "actions": ["order.note"], "uses": 2},
    ],
}


@dataclass
class Gateway:
    """A program that asks the decision point with its own secret."""

    desk: Sandbox
    name: str
    secret: str

    def post(self, path: str, body: Any, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        given = {"authorization": f"Bearer {self.secret}", "content-type": "application/json", **(headers or {})}
        return self.desk.room.raw("POST", path, headers=given, content=json.dumps(body).encode(), check=False)

    def get(self, path: str) -> httpx.Response:
        return self.desk.room.raw("GET", path, headers={"authorization": f"Bearer {self.secret}"}, check=False)

    def evaluate(self, question: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.post("/access/v1/evaluation", question)
        assert answer.status_code == httpx.codes.OK, answer.text
        return dict(answer.json())

    def request(self, question: Mapping[str, Any], denial: Mapping[str, Any], *, key: str = "") -> httpx.Response:
        """Ask for access by the binding token of a denial."""
        body = {name: question[name] for name in ("subject", "action", "resource")}
        token = denial["context"]["access_request"]["binding_token"]
        context = {**question["context"], "business_justification": "a leaking kettle"}
        body = {**body, "context": context, "denial": {"binding_token": token}}
        return self.post("/access/v1/requests", body, headers={"idempotency-key": key or f"key-{next(_numbers)}"})


@dataclass
class Gated:
    """All of them together."""

    desk: Sandbox
    anna: SandboxCustomer
    agent: SandboxAgent
    mandate: SandboxMandate
    task: SandboxTask
    gateway: Gateway
    other: Gateway
    clock: Clock

    def question(self, action: str, params: Mapping[str, Any], **changed: Any) -> dict[str, Any]:
        """A question about an act of the agent; `changed` replaces members of its context or action."""
        order = params.get("order_id", "W1001")
        actor = {"client_id": self.agent.client_id, "act": [{"iss": self.desk.room.issuer, "sub": self.agent.client_id}]}
        properties = {"parameters": params, "parameter_digest": digest(params), "idempotency_key": f"op-{next(_numbers)}"}
        context = {"mission": {"id": self.task.id}, "actor": actor, "supported_obligations": READS}
        return {
            "subject": {"type": "customer", "id": changed.pop("customer", "anna")},
            "action": {"name": action, "properties": {**properties, **changed.pop("properties", {})}},
            "resource": changed.pop("resource", {"type": "order", "id": order}),
            "context": {**context, **changed},
        }

    def refund(self, amount: str = "20.00 EUR", **changed: Any) -> dict[str, Any]:
        params = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": amount}
        return self.question("payment.refund", params, **changed)

    def approved(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Have the customer say yes to a denied act; the approval."""
        task = self.gateway.request(question, self.gateway.evaluate(question)).json()["task"]
        self.confirm(task["id"])
        status = self.gateway.get(f"/access/v1/requests/{task['id']}").json()
        assert status["task"]["status"] == "approved"
        return dict(status["result"]["approval"])

    def confirm(self, ask: str, said: str = "yes") -> None:
        invitation = next(row["confirmation"] for row in self.anna.waiting() if row["ask"] == ask)
        path = f"/me/v1/confirmations/{invitation}"
        shown = self.anna.get(path)
        assertion = {"assertion": self.anna.passkey.get(shown["options"])} if said == "yes" else {}
        self.anna.post(path, {"answer": said, **assertion})

    def with_approval(self, question: Mapping[str, Any], approval: Mapping[str, Any]) -> dict[str, Any]:
        return {**question, "context": {**question["context"], "approval": dict(approval)}}

    def ahead(self, ms: int) -> None:
        """Let the desk's clock go on."""
        self.clock.ahead_ms += ms

    def at_once(self, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Ask several questions at the same moment."""

        async def all_of_them() -> list[httpx.Response]:
            headers = {"authorization": f"Bearer {self.gateway.secret}"}
            transport = self.desk.room.transport
            async with httpx.AsyncClient(transport=transport, base_url=self.desk.room.issuer, headers=headers) as http:
                return await asyncio.gather(*[http.post("/access/v1/evaluation", json=one) for one in questions])

        return [one.json() for one in self.desk.room.thread.run(all_of_them())]

    def differences(self) -> list[str]:
        """Where records differ from what the log says of them."""
        desk = self.desk.desk
        assert desk is not None
        logged = LoggedStates(desk.context.signer.keyed)
        for entry in self.desk.transcript():
            logged.take(entry["index"], {**entry["envelope"], "kind": entry["kind"], "at": entry["at"]})
        asks = [kept.record for kept in self.desk.room.thread.run(desk.context.store.find(AskRecord, "ask.task", self.task.id, limit=100))]
        assert len(asks) > 3
        found = []
        for ask in asks:
            key, facts = record_facts(desk.context.signer.keyed, ask)
            found += [one.text for one in logged.differences(ask, key, facts)]
        return found

    def recorded(self, ask: str) -> list[dict[str, Any]]:
        return [entry for entry in self.desk.transcript() if entry["envelope"].get("ask") == ask]

    def note(self, **changed: Any) -> dict[str, Any]:
        return self.question("order.note", {"order_id": "W1001"}, **changed)

    def uses_left(self, action: str) -> int:
        assert self.desk.desk is not None
        state = self.desk.room.thread.run(load_authorization_state(self.desk.desk.context, self.task.id))
        return int(str(next(one["uses_left"] for one in remaining_budgets(state) if one["action"] == action)))


@contextmanager
def gated(
    folder: Path, *, acts: bool = True, doors: str = POLICIES, catalogue: Mapping[str, Any] = CATALOGUE, **desk: Any
) -> Iterator[Gated]:
    """Open a desk with its gateways; `doors` are the policies of the decision point."""
    for name in ("gateway", "other"):
        (folder / name).write_text(hashlib.sha256(f"secret-of-{name}".encode()).hexdigest())
    (folder / "doors.cedar").write_text(doors)
    callers = [
        {"name": "gateway", "sha256_file": str(folder / "gateway"), "acts": acts, "actions": ["*"]},
        {"name": "other", "sha256_file": str(folder / "other"), "acts": acts, "actions": ["payment.*", "open"]},
    ]
    point = {"policies": [str(folder / "doors.cedar")], "entities": ENTITIES, "callers": callers}
    with Sandbox(catalogue, facts=FACTS, settings={"decision_point": point, **desk}) as made:
        anna, agent = made.customer("anna"), made.agent("spiffe://helper.example/shop")
        mandate = anna.grant(agent, GRANTED)
        task = agent.open(mandate)
        gateways = [Gateway(made, name, f"secret-of-{name}") for name in ("gateway", "other")]
        assert made.desk is not None
        clock = Clock()
        made.desk.context.world.now = clock.now  # type: ignore[method-assign,assignment]  # only the desk's clock is moved
        yield Gated(made, anna, agent, mandate, task, *gateways, clock)
