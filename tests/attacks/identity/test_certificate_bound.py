"""A token bound to a TLS certificate is worth nothing without that certificate's connection, nor is its grant."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from attacks.arena import EXCHANGE, ISSUER, SEND_BACK, Arena, mandate, open_arena
from attacks.backchannel import CIBA, answer, requests, said
from remit.client import calls
from remit.domain.identity import jws
from remit.proof.canonical import b64url
from remit.sandbox import SandboxAgent

OWN, OTHER = b"0\x82 own certificate", b"0\x82 another certificate"


@pytest.fixture
def arena() -> Iterator[Arena]:
    with open_arena(settings={"mtls": {"proxies": ["127.0.0.1"]}}) as one:
        yield one


def presented(der: bytes | None) -> dict[str, str]:
    """What the desk's own TLS front writes of a connection."""
    return {} if der is None else {"client-cert": f":{base64.b64encode(der).decode()}:"}


def form(arena: Arena, path: str, agent: SandboxAgent, der: bytes | None, **fields: str) -> httpx.Response:
    """A form of an agent over a connection with a certificate."""
    signed = agent.identity.credentials(issuer=ISSUER, now_s=arena.clock.now() / 1000)
    sent = {"content-type": "application/x-www-form-urlencoded", **presented(der)}
    return arena.room.raw("POST", path, headers=sent, content=urlencode({**fields, **signed}).encode(), check=False)


def bound_mandate(arena: Arena, agent: SandboxAgent, der: bytes = OWN) -> dict[str, Any]:
    """The token of a mandate that Anna granted to an agent with a certificate."""
    arena.anna.grant(agent, mandate())
    details = json.dumps([mandate(max_tasks=5)])
    started = form(arena, "/oauth/bc-authorize", agent, der, scope="openid", login_hint="anna", authorization_details=details).json()
    answer(arena.anna, requests(arena.anna)[0]["request"])
    arena.clock.ahead_ms += 5000
    granted: dict[str, Any] = form(arena, "/oauth/token", agent, der, grant_type=CIBA, auth_req_id=started["auth_req_id"]).json()
    return granted


def exchange(arena: Arena, agent: SandboxAgent, der: bytes | None, subject: str) -> httpx.Response:
    """The exchange of a mandate over a connection with a certificate."""
    more = {"grant_type": EXCHANGE, "subject_token": subject, "subject_token_type": calls.MANDATE_TOKEN}
    return form(arena, "/oauth/token", agent, der, **more)


def ask(arena: Arena, task: dict[str, Any], der: bytes | None, scheme: str = "Bearer", **headers: str) -> httpx.Response:
    """An ask over a connection with a certificate."""
    sent = {
        "authorization": f"{scheme} {task['access_token']}",
        "idempotency-key": "key",
        "content-type": "application/json",
        **presented(der),
        **headers,
    }
    body = json.dumps({"action": "order.return", "params": SEND_BACK}).encode()
    return arena.room.raw("POST", f"/v1/tasks/{task['task']}/asks", headers=sent, content=body, check=False)


@pytest.mark.proves("CERTIFICATE-BOUND")
def test_a_token_works_over_its_own_certificate_alone(arena: Arena) -> None:
    agent = arena.agent()
    granted = bound_mandate(arena, agent)
    thumbprint = b64url(hashlib.sha256(OWN).digest())
    assert (granted["token_type"], jws.read(granted["access_token"]).claims["cnf"]) == ("Bearer", {"x5t#S256": thumbprint})
    task = exchange(arena, agent, OWN, granted["mandate"]).json()
    for der in (None, OTHER):
        refused = ask(arena, task, der)
        assert (refused.status_code, refused.json()["code"]) == (401, "credential.wrong_key")
    proof = arena.proof(agent, "POST", f"/v1/tasks/{task['task']}/asks", token=task["access_token"])
    by_proof = ask(arena, task, OWN, "DPoP", dpop=proof)
    assert (by_proof.status_code, by_proof.json()["code"]) == (401, "credential.wrong_key")
    assert ask(arena, task, OWN).json()["decision"] == "needs_human"
    seen = form(arena, "/oauth/introspect", agent, None, token=task["access_token"]).json()
    assert (seen["active"], seen["token_type"], seen["cnf"]) == (True, "Bearer", {"x5t#S256": thumbprint})


@pytest.mark.proves("CERTIFICATE-BOUND")
def test_a_grant_is_exchanged_over_its_own_certificate_alone(arena: Arena) -> None:
    agent = arena.agent()
    granted = bound_mandate(arena, agent)
    assert said(exchange(arena, agent, OTHER, granted["mandate"])) == (400, "invalid_grant")
    assert said(exchange(arena, agent, None, granted["mandate"])) == (400, "invalid_dpop_proof")
    assert said(arena.exchange(agent, granted["mandate"])) == (400, "invalid_grant")  # by a key
    assert exchange(arena, agent, OWN, granted["mandate"]).json()["task"]


@pytest.mark.proves("CERTIFICATE-BOUND")
def test_a_certificate_is_no_key_of_a_proof_and_a_proof_no_certificate(arena: Arena) -> None:
    agent = arena.agent()
    granted = arena.anna.grant(agent, mandate(max_tasks=5))
    assert said(exchange(arena, agent, OWN, granted.id)) == (400, "invalid_grant")
    details = json.dumps([mandate()])
    for jkt in (f"x5t#S256:{b64url(hashlib.sha256(OWN).digest())}", "x5t#S256:"):
        more = {"scope": "openid", "login_hint": "anna", "authorization_details": details, "dpop_jkt": jkt}
        assert said(form(arena, "/oauth/bc-authorize", agent, None, **more)) == (400, "invalid_request")
    task = agent.open(granted)
    stolen = ask(arena, {"access_token": task.token, "task": task.id}, OWN)
    assert (stolen.status_code, stolen.json()["code"]) == (401, "credential.wrong_key")


def test_the_metadata_says_so_where_the_desk_has_a_front(arena: Arena) -> None:
    for document, required in (("oauth-authorization-server", None), ("oauth-protected-resource", False)):
        told = arena.room.raw("GET", f"/.well-known/{document}").json()
        assert told["tls_client_certificate_bound_access_tokens"] is True
        assert told.get("dpop_bound_access_tokens_required") is required
