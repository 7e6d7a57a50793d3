"""Examples printed in the drafts of the authorization server's newer parts, read in place: ours has their members, and reads theirs."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from attacks.arena import ISSUER, SEND_BACK, Arena, mandate, open_arena
from attacks.introspected import grant_token, told
from conformance.harness import SHARED, reason_of, vector_set
from contracts.identity_minting import mint
from remit.domain.errors import Code, Refused
from remit.domain.identity import jws
from remit.domain.identity.id_jag import verify_id_jag
from remit.domain.values import Instant

VECTORS = SHARED / "oauth"
pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="the public vectors are not here; set REMIT_SHARED")
ACCEPT = {"accept-txn-challenge": "?1"}


def examples(name: str, section: str = "") -> list[dict[str, Any]]:
    """The examples of a draft, of one section if named."""
    if not VECTORS.is_dir():
        return []
    found: list[dict[str, Any]] = json.loads((VECTORS / f"{name}-examples.json").read_text())["examples"]
    return [one for one in found if section in one["section"]]


def body_of(text: str) -> dict[str, Any]:
    """The JSON body of an HTTP message."""
    found: dict[str, Any] = json.loads(text[text.index("{") :])
    return found


def judge(name: str, request: pytest.FixtureRequest) -> None:
    """Record that the examples of a set which are answers of such a server were held against ours."""
    one = vector_set(name)
    ids = [f"{number} {example['section']}" for number, example in enumerate(one.read()["examples"])]
    one.judge(request, {check: None if reason_of(check, one.not_offered) is not None else True for check in ids})


@pytest.fixture(scope="module")
def desk() -> Iterator[Arena]:
    with open_arena() as one:
        yield one


def test_a_challenge_has_every_claim_of_the_example_and_the_wire_its_members(desk: Arena, request: pytest.FixtureRequest) -> None:
    (claims,) = [one["json"] for one in examples("txn-challenge", "Challenge Claims")]
    task = desk.task()
    asked = desk.send(task, f"/v1/tasks/{task.id}/asks", {"action": "order.return", "params": SEND_BACK}, headers=ACCEPT)
    header = asked.headers["www-authenticate"]
    (printed,) = [one["text"] for one in examples("txn-challenge", "Challenge Response")]
    assert set(re.findall(r"(\w+)=\"", printed)) <= set(re.findall(r"(\w+)=\"", header))
    ours = jws.read(asked.json()["transaction_challenge"]).claims
    assert set(claims) <= set(ours)
    assert {type(ours[name]) for name in ("iat", "exp")} == {int}
    started = desk.form(
        "/oauth/txn-authorize", {"transaction_challenge": asked.json()["transaction_challenge"]}, agent=task.agent, key=task.agent
    )
    whole = body_of(examples("txn-challenge", "Transaction Authorization Response")[1]["text"])
    assert set(started.json()) == set(whole)
    desk.clock.ahead_ms += 5000
    polled = {"transaction_authorization_id": started.json()["transaction_authorization_id"]}
    pending = desk.form("/oauth/txn-authorize", polled, agent=task.agent, key=task.agent)
    assert pending.json()["error"] == body_of(examples("txn-challenge", "Pending and Polling")[1]["text"])["error"]
    reply = task.poll(asked.json()["ask"])
    desk.anna.confirm(reply)
    desk.clock.ahead_ms += 5000
    done = desk.form("/oauth/txn-authorize", polled, agent=task.agent, key=task.agent).json()
    assert set(body_of(examples("txn-challenge", "Successful Access Token Response")[0]["text"])) <= set(done)
    judge("txn-challenge", request)


def test_tokens_and_introspection_have_the_claims_of_step_up(desk: Arena, request: pytest.FixtureRequest) -> None:
    token, _ = grant_token(desk.anna, desk.agent(), mandate(max_tasks=3))
    claims = jws.read(token).claims
    (printed,) = [one["text"] for one in examples("step-up", "JWT Access Tokens")]
    wanted = json.loads(printed[printed.index("Claims:") + 7 :])
    assert set(wanted) <= set(claims)
    assert {type(claims["acr"]), type(claims["auth_time"])} == {str, int}
    (introspected,) = [body_of(one["text"]) for one in examples("step-up", "Introspection")]
    assert set(introspected) <= set(told(desk.agent(), token))
    judge("step-up", request)


def test_detail_types_have_the_members_of_the_examples(desk: Arena, request: pytest.FixtureRequest) -> None:
    ours = desk.room.raw("GET", "/oauth/authorization-details-types").json()["remit_mandate"]
    for printed in examples("rar-remediation", "authorization_details_types_metadata_endpoint response"):
        for one in body_of(printed["text"]).values():
            assert set(one) <= set(ours) | {"schema_uri", "examples"}
            jsonschema_rs.meta.validate(one["schema"])
    judge("rar-remediation", request)


JAGS = [one["text"] for one in examples("id-jag") if '"oauth-id-jag+jwt"' in one.get("text", "")]


@pytest.mark.parametrize("text", JAGS)
def test_a_printed_id_jag_is_read_by_its_own_rules_and_refused_where_it_names_another_resource(text: str) -> None:
    header, claims = (json.loads(part) for part in re.split(r"^\.$", text, flags=re.MULTILINE)[:2])
    own = {name: value for name, value in claims.items() if name not in {"resource", "scope"}}

    def verified(given: dict[str, Any], **changed: Any) -> Any:
        token = jws.read(mint({"alg": "ES256", "kid": "k", **header}, given))
        context = {
            "provider": claims["iss"],
            "issuer": claims["aud"],
            "client_id": claims["client_id"],
            "actor": "a",
            "jkt": "j",
            **changed,
        }
        return verify_id_jag(token, now=Instant(claims["iat"] * 1000 + 1000), **context)

    try:
        found = verified(own)
    except Refused:
        assert claims["exp"] - claims["iat"] > 600  # the first examples live longer than we let any
        found = verified({**own, "exp": claims["iat"] + 300})
    assert (found.subject, found.jti) == (claims["sub"], claims["jti"])
    assert found.details == claims.get("authorization_details")
    for wrong in ({"issuer": ISSUER}, {"client_id": "another"}, {"provider": "https://another.example"}):
        with pytest.raises(Refused) as refused:
            verified({**own, "exp": claims["iat"] + 60}, **wrong)
        assert refused.value.code is Code.GRANT_INVALID
    if "resource" in claims or "scope" in claims:
        with pytest.raises(Refused):
            verified({**claims, "exp": claims["iat"] + 60})


def test_the_grant_of_identity_chaining_is_no_id_jag_and_is_refused(desk: Arena) -> None:
    printed = next(one["text"] for one in examples("identity-chaining", "Example") if "jwt-bearer" in one.get("text", ""))
    assertion = re.sub(r"\s", "", printed.partition("assertion=")[2])
    agent = desk.agent()
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    answer = desk.form("/oauth/token", {"grant_type": grant, "assertion": assertion}, agent=agent, key=agent)
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")


def test_every_printed_id_jag_was_read(request: pytest.FixtureRequest) -> None:
    printed = examples("id-jag")
    assert len(JAGS) == len(printed) - len(vector_set("id-jag").not_offered)
    judge("id-jag", request)
