"""Every kind of answer at the MCP door against MCP's own JSON schemas, and its own examples of requests as requests."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import pytest

from attacks.arena import SEND_BACK, Arena, open_arena, refund
from attacks.mcp_calls import HANDSHAKE, META, STATELESS, TASKS, URLS, Mcp
from conformance.harness import SHARED

VECTORS = SHARED / "mcp"
pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="remit: NOT RUN: the schemas of MCP are not here; set REMIT_SHARED")


def schema(revision: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((VECTORS / f"schema-{revision}.json").read_text(encoding="utf-8"))
    return found


SCHEMAS = {revision: schema(revision) for revision in (STATELESS, HANDSHAKE)} if VECTORS.is_dir() else {}


def valid(kind: str, value: Any, revision: str = STATELESS) -> Any:
    """The value, which is one of this kind by the schema of a revision."""
    found = jsonschema_rs.validator_for({"$ref": f"#/$defs/{kind}", "$defs": SCHEMAS[revision]["$defs"]})
    problems = [f"{one.instance_path}: {one.message}" for one in found.iter_errors(value)]
    assert not problems, (kind, problems[:5], value)
    return value


@pytest.fixture
def arena() -> Iterator[Arena]:
    with open_arena() as one:
        yield one


@pytest.fixture
def mcp(arena: Arena) -> Mcp:
    return Mcp(arena, arena.task())


def test_answers_of_the_stateless_revision_are_what_its_schema_says(mcp: Mcp) -> None:
    found = valid("DiscoverResultResponse", mcp.send("server/discover").json())["result"]
    assert found["supportedVersions"][0] == STATELESS
    valid("ListToolsResultResponse", mcp.send("tools/list").json())
    for answer in (
        mcp.call("order_read", {"order_id": "W1"}),
        mcp.call("order_read", {"order_id": "W9"}),
        mcp.call("order_return", SEND_BACK),
        mcp.call("payment_refund", refund()),
        mcp.call("task_status"),
        mcp.call("read_inbox", {"after": 1}),
        mcp.call("ask_status", {"ask": "x"}),
        mcp.call("read_inbox", {"after": -1}),
    ):
        result = valid("CallToolResultResponse", answer.json())["result"]
        valid("CallToolResult", result)
        assert result["content"][0]["text"]
    waiting = mcp.call("order_return", SEND_BACK, capabilities=URLS).json()
    valid("CallToolResultResponse", waiting)
    valid("InputRequiredResult", waiting["result"])
    valid("ElicitRequest", waiting["result"]["inputRequests"]["confirm"])


@pytest.mark.parametrize("name", ["task_status", "order_return", "payment_refund", "order_read"])
def test_tools_are_tools_with_schemas_that_are_schemas(mcp: Mcp, name: str) -> None:
    tool = valid("Tool", mcp.tools()[name])
    jsonschema_rs.meta.validate(tool["inputSchema"])
    assert tool["annotations"]["readOnlyHint"] is (name in {"order_read", "task_status"})
    assert tool["annotations"]["destructiveHint"] is (name in {"order_return", "payment_refund"})
    assert tool["description"].endswith(".")


def test_errors_of_the_stateless_revision_are_what_its_schema_says(mcp: Mcp) -> None:
    wrong = mcp.call("order_read", {"order_id": "W1"}, headers={"mcp-name": "x"})
    valid("HeaderMismatchError", wrong.json())
    old = mcp.message("tools/list")
    old["params"]["_meta"][META + "protocolVersion"] = "2099-01-01"
    unsupported = mcp.post(old, mcp_protocol_version="2099-01-01", mcp_method="tools/list")
    assert unsupported.status_code == 400
    assert valid("UnsupportedProtocolVersionError", unsupported.json())["error"]["data"]["supported"][0] == STATELESS
    missing = mcp.send("tasks/get", {"taskId": "ask_x"})
    assert missing.status_code == 400
    valid("MissingRequiredClientCapabilityError", missing.json())
    none = mcp.send("prompts/list")
    assert none.status_code == 404
    valid("MethodNotFoundError", none.json()["error"])
    for params in ({}, {"name": 5}, {"name": "order_read", "arguments": []}):
        unread = mcp.send("tools/call", params, headers={"mcp-name": ""} if params.get("name") != "order_read" else None)
        assert unread.status_code == 400
        valid("JSONRPCErrorResponse", unread.json())
    for left_out in ("protocolVersion", "clientCapabilities"):
        body = mcp.message("tools/list")
        del body["params"]["_meta"][META + left_out]
        unread = mcp.post(body, mcp_protocol_version=STATELESS, mcp_method="tools/list")
        assert (unread.status_code, valid("JSONRPCErrorResponse", unread.json())["error"]["code"]) == (400, -32602)


def test_an_ask_that_waits_is_a_task_until_it_is_settled(arena: Arena, mcp: Mcp) -> None:
    """SEP-2663: the answer to the call has no request for input, `tasks/get` has, and a result once there is one."""
    both = {**URLS, **TASKS}
    made = mcp.call("order_return", SEND_BACK, capabilities=both).json()["result"]
    assert (made["resultType"], made["taskId"][:4], set(made) & {"inputRequests", "result"}) == ("task", "ask_", set())
    first = mcp.send("tasks/get", {"taskId": made["taskId"]}, capabilities=both).json()["result"]
    valid("ElicitRequest", first["inputRequests"]["confirm"])
    plain = mcp.send("tasks/get", {"taskId": made["taskId"]}, capabilities=TASKS).json()["result"]
    assert (plain["status"], "confirm/cnf_" in plain["statusMessage"]) == ("working", True)
    assert mcp.send("tasks/cancel", {"taskId": made["taskId"]}, capabilities=both).json()["result"] == {"resultType": "complete"}
    arena.anna.confirm(mcp.task.poll(made["taskId"]))
    done = mcp.send("tasks/get", {"taskId": made["taskId"]}, capabilities=both).json()["result"]
    assert (done["resultType"], done["status"], done["createdAt"]) == ("complete", "completed", made["createdAt"])
    assert valid("CallToolResult", done["result"])["structuredContent"]["outcome"] == "done"
    again = mcp.send("tasks/get", {"taskId": made["taskId"]}, headers={"mcp-name": "x"}, capabilities=both)
    assert again.json()["error"]["code"] == -32020


def test_a_no_is_a_completed_task_with_an_error_in_its_result(arena: Arena, mcp: Mcp) -> None:
    made = mcp.call("order_return", SEND_BACK, capabilities=TASKS).json()["result"]
    arena.anna.decline(mcp.task.poll(made["taskId"]))
    said = mcp.send("tasks/get", {"taskId": made["taskId"]}, capabilities=TASKS).json()["result"]
    assert (said["status"], said["result"]["isError"]) == ("completed", True)
    assert said["result"]["structuredContent"]["codes"] == ["confirmation.declined"]


def test_answers_of_a_revision_with_a_handshake_are_what_its_schema_says(mcp: Mcp) -> None:
    params = {"protocolVersion": HANDSHAKE, "capabilities": URLS, "clientInfo": {"name": "t", "version": "1"}}
    begun = mcp.shaken("initialize", params)
    session = begun.headers["mcp-session-id"]
    valid("InitializeResult", valid("JSONRPCResultResponse", begun.json(), HANDSHAKE)["result"], HANDSHAKE)
    assert mcp.post({"jsonrpc": "2.0", "method": "notifications/initialized"}, mcp_protocol_version=HANDSHAKE).status_code == 202
    valid("EmptyResult", mcp.shaken("ping").json()["result"], HANDSHAKE)
    valid("ListToolsResult", mcp.shaken("tools/list", session=session).json()["result"], HANDSHAKE)
    read = mcp.shaken("tools/call", {"name": "order_read", "arguments": {"order_id": "W1"}}, session=session)
    valid("CallToolResult", read.json()["result"], HANDSHAKE)
    stream = mcp.shaken("tools/call", {"name": "order_return", "arguments": SEND_BACK}, session=session, number=2)
    assert stream.headers["content-type"] == "text/event-stream", stream.text
    asked, answer = [json.loads(line[6:]) for line in stream.text.splitlines() if line.startswith("data: ")]
    valid("ElicitRequest", asked, HANDSHAKE)
    assert valid("CallToolResult", answer["result"], HANDSHAKE)["structuredContent"]["decision"] == "needs_human"
    none = mcp.shaken("resources/list", session=session)
    assert (none.status_code, valid("JSONRPCErrorResponse", none.json(), HANDSHAKE)["error"]["code"]) == (200, -32601)


@pytest.mark.parametrize(
    ("wanted", "given"), [("2025-06-18", "2025-06-18"), ("2025-03-26", "2025-03-26"), ("2024-11-05", HANDSHAKE), ("x", HANDSHAKE)]
)
def test_a_handshake_agrees_on_a_revision_that_is_served(mcp: Mcp, wanted: str, given: str) -> None:
    params = {"protocolVersion": wanted, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    assert mcp.shaken("initialize", params).json()["result"]["protocolVersion"] == given


def test_the_door_takes_posts_alone(mcp: Mcp) -> None:
    for method in ("GET", "DELETE"):
        answer = mcp.arena.send(mcp.task, "/mcp", method=method)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_the_examples_of_requests_are_read(mcp: Mcp) -> None:
    """MCP's own examples of messages a client may send: each is answered, none is a mistake of the message's form."""
    examples = json.loads((VECTORS / "schema-examples-2026-07-28.json").read_text(encoding="utf-8"))
    found = examples.get("examples", examples)
    read = 0
    for kind in ("CallToolRequest", "ListToolsRequest", "DiscoverRequest", "ListPromptsRequest", "CompleteRequest"):
        for example in found[kind].values() if isinstance(found[kind], dict) else found[kind]:
            body = example.get("content", example) if isinstance(example, dict) else example
            body = json.loads(body) if isinstance(body, str) else body
            if "method" not in body:
                continue
            name = body["params"].get("name", "")
            answer = mcp.post(body, mcp_protocol_version=STATELESS, mcp_method=body["method"], mcp_name=name)
            assert answer.status_code in {200, 400, 404}, answer.text
            number = answer.json().get("error", {}).get("code")
            assert number in {None, -32601, -32602}, answer.text
            valid("JSONRPCErrorResponse" if number else "JSONRPCResultResponse", answer.json())
            read += 1
    assert read >= 3
