"""What the standards say of answers in general, held against the doors: metadata, error texts, methods, what tokens come with."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from attacks.arena import ISSUER, SEND_BACK, SHOP, Arena, mandate, open_arena
from remit.domain.errors import MEANINGS
from remit.domain.records import MandateRecord

WELL_KNOWN = "/.well-known/oauth-"
SAYABLE = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
"""What an error_description may hold (RFC 6749 §5.2), and a quoted parameter of a challenge without escapes."""
CALLBACK = "http://127.0.0.1/callback"


@pytest.fixture(scope="module")
def desk() -> Iterator[Arena]:
    with open_arena() as arena:
        yield arena


def push_form(arena: Arena, **changed: str) -> dict[str, str]:
    right = {
        "response_type": "code",
        "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
        "dpop_jkt": arena.agent().client.key_thumbprint,
        "redirect_uri": CALLBACK,
        "authorization_details": json.dumps([mandate()]),
    }
    return right | changed


POSTED = {
    "token_endpoint",
    "pushed_authorization_request_endpoint",
    "backchannel_authentication_endpoint",
    "transaction_authorization_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
}


def test_every_endpoint_the_metadata_name_is_there_and_every_value_is_used(desk: Arena) -> None:
    server = desk.room.raw("GET", f"{WELL_KNOWN}authorization-server").json()
    resource = desk.room.raw("GET", f"{WELL_KNOWN}protected-resource").json()
    assert server["issuer"] == resource["resource"] == ISSUER
    assert resource["authorization_servers"] == [server["issuer"]]
    for name, address in [*server.items(), *resource.items()]:
        if not name.endswith(("_endpoint", "_uri", "_documentation")):
            continue
        assert address.startswith(ISSUER)
        method = "POST" if name in POSTED else "GET"
        answer = desk.person(method, address.removeprefix(ISSUER))
        assert answer.status_code in {200, 303, 400}, (name, answer.text)  # 303: sign in first; 400: no form
    assert {"private_key_jwt", "spiffe_jwt"} == set(server["token_endpoint_auth_methods_supported"])
    task = desk.task()
    claims = desk.form("/oauth/introspect", {"token": task.token}, agent=task.agent).json()
    assert resource["scopes_supported"] == [claims["scope"]] == ["ask"]
    assert set(resource["scopes_supported"]) <= set(server["scopes_supported"])


@pytest.mark.parametrize(
    "details",
    [
        [mandate(**{'b\u00e4d"\\\n': 1})],
        [mandate(powers=[{"power": "request", "actions": ['\u201crefund\u201d "now" \\o/']}])],
        [mandate(objective={"type": "r\u00fcckgabe"})],
        {"type": "\u0007"},
    ],
)
def test_an_error_description_holds_what_it_may_whatever_was_sent(desk: Arena, details: Any) -> None:
    answer = desk.form("/oauth/par", push_form(desk, authorization_details=json.dumps(details)), agent=desk.agent())
    body = answer.json()
    assert (answer.status_code, body["error"]) == (400, "invalid_authorization_details")
    assert SAYABLE.fullmatch(body["error_description"]), body


def test_no_title_breaks_the_quotes_it_stands_in_beside_a_challenge() -> None:
    assert [code for code, meaning in MEANINGS.items() if not SAYABLE.fullmatch(meaning.title)] == []


@pytest.mark.parametrize("verifier", ["", "short", "A" * 42, "A" * 129, "\u00e4" * 43, "A" * 42 + "+", "A" * 43])
def test_a_code_without_its_verifier_is_an_invalid_grant_and_stays_good(desk: Arena, verifier: str) -> None:
    agent = desk.agent()
    request_uri, state = agent.push(mandate())
    path = f"/me/v1/requests/{request_uri.rpartition(':')[2]}"
    shown = desk.anna.get(path)
    answer = {"answer": "grant", "ceremony": shown["ceremony"], "assertion": desk.anna.passkey.get(shown["options"])}
    query = parse_qs(urlsplit(desk.anna.post(path, answer)["redirect"]).query)
    assert (query["iss"], query["state"]) == ([ISSUER], [state])
    form = {"grant_type": "authorization_code", "code": query["code"][0], "redirect_uri": CALLBACK, "code_verifier": verifier}
    refused = desk.form("/oauth/token", form, agent=agent, key=agent)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    right = desk.form("/oauth/token", form | {"code_verifier": agent._verifiers[state]}, agent=agent, key=agent)
    assert right.status_code == 200
    again = desk.form("/oauth/token", form | {"code_verifier": agent._verifiers[state]}, agent=agent, key=agent)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_every_token_comes_with_what_was_granted_and_what_it_is(desk: Arena) -> None:
    agent = desk.agent()
    found = desk.anna.grant(agent, mandate())
    opened = desk.exchange(agent, found.id)
    renewed = desk.exchange(agent, opened.json()["task"], kind="urn:remit:token-type:task")
    kept = desk.run(desk.context.store.get(MandateRecord, found.id)).record
    for answer in (opened, renewed):
        body = answer.json()
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert (body["token_type"], body["issued_token_type"]) == ("DPoP", "urn:ietf:params:oauth:token-type:access_token")
        assert body["authorization_details"] == [json.loads(kept.wire)]  # RFC 9396 §7
        claims = desk.form("/oauth/introspect", {"token": body["access_token"]}, agent=agent).json()
        assert claims["authorization_details"] == body["authorization_details"]
        assert claims["act"] == {"iss": ISSUER, "sub": SHOP, "sub_profile": "ai_agent"}
        assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= claims.keys()  # RFC 9068 §2.2
        assert 0 < claims["exp"] - claims["iat"] <= body["expires_in"] + 1 <= 301


@pytest.mark.parametrize("what", ["", "/inbox"])
def test_head_at_an_agents_door_says_what_get_says_without_the_body(desk: Arena, what: str) -> None:
    task = desk.task()
    path = f"/v1/tasks/{task.id}{what}"
    got, headed = desk.send(task, path, method="GET"), desk.send(task, path, method="HEAD")
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["content-length"] == str(len(got.content))
    crossed = desk.send(task, path, method="HEAD", headers={"dpop": desk.proof(task.agent, "GET", path, token=task.token)})
    assert crossed.status_code == 401  # a proof for GET is none for HEAD
    with desk.unchanged():
        assert desk.send(task, f"/v1/tasks/{task.id}/asks", SEND_BACK, method="HEAD").status_code == 405


def test_a_problem_says_the_status_it_comes_with(desk: Arena) -> None:
    task = desk.task()
    for answer in (
        desk.person("GET", "/nowhere"),
        desk.person("DELETE", "/v1/catalogue"),
        desk.person("GET", "/me/v1"),
        desk.ask_bytes(task, b"{"),
        desk.ask(task, "no.such", {}),
        desk.ask(task, "payment.refund", {}),
        desk.send(task, f"/v1/tasks/{task.id}/asks", b"x" * 1_100_000),
        desk.send(task, "/v1/tasks/task_x", method="GET"),
    ):
        body = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert body["status"] == answer.status_code >= 400
        assert body["type"] == f"urn:remit:problem:{body['code']}"
        assert ("www-authenticate" in answer.headers) is (answer.status_code == 401)


def test_only_what_was_pushed_counts_at_the_authorization_endpoint(desk: Arena) -> None:
    request_uri, state = desk.agent().push(mandate())

    def seen(**query: str) -> int:
        return desk.person("GET", f"/oauth/authorize?{urlencode(query)}", cookie=desk.anna.cookie).status_code

    assert seen(request_uri=request_uri, client_id=SHOP) == seen(request_uri=request_uri) == 200
    assert seen(request_uri=request_uri, client_id="spiffe://helper.example/another") == 404
    assert seen(client_id=SHOP, response_type="code", redirect_uri=CALLBACK) == 400
    assert seen(request_uri=request_uri, client_id=SHOP, redirect_uri="https://evil.example/", state="evil") == 200
    declined = desk.anna.post(f"/me/v1/requests/{request_uri.rpartition(':')[2]}", {"answer": "decline"})["redirect"]
    assert declined.startswith(f"{CALLBACK}?")
    assert parse_qs(urlsplit(declined).query) == {"error": ["access_denied"], "iss": [ISSUER], "state": [state]}
    assert seen(request_uri=request_uri, client_id=SHOP) == 409  # used once
