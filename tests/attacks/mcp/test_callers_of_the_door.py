"""Callers of the MCP door: tokens of other uses, proofs of other addresses, pages, headers that say something else, and bodies."""

import json
import time
from typing import Any

import pytest

from attacks.arena import ISSUER, Arena, code_of, open_arena
from attacks.mcp_calls import HANDSHAKE, META, STATELESS, Mcp, error, told
from remit.client.keys import ProofKey

READ = {"order_id": "W1"}


@pytest.mark.proves("MCP-AUTH", "DPOP-BOUND")
def test_a_proof_for_another_address_or_a_token_of_another_key_opens_nothing(arena: Arena) -> None:
    task = arena.task()
    mcp = Mcp(arena, task)
    elsewhere = arena.proof(task.agent, "POST", f"/v1/tasks/{task.id}/asks", token=task.token)
    assert code_of(mcp.call("order_read", READ, headers={"dpop": elsewhere})) == "credential.wrong_audience"
    foreign = arena.proof(ProofKey(), "POST", "/mcp", token=task.token)
    assert code_of(mcp.call("order_read", READ, headers={"dpop": foreign})) == "credential.wrong_key"
    here = arena.proof(task.agent, "POST", "/mcp", token=task.token)
    answer = arena.send(task, f"/v1/tasks/{task.id}/asks", {"action": "order.read", "params": READ}, headers={"dpop": here})
    assert code_of(answer) == "credential.wrong_audience"


@pytest.mark.proves("MCP-AUTH")
@pytest.mark.parametrize(
    ("changed", "status"),
    [({"aud": "https://other.example/mcp"}, 401), ({"iss": "https://other.example"}, 401), ({"scope": "mandate"}, 403)],
    ids=["audience", "issuer", "grant"],
)
def test_a_token_for_another_use_is_refused(arena: Arena, changed: dict[str, Any], status: int) -> None:
    """The last one is a grant's: it opens no tool before it was exchanged."""
    task = arena.task()
    claims = dict(arena.context.signer.verify_jwt(task.token, "at+jwt"))
    token = arena.context.signer.sign_jwt("at+jwt", {**claims, **changed})
    proof = arena.proof(task.agent, "POST", "/mcp", token=token)
    answer = Mcp(arena, task).call("order_read", READ, headers={"authorization": f"DPoP {token}", "dpop": proof})
    assert (answer.status_code, code_of(answer)) == (status, "credential.wrong_audience")
    assert ('error="insufficient_scope"' in answer.headers["www-authenticate"]) is (status == 403)


@pytest.mark.proves("MCP-AUTH", "DPOP-REPLAY")
@pytest.mark.parametrize("method", ["tools/list", "tools/call"])
def test_a_proof_counts_once_also_for_what_only_tells(arena: Arena, method: str, process: str) -> None:
    task = arena.task()
    mcp = Mcp(arena, task)
    proof = arena.proof(task.agent, "POST", "/mcp", token=task.token)
    params = {} if method == "tools/list" else {"name": "order_read", "arguments": READ}
    assert mcp.send(method, params, headers={"dpop": proof}).status_code == 200
    again = mcp.send(method, params, headers={"dpop": proof})
    assert (again.status_code, code_of(again)) == (401, "credential.replayed"), process


@pytest.mark.proves("MCP-AUTH")
def test_a_bound_token_without_its_proof_is_refused_and_both_ways_in_are_named(arena: Arena) -> None:
    task = arena.task()
    answer = Mcp(arena, task).call("order_read", READ, headers={"authorization": f"Bearer {task.token}", "dpop": ""})
    assert answer.status_code == 401
    said = answer.headers["www-authenticate"]
    assert said.startswith(
        f'Bearer error="invalid_token", resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/mcp", scope="ask"'
    )
    assert "DPoP " in said
    told_of = arena.room.raw("GET", "/.well-known/oauth-protected-resource/mcp").json()
    assert (told_of["resource"], told_of["authorization_servers"]) == (f"{ISSUER}/mcp", [ISSUER])


@pytest.mark.proves("MCP-AUTH", "HUMAN-CREDENTIAL", "P15")
def test_a_persons_session_at_this_door_is_refused_and_ended(arena: Arena) -> None:
    cookie = arena.anna.cookie
    answer = Mcp(arena, arena.task()).call("order_read", READ, headers={"cookie": cookie})
    assert (answer.status_code, code_of(answer)) == (403, "agent.human_credential")
    assert code_of(arena.person("GET", "/me/v1", cookie=cookie)) == "person.not_signed_in"


@pytest.mark.proves("MCP-ORIGIN")
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost.evil.example", "null", "http://localhost:81", "https://localhost"]
)
def test_no_page_of_another_site_is_answered(arena: Arena, origin: str) -> None:
    mcp = Mcp(arena, arena.task())
    with arena.unchanged():
        answer = mcp.call("order_read", READ, headers={"origin": origin})
    assert answer.status_code == 403
    assert "result" not in answer.json()
    assert mcp.call("order_read", READ, headers={"origin": ISSUER}).status_code == 200


