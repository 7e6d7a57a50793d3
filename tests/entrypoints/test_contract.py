"""What an agent's developer may rely on at every door: a code, a cure, and the members that belong to the answer."""

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from contracts.identity_minting import jwk, mint
from desks.kettle import CATALOGUE, FACTS, MANDATE, SHOP
from entrypoints.developer import METADATA, READ, Developer, refused
from remit.client import PrivateKeyJwt
from remit.client.calls import MANDATE_TOKEN
from remit.client.keys import ProofKey, new_key
from remit.client.responses import Answered, challenge_of
from remit.domain.errors import MEANINGS, Code
from remit.sandbox import Sandbox

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


@pytest.fixture(scope="module")
def developer() -> Iterator[Developer]:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        yield Developer(desk)


def oauth_refused(answer: httpx.Response, status: int, error: str, code: str) -> Mapping[str, Any]:
    """OAuth's own error JSON, with our code and cure beside it."""
    body: Mapping[str, Any] = answer.json()
    assert (answer.status_code, body["error"], body["code"]) == (status, error, code), body
    assert body["error_description"]
    assert body["cure"]
    return body


def test_whatever_turns_an_ask_away_it_reads_like_a_refused_ask(developer: Developer) -> None:
    task = developer.task()
    key = secrets.token_hex(8)
    assert developer.ask(task, idempotency_key=key).status_code == 200
    other = {"action": "order.read", "params": {"order_id": "W2"}}
    for answer, status, code in (
        (developer.ask(task, other, idempotency_key=key), 409, "request.conflict"),
        (developer.ask(task, idempotency_key=None), 400, "request.malformed"),
        (developer.ask(task, content_type="text/plain"), 415, "request.unsupported_type"),
        (developer.ask(task, authorization=None), 401, "credential.missing"),
        (developer.ask(task, dpop=developer.proof("GET", f"/v1/tasks/{task.id}/asks", task.token)), 401, "credential.wrong_audience"),
        (
            developer.ask(task, {**READ, "attachments": [{"name": "a.exe", "media_type": "application/x-msdownload", "data_b64": ""}]}),
            422,
            "words.attachment",
        ),
    ):
        body = refused(answer, status, code)
        assert (body["decision"], body["codes"]) == ("refuse", [code])


def test_a_token_that_is_refused_says_where_to_learn_more(developer: Developer) -> None:
    task = developer.task()
    for headers in ({"authorization": None}, {"authorization": "DPoP x"}, {"dpop": developer.proof("GET", "/v1/tasks/x", task.token)}):
        answer = developer.send(task, "GET", f"/v1/tasks/{task.id}", **headers)
        assert answer.status_code == 401
        assert METADATA in answer.headers["www-authenticate"]


def test_a_bad_proof_is_told_from_a_bad_token_so_that_no_good_token_is_thrown_away(developer: Developer) -> None:
    task = developer.task()
    path = f"/v1/tasks/{task.id}"

    def word(answer: httpx.Response, code: str) -> str:
        refused(answer, 401, code)
        assert METADATA in answer.headers["www-authenticate"]
        return challenge_of(Answered(status=answer.status_code, headers=dict(answer.headers), body=answer.content)).get("error", "")

    def by(key: ProofKey, **more: Any) -> str:
        return key.proof("GET", f"http://localhost{path}", **{"now_s": time.time(), "token": task.token, **more})

    used = developer.proof("GET", path, task.token)
    assert developer.send(task, "GET", path, dpop=used).status_code == 200
    proofs = {
        "another address": (developer.proof("GET", path + "/x", task.token), "credential.wrong_audience"),
        "another method": (developer.proof("POST", path, task.token), "credential.wrong_audience"),
        "another token": (developer.proof("GET", path, "x.y.z"), "credential.wrong_audience"),
        "another key": (by(ProofKey()), "credential.wrong_key"),
        "old": (by(developer.proofs, now_s=time.time() - 600), "credential.expired"),
        "no proof at all": ("x.y.z", "credential.malformed"),
        "used before": (used, "credential.replayed"),
    }
    for name, (proof, code) in proofs.items():
        assert word(developer.send(task, "GET", path, dpop=proof), code) == "invalid_dpop_proof", name
    asked = refused(developer.ask(task, dpop=used), 401, "credential.wrong_audience")
    assert asked["decision"] == "refuse"
    twice = [("authorization", f"DPoP {task.token}"), *(("dpop", developer.proof("GET", path, task.token)) for _ in "ab")]
    assert word(sent_twice(developer, path, twice), "credential.malformed") == "invalid_dpop_proof"

    assert word(developer.send(task, "GET", path, authorization="DPoP x"), "credential.malformed") == "invalid_token"
    tokens = [("authorization", f"DPoP {task.token}"), ("authorization", f"DPoP {task.token}"), ("dpop", used)]
    assert word(sent_twice(developer, path, tokens), "credential.malformed") == "invalid_token"
    assert (
        word(developer.send(task, "GET", path, authorization=f"Bearer {task.token}", dpop=None), "credential.wrong_key") == "invalid_token"
    )
    assert word(developer.send(task, "GET", path, dpop=None), "credential.missing") == ""
    assert developer.send(task, "GET", path).status_code == 200


