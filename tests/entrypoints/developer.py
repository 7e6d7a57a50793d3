"""A developer without our client: raw requests, proved by hand."""

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from desks.kettle import MANDATE, SHOP
from remit.client.keys import ProofKey
from remit.sandbox import Sandbox
from remit.sandbox.workloads import SandboxTask

READ = {"action": "order.read", "params": {"order_id": "W1"}}


METADATA = 'resource_metadata="http://localhost/.well-known/oauth-protected-resource"'


class Developer:
    """Somebody who writes requests by hand, with a task to ask in."""

    def __init__(self, desk: Sandbox) -> None:
        self.desk = desk
        self.agent = desk.agent(SHOP)
        self.mandate = desk.customer("yusuf").grant(self.agent, {**MANDATE, "max_tasks": 50})
        self.proofs = ProofKey(self.agent.key)

    def task(self) -> SandboxTask:
        return self.agent.open(self.mandate)

    def proof(self, method: str, path: str, token: str | None = None) -> str:
        return self.proofs.proof(method, f"http://localhost{path}", now_s=time.time(), token=token)

    def send(self, task: SandboxTask, method: str, path: str, body: bytes | None = None, **headers: str | None) -> httpx.Response:
        """One request with the task's token and a fresh proof; a header that is None is left out."""
        sent: dict[str, str | None] = {
            "authorization": f"DPoP {task.token}",
            "dpop": self.proof(method, path.partition("?")[0], task.token),
            "content-type": None if body is None else "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        kept = {name: value for name, value in sent.items() if value is not None}
        return self.desk.room.raw(method, path, headers=kept, content=body, check=False)

    def ask(self, task: SandboxTask, body: object = READ, **headers: str | None) -> httpx.Response:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send(task, "POST", f"/v1/tasks/{task.id}/asks", raw, **{"idempotency_key": secrets.token_hex(8), **headers})

    def form(self, path: str, members: Mapping[str, str], proof: str = "") -> httpx.Response:
        """A form with a fresh client assertion."""
        credentials = self.agent.identity.credentials(issuer="http://localhost", now_s=time.time())
        headers = {"content-type": "application/x-www-form-urlencoded", **({"dpop": proof} if proof else {})}
        body = urlencode({**members, **credentials}).encode()
        return self.desk.room.raw("POST", path, headers=headers, content=body, check=False)


def refused(answer: httpx.Response, status: int, code: str) -> Mapping[str, Any]:
    """Problem details, whole."""
    body: Mapping[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == f"urn:remit:problem:{code}"
    assert body["title"]
    assert body["detail"]
    assert body["cure"]
    return body
