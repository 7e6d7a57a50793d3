"""The modules of the FAPI 2.0 Security Profile suite, driven by hand against the served desk."""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from attacks.arena import ISSUER, Arena, code_of, mandate, open_arena, pushed
from conformance.harness import vector_set
from conformance.live import CALLBACK, Key, Live, LiveAgent

pytestmark = pytest.mark.xdist_group("live")
FAPI = vector_set("fapi2")
MODULES = [module["test"] for module in FAPI.read()["modules"]]
PREFIX = "fapi2-security-profile-final-"
OTHER = "spiffe://helper.example/other"


def token_url(live: Live) -> str:
    return f"{live.url}/oauth/token"


def oauth_error(answer: httpx.Response, *words: str) -> None:
    assert (answer.status_code in {400, 401}, answer.json()["error"] in words) == (True, True), answer.text


def authorize(live: Live, **members: str) -> httpx.Response:
    return live.http.get("/oauth/authorize", params=members, headers={"cookie": live.anna.cookie})


def granted_token(agent: LiveAgent) -> dict[str, Any]:
    code, verifier = agent.granted()
    body: dict[str, Any] = agent.redeem(code["code"], verifier).raise_for_status().json()
    return body


def scheme_in_any_case(live: Live) -> None:
    agent = live.agent()
    opened = agent.open(granted_token(agent)["mandate"]).raise_for_status().json()
    for scheme in ("DPoP", "dpop", "DPOP"):
        url = f"/v1/tasks/{opened['task']}"
        proof = agent.key.proof("GET", live.url + url, token=opened["access_token"])
        assert live.http.get(url, headers={"authorization": f"{scheme} {opened['access_token']}", "dpop": proof}).status_code == 200


def code_used_twice(live: Live) -> None:
    agent = live.agent()
    code, verifier = agent.granted()
    assert agent.redeem(code["code"], verifier).status_code == 200
    oauth_error(agent.redeem(code["code"], verifier), "invalid_grant")


def proof_with_its_own_times(live: Live) -> None:
    agent, now = live.agent(), int(time.time())
    mandate_id = granted_token(agent)["mandate"]
    sound = agent.key.proof("POST", token_url(live), nbf=now - 5, exp=now + 60)
    assert agent.open(mandate_id, sound).status_code == 200
    for times in ({"exp": now - 120}, {"nbf": now + 120}):
        oauth_error(agent.open(mandate_id, agent.key.proof("POST", token_url(live), **times)), "invalid_dpop_proof")


def long_state(live: Live) -> None:
    state = secrets.token_hex(192)
    agent = live.agent()
    answer, _ = agent.push(state=state)
    if answer.is_success:
        assert agent.code(answer.json()["request_uri"])["state"] == state
    else:
        oauth_error(answer, "invalid_request")


def no_nonce(live: Live) -> None:
    agent = live.agent()
    assert "id_token" not in granted_token(agent)


def no_state(live: Live) -> None:
    agent = live.agent()
    answer, verifier = agent.push(drop=("state",))
    code = agent.code(answer.raise_for_status().json()["request_uri"])
    assert code.keys() == {"code", "iss"}
    assert agent.redeem(code["code"], verifier).status_code == 200


def key_named(live: Live) -> None:
    agent = live.agent()
    answer, verifier = agent.push(dpop_jkt=agent.key.thumbprint)
    assert agent.redeem(agent.code(answer.json()["request_uri"])["code"], verifier).status_code == 200


def key_proved_at_par(live: Live) -> None:
    agent = live.agent()
    answer, verifier = agent.push(agent.key.proof("POST", f"{live.url}/oauth/par"), drop=("dpop_jkt",))
    code = agent.code(answer.raise_for_status().json()["request_uri"])["code"]
    assert agent.redeem(code, verifier).status_code == 200


def proofs_at(live: Live, seconds: int) -> None:
    agent, at = live.agent(), int(time.time()) + seconds
    answer, verifier = agent.push(agent.key.proof("POST", f"{live.url}/oauth/par", iat=at))
    code = agent.code(answer.raise_for_status().json()["request_uri"])["code"]
    body = agent.redeem(code, verifier, agent.key.proof("POST", token_url(live), iat=at)).raise_for_status().json()
    opened = agent.open(body["mandate"]).json()
    url = f"/v1/tasks/{opened['task']}"
    proof = agent.key.proof("GET", live.url + url, token=opened["access_token"], iat=at)
    assert live.http.get(url, headers={"authorization": f"DPoP {opened['access_token']}", "dpop": proof}).status_code == 200


