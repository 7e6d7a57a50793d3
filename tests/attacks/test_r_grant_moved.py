"""A grant moved to another agent, key, customer or desk, and what an attacker learns by trying."""

import base64
import json
from pathlib import Path

import pytest

from attacks.arena import SEND_BACK, Arena, catalogue, code_of, mandate, open_arena
from remit.client import calls
from remit.client.agent import Agent
from remit.client.keys import ProofKey
from remit.client.transport import Retries

SECOND = "spiffe://helper.example/second"


@pytest.mark.proves("GRANT-BOUND", "ONE-ANSWER")
def test_a_mandate_works_for_its_own_agent_and_key_alone_and_every_other_try_is_answered_alike(arena: Arena) -> None:
    agent, second = arena.agent(), arena.agent(SECOND)
    found = arena.anna.grant(agent, mandate())
    task = agent.open(found)
    unknown = "man_" + "a" * 26
    tries = [
        arena.exchange(second, found.id),
        arena.exchange(agent, found.id, key=ProofKey()),
        arena.exchange(agent, found.id, key=ProofKey(second.key)),
        arena.exchange(second, unknown),
        arena.exchange(second, "man_x"),
        arena.exchange(second, task.id, kind=calls.TASK_TOKEN),
        arena.exchange(agent, task.id, kind=calls.TASK_TOKEN, key=ProofKey()),
        arena.exchange(second, "task_" + "a" * 26, kind=calls.TASK_TOKEN),
    ]
    bodies = [one.json() for one in tries]
    assert all(body == bodies[0] for body in bodies), bodies
    assert {one.status_code for one in tries} == {400}
    assert bodies[0]["error"] == "invalid_grant"
    assert len(arena.entries("task.opened")) == 1


@pytest.mark.proves("GRANT-BOUND")
def test_a_code_is_for_the_workload_key_verifier_and_address_that_pushed_it_and_once(arena: Arena) -> None:
    agent, second = arena.agent(), arena.agent(SECOND)
    uri, state = agent.push(mandate())
    path = f"/me/v1/requests/{uri.rpartition(':')[2]}"
    shown = arena.anna.get(path)
    signed = arena.anna.post(
        path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": arena.anna.passkey.get(shown["options"])}
    )
    code = signed["redirect"].partition("code=")[2].partition("&")[0]
    verifier = agent._verifiers[state]
    right = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "redirect_uri": "http://127.0.0.1/callback"}
    for form, who, key in (
        (right, second, second),
        (right, agent, ProofKey()),
        (right | {"code_verifier": "x" * 43}, agent, agent),
        (right | {"redirect_uri": "http://127.0.0.1/other"}, agent, agent),
        (right | {"code": "x" * 43}, agent, agent),
    ):
        refused = arena.form("/oauth/token", form, agent=who, key=key).json()
        assert (refused["error"], refused["code"]) == ("invalid_grant", "grant.invalid")
    assert arena.form("/oauth/token", right, agent=agent, key=agent).is_success
    assert code_of(arena.form("/oauth/token", right, agent=agent, key=agent)) == "grant.invalid"


@pytest.mark.proves("GRANT-BOUND")
def test_the_token_of_the_code_opens_no_task_by_itself(arena: Arena) -> None:
    agent = arena.agent()
    uri, state = agent.push(mandate())
    path = f"/me/v1/requests/{uri.rpartition(':')[2]}"
    shown = arena.anna.get(path)
    signed = arena.anna.post(
        path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": arena.anna.passkey.get(shown["options"])}
    )
    token = str(agent.redeem(signed["redirect"], state)["access_token"])
    task = arena.task(agent=arena.agent(SECOND))
    task.agent, task.token = agent, token
    with arena.unchanged():
        asked = arena.ask(task, "order.return", SEND_BACK)
        looked = arena.send(task, f"/v1/tasks/{task.id}", method="GET")
        receipt = arena.send(task, "/log/receipts/1", method="GET")
    for answer in (asked, looked, receipt):
        body = answer.json()
        assert (answer.status_code, body["status"], body["code"]) == (403, 403, "credential.wrong_audience")
        assert "Exchange the mandate" in body["cure"]
        assert answer.headers["www-authenticate"].startswith('DPoP error="insufficient_scope", scope="ask", resource_metadata="')
    assert (asked.json()["decision"], asked.json()["codes"]) == ("refuse", ["credential.wrong_audience"])