def sent_twice(developer: Developer, path: str, headers: list[tuple[str, str]]) -> httpx.Response:
    """One request with headers that may stand twice."""
    room = developer.desk.room
    assert room.transport is not None
    transport, request = room.transport, httpx.Request("GET", f"http://localhost{path}", headers=headers)

    async def running() -> httpx.Response:
        return await transport.handle_async_request(request)

    return room.thread.run(running())


def test_algorithms_are_named_alike_wherever_they_are_named_and_each_is_taken(developer: Developer) -> None:
    server = developer.desk.room.raw("GET", "/.well-known/oauth-authorization-server").json()
    resource = developer.desk.room.raw("GET", "/.well-known/oauth-protected-resource").json()
    proofs, clients = ["ES256", "ES384", "Ed25519", "EdDSA", "PS256"], ["ES256", "ES384", "Ed25519", "EdDSA", "PS256", "RS256"]
    assert server["dpop_signing_alg_values_supported"] == resource["dpop_signing_alg_values_supported"] == proofs
    for door in ("token", "introspection", "revocation"):
        assert server[f"{door}_endpoint_auth_signing_alg_values_supported"] == clients
    task = developer.task()
    for headers in ({"authorization": None}, {"authorization": "DPoP x"}):
        said = developer.send(task, "GET", f"/v1/tasks/{task.id}", **headers).headers["www-authenticate"]
        assert said.split('algs="')[1].partition('"')[0].split() == proofs
    for alg in proofs:
        answer = developer.form("/oauth/token", {}, mint({"typ": "dpop+jwt", "alg": alg, "jwk": jwk(alg)}, _proof_claims()))
        oauth_refused(answer, 400, "invalid_request", "request.malformed")  # the proof was taken; only then the form is read


def test_the_metadata_name_every_profile_that_a_token_calls_somebody_by(developer: Developer) -> None:
    server = developer.desk.room.raw("GET", "/.well-known/oauth-authorization-server").json()
    profiles = server["entity_profiles_supported"]
    claims = developer.form("/oauth/introspect", {"token": developer.task().token}).json()
    assert profiles["actor"] == [claims["act"]["sub_profile"]] == ["ai_agent"]
    assert (profiles["subject"], profiles["client"]) == ([], [])
    assert not {"sub_profile", "client_profile"} & claims.keys()


def _proof_claims() -> dict[str, Any]:
    return {"jti": secrets.token_hex(8), "htm": "POST", "htu": "http://localhost/oauth/token", "iat": int(time.time())}


def test_an_address_that_does_not_take_a_method_names_the_one_it_takes(developer: Developer) -> None:
    task = developer.task()
    for method, path, allowed in (
        ("GET", f"/v1/tasks/{task.id}/asks", "POST"),
        ("PUT", f"/v1/tasks/{task.id}/complete", "POST"),
        ("DELETE", f"/v1/tasks/{task.id}", "GET"),
        ("POST", f"/v1/tasks/{task.id}/inbox", "GET"),
        ("POST", "/v1/catalogue", "GET"),
    ):
        answer = developer.send(task, method, path)
        refused(answer, 405, "request.method")
        assert answer.headers["allow"] == allowed
    for path in ("/oauth/par", "/oauth/token", "/oauth/introspect", "/oauth/revoke"):
        answer = developer.send(task, "GET", path)
        oauth_refused(answer, 405, "invalid_request", "request.method")
        assert answer.headers["allow"] == "POST"


