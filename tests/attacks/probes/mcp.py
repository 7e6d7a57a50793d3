"""The probes' door of MCP: tools of a task, called by hand in revision 2026-07-28 with DPoP."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from attacks.arena import Arena
from attacks.mcp_calls import Mcp
from attacks.probes.door import Answer
from attacks.probes.http import OTHER, HttpDoor
from remit.client.keys import ProofKey


def said(response: httpx.Response) -> Answer:
    """Read a tool's result, a JSON-RPC error, or a problem from before either."""
    body = response.json()
    result, error = body.get("result", {}), body.get("error", {})
    told = result.get("structuredContent") or (error.get("data") if isinstance(error, dict) else None) or body
    parts = {name: str(told.get(name) or "") for name in ("code", "decision", "state", "ask", "outcome")}
    parts["code"] = parts["code"] or str((told.get("codes") or [""])[0])
    values = told.get("result")
    return Answer(**parts, text=response.text, result=values if isinstance(values, dict) else None)


class McpDoor(HttpDoor):
    """One task of a sandbox's agent; what MCP has no way for (a branch for another agent) is tried at the token endpoint."""

    takes_files = False

    def __init__(self, arena: Arena, wanted: Mapping[str, Any] | None = None) -> None:
        super().__init__(arena, wanted)
        self._mcp = Mcp(arena, self._task)

    def ask(
        self, action: str, params: Any, *, words: str | None = None, files: Sequence[Mapping[str, str]] = (), **smuggled: Any
    ) -> Answer:
        arguments = {**params, **({"words": words} if words else {}), **({"attachments": [*files]} if files else {}), **smuggled}
        return said(self._mcp.call(action.replace(".", "_"), arguments))

    def wait(self, ask: str) -> Answer:
        return said(self._mcp.call("ask_status", {"ask": ask}))

    def read(self) -> str:
        return self._mcp.call("task_status").text + self._mcp.call("read_inbox").text + self._mcp.send("tools/list").text

    def complete(self) -> Answer:
        return said(self._mcp.call("complete_task"))

    def accept(self, ask: str) -> Answer:
        """The client's own yes to the elicitation, then the ask as it stands; the person's door as any agent tries it."""
        answers = {"inputResponses": {"confirm": {"action": "accept", "content": {}}}, "requestState": ask}
        self._mcp.call("order_return", {"order_id": "W1", "item_ids": ["i1"], "idempotency_key": "again"}, **answers)
        return super().accept(ask)

    def borrowed(self, session: str) -> Answer:
        return said(self._mcp.call("task_status", headers={"cookie": session, "authorization": ""}))

    def stolen(self, action: str, params: Any) -> Answer:
        key = ProofKey(self.arena.agent(OTHER).key)
        proof = self.arena.proof(key, "POST", "/mcp", token=self._task.token)
        return said(self._mcp.call(action.replace(".", "_"), params, headers={"dpop": proof}))


@contextmanager
def over_mcp(arena: Arena, wanted: Mapping[str, Any] | None) -> Iterator[McpDoor]:
    """Open a task for an MCP client."""
    yield McpDoor(arena, wanted)
