"""Strings that an agent chooses outside of words and params: each door's are listed here, and a secret in one is kept nowhere."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from attacks.arena import Arena, code_of, pushed
from remit.entrypoints.http.wire import AskBody
from remit.entrypoints.openapi.agents import agent_paths

READ = {"order_id": "W1"}
SECRETS = {
    "password": "password=Harbor#8159x",
    "pin": "pin:482193",
    "key": "sk_live_" + "51HqW9fKZvR2mXbT7cYdN4aPu",
    "card": "4111111111111111",
}
LISTED = {
    # Read as text: secrets, readability, orders (test_secret_in_message, test_words_in_params, test_hostile_files).
    "words": "text",
    "params": "text",
    "action": "text",
    "attachments": "text",
    "authorization_details": "text",  # its only free text is the summary: test_summary_deceives
    # Closed: a listed value, a number, a hash, or an address that is registered.
    "grant_type": "closed",
    "subject_token_type": "closed",
    "requested_token_type": "closed",
    "actor_token_type": "closed",
    "token_type_hint": "closed",
    "client_assertion_type": "closed",
    "response_type": "closed",
    "response_mode": "closed",
    "code_challenge_method": "closed",
    "scope": "closed",
    "resource": "closed",
    "audience": "closed",
    "redirect_uri": "closed",
    "code_challenge": "closed",
    "dpop_jkt": "closed",
    "client_id": "closed",
    "actor_client_id": "closed",
    "wait": "closed",
    "after": "closed",
    "task": "closed",
    "ask": "closed",
    "entry": "closed",
    "path": "closed",
    "A2A-Version": "closed",
    "Accept-Txn-Challenge": "closed",
    "id": "closed",  # of a JSON-RPC message: told back to its caller, stored nowhere
    "jsonrpc": "closed",
    "login_hint": "closed",
    "method": "closed",
    "requested_expiry": "closed",
    "transaction_authorization_id": "closed",
    # Credentials: verified, never stored as they are.
    "DPoP": "credential",
    "client_assertion": "credential",
    "actor_token": "credential",
    "subject_token": "credential",
    "token": "credential",
    "code": "credential",
    "code_verifier": "credential",
    "Txn-Token": "credential",
    "assertion": "credential",
    "auth_req_id": "credential",
    "client_notification_token": "credential",  # sealed until the ping
    "transaction_challenge": "credential",
    # Opaque: a bounded alphabet and length, stored as they are, refused with a secret.
    "Idempotency-Key": "opaque",
    "state": "opaque",
    "binding_message": "opaque",
}
"""Each string of the agents' doors, and how it is read."""


def _named(node: Any) -> Iterator[str]:
    """Names of parameters and of members of bodies."""
    if isinstance(node, Mapping):
        if "in" in node and "name" in node:
            yield str(node["name"])
        schema = node.get("schema")
        if isinstance(schema, Mapping):
            yield from schema.get("properties", {})
        for name, value in node.items():
            if name != "responses":
                yield from _named(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _named(value)


@pytest.mark.proves("OPAQUE")
def test_every_string_that_an_agent_chooses_is_listed() -> None:
    assert {*_named(agent_paths()), *AskBody.__struct_fields__} == set(LISTED)


def _kept(arena: Arena) -> str:
    desk = arena.desk.desk
    assert desk is not None
    files = "".join(path.read_bytes().decode("latin-1") for path in Path(desk.settings.data).rglob("*") if path.is_file())
    officer = arena.desk.officer("olga", roles=["billing"])
    pages = [arena.person("GET", path, cookie=who.cookie).text for who, path in ((officer, "/desk"), (arena.anna, "/me/history"))]
    return json.dumps(arena.entries(), default=str) + str(arena.state()) + files + "".join(pages)


@pytest.mark.proves("OPAQUE", "SECRETS")
@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_as_an_idempotency_key_is_kept_nowhere(arena: Arena, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    task = arena.task()
    path = f"/v1/tasks/{task.id}/asks"
    answer = arena.send(task, path, {"action": "order.read", "params": READ}, headers={"idempotency-key": SECRETS[kind]})
    assert code_of(answer) == "request.malformed"
    assert SECRETS[kind] not in answer.text + caplog.text + _kept(arena)


@pytest.mark.proves("OPAQUE", "SECRETS")
def test_a_secret_that_the_message_tells_is_no_idempotency_key(arena: Arena) -> None:
    task = arena.task()
    body = {"action": "order.read", "params": READ, "words": "My PIN is 482193."}
    answer = arena.send(task, f"/v1/tasks/{task.id}/asks", body, headers={"idempotency-key": "try-482193"})
    assert code_of(answer) == "request.malformed"
    assert "482193" not in _kept(arena)


@pytest.mark.proves("OPAQUE")
@pytest.mark.parametrize(
    "key", ["1", "order-17-retry", "8c1f6d0e-7f5b-4f0b-9d1c-2b6f0e7a9c11", "Zk4Qw7Er9Ty2Ui5Op1As3Df6Gh8Jk0Lz2Xc4Vb6Nm8Q", "a:b/c=d"]
)
def test_an_honest_key_is_one(arena: Arena, key: str) -> None:
    task = arena.task()
    answer = arena.send(task, f"/v1/tasks/{task.id}/asks", {"action": "order.read", "params": READ}, headers={"idempotency-key": key})
    assert answer.json()["outcome"] == "done"


@pytest.mark.proves("OPAQUE", "SECRETS")
@pytest.mark.parametrize(
    "state", [*SECRETS.values(), "x" * 2049, "a\u0308", "a\nb"], ids=["password", "pin", "key", "card", "long", "letters", "lines"]
)
def test_a_secret_as_a_state_is_kept_nowhere(arena: Arena, state: str) -> None:
    agent = arena.agent()
    answer = pushed(arena, agent, state=state)
    assert code_of(answer) == "request.malformed", answer.text
    assert state not in answer.text + _kept(arena)


@pytest.mark.proves("OPAQUE")
@pytest.mark.parametrize("state", ["", "abc", "Zk4Qw7Er9Ty2Ui5Op1As3Df6Gh8Jk0Lz2Xc4Vb6Nm8Q", '{"back": "/orders?page=2"}'])
def test_an_honest_state_is_one(arena: Arena, state: str) -> None:
    assert pushed(arena, arena.agent(), state=state).status_code == 201