def test_metrics_count_answers_by_door_and_status_and_name_nobody(developer: Developer) -> None:
    def counted(line: str) -> float:
        page = developer.desk.room.raw("GET", "/metrics")
        assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert not any(one in page.text for one in ("yusuf", SHOP, task.id))
        return next((float(one.rpartition(" ")[2]) for one in page.text.splitlines() if one.startswith(line)), 0)

    task = developer.task()
    asked, unread, entries = (
        'remit_requests_total{door="agents",status="200"}',
        'remit_requests_total{door="pages",status="404"}',
        "remit_log_entries",
    )
    before = [counted(line) for line in (asked, unread, entries)]
    assert developer.ask(task).status_code == 200
    developer.desk.room.raw("GET", "/made-up-by-somebody", check=False)
    after = [counted(line) for line in (asked, unread, entries)]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, 2]


def test_completing_takes_no_members_and_with_one_nothing_is_ended(developer: Developer) -> None:
    task = developer.task()
    path = f"/v1/tasks/{task.id}/complete"
    refused(developer.send(task, "POST", path, b'{"reason":"done"}'), 400, "request.malformed")
    refused(developer.send(task, "POST", path, b'{"a":1,"a":1}'), 400, "request.malformed")
    refused(developer.send(task, "POST", path, b"{}", content_type="text/plain"), 415, "request.unsupported_type")
    refused(developer.send(task, "POST", path, b" " * 1_100_000), 413, "request.too_large")
    assert task.status()["state"] == "open"
    assert developer.send(task, "POST", path, b"{}").json()["state"] == "ended"


def test_oauths_own_words_are_used_where_it_has_one(developer: Developer) -> None:
    proof = developer.proof("POST", "/oauth/token")
    oauth_refused(
        developer.form("/oauth/token", {"grant_type": "client_credentials"}, proof), 400, "unsupported_grant_type", "request.malformed"
    )
    proof = developer.proof("POST", "/oauth/token")
    oauth_refused(developer.form("/oauth/token", {}, proof), 400, "invalid_request", "request.malformed")
    opening = {"grant_type": EXCHANGE, "subject_token": developer.mandate.id, "subject_token_type": MANDATE_TOKEN}
    for target in ({"resource": "https://other.example"}, {"audience": "https://other.example"}):
        proof = developer.proof("POST", "/oauth/token")
        elsewhere = developer.form("/oauth/token", {**opening, **target}, proof)
        said = oauth_refused(elsewhere, 400, "invalid_target", "request.malformed")  # RFC 8693 §2.2.2
        assert "http://localhost" in said["error_description"]
    pushed = developer.form("/oauth/par", {"response_type": "token"})
    oauth_refused(pushed, 400, "unsupported_response_type", "request.malformed")


@pytest.mark.parametrize(
    ("port", "taken"), [("", True), (":1", True), (":49152", True), (":65535", True), (":0", False), (":65536", False), (":99999", False)]
)
def test_an_answer_goes_to_this_machine_on_any_port_that_is_one(developer: Developer, port: str, taken: bool) -> None:
    address = f"http://127.0.0.1{port}/callback"
    wanted = {
        "response_type": "code",
        "code_challenge": "A" * 43,
        "code_challenge_method": "S256",
        "dpop_jkt": developer.proofs.thumbprint,
        "redirect_uri": address,
        "authorization_details": json.dumps([MANDATE]),
    }
    pushed = developer.form("/oauth/par", wanted)
    body = {"client_id": f"at{port}", "operator": "x", "keys": {"jwks": {"keys": [jwk("ES256", kid="1")]}}, "redirect_uris": [address]}
    registered = developer.desk.room.raw("POST", "/sandbox/v1/agents", body, check=False)
    if taken:
        assert (pushed.status_code, registered.status_code) == (201, 201), registered.text
    else:
        oauth_refused(pushed, 400, "invalid_request", "request.malformed")
        refused(registered, 400, "request.malformed")


