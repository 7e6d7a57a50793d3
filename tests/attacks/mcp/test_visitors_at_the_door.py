"""Visitors at the MCP door: a bearer token of this door alone, tools of one purpose, nothing done without the customer's passkey."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, Arena
from attacks.mcp_calls import META, STATELESS, URLS, told
from desks import shop
from remit.entrypoints.agents.mcp import door
from remit.sandbox import Sandbox
from visiting import TERMS, Documents, Visitor, confirm, documents, opened

READ = {"order_id": "W1001"}
RETURN = {"order_id": "W1001", "item_ids": ["i1"]}


@pytest.fixture
def arena() -> Iterator[Arena]:
    with Sandbox(opened(shop.CATALOGUE), facts=shop.FACTS, settings=TERMS) as desk:
        yield Arena(desk)


@pytest.fixture
def docs() -> Iterator[Documents]:
    with documents() as served:
        yield served


@pytest.fixture
def visitor(arena: Arena, docs: Documents) -> Visitor:
    """An assistant that Anna let in at `/mcp` to send something back."""
    return Visitor(arena.room, docs.publish(), resource=f"{ISSUER}/mcp").connect(arena.anna, "return-item", ["W1001"])


def send(visitor: Visitor, method: str, params: dict[str, Any] | None = None, *, token: str = "", **capabilities: Any) -> httpx.Response:
    """One message with the bearer token."""
    given = params or {}
    meta = {META + "protocolVersion": STATELESS, META + "clientCapabilities": capabilities}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**given, "_meta": meta}}
    headers = {"mcp-protocol-version": STATELESS, "mcp-method": method, "mcp-name": str(given.get("name", ""))}
    return visitor.send("POST", "/mcp", body, token=token, **headers)


def call(visitor: Visitor, tool: str, arguments: dict[str, Any], **more: Any) -> httpx.Response:
    capabilities = more.pop("capabilities", {})
    return send(visitor, "tools/call", {"name": tool, "arguments": arguments, **more}, **capabilities)


@pytest.mark.proves("MCP-AUTH", "VISITOR-RIGHTS")
def test_a_token_of_the_api_opens_no_tool_and_one_of_this_door_nothing_else(arena: Arena, visitor: Visitor, docs: Documents) -> None:
    assert send(visitor, "tools/list").status_code == 200
    assert visitor.ask("order.note", READ).json()["code"] == "credential.wrong_audience"
    other = Visitor(arena.room, docs.publish("/other.json")).connect(arena.anna, "return-item", ["W1001"])
    answer = send(other, "tools/list")
    assert (answer.status_code, answer.json()["code"]) == (401, "credential.wrong_audience")


@pytest.mark.proves("MCP-AUTH", "VISITOR-RIGHTS")
def test_a_stranger_is_told_how_to_come_in(arena: Arena) -> None:
    answer = arena.room.raw("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"}, check=False)
    said = answer.headers["www-authenticate"]
    assert (answer.status_code, said.startswith("Bearer resource_metadata=")) == (401, True)
    assert 'scope="return-item unlock"' in said or 'scope="unlock return-item"' in said
    metadata = arena.room.raw("GET", "/.well-known/oauth-protected-resource/mcp").json()
    assert sorted(metadata["scopes_supported"]) == ["return-item", "unlock"]
    assert metadata["dpop_bound_access_tokens_required"] is False


@pytest.mark.proves("MCP-CONFIRM", "VISITOR-RIGHTS")
def test_it_changes_nothing_alone_and_its_accept_counts_for_nothing(
    arena: Arena, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_WAIT_S", 0)
    asked = call(visitor, "order_return", RETURN, capabilities=URLS).json()["result"]
    accepted = {"confirm": {"action": "accept", "content": {}}}
    with arena.unchanged():
        said = told(call(visitor, "order_return", RETURN, capabilities=URLS, requestState=asked["requestState"], inputResponses=accepted))
    assert said["decision"] == "needs_human"
    confirm(arena.anna, said["ask"])
    done = told(call(visitor, "ask_status", {"ask": said["ask"]}))
    assert done["outcome"] == "done"
    assert arena.performed("order.return") == [RETURN]


@pytest.mark.proves("MCP-TOOLS", "VISITOR-RIGHTS")
def test_its_tools_are_those_of_its_purpose_and_another_is_asked_for_only_where_it_is_open(visitor: Visitor) -> None:
    names = {one["name"] for one in send(visitor, "tools/list").json()["result"]["tools"]}
    assert {"order_read", "order_return", "payment_refund"} <= names
    assert not {"account_unlock", "offer_accept", "order_note"} & names
    answer = call(visitor, "account_unlock", {})
    assert answer.status_code == 403
    assert 'scope="unlock"' in answer.headers["www-authenticate"]
    assert told(call(visitor, "order_note", READ))["codes"] == ["mandate.power_missing"]


@pytest.mark.proves("MCP-AUTH", "TASK-END")
def test_a_token_taken_back_is_dead_here_by_the_next_message(arena: Arena, visitor: Visitor) -> None:
    assert send(visitor, "server/discover").status_code == 200
    arena.anna.revoke(visitor.tokens["mandate"])
    for method in ("server/discover", "tools/list"):
        assert send(visitor, method).status_code == 401
    assert told(call(visitor, "order_read", READ))["decision"] == "refuse"
