"""The decision point's door: callers alone, small before a proof, bounded after it, and closed answers."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from attacks.decision_point.gateway import Gated, Gateway, gated
from desks.shop import CATALOGUE, FACTS
from remit.sandbox import Sandbox

QUESTION = {"subject": {"type": "user", "id": "ann"}, "action": {"name": "open"}, "resource": {"type": "door", "id": "d1"}}
PATHS = ["evaluation", "evaluations", "search/subject", "search/resource", "search/action", "requests", "outcomes"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("sent", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic x"}, {"authorization": "Bearer "}])
def test_without_a_caller_s_secret_nothing_is_answered(gate: Gated, path: str, sent: dict[str, str]) -> None:
    answer = gate.desk.room.raw("POST", f"/access/v1/{path}", QUESTION, headers=sent, check=False)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="decisions"')


def test_an_agent_s_token_and_a_person_s_session_open_nothing_here(gate: Gated) -> None:
    for sent in (
        {"authorization": f"DPoP {gate.task.token}"},
        {"authorization": f"Bearer {gate.task.token}"},
        {"cookie": gate.anna.cookie},
    ):
        assert gate.desk.room.raw("POST", "/access/v1/evaluation", QUESTION, headers=sent, check=False).status_code == 401


def test_an_unproved_body_is_not_read(gate: Gated) -> None:
    began = time.process_time()
    answer = gate.desk.room.raw(
        "POST", "/access/v1/evaluation", headers={"content-type": "application/json"}, content=b"[" * 900_000, check=False
    )
    assert answer.status_code == 401
    assert time.process_time() - began < 1


def test_a_batch_is_bounded_and_a_broken_item_denies_alone(gate: Gated) -> None:
    items = [QUESTION, {}, "x", {**QUESTION, "resource": {"type": "door"}}]
    body = gate.gateway.post("/access/v1/evaluations", {"evaluations": items}).json()
    assert [one["decision"] for one in body["evaluations"]] == [True, False, False, False]
    assert gate.gateway.post("/access/v1/evaluations", {"evaluations": [QUESTION] * 251}).status_code == 413
    many = gate.gateway.post("/access/v1/evaluations", {"evaluations": [QUESTION] * 250})
    assert len(many.json()["evaluations"]) == 250


def test_properties_of_a_default_never_join_those_of_an_item(gate: Gated) -> None:
    shared = {"type": "door", "id": "d1", "properties": {"shared": True}}
    ben = {**QUESTION, "subject": {"type": "user", "id": "ben"}, "resource": shared}
    items = [
        {},
        {"resource": {"type": "door", "id": "d2"}},
        {"resource": {"id": "d2"}},
        {"resource": {"id": "d2", "properties": {"shared": True}}},
    ]
    body = gate.gateway.post("/access/v1/evaluations", {**ben, "evaluations": items}).json()
    assert [one["decision"] for one in body["evaluations"]] == [True, False, False, True]


def test_a_batch_of_acts_does_not_stop_early(gate: Gated) -> None:
    body = {"evaluations": [gate.note()], "options": {"evaluations_semantic": "permit_on_first_permit"}}
    assert gate.gateway.post("/access/v1/evaluations", body).status_code == 400
    body["options"]["evaluations_semantic"] = "execute_all"
    assert gate.gateway.post("/access/v1/evaluations", body).json()["evaluations"][0]["decision"]


def test_an_obligation_that_the_caller_cannot_meet_denies(gate: Gated) -> None:
    question = {**QUESTION, "action": {"name": "unlock"}}
    denied = gate.gateway.evaluate(question)
    assert denied == {"decision": False, "context": {"reason": "obligation_unsupported", "unsupported_obligations": ["log"]}}
    met = gate.gateway.evaluate({**question, "context": {"supported_obligations": ["log"]}})
    assert met["decision"]
    assert met["context"]["obligations"] == [{"id": "doors.cedar#2", "type": "log", "properties": {"level": 2}}]
    assert gate.gateway.post("/access/v1/evaluation", {**question, "context": {"supported_obligations": "log"}}).status_code == 400


@pytest.mark.parametrize("shared", [1, "true", {"__entity": {"type": "user", "id": "ann"}}, 1.00001, None, [None]])
def test_an_error_or_a_value_of_another_type_denies(gate: Gated, shared: object) -> None:
    resource = {"type": "door", "id": "d9", "properties": {"shared": shared}}
    assert not gate.gateway.evaluate({**QUESTION, "subject": {"type": "user", "id": "eve"}, "resource": resource})["decision"]


def test_what_no_policy_reads_may_be_anything(gate: Gated) -> None:
    odd = {"where": [1.234567, None], "deep": {"__extn": {"fn": "ip", "arg": "x"}}, "large": 2**52}
    question = {**QUESTION, "context": odd, "subject": {**QUESTION["subject"], "properties": odd}}
    assert gate.gateway.evaluate(question) == {"decision": True}


@pytest.mark.parametrize("kind", ["door-x", "a.b", "__cedar", '"', "a b", "door::", "é"])
def test_a_type_that_no_policy_can_name_is_denied(gate: Gated, kind: str) -> None:
    resource = {"type": kind, "id": "d1", "properties": {"shared": True}}
    assert not gate.gateway.evaluate({**QUESTION, "resource": resource})["decision"]


def test_pages_of_a_search_lead_to_all_and_belong_to_it(gate: Gated) -> None:
    body: dict[str, object] = {**QUESTION, "resource": {"type": "door"}}
    whole = gate.gateway.post("/access/v1/search/resource", body).json()
    assert whole == {"results": [{"type": "door", "id": f"d{n}"} for n in range(5)]}
    found, token = [], ""
    for _ in range(10):
        page = gate.gateway.post("/access/v1/search/resource", {**body, "page": {"limit": 2, "token": token}}).json()
        found += page["results"]
        token = page["page"]["next_token"]
        if not token:
            break
    assert found == whole["results"]
    first = gate.gateway.post("/access/v1/search/resource", {**body, "page": {"limit": 2}}).json()["page"]["next_token"]
    other = {**body, "subject": {"type": "user", "id": "ben"}, "page": {"token": first}}
    assert gate.gateway.post("/access/v1/search/resource", other).json()["results"] == []
    assert gate.other.post("/access/v1/search/action", QUESTION).json() == {"results": [{"name": "open"}]}
    assert gate.gateway.post("/access/v1/search/action", {**QUESTION, "context": {"supported_obligations": ["log"]}}).json()["results"] == [
        {"name": "open"},
        {"name": "unlock"},
    ]


def test_metadata_says_what_works_and_is_signed(gate: Gated) -> None:
    told = gate.desk.room.call("GET", "/.well-known/authzen-configuration")
    assert told["policy_decision_point"] == gate.desk.room.issuer
    assert told["capabilities"] == ["urn:openid:authzen:capability:access-request"]
    assert told["supported_obligations"] == ["log", "urn:remit:obligation:disclose_only"]
    assert json.loads(_payload(told["signed_metadata"]))["access_evaluation_endpoint"] == told["access_evaluation_endpoint"]


def _payload(jws: str) -> bytes:
    part = jws.split(".")[1]
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Gated]:
    with gated(tmp_path, acts=False) as made:
        yield made


def test_a_caller_without_acts_learns_nothing_of_agents(plain: Gated) -> None:
    answer = plain.gateway.evaluate(plain.note())
    assert answer["context"]["reason"] == "caller_not_allowed"
    assert plain.gateway.post("/access/v1/requests", {}).status_code == 404
    assert plain.uses_left("order.note") == 2
    told = plain.desk.room.call("GET", "/.well-known/authzen-configuration")
    assert "access_request_endpoint" not in told


def test_without_callers_there_is_no_decision_point() -> None:
    with Sandbox(CATALOGUE, facts=FACTS) as desk:
        for method, path in (("POST", "/access/v1/evaluation"), ("GET", "/.well-known/authzen-configuration")):
            assert desk.room.raw(method, path, check=False).status_code == 404


def test_a_caller_is_limited(tmp_path: Path) -> None:
    with gated(tmp_path, limits={"caller_per_s": 1, "caller_burst": 3}) as gate:
        statuses = [gate.gateway.post("/access/v1/evaluation", QUESTION).status_code for _ in range(5)]
        assert 429 in statuses
        assert gate.other.post("/access/v1/evaluation", QUESTION).status_code == 200


def test_the_request_id_comes_back_and_is_no_header_of_ours(gate: Gated) -> None:
    answer = gate.gateway.post("/access/v1/evaluation", QUESTION, headers={"x-request-id": "their-own"})
    assert answer.headers.get_list("x-request-id") == ["their-own"]
    odd = gate.gateway.post("/access/v1/evaluation", QUESTION, headers={"x-request-id": "x" * 201})
    assert odd.headers["x-request-id"] != "x" * 201


def test_stored_entities_are_known_to_policies_as_parents_and_by_reference(tmp_path: Path) -> None:
    policies = """
    permit(principal in team::"red", action == Action::"use", resource) when { resource.owner.trusted };
    forbid(principal, action, resource) when { principal has banned && principal.banned };
    """
    entities = [
        {"type": "team", "id": "red"},
        {"type": "user", "id": "ann", "parents": [{"type": "team", "id": "red"}]},
        {"uid": {"type": "user", "id": "ben"}, "attrs": {"trusted": True}, "parents": [{"type": "team", "id": "red"}]},
        {"uid": {"type": "tool", "id": "saw"}, "attrs": {"owner": {"__entity": {"type": "user", "id": "ben"}}}, "parents": []},
    ]
    (tmp_path / "p.cedar").write_text(policies)
    point = {
        "policies": [str(tmp_path / "p.cedar")],
        "entities": entities,
        "callers": [{"name": "a", "sha256_file": str(tmp_path / "caller"), "actions": ["*"]}],
    }
    (tmp_path / "caller").write_text(hashlib.sha256(b"s").hexdigest())
    with Sandbox(CATALOGUE, facts=FACTS, settings={"decision_point": point}) as desk:
        gateway = Gateway(desk, "a", "s")

        def ask(user: str, **properties: object) -> bool:
            subject = {"type": "user", "id": user, "properties": properties}
            body = {"subject": subject, "action": {"name": "use"}, "resource": {"type": "tool", "id": "saw"}}
            return bool(gateway.evaluate(body)["decision"])

        assert [ask("ann"), ask("ben"), ask("eve")] == [True, True, False]
        assert [ask("ann", banned=True), ask("ben", banned=True), ask("ben", trusted=False)] == [False, False, False]


def test_an_error_denies_whatever_else_permits(tmp_path: Path) -> None:
    policies = """
    permit(principal, action == Action::"open", resource);
    forbid(principal, action, resource) when { context.locked };
    """
    with gated(tmp_path, doors=policies) as gate:
        assert gate.gateway.evaluate({**QUESTION, "context": {"locked": False}})["decision"]
        for context in ({}, {"locked": True}, {"locked": "no"}):
            assert not gate.gateway.evaluate({**QUESTION, "context": context})["decision"]


def test_methods_and_addresses_are_those_of_the_document(gate: Gated) -> None:
    assert gate.desk.desk is not None
    document = gate.desk.room.call("GET", "/openapi.json")
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == gate.desk.desk.app.addresses
    for path, allow in (("/access/v1/evaluation", "POST"), ("/access/v1/requests/x", "GET")):
        for method in ("PUT", "DELETE", "GET" if allow == "POST" else "POST"):
            answer = gate.desk.room.raw(method, path, headers={"authorization": f"Bearer {gate.gateway.secret}"}, check=False)
            assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert gate.gateway.post("/access/v1/evaluation/x", {}).status_code == 404
