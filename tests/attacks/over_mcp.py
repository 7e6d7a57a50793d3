"""The sandbox's asks through the MCP door: with `TESTS_DOOR=mcp` the probes P1 to P18 are tried there.

Answers are turned into the shapes of the API, so that the same tests judge it. Files go over HTTP: this door takes none.
"""

import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import pytest

from attacks.arena import Arena
from attacks.mcp_calls import META, STATELESS
from remit.client.keys import ProofKey
from remit.client.values import Attached
from remit.domain.errors import Code
from remit.entrypoints.http.replies import STATUS
from remit.sandbox import SandboxReply, SandboxTask
from remit.sandbox.params import plain
from remit.sandbox.replies import read_reply

OVER_MCP = os.environ.get("TESTS_DOOR") == "mcp"
_OVER_HTTP = SandboxTask.ask
_RAW = Arena.ask


def called(task: SandboxTask, action: str, arguments: Mapping[str, Any], now_s: float) -> tuple[int, dict[str, Any]]:
    """Call a tool; the HTTP status and body that the API would have answered with."""
    params = {"name": action, "arguments": arguments, "_meta": {META + "protocolVersion": STATELESS, META + "clientCapabilities": {}}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    headers = {
        "authorization": f"DPoP {task.token}",
        "dpop": ProofKey(task.agent.key).proof("POST", f"{task._room.issuer}/mcp", now_s=now_s, token=task.token),
        "content-type": "application/json",
        "mcp-protocol-version": STATELESS,
        "mcp-method": "tools/call",
        "mcp-name": action,
    }
    said: dict[str, Any] = task._room.raw("POST", "/mcp", headers=headers, content=body, check=False).json()
    found = said["result"]["structuredContent"] if "result" in said else said.get("error", {}).get("data", said)
    if found.get("code") and "codes" not in found:
        found = {**found, "codes": [found["code"]], "decision": "refuse", "cure": found.get("cure", "-")}
    if found.get("decision") == "refuse":
        return STATUS[Code(found["codes"][0])], {**found, "code": found["codes"][0]}
    return (200 if found.get("outcome") in {"done", "failed"} else 202), found


def ask(
    self: SandboxTask,
    action: str,
    params: Mapping[str, Any] | None = None,
    words: str | None = None,
    *,
    idempotency_key: str | None = None,
    attachments: Sequence[Attached] = (),
) -> SandboxReply:
    """`SandboxTask.ask` by a tool."""
    if attachments:
        return _OVER_HTTP(self, action, params, words, idempotency_key=idempotency_key, attachments=attachments)
    given: Any = plain({} if params is None else params)
    self._renew_in_time()
    arguments = {**given, "idempotency_key": idempotency_key or secrets.token_urlsafe(16)}
    if words is not None:
        arguments["words"] = words
    status, body = called(self, action, arguments, time.time())
    return read_reply(body, status, self.poll)


def raw_ask(self: Arena, task: SandboxTask, action: str, params: Any, **more: Any) -> httpx.Response:
    """`Arena.ask` by a tool, where what it sends is one."""
    if not isinstance(params, Mapping) or set(more) - {"words"}:
        return _RAW(self, task, action, params, **more)
    status, body = called(task, action, {**params, **more}, self.clock.now() / 1000)
    return httpx.Response(status, json=body)


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send asks through the MCP door."""
    monkeypatch.setattr(SandboxTask, "ask", ask)
    monkeypatch.setattr(Arena, "ask", raw_ask)