def no_proof(live: Live) -> None:
    agent = live.agent()
    code, verifier = agent.granted()
    form = {"grant_type": "authorization_code", "code": code["code"], "redirect_uri": CALLBACK, "code_verifier": verifier}
    oauth_error(agent.post("/oauth/token", form), "invalid_dpop_proof", "invalid_request")


def key_named_is_not_proved(live: Live) -> None:
    agent = live.agent()
    answer, _ = agent.push(agent.key.proof("POST", f"{live.url}/oauth/par"), dpop_jkt=Key().thumbprint)
    oauth_error(answer, "invalid_dpop_proof", "invalid_request")


def scopes_in_any_order(live: Live) -> None:
    agent = live.agent()
    for scope in ("mandate ask", "ask mandate"):
        assert agent.push(scope=scope)[0].status_code == 201


def no_redirect(live: Live) -> None:
    oauth_error(live.agent().push(drop=("redirect_uri",))[0], "invalid_request")


def foreign_redirect(live: Live) -> None:
    oauth_error(live.agent().push(redirect_uri="https://evil.example/callback")[0], "invalid_request")


def response_type(kind: str) -> Callable[[Live], None]:
    return lambda live: oauth_error(live.agent().push(response_type=kind)[0], "unsupported_response_type")


def other_key_at_token(live: Live) -> None:
    agent = live.agent()
    code, verifier = agent.granted()
    oauth_error(agent.redeem(code["code"], verifier, Key().proof("POST", token_url(live))), "invalid_grant", "invalid_dpop_proof")


def other_key_than_at_par(live: Live) -> None:
    agent = live.agent()
    answer, verifier = agent.push(agent.key.proof("POST", f"{live.url}/oauth/par"), drop=("dpop_jkt",))
    code = agent.code(answer.json()["request_uri"])["code"]
    oauth_error(agent.redeem(code, verifier, Key().proof("POST", token_url(live))), "invalid_grant", "invalid_dpop_proof")


def without_par(live: Live) -> None:
    agent = live.agent()
    answer = authorize(
        live,
        client_id=agent.id,
        response_type="code",
        redirect_uri=CALLBACK,
        code_challenge="A" * 43,
        code_challenge_method="S256",
        authorization_details=json.dumps([mandate()]),
    )
    assert answer.is_client_error, answer.status_code
    assert "location" not in answer.headers


def happy(live: Live) -> None:
    for agent in (live.agent(), live.agent(OTHER)):
        code, verifier = agent.granted()
        assert (code["iss"], code.keys()) == (live.url, {"code", "iss", "state"})
        body = agent.redeem(code["code"], verifier).raise_for_status().json()
        assert body["token_type"] == "DPoP"
        opened = agent.open(body["mandate"]).raise_for_status().json()
        url = f"/v1/tasks/{opened['task']}"
        proof = agent.key.proof("GET", live.url + url, token=opened["access_token"])
        assert live.http.get(url, headers={"authorization": f"DPoP {opened['access_token']}", "dpop": proof}).status_code == 200
        assert live.http.get(url, headers={"authorization": f"Bearer {opened['access_token']}"}).status_code == 401


def request_uri_used_twice(live: Live) -> None:
    agent = live.agent()
    pushed_, _ = agent.push()
    uri = pushed_.json()["request_uri"]
    agent.code(uri)
    assert authorize(live, client_id=agent.id, request_uri=uri).is_client_error


def request_uri_looked_at_twice(live: Live) -> None:
    agent = live.agent()
    pushed_, verifier = agent.push()
    uri = pushed_.json()["request_uri"]
    for _ in range(2):
        assert not authorize(live, client_id=agent.id, request_uri=uri).is_error
    assert agent.redeem(agent.code(uri)["code"], verifier).status_code == 200


