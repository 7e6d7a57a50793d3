"""JSON-RPC calls to /a2a as a sandbox's task, with a proof for each."""

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

from remit.client.keys import ProofKey
from remit.sandbox.desk import Sandbox
from remit.sandbox.workloads import SandboxTask


def proof_headers(desk: Sandbox, task: SandboxTask, path: str = "/a2a") -> dict[str, str]:
    """The token of a task with a fresh proof of one POST."""
    key = ProofKey(task.agent.key)
    proof = key.proof(method="POST", url=f"{desk.room.issuer}{path}", now_s=time.time(), token=task.token)
    return {"authorization": f"DPoP {task.token}", "dpop": proof}


def post(desk: Sandbox, task: SandboxTask, body: Any, *, version: str | None = "1.0", **headers: str) -> httpx.Response:
    """Send one body as it is."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {**proof_headers(desk, task), "content-type": "application/json", **headers}
    if version is not None:
        sent["a2a-version"] = version
    return desk.room.raw("POST", "/a2a", headers=sent, content=content, check=False)


def call(desk: Sandbox, task: SandboxTask, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Call a method; return the whole JSON-RPC answer."""
    answer = post(desk, task, {"jsonrpc": "2.0", "id": "1", "method": method, "params": dict(params or {})})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    assert body["id"] == "1" or body["error"]["code"] in {-32700, -32600}, "the id of what could not be read is null"
    return body


def message(*parts: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The params of SendMessage."""
    return {"message": {"messageId": str(uuid4()), "role": "ROLE_USER", "parts": list(parts), **more}}


def asks(action: str, params: Mapping[str, Any], words: str = "") -> tuple[dict[str, Any], ...]:
    """The parts of a message that asks for an action."""
    return ({"data": {"action": action, "params": dict(params)}}, *(({"text": words},) if words else ()))


def sent(desk: Sandbox, task: SandboxTask, *parts: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The task of one message."""
    found: dict[str, Any] = call(desk, task, "SendMessage", message(*parts, **more))["result"]["task"]
    return found