@pytest.mark.proves("DPOP-BOUND")
def test_a_stolen_token_is_worth_nothing_without_its_key_or_at_another_address(arena: Arena) -> None:
    task = arena.task()
    path = f"/v1/tasks/{task.id}/asks"
    body = {"action": "order.return", "params": SEND_BACK}
    own = arena.proof(task.agent, "POST", path, token=task.token)
    cases = {
        "another key": ({"dpop": arena.proof(ProofKey(), "POST", path, token=task.token)}, "credential.wrong_key"),
        "as a bearer": ({"authorization": f"Bearer {task.token}", "dpop": ""}, "credential.wrong_key"),
        "no proof": ({"dpop": ""}, "credential.missing"),
        "another address": ({"dpop": arena.proof(task.agent, "POST", path + "x", token=task.token)}, "credential.wrong_audience"),
        "another method": ({"dpop": arena.proof(task.agent, "GET", path, token=task.token)}, "credential.wrong_audience"),
        "another token's proof": ({"dpop": arena.proof(task.agent, "POST", path, token="x.y.z")}, "credential.wrong_audience"),
        "no token's proof": ({"dpop": arena.proof(task.agent, "POST", path)}, "credential.malformed"),
    }
    with arena.unchanged():
        for name, (headers, code) in cases.items():
            assert code_of(arena.send(task, path, body, headers=headers)) == code, name
        arena.clock.ahead_ms = 61_000
        assert code_of(arena.send(task, path, body, headers={"dpop": own})) == "credential.expired"
        arena.clock.ahead_ms = 301_000
        assert code_of(arena.send(task, path, body)) == "credential.expired"
    assert arena.entries("ask.decided") == []


@pytest.mark.proves("DPOP-BOUND")
def test_a_token_that_was_verified_proves_nothing_under_another_signature(arena: Arena) -> None:
    task = arena.task()
    path, body = f"/v1/tasks/{task.id}/asks", {"action": "order.read", "params": {"order_id": "W1"}}
    assert arena.send(task, path, body).is_success
    claims, _, signature = task.token.rpartition(".")
    forged = f"{claims}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    proof = arena.proof(task.agent, "POST", path, token=forged)
    with arena.unchanged():
        answer = arena.send(task, path, body, headers={"authorization": f"DPoP {forged}", "dpop": proof})
        assert code_of(answer) == "credential.wrong_key"
    assert arena.send(task, path, body).is_success


@pytest.mark.proves("DPOP-REPLAY")
@pytest.mark.usefixtures("process")
def test_a_proof_counts_once_at_every_door(arena: Arena) -> None:
    task = arena.task()
    path = f"/v1/tasks/{task.id}/asks"
    once = arena.proof(task.agent, "POST", path, token=task.token)
    body = {"action": "order.read", "params": {"order_id": "W1"}}
    assert arena.send(task, path, body, headers={"dpop": once}).is_success
    with arena.unchanged():
        assert code_of(arena.send(task, path, body, headers={"dpop": once})) == "credential.replayed"
        assert code_of(arena.send(task, path, body, headers={"dpop": once, "idempotency-key": "k"})) == "credential.replayed"
    for address in (f"/v1/tasks/{task.id}", f"/v1/tasks/{task.id}/inbox"):
        seen = arena.proof(task.agent, "GET", address, token=task.token)
        assert arena.send(task, address, method="GET", headers={"dpop": seen}).is_success
        assert code_of(arena.send(task, address, method="GET", headers={"dpop": seen})) == "credential.replayed"


