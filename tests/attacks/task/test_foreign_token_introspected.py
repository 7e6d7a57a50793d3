"""Introspection tells an agent about its own tokens, as they stand now, and nothing about anybody else's."""

import hashlib
import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from attacks.arena import EXCHANGE, ISSUER, Arena, mandate
from attacks.introspected import NOTHING, grant_token, told
from attacks.sub_agents import CATALOGUE, FACTS, hand_on, note
from attacks.sub_agents import mandate as branch
from contracts.identity_minting import jwk, mint
from remit.client import calls
from remit.client.keys import ProofKey
from remit.proof.canonical import b64url
from remit.sandbox import Sandbox, SandboxAgent
from remit.sandbox.workloads import SandboxTask


def both(arena: Arena) -> tuple[SandboxAgent, SandboxTask, str]:
    """An agent with a task's token and with a grant's."""
    agent = arena.agent()
    token, mandate_id = grant_token(arena.anna, agent, mandate(max_tasks=3))
    return agent, agent.open(mandate_id), token


@pytest.mark.proves("INTROSPECT-OWN")
def test_another_clients_token_is_not_told_of(arena: Arena) -> None:
    agent, task, token = both(arena)
    curious = arena.desk.agent("curious", operator="elsewhere")
    for one in (task.token, token):
        assert told(curious, one) == NOTHING
        own = told(agent, one)
        assert (own["active"], own["sub"], own["client_id"]) == (True, "anna", agent.client_id)
    assert told(curious, "no.token.atall") == NOTHING


ENDINGS: dict[str, Callable[[Arena, SandboxTask], Any]] = {
    "completed": lambda _, task: task.complete(),
    "case closed natively": lambda arena, task: arena.run(arena.helpdesk.close_natively(task.case)),
    "idle": lambda arena, _: setattr(arena.clock, "ahead_ms", 20 * 60_000),
}
STOPS: dict[str, Callable[[Arena], Any]] = {
    "customer suspended": lambda arena: arena.desk.suspend(customer="anna"),
    "objective suspended": lambda arena: arena.desk.suspend(objective="return-item"),
    "mandate revoked": lambda arena: [arena.anna.revoke(one["mandate"]) for one in arena.anna.get("/me/v1/mandates")["mandates"]],
}


@pytest.mark.proves("INTROSPECT-OWN", "TASK-END")
@pytest.mark.parametrize("how", [*ENDINGS])
def test_a_task_that_has_ended_has_no_good_token(arena: Arena, how: str) -> None:
    agent, task, _ = both(arena)
    assert told(agent, task.token)["active"] is True
    ENDINGS[how](arena, task)
    answered = arena.form("/oauth/introspect", {"token": task.token}, agent=agent)
    assert answered.json() == NOTHING


@pytest.mark.proves("INTROSPECT-OWN")
@pytest.mark.parametrize("how", [*STOPS])
def test_what_stands_no_more_is_not_called_good(arena: Arena, how: str) -> None:
    agent, task, token = both(arena)
    STOPS[how](arena)
    assert (told(agent, task.token), told(agent, token)) == (NOTHING, NOTHING)


@pytest.mark.proves("INTROSPECT-OWN")
@pytest.mark.parametrize("what", ["agent", "operator"])
def test_a_suspended_agent_is_told_nothing_of_its_tokens(arena: Arena, what: str) -> None:
    agent, task, token = both(arena)
    suspended: dict[str, Any] = {"agent": agent} if what == "agent" else {"operator": "helper.example"}
    arena.desk.suspend(**suspended)
    for one in (task.token, token):
        answered = arena.form("/oauth/introspect", {"token": one}, agent=agent)
        assert (answered.json()["code"], "sub" in answered.text) == ("agent.suspended", False)


@pytest.mark.proves("INTROSPECT-OWN")
@pytest.mark.parametrize("what", ["agent", "operator"])
def test_a_branchs_token_is_not_good_while_whoever_cut_it_is_suspended(what: str) -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        customer = desk.customer("yu")
        top, below = desk.agent("top", operator="owner"), desk.agent("below", operator="courier")
        granted = customer.grant(top, branch({"power": "represent"}, note(uses=2), chain=1, chain_operators=["courier"], max_tasks=3))
        task = below.open(hand_on(top, below, granted.id, branch(note(uses=1)))["mandate"])
        assert [one["sub"] for one in (told(below, task.token)["act"], told(below, task.token)["act"]["act"])] == ["below", "top"]
        assert told(top, task.token) == NOTHING
        suspended: dict[str, Any] = {"agent": top} if what == "agent" else {"operator": "owner"}
        desk.suspend(**suspended)
        assert told(below, task.token) == NOTHING