@pytest.mark.proves("MCP-AGREE")
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"mcp-name": "order_read"}, id="another name"),
        pytest.param({"mcp-name": ""}, id="no name"),
        pytest.param({"mcp-name": "=?base64?b3JkZXJfcmVhZA==?="}, id="another name in base64"),
        pytest.param({"mcp-name": "=?base64?b3JkZXJfcmV0dXJu?"}, id="half a frame"),
        pytest.param({"mcp-name": "=?base64?!?="}, id="no base64"),
        pytest.param({"mcp-method": "tools/list"}, id="another method"),
        pytest.param({"mcp-method": ""}, id="no method"),
        pytest.param({"mcp-protocol-version": ""}, id="no revision"),
    ],
)
def test_headers_that_say_something_else_than_the_body_are_refused(arena: Arena, headers: dict[str, str]) -> None:
    """A proxy that routes or limits by them would have let a read pass."""
    mcp = Mcp(arena, arena.task())
    with arena.unchanged():
        answer = mcp.call("order_return", {"order_id": "W1", "item_ids": ["i1"]}, headers=headers)
    assert error(answer) == (400, -32020)
    assert arena.entries("ask.decided") == []


@pytest.mark.proves("MCP-AGREE")
def test_a_header_that_stands_twice_is_refused(arena: Arena) -> None:
    task = arena.task()
    mcp = Mcp(arena, task)
    body = json.dumps(mcp.message("tools/call", {"name": "order_read", "arguments": READ})).encode()
    headers = [
        ("authorization", f"DPoP {task.token}"),
        ("dpop", arena.proof(task.agent, "POST", "/mcp", token=task.token)),
        ("content-type", "application/json"),
        ("mcp-protocol-version", STATELESS),
        ("mcp-method", "tools/call"),
        ("mcp-name", "order_read"),
        ("mcp-name", "order_return"),
    ]
    assert error(arena.pairs("POST", "/mcp", headers, body)) == (400, -32020)


@pytest.mark.proves("MCP-AGREE", "STRICT-JSON")
@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32700),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
        (b"[]", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":["ping"]}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
    ],
)
def test_what_is_no_single_message_is_refused(arena: Arena, raw: bytes, number: int) -> None:
    assert error(Mcp(arena, arena.task()).post(raw, mcp_protocol_version=HANDSHAKE)) == (400, number)


@pytest.mark.proves("MCP-BOUNDED", "LIMITS")
def test_nothing_is_read_of_an_unproved_body_and_little_of_a_proved_one(arena: Arena) -> None:
    mcp = Mcp(arena, arena.task())
    huge = b'{"a":"' + b"x" * 2_000_000 + b'"}'
    began = time.thread_time()
    assert mcp.post(huge, authorization="", dpop="").status_code == 401
    assert mcp.post(huge).status_code == 413
    many = b'{"a":[' + b",".join([b"1"] * 300_000) + b"]}"
    assert mcp.post(many).status_code == 413
    assert time.thread_time() - began < 2
    deep = b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b'{"a":' * 200 + b"1" + b"}" * 201
    assert error(mcp.post(deep, mcp_protocol_version=HANDSHAKE)) == (400, -32700)


@pytest.mark.proves("MCP-BOUNDED")
def test_failed_proofs_are_limited_at_their_address_and_the_question_how_to_come_in_is_free() -> None:
    with open_arena(settings={"limits": {"peer_per_s": 1, "peer_burst": 4}}) as arena:
        mcp = Mcp(arena, arena.task())
        assert {mcp.post(b"{}", authorization="", dpop="").status_code for _ in range(8)} == {401}
        said = [mcp.post(b"{}", dpop="x").status_code for _ in range(8)]
        assert (said[0], said[-1]) == (401, 429)


@pytest.mark.proves("MCP-AUTH")
def test_a_handshake_remembers_nothing_that_opens_anything(arena: Arena) -> None:
    """A session id is a name, no credential: with a made-up one, the proof alone decides."""
    mcp = Mcp(arena, arena.task())
    made_up = f"u.{'A' * 22}"
    params = {"name": "order_read", "arguments": READ}
    assert told(mcp.shaken("tools/call", params, session=made_up))["outcome"] == "done"
    assert error(mcp.shaken("tools/call", params, session="x" * 500)) == (400, -32600)
    meta = {"_meta": {META + "clientCapabilities": {}}}
    assert (
        mcp.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": meta}, authorization="", mcp_session_id=made_up).status_code
        == 401
    )


@pytest.mark.proves("MCP-AUTH", "P10", "TASK-END")
@pytest.mark.parametrize("method", ["server/discover", "tools/list"])
def test_nothing_is_answered_behind_the_end_of_the_task(arena: Arena, method: str) -> None:
    task = arena.task()
    mcp = Mcp(arena, task)
    assert mcp.send(method).status_code == 200
    task.complete()
    answer = mcp.send(method)
    assert (answer.status_code, code_of(answer)) == (401, "task.ended")