def test_a_proof_used_twice_is_a_bad_proof_and_an_assertion_used_twice_a_bad_client(developer: Developer) -> None:
    renewal = {"grant_type": EXCHANGE, "subject_token": developer.task().id, "subject_token_type": "urn:remit:token-type:task"}
    opening = {"grant_type": EXCHANGE, "subject_token": developer.mandate.id, "subject_token_type": MANDATE_TOKEN}
    for members in (renewal, opening):
        proof = developer.proof("POST", "/oauth/token")
        assert developer.form("/oauth/token", members, proof).status_code == 200
        oauth_refused(developer.form("/oauth/token", members, proof), 400, "invalid_dpop_proof", "credential.replayed")
    credentials = developer.agent.identity.credentials(issuer="http://localhost", now_s=time.time())
    body = urlencode({"token": "x", **credentials}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert developer.desk.room.raw("POST", "/oauth/introspect", headers=headers, content=body).json() == {"active": False}
    again = developer.desk.room.raw("POST", "/oauth/introspect", headers=headers, content=body, check=False)
    oauth_refused(again, 401, "invalid_client", "credential.replayed")


@pytest.mark.parametrize("kid", ["k1", "k2"], ids=["another key", "an unknown kid"])
def test_a_client_key_that_is_not_registered_is_cured_as_one_at_every_door_and_a_proofs_key_as_a_proofs(
    developer: Developer, kid: str
) -> None:
    def credentials() -> Mapping[str, str]:
        return PrivateKeyJwt(SHOP, new_key(), kid).credentials(issuer="http://localhost", now_s=time.time())

    headers = {"content-type": "application/x-www-form-urlencoded"}
    told = []
    for path in ("/oauth/par", "/oauth/token", "/oauth/introspect", "/oauth/revoke"):
        answer = developer.desk.room.raw("POST", path, headers=headers, content=urlencode(credentials()).encode(), check=False)
        told.append(oauth_refused(answer, 401, "invalid_client", "credential.wrong_key")["cure"])
    path, own = "/v1/asks/ask_x", credentials()
    proof = developer.proof("GET", path, own["client_assertion"])
    asserted = {"client_assertion_type": own["client_assertion_type"], "client_assertion": own["client_assertion"]}
    answer = developer.send(developer.task(), "GET", path, authorization=None, dpop=proof, **asserted)
    told.append(refused(answer, 401, "credential.wrong_key")["cure"])
    assert len(set(told)) == 1
    assert "key set this client is registered with" in told[0]

    task = developer.task()
    stolen = ProofKey().proof("POST", f"http://localhost/v1/tasks/{task.id}/asks", now_s=time.time(), token=task.token)
    bound = refused(developer.ask(task, dpop=stolen), 401, "credential.wrong_key")
    assert bound["cure"] == MEANINGS[Code.CREDENTIAL_WRONG_KEY].cure


@pytest.mark.parametrize("declared", ['application/json; charset="utf-8"', "Application/JSON;charset=UTF-8", "application/json"])
def test_a_type_may_be_spelt_in_every_way_that_http_allows(developer: Developer, declared: str) -> None:
    assert developer.ask(developer.task(), content_type=declared).status_code == 200


@pytest.mark.parametrize("declared", ['application/json; charset="latin-1"', 'application/json; charset="utf-8', "text/plain"])
def test_another_type_is_not_read(developer: Developer, declared: str) -> None:
    assert developer.ask(developer.task(), content_type=declared).json()["code"] == "request.unsupported_type"


def test_what_may_be_left_out_of_an_ask_may_be_null(developer: Developer) -> None:
    assert developer.ask(developer.task(), {**READ, "words": None, "attachments": None}).status_code == 200
    assert developer.ask(developer.task(), {**READ, "params": None}).json()["code"] == "request.malformed"


@pytest.mark.parametrize("details", ["nope", "[", '[{"type": "remit_mandate", "type": "remit_mandate"}]', '["remit_mandate"]', "{}"])
def test_details_that_are_no_mandate_are_named_as_the_parameter_they_are(developer: Developer, details: str) -> None:
    wanted = {
        "response_type": "code",
        "redirect_uri": "http://127.0.0.1/callback",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
        "authorization_details": details,
    }
    refused = developer.form("/oauth/par", wanted, developer.proof("POST", "/oauth/par"))
    told = refused.json()
    assert (refused.status_code, told["error"], told["code"]) == (400, "invalid_authorization_details", "mandate.invalid")
    assert "body" not in told["error_description"]


def test_whoever_shows_nothing_is_told_what_is_missing_and_how_it_is_sent(developer: Developer) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for path in ("/oauth/par", "/oauth/token", "/oauth/introspect", "/oauth/revoke"):
        told = developer.desk.room.raw("POST", path, headers=headers, content=b"client_id=x", check=False)
        assert (told.status_code, told.json()["error"], told.json()["code"]) == (401, "invalid_client", "credential.missing")
        assert "client_assertion" in told.json()["cure"]
    unproved = developer.form("/oauth/token", {"grant_type": EXCHANGE}).json()
    assert (unproved["error"], unproved["code"]) == ("invalid_dpop_proof", "credential.missing")
    assert "access token" not in unproved["cure"]  # there is none yet