@pytest.mark.proves("INTROSPECT-OWN")
def test_the_token_of_a_mandate_that_is_used_up_is_inactive(arena: Arena) -> None:
    agent = arena.agent()
    token, mandate_id = grant_token(arena.anna, agent, mandate(max_tasks=1))
    assert told(agent, token)["active"] is True
    task = agent.open(mandate_id)
    assert told(agent, token)["active"] is True
    task.complete()
    assert told(agent, token) == NOTHING


@pytest.mark.proves("INTROSPECT-OWN")
def test_a_mandate_lives_for_as_long_as_a_branch_that_took_its_tasks() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        customer, parent, child = desk.customer("yu"), desk.agent("parent"), desk.agent("child", operator="courier")
        wanted = branch({"power": "represent"}, note(uses=2), chain=1, chain_operators=["courier"], max_tasks=1)
        token, mandate_id = grant_token(customer, parent, wanted)
        cut = hand_on(parent, child, mandate_id, branch(note(uses=1), max_tasks=1))["mandate"]
        assert told(parent, token)["active"] is True
        task = child.open(cut)
        assert told(parent, token)["active"] is True
        task.complete()
        assert told(parent, token) == NOTHING
        assert customer.get("/me/v1/mandates")["mandates"][0]["state"] == "exhausted"


@pytest.mark.proves("INTROSPECT-OWN")
def test_another_workload_of_the_same_registration_is_not_told_of_a_token(arena: Arena, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.json"
    bundle.write_text(json.dumps({"keys": [jwk("ES256", kid="k1", use="jwt-svid")], "spiffe_sequence": 1}))
    fleet = {
        "client_id": "fleet",
        "actor": "spiffe://helper.example/fleet/*",
        "operator": "helper.example",
        "name": "Fleet",
        "tier": "known",
        "method": "spiffe_jwt",
        "keys": {"bundle_file": str(bundle), "trust_domain": "helper.example"},
        "redirect_uris": ["http://127.0.0.1/callback"],
    }
    assert arena.room.raw("POST", "/sandbox/v1/agents", fleet).status_code == 201
    key, first, second = ProofKey(), "spiffe://helper.example/fleet/a", "spiffe://helper.example/fleet/b"

    def sent(who: str, path: str, **form: str) -> dict[str, Any]:
        now = int(time.time())
        svid = mint({"alg": "ES256", "kid": "k1", "typ": "JWT"}, {"sub": who, "aud": [ISSUER], "iat": now, "exp": now + 300})
        proved = key if path == "/oauth/token" else None
        said = {
            "client_id": "fleet",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe",
            "client_assertion": svid,
            **form,
        }
        body: dict[str, Any] = arena.form(path, said, key=proved).json()
        return body

    verifier = secrets.token_urlsafe(48)
    wanted = {
        "response_type": "code",
        "code_challenge": b64url(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
        "dpop_jkt": key.thumbprint,
        "redirect_uri": "http://127.0.0.1/callback",
        "authorization_details": json.dumps([mandate(max_tasks=3)]),
    }
    path = f"/me/v1/requests/{sent(first, '/oauth/par', **wanted)['request_uri'].rpartition(':')[2]}"
    shown = arena.anna.get(path)
    signed = arena.anna.post(
        path, {"answer": "grant", "ceremony": shown["ceremony"], "assertion": arena.anna.passkey.get(shown["options"])}
    )
    code = parse_qs(urlsplit(signed["redirect"]).query)["code"][0]
    redeemed = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier, "redirect_uri": "http://127.0.0.1/callback"}
    granted = sent(first, "/oauth/token", **redeemed)
    opening = {"grant_type": EXCHANGE, "subject_token": granted["mandate"], "subject_token_type": calls.MANDATE_TOKEN}
    opened = sent(first, "/oauth/token", **opening)
    for token in (granted["access_token"], opened["access_token"]):
        assert sent(first, "/oauth/introspect", token=token)["active"] is True
        assert sent(second, "/oauth/introspect", token=token) == NOTHING