def nothing_but_the_uri(live: Live) -> None:
    agent = live.agent()
    pushed_, _ = agent.push()
    assert not authorize(live, client_id=agent.id, request_uri=pushed_.json()["request_uri"]).is_error


def assertion_for(audience: Callable[[Live], Any]) -> Callable[[Live], None]:
    def judged(live: Live) -> None:
        agent = live.agent()
        answer, _ = agent.push(**agent.assertion(aud=audience(live)))
        oauth_error(answer, "invalid_client", "invalid_request")

    return judged


def no_verifier(live: Live) -> None:
    agent = live.agent()
    code, _ = agent.granted()
    oauth_error(agent.redeem(code["code"], ""), "invalid_grant")


def wrong_verifier(live: Live) -> None:
    agent = live.agent()
    code, _ = agent.granted()
    oauth_error(agent.redeem(code["code"], secrets.token_urlsafe(48)), "invalid_grant")


def no_challenge(live: Live) -> None:
    oauth_error(live.agent().push(drop=("code_challenge", "code_challenge_method"))[0], "invalid_request")


def plain_challenge(live: Live) -> None:
    oauth_error(live.agent().push(code_challenge_method="plain")[0], "invalid_request")


def other_method(live: Live) -> None:
    agent = live.agent()
    for method in ("GET", "PUT"):
        answer = live.http.request(method, "/oauth/par", params=agent.assertion())
        assert answer.status_code == 405


def uri_in_par(live: Live) -> None:
    oauth_error(live.agent().push(request_uri="urn:ietf:params:oauth:request_uri:abc")[0], "invalid_request")


def declined(live: Live) -> None:
    agent = live.agent()
    answer, _ = agent.push()
    back = agent.code(answer.json()["request_uri"], answer="decline")
    assert (back["error"], back["iss"], "state" in back, "code" in back) == ("access_denied", live.url, True, False)


LIVE: Mapping[str, Callable[[Live], None]] = {
    "access-token-type-header-case-sensitivity": scheme_in_any_case,
    "attempt-reuse-authorization-code-after-one-second": code_used_twice,
    "check-dpop-proof-nbf-exp": proof_with_its_own_times,
    "ensure-authorization-request-with-long-state": long_state,
    "ensure-authorization-request-without-nonce-success": no_nonce,
    "ensure-authorization-request-without-state-success": no_state,
    "ensure-dpop-auth-code-binding-success": key_named,
    "ensure-dpopproof-at-par-endpoint-binding-success": key_proved_at_par,
    "ensure-dpopproof-with-iat-10seconds-after-succeeds": lambda live: proofs_at(live, 10),
    "ensure-dpopproof-with-iat-10seconds-before-succeeds": lambda live: proofs_at(live, -10),
    "ensure-holder-of-key-required": no_proof,
    "ensure-mismatched-dpop-jkt-fails": key_named_is_not_proved,
    "ensure-other-scope-order-succeeds": scopes_in_any_order,
    "ensure-redirect-uri-in-authorization-request": no_redirect,
    "ensure-registered-redirect-uri": foreign_redirect,
    "ensure-response-type-code-idtoken-fails": response_type("code id_token"),
    "ensure-response-type-token-fails": response_type("token"),
    "ensure-token-endpoint-fails-with-mismatched-dpop-jkt": other_key_at_token,
    "ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt": other_key_than_at_par,
    "ensure-unsigned-authorization-request-without-using-par-fails": without_par,
    "happy-flow": happy,
    "par-attempt-reuse-request_uri": request_uri_used_twice,
    "par-test-array-as-audience-fails": assertion_for(lambda live: [live.url]),
    "par-test-par-endpoint-url-as-audience-fails": assertion_for(lambda live: f"{live.url}/oauth/par"),
    "ensure-pkce-code-verifier-required": no_verifier,
    "par-ensure-pkce-required": no_challenge,
    "par-plain-pkce-rejected": plain_challenge,
    "par-ensure-reused-request-uri-prior-to-auth-completion-succeeds": request_uri_looked_at_twice,
    "incorrect-pkce-code-verifier-rejected": wrong_verifier,
    "par-attempt-invalid-http-method": other_method,
    "par-authorization-request-containing-request_uri-form-param": uri_in_par,
    "par-test-token-endpoint-url-as-audience-fails": assertion_for(token_url),
    "par-without-duplicate-parameters": nothing_but_the_uri,
    "plain-fapi-tolerate-unregistered-redirect-uri": foreign_redirect,
    "user-rejects-authentication": declined,
}
"""Modules by name, each as a client would drive it over HTTP."""