@pytest.mark.proves("DPOP-REPLAY")
@pytest.mark.usefixtures("process")
def test_a_client_assertion_counts_once(arena: Arena) -> None:
    agent = arena.agent()
    found = arena.anna.grant(agent, mandate())
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": found.id,
        "subject_token_type": calls.MANDATE_TOKEN,
    }
    form |= agent.identity.credentials(issuer="http://localhost", now_s=arena.clock.now() / 1000)
    assert arena.form("/oauth/token", form, key=agent).is_success
    assert code_of(arena.form("/oauth/token", form, key=agent)) == "credential.replayed"


@pytest.mark.proves("GRANT-BOUND")
def test_a_token_of_another_desk_is_worth_nothing_here() -> None:
    with open_arena() as arena, open_arena(settings={"server": {"issuer": "http://127.0.0.1"}}) as other:
        task = arena.task()
        with other.unchanged():
            foreign = other.send(task, f"/v1/tasks/{task.id}/asks", {"action": "order.return", "params": SEND_BACK})
        assert code_of(foreign).startswith("credential.")
        assert other.entries("ask.decided") == []


@pytest.mark.proves("GRANT-BOUND")
@pytest.mark.parametrize("claim", ["iss", "aud"])
def test_our_own_signature_is_worth_nothing_under_another_desks_name(arena: Arena, claim: str) -> None:
    task = arena.task()
    payload = task.token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    token = arena.context.signer.sign_jwt("at+jwt", {**claims, claim: "https://other.example"})
    body = {"action": "order.read", "params": {"order_id": "W1"}}
    with arena.unchanged():
        assert code_of(arena.send(task, f"/v1/tasks/{task.id}/asks", body, token=token)) == "credential.wrong_audience"
    assert arena.entries("ask.decided") == []
    token = arena.context.signer.sign_jwt("at+jwt", claims)
    assert arena.send(task, f"/v1/tasks/{task.id}/asks", body, token=token).is_success


@pytest.mark.proves("ONE-ANSWER")
def test_another_workloads_task_and_no_task_answer_alike(arena: Arena) -> None:
    task = arena.task()
    other = arena.task(agent=arena.agent(SECOND))
    body = {"action": "order.read", "params": {"order_id": "W1"}}
    with arena.unchanged():
        foreign = arena.send(task, f"/v1/tasks/{other.id}/asks", body)
        unknown = arena.send(task, "/v1/tasks/task_" + "a" * 26 + "/asks", body)
    assert foreign.json() == unknown.json()
    assert code_of(foreign) == "task.ended"


@pytest.mark.proves("CONSENT-RENEWED")
def test_an_action_whose_meaning_changed_since_signing_needs_renewed_consent(tmp_path: Path) -> None:
    data = catalogue()
    with open_arena(store=tmp_path) as arena:
        agent = arena.agent()
        wanted = mandate(
            powers=[{"power": "represent"}, {"power": "receive", "attributes": ["order.*"]}, {"power": "request", "actions": ["order.*"]}]
        )
        found = arena.anna.grant(agent, wanted)
        task = agent.open(found)
    data["action"]["order.return"]["title"] = "Give away the items {item_ids} of order {order_id}"
    with open_arena(store=tmp_path, catalogue=data) as arena:
        agent._room = arena.room
        agent.client = Agent(
            desk=arena.room.issuer, identity=agent.identity, key=agent.key, transport=arena.room.transport, retries=Retries(attempts=1)
        )
        task._room = arena.room
        with arena.unchanged():
            response = arena.ask(task, "order.return", SEND_BACK)
            assert code_of(response) == "mandate.inactive"
            assert code_of(arena.exchange(agent, found.id)) in {"mandate.inactive", "grant.invalid"}
