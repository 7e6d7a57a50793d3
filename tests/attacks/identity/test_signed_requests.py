"""An agent that signs each request (RFC 9421): what is not covered counts for nothing, and each signature counts once."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from attacks.arena import EXCHANGE, ISSUER, SEND_BACK, Arena, code_of, mandate, open_arena
from attacks.arrivals import ArrivingAgent, signing_agent
from contracts.message_signing import MessageKey, Signing, digest
from remit.client import calls
from remit.domain.identity.message_signatures import MAX_LIFE_S

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def at() -> Iterator[Arena]:
    with open_arena() as one:
        yield one


def introspected(at: Arena, how: Signing, body: bytes = b"client_id=signer&token=x", **headers: str) -> httpx.Response:
    """The smallest signed request there is, by hand."""
    sent = {"content-type": FORM, **headers}
    path = headers.pop("path", "/oauth/introspect")
    sent.pop("path", None)
    sent |= how.headers("POST", f"{ISSUER}{path}", sent, body)
    return at.room.raw("POST", "/oauth/introspect", headers=sent, content=body, check=False)


def refused(answer: httpx.Response, code: str) -> None:
    assert answer.status_code in {400, 401}, answer.text
    assert code_of(answer) == code, answer.json()


@pytest.mark.proves("SIGNED-REQUESTS")
@pytest.mark.parametrize("alg", ["ES256", "ES384", "Ed25519", "PS512"])
def test_a_sound_signature_proves_the_agent(at: Arena, alg: str) -> None:
    how = Signing(key=MessageKey(alg=alg))
    at.room.control("POST", "/sandbox/v1/agents", registration(how))
    assert introspected(at, how).json() == {"active": False}


def registration(how: Signing) -> dict[str, Any]:
    keys = {"jwks": {"keys": [how.key.public]}}
    return {"client_id": "signer", "operator": "signer.example", "name": "Signer", "method": "http_message_signature", "keys": keys}


@pytest.mark.proves("SIGNED-REQUESTS")
def test_an_agent_that_signs_goes_the_whole_way(at: Arena) -> None:
    """Pushed request, code, exchange, asks and the state after the end: no assertion and no DPoP proof anywhere."""
    signer = signing_agent(at, Signing())
    task = signer.open(at.anna.grant(signer, mandate()))
    reply = task.ask("order.return", SEND_BACK)
    assert at.anna.confirm(reply).outcome == "done"
    task.complete()
    ended = at.room.raw("GET", f"/v1/asks/{reply.ask}", headers=signed(signer, "GET", f"/v1/asks/{reply.ask}"), check=False)
    assert ended.json()["outcome"] == "done", ended.json()


def signed(signer: ArrivingAgent, method: str, path: str, **headers: str) -> dict[str, str]:
    request = httpx.Request(method, ISSUER + path, headers={"client-id": signer.client_id, **headers})
    signer.dress(request)
    return dict(request.headers)


@pytest.fixture
def known(at: Arena) -> Arena:
    at.room.control("POST", "/sandbox/v1/agents", registration(Signing()))
    return at


UNCOVERED = {
    "the method": ('"@target-uri"', '"content-digest"'),
    "the address": ('"@method"', '"content-digest"'),
    "the host": ('"@method"', '"@path"', '"content-digest"'),
    "the path": ('"@method"', '"@authority"', '"content-digest"'),
    "the body": ('"@method"', '"@target-uri"'),
}


@pytest.mark.proves("SIGNED-REQUESTS")
@pytest.mark.parametrize("what", UNCOVERED)
def test_a_signature_that_leaves_something_out_is_refused(known: Arena, what: str) -> None:
    refused(introspected(known, Signing(covered=UNCOVERED[what])), "credential.malformed")


@pytest.mark.proves("SIGNED-REQUESTS")
def test_a_body_without_a_digest_is_refused(known: Arena) -> None:
    body = b"client_id=signer&token=x"
    made = Signing(covered=('"@method"', '"@target-uri"')).headers("POST", f"{ISSUER}/oauth/introspect", {}, b"")
    answer = known.room.raw("POST", "/oauth/introspect", headers={"content-type": FORM, **made}, content=body, check=False)
    refused(answer, "credential.malformed")


@pytest.mark.proves("SIGNED-REQUESTS")
def test_another_body_than_the_signed_one_is_refused(known: Arena) -> None:
    how, body = Signing(), b"client_id=signer&token=x"
    made = how.headers("POST", f"{ISSUER}/oauth/introspect", {}, body)
    sent = {"content-type": FORM, **made}
    answer = known.room.raw("POST", "/oauth/introspect", headers=sent, content=b"client_id=signer&token=y", check=False)
    refused(answer, "credential.wrong_key")
    # Nor does a digest of the other body help: it is not the signed one.
    sent["content-digest"] = digest(b"client_id=signer&token=y")
    answer = known.room.raw("POST", "/oauth/introspect", headers=sent, content=b"client_id=signer&token=y", check=False)
    refused(answer, "credential.wrong_key")


@pytest.mark.proves("SIGNED-REQUESTS")
def test_a_signature_for_another_address_or_host_is_refused(known: Arena) -> None:
    refused(introspected(known, Signing(), path="/oauth/revoke"), "credential.wrong_key")
    body = b"client_id=signer&token=x"
    made = Signing().headers("POST", "https://other.example/oauth/introspect", {}, body)
    sent = {"content-type": FORM, "host": "other.example", **made}
    refused(known.room.raw("POST", "/oauth/introspect", headers=sent, content=body, check=False), "credential.wrong_key")


@pytest.mark.proves("SIGNED-REQUESTS", "DPOP-REPLAY")
def test_a_signature_counts_once(known: Arena) -> None:
    body = b"client_id=signer&token=x&redirect_uri=x"
    sent = {"content-type": FORM, **Signing().headers("POST", f"{ISSUER}/oauth/par", {}, body)}

    def push() -> httpx.Response:
        return known.room.raw("POST", "/oauth/par", headers=sent, content=body, check=False)

    refused(push(), "request.malformed")  # proved, and used up although the request was no good
    refused(push(), "credential.replayed")


@pytest.mark.proves("SIGNED-REQUESTS", "DPOP-REPLAY")
@pytest.mark.usefixtures("process")
def test_a_nonce_counts_once_in_whatever_signature(at: Arena) -> None:
    how = Signing()
    signer = signing_agent(at, how)
    granted = at.anna.grant(signer, mandate(max_tasks=5))
    how.params = {"nonce": "always the same"}
    assert signer.open(granted)
    form = {"grant_type": EXCHANGE, "subject_token": granted.id, "subject_token_type": calls.MANDATE_TOKEN, "client_id": "signer"}
    request = httpx.Request("POST", f"{ISSUER}/oauth/token", data=form)
    signer.dress(request)
    refused(at.room.raw("POST", "/oauth/token", headers=dict(request.headers), content=request.content, check=False), "credential.replayed")


@pytest.mark.proves("SIGNED-REQUESTS")
@pytest.mark.parametrize("alg", ["rsa-v1_5-sha256", "hmac-sha256", "rsa-pss-sha512", "ecdsa-p384-sha384", "none"])
def test_the_algorithm_is_the_keys_own(known: Arena, alg: str) -> None:
    refused(introspected(known, Signing(params={"alg": alg})), "credential.wrong_key")
    assert introspected(known, Signing(without=("alg",))).is_success, "the key says it alone"


@pytest.mark.proves("SIGNED-REQUESTS")
def test_an_rsa_key_for_another_algorithm_signs_nothing_here(at: Arena) -> None:
    how = Signing(key=MessageKey(alg="PS512"))
    body = registration(how)
    body["keys"]["jwks"]["keys"][0]["alg"] = "RS256"
    at.room.control("POST", "/sandbox/v1/agents", body)
    refused(introspected(at, how), "credential.wrong_key")


@pytest.mark.proves("SIGNED-REQUESTS")
def test_a_signature_by_another_key_is_refused(known: Arena) -> None:
    other = MessageKey("other")
    refused(introspected(known, Signing(sign_with=other)), "credential.wrong_key")
    refused(introspected(known, Signing(key=other)), "credential.wrong_key")


@pytest.mark.proves("SIGNED-REQUESTS")
def test_a_signature_lives_for_minutes_and_says_so(known: Arena) -> None:
    now_s = known.clock.now() // 1000
    for how, code in (
        (Signing(now_s=now_s - 400), "credential.expired"),
        (Signing(now_s=now_s + 90), "credential.expired"),
        (Signing(life_s=MAX_LIFE_S + 1), "credential.malformed"),
        (Signing(without=("created",)), "credential.malformed"),
        (Signing(without=("expires",)), "credential.malformed"),
        (Signing(without=("nonce",)), "credential.malformed"),
        (Signing(without=("keyid",)), "credential.malformed"),
        (Signing(params={"context": "more"}), "credential.malformed"),
    ):
        refused(introspected(known, how), code)


@pytest.mark.proves("SIGNED-REQUESTS")
def test_two_signatures_or_half_of_one_are_refused(known: Arena) -> None:
    body = b"client_id=signer&token=x"
    made = Signing().headers("POST", f"{ISSUER}/oauth/introspect", {}, body)
    twice = made | {name: f"{made[name]}, {made[name].replace('sig1', 'sig2')}" for name in ("signature", "signature-input")}
    for headers in (twice, {**made, "signature": ""}, {**made, "signature-input": ""}, {**made, "signature": "sig1=x"}):
        sent = {"content-type": FORM, **headers}
        refused(known.room.raw("POST", "/oauth/introspect", headers=sent, content=body, check=False), "credential.malformed")


@pytest.mark.proves("SIGNED-REQUESTS")
def test_a_signed_request_brings_no_second_proof(at: Arena) -> None:
    """⚔ With two ways of authentication, or two keys, it would depend on the reader which one counts."""
    signer = signing_agent(at, Signing())
    granted = at.anna.grant(signer, mandate())
    other = at.agent("spiffe://helper.example/other")
    form = {"grant_type": EXCHANGE, "subject_token": granted.id, "subject_token_type": calls.MANDATE_TOKEN}
    for more, headers, code in (
        ({"client_id": "signer", "client_assertion_type": "x", "client_assertion": "x.y.z"}, {}, "credential.malformed"),
        ({"client_id": "signer"}, {"dpop": at.proof(other, "POST", "/oauth/token")}, "credential.malformed"),
    ):
        request = httpx.Request("POST", f"{ISSUER}/oauth/token", data={**form, **more})
        signer.dress(request)
        sent = {**dict(request.headers), **headers}
        refused(at.room.raw("POST", "/oauth/token", headers=sent, content=request.content, check=False), code)
    assert signer.open(granted), "the grant is still good"


@pytest.mark.proves("SIGNED-REQUESTS", "DPOP-BOUND")
def test_a_token_needs_a_signature_by_its_own_key_that_covers_it(at: Arena) -> None:
    how, second = Signing(), MessageKey("second")
    signer = signing_agent(at, how, second)
    task = signer.open(at.anna.grant(signer, mandate()))
    path = f"/v1/tasks/{task.id}"
    token = {"authorization": f"DPoP {task.token}"}

    def status(with_: Signing, sent: dict[str, str] = token) -> httpx.Response:
        made = with_.headers("GET", ISSUER + path, sent, b"")
        return at.room.raw("GET", path, headers={**token, **made}, check=False)

    assert status(how).is_success
    refused(status(Signing(covered=('"@method"', '"@target-uri"'))), "credential.malformed")
    refused(status(Signing(key=MessageKey("other"))), "credential.wrong_key")
    refused(status(Signing(key=second)), "credential.wrong_key")  # its own, but not the token's
    refused(status(Signing(sign_with=MessageKey("other"))), "credential.wrong_key")
    refused(status(Signing(), {"authorization": "DPoP another"}), "credential.wrong_key")
    made = how.headers("GET", ISSUER + path, {"authorization": f"Bearer {task.token}"}, b"")
    refused(at.room.raw("GET", path, headers={"authorization": f"Bearer {task.token}", **made}, check=False), "credential.malformed")


@pytest.mark.proves("SIGNED-REQUESTS")
def test_a_desk_with_nonces_of_its_own_takes_no_signature_made_in_advance() -> None:
    with open_arena(settings={"dpop": {"nonce": True}}) as at:
        at.room.control("POST", "/sandbox/v1/agents", registration(Signing()))
        refused(introspected(at, Signing()), "credential.malformed")


@pytest.mark.proves("SIGNED-REQUESTS")
def test_an_agent_registered_for_assertions_cannot_sign_instead(at: Arena) -> None:
    """Its assertion key, which other servers may hold signatures of, proves no request here."""
    how = Signing()
    body = registration(how) | {"method": "private_key_jwt"}
    at.room.control("POST", "/sandbox/v1/agents", body)
    refused(introspected(at, how), "credential.malformed")
