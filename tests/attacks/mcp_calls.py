"""Raw messages at the MCP door, written by hand and proved as the agent of a task."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from attacks.arena import Arena
from remit.sandbox import SandboxTask

META = "io.modelcontextprotocol/"
STATELESS = "2026-07-28"
HANDSHAKE = "2025-11-25"
URLS = {"elicitation": {"url": {}}}
TASKS = {"extensions": {META + "tasks": {}}}


@dataclass
class Mcp:
    """A client of one task."""

    arena: Arena
    task: SandboxTask

    def message(self, method: str, params: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """One request of 2026-07-28; `capabilities` are the client's."""
        meta = {META + "protocolVersion": STATELESS, META + "clientCapabilities": more.pop("capabilities", {})}
        return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**(params or {}), "_meta": meta}, **more}

    def post(self, body: Mapping[str, Any] | bytes, **headers: str) -> httpx.Response:
        """One POST at the door; `headers` are laid over the right ones, an empty one is left out."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.arena.send(self.task, "/mcp", body, headers={"idempotency-key": "", **given})

    def send(
        self, method: str, params: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """One request of 2026-07-28, with the headers that go with it."""
        body = self.message(method, params, **more)
        named = str(body["params"].get("name") or body["params"].get("taskId") or "")
        routed = {"mcp-protocol-version": STATELESS, "mcp-method": method, "mcp-name": named if named.isascii() else "", **(headers or {})}
        return self.post(body, **routed)

    def call(
        self, tool: str, arguments: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        """One call of a tool; what is no capability goes into the params."""
        capabilities = more.pop("capabilities", {})
        return self.send("tools/call", {"name": tool, "arguments": arguments or {}, **more}, headers=headers, capabilities=capabilities)

    def shaken(
        self, method: str, params: Mapping[str, Any] | None = None, *, session: str = "", number: Any = 1, revision: str = HANDSHAKE
    ) -> httpx.Response:
        """One request of a revision with a handshake."""
        body = {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}
        given = {"mcp_protocol_version": revision if method != "initialize" else "", "accept": "application/json, text/event-stream"}
        return self.post(body, mcp_session_id=session, **given)

    def session(self, capabilities: Mapping[str, Any] | None = None) -> str:
        """A handshake; the session it gives."""
        params = {"protocolVersion": HANDSHAKE, "capabilities": capabilities or {}, "clientInfo": {"name": "t", "version": "1"}}
        return str(self.shaken("initialize", params).headers["mcp-session-id"])

    def tools(self) -> dict[str, dict[str, Any]]:
        """The tools that are listed, by name."""
        return {one["name"]: one for one in self.send("tools/list").json()["result"]["tools"]}


def told(answer: httpx.Response) -> dict[str, Any]:
    """The members of a tool's result."""
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["result"]["structuredContent"]
    return found


def error(answer: httpx.Response) -> tuple[int, int]:
    """The HTTP status and the number of a JSON-RPC error."""
    return answer.status_code, int(answer.json()["error"]["code"])