@FAPI.each({PREFIX + name: judge for name, judge in LIVE.items()} | dict.fromkeys(FAPI.not_offered))
def test_the_modules_of_the_suite_come_out_as_their_authors_expect(live: Live, check: Callable[[Live], None]) -> None:
    check(live)


def test_a_request_object_is_refused_and_not_ignored(live: Live) -> None:
    oauth_error(live.agent().push(request="eyJhbGciOiJub25lIn0.e30.")[0], "request_not_supported")


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    with open_arena() as one:
        yield one


def discovery(arena: Arena) -> None:
    """A desk that lets visitors in takes requests that were not pushed, from them alone; one of the profile lets none in."""
    told = arena.person("GET", "/.well-known/oauth-authorization-server").json()
    assert told["issuer"] == ISSUER
    assert told["require_pushed_authorization_requests"] is True
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["response_types_supported"] == ["code"]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert "private_key_jwt" in told["token_endpoint_auth_methods_supported"]
    assert set(told["token_endpoint_auth_methods_supported"]) <= {"private_key_jwt", "spiffe_jwt", "tls_client_auth", "none"}
    assert set(told["token_endpoint_auth_signing_alg_values_supported"]) & {"PS256", "ES256", "EdDSA"}
    assert set(told["dpop_signing_alg_values_supported"]) >= {"ES256"}
    assert "implicit" not in told["grant_types_supported"]
    for name, address in told.items():
        if name.endswith("_endpoint"):
            assert address.startswith(f"{ISSUER}/")


def code_too_old(arena: Arena) -> None:
    agent = arena.agent()
    uri, state = agent.push(mandate())
    path = f"/me/v1/requests/{uri.rpartition(':')[2]}"
    shown = arena.anna.get(path)
    signed = {"answer": "grant", "ceremony": shown["ceremony"], "assertion": arena.anna.passkey.get(shown["options"])}
    code = str(httpx.URL(arena.anna.post(path, signed)["redirect"]).params["code"])
    arena.clock.ahead_ms += 61_000
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": agent._verifiers[state]}
    oauth_error(arena.form("/oauth/token", form, agent=agent, key=agent), "invalid_grant")


def request_uri_too_old(arena: Arena) -> None:
    agent = arena.agent()
    answer = pushed(arena, agent)
    uri, lives_s = answer.json()["request_uri"], answer.json()["expires_in"]
    arena.clock.ahead_ms += (lives_s + 1) * 1000
    gone = arena.person("GET", f"/me/v1/requests/{uri.rpartition(':')[2]}", cookie=arena.anna.cookie)
    assert (gone.status_code, code_of(gone)) == (404, "request.not_found")
    page = arena.person("GET", f"/oauth/authorize?client_id={agent.client_id}&request_uri={uri}", cookie=arena.anna.cookie)
    assert page.is_client_error


HERE = {
    "discovery-end-point-verification": discovery,
    "ensure-token-endpoint-fails-with-expired-auth-code": code_too_old,
    "par-attempt-to-use-expired-request_uri": request_uri_too_old,
}
"""Modules that wait, or are about settings: a desk in this process, whose clock is moved."""


@FAPI.each({PREFIX + name: judge for name, judge in HERE.items()})
def test_the_modules_that_wait_or_are_about_settings_do_so_too(arena: Arena, check: Callable[[Arena], None]) -> None:
    check(arena)


@FAPI.each([f"{PREFIX}dpop-negative-tests"])
def test_the_proof_defects_are_a_set_of_their_own(check: str) -> None:
    defects = vector_set("dpop-negative")
    assert check.endswith("dpop-negative-tests")
    assert [name for name in defects.excepted if not name.startswith("token: ")] == []


def test_every_module_is_judged() -> None:
    judged = {PREFIX + name for name in (*LIVE, *HERE, "dpop-negative-tests")} | set(FAPI.not_offered)
    assert judged == set(MODULES)
