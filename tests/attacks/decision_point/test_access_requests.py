"""A person's yes to a denied act: bound to the denial and its caller, given once, and input to a fresh decision."""

import json

import httpx
import pytest

from attacks.decision_point.gateway import Gated
from remit.client.errors import Refused


def test_a_person_s_yes_lets_the_act_through_once(gate: Gated) -> None:
    question = gate.refund()
    denial = gate.gateway.evaluate(question)
    assert (denial["decision"], denial["context"]["reason"], denial["context"]["next_action"]) == (False, "approval_required", "request")
    made = gate.gateway.request(question, denial)
    task = made.json()["task"]
    assert (made.status_code, task["status"], made.headers["location"]) == (202, "pending", task["status_endpoint"])
    waiting = {"id": gate.anna.waiting()[0]["confirmation"]}
    assert gate.gateway.evaluate(gate.with_approval(question, waiting))["context"]["reason"] == "grant_pending"
    gate.confirm(task["id"])
    gate.desk.sweep()  # finds nothing to do: the act is its caller's
    status = gate.gateway.get(f"/access/v1/requests/{task['id']}").json()
    assert (status["task"]["status"], status["result"]["mode"]) == ("approved", "reevaluate")
    approval = status["result"]["approval"]
    assert gate.gateway.evaluate(question)["context"]["reason"] == "approval_required"  # no standing right
    answer = gate.gateway.evaluate(gate.with_approval(question, approval))
    assert answer["decision"], answer
    assert answer["context"]["approval"]["id"] == approval["id"]
    entries = gate.recorded(task["id"])
    assert [one["kind"] for one in entries] == ["ask.decided", "confirmation.answered", "ask.decided", "ask.decided"]
    assert gate.uses_left("payment.refund") == 2


def test_an_approval_is_used_once(gate: Gated) -> None:
    question = gate.refund()
    approval = gate.approved(question)
    first = gate.gateway.evaluate(gate.with_approval(question, approval))
    assert first["decision"]
    again = gate.with_approval(gate.refund(), approval)  # another operation, the same yes
    assert gate.gateway.evaluate(again)["context"]["reason"] == "approval_unverifiable"
    assert gate.gateway.evaluate(gate.with_approval(question, approval))["context"]["evaluation_id"] == first["context"]["evaluation_id"]


def test_an_approval_is_for_its_act_and_its_caller(gate: Gated) -> None:
    question = gate.refund()
    approval = gate.approved(question)
    assert gate.gateway.evaluate(gate.with_approval(gate.refund("20.01 EUR"), approval))["context"]["reason"] == "out_of_scope"
    assert gate.other.evaluate(gate.with_approval(question, approval))["context"]["reason"] == "approval_unverifiable"
    assert gate.gateway.evaluate(gate.with_approval(question, approval))["decision"]


def test_a_revocation_after_the_yes_stops_the_act(gate: Gated) -> None:
    question = gate.refund()
    approval = gate.approved(question)
    gate.anna.revoke(gate.mandate)
    answer = gate.gateway.evaluate(gate.with_approval(question, approval))
    assert (answer["decision"], answer["context"]["reason"]) == (False, "mission_inactive")


def test_a_no_is_a_no(gate: Gated) -> None:
    question = gate.refund()
    task = gate.gateway.request(question, gate.gateway.evaluate(question)).json()["task"]
    row = gate.anna.waiting()[0]
    gate.confirm(task["id"], "no")
    assert gate.gateway.get(f"/access/v1/requests/{task['id']}").json()["task"]["status"] == "denied"
    declined = gate.with_approval(question, {"id": row["confirmation"]})
    assert gate.gateway.evaluate(declined)["context"]["reason"] == "policy_denied"
    again = gate.gateway.request(question, gate.gateway.evaluate(question))
    assert again.json()["type"].endswith(":not_requestable")  # a declined act is not asked again


def test_a_lesser_yes_is_none_since_the_caller_does_what_it_asked(gate: Gated) -> None:
    question = gate.refund()
    gate.gateway.request(question, gate.gateway.evaluate(question))
    invitation = gate.anna.waiting()[0]["confirmation"]
    less = {**question["action"]["properties"]["parameters"], "amount": "10.00 EUR"}
    with pytest.raises(Refused) as refused:
        gate.anna.post(f"/me/v1/confirmations/{invitation}/less", {"params": less})
    assert refused.value.code == "params.invalid"


def test_a_binding_serves_its_caller_its_act_and_one_request(gate: Gated) -> None:
    question = gate.refund()
    denial = gate.gateway.evaluate(question)
    assert gate.other.request(question, denial).json()["type"].endswith(":invalid_denial_binding")
    assert gate.gateway.request(gate.refund("20.01 EUR"), denial).json()["type"].endswith(":invalid_denial_binding")
    elsewhere = {**question, "context": {**question["context"], "mission": {"id": "task_aaaaaaaaaaaaaaaaaaaaaaaaaa"}}}
    assert gate.gateway.request(elsewhere, denial).json()["type"].endswith(":invalid_denial_binding")
    other_record = {**question, "resource": {"type": "customer", "id": "anna"}}
    assert gate.gateway.request(other_record, denial).json()["type"].endswith(":invalid_denial_binding")
    token = denial["context"]["access_request"]["binding_token"]
    head, claims, signature = token.split(".")
    for forged in (f"{head}.{claims}.{signature[:-4]}AAAA", f"eyJhbGciOiJub25lIn0.{claims}.", gate.task.token, "x", token[:-1]):
        access = {**denial["context"]["access_request"], "binding_token": forged}
        answer = gate.gateway.request(question, {"context": {"access_request": access}})
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (400, "invalid_denial_binding")
    assert gate.anna.waiting() == []
    first = gate.gateway.request(question, denial, key="one")
    assert gate.gateway.request(question, denial, key="one").json() == first.json()
    second = gate.gateway.request(question, denial, key="two")
    assert (second.status_code, second.json()["type"].rpartition(":")[2]) == (409, "duplicate_request")
    assert len(gate.anna.waiting()) == 1


def test_a_binding_is_no_token_anywhere_else(gate: Gated) -> None:
    token = gate.gateway.evaluate(gate.refund())["context"]["access_request"]["binding_token"]
    for scheme in ("Bearer", "DPoP"):
        answer = gate.desk.room.raw("GET", f"/v1/tasks/{gate.task.id}", headers={"authorization": f"{scheme} {token}"}, check=False)
        assert answer.status_code == httpx.codes.UNAUTHORIZED


def test_only_a_denial_that_a_person_can_lift_is_requestable(gate: Gated) -> None:
    beyond = gate.gateway.evaluate(gate.refund("500.00 EUR"))
    assert "access_request" not in beyond["context"]
    body = {name: gate.refund()[name] for name in ("subject", "action", "resource")}
    missing = gate.gateway.post("/access/v1/requests", body, headers={"idempotency-key": "k"})
    assert (missing.status_code, missing.json()["type"]) == (400, "urn:openid:authzen:access-request:error:not_requestable")
    bundle = gate.gateway.post("/access/v1/requests", {**body, "items": []}, headers={"idempotency-key": "k"})
    assert bundle.json()["type"].endswith(":not_requestable")
    assert gate.gateway.post("/access/v1/requests", body).status_code == 400  # no Idempotency-Key


def test_another_caller_s_request_is_unknown(gate: Gated) -> None:
    question = gate.refund()
    task = gate.gateway.request(question, gate.gateway.evaluate(question)).json()["task"]
    for path in (task["id"], "ask_aaaaaaaaaaaaaaaaaaaaaaaaaa", "x"):
        answer = gate.other.get(f"/access/v1/requests/{path}")
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (404, "unknown_task")


def test_neither_the_caller_nor_the_agent_answers_for_the_person(gate: Gated) -> None:
    question = gate.refund()
    task = gate.gateway.request(question, gate.gateway.evaluate(question)).json()["task"]
    invitation = gate.anna.waiting()[0]["confirmation"]
    for path in (f"/me/v1/confirmations/{invitation}", f"/desk/v1/confirmations/{invitation}", f"/access/v1/requests/{task['id']}"):
        answer = gate.gateway.post(path, {"answer": "yes"})
        assert answer.status_code in {401, 403, 405}, path
    assert gate.gateway.get(f"/access/v1/requests/{task['id']}").json()["task"]["status"] == "pending"
    assert gate.task.poll(task["id"]).needs_human
    ben = gate.desk.officer("ben", ["billing"])
    with pytest.raises(Refused):
        ben.post(f"/desk/v1/confirmations/{invitation}", {"answer": "yes"})


def test_an_officer_who_is_the_customer_does_not_approve_for_both(gate: Gated) -> None:
    question = gate.refund()
    task = gate.gateway.request(question, gate.gateway.evaluate(question)).json()["task"]
    bram = gate.desk.customer("bram")
    invitation = gate.anna.waiting()[0]["confirmation"]
    with pytest.raises(Refused) as refused:
        bram.get(f"/me/v1/confirmations/{invitation}")
    assert refused.value.code in {"confirmation.wrong_person", "request.not_found"}
    assert gate.gateway.get(f"/access/v1/requests/{task['id']}").json()["task"]["status"] == "pending"


def test_a_task_that_ends_ends_its_requests(gate: Gated) -> None:
    question = gate.refund()
    approval = gate.approved(question)
    task = gate.task.id
    gate.task.complete()
    answer = gate.gateway.evaluate(gate.with_approval(question, approval))
    assert answer["context"]["reason"] == "mission_inactive"
    assert task in json.dumps(gate.desk.transcript())


def test_nothing_outlives_its_time(gate: Gated) -> None:
    question, released = gate.refund(), gate.note()
    assert gate.gateway.evaluate(released)["decision"]
    gate.ahead(61_000)
    assert gate.gateway.evaluate(released)["context"]["reason"] == "duplicate_suppressed"
    denial = gate.gateway.evaluate(question)
    gate.ahead(600_000)
    expired = gate.gateway.request(question, denial)
    assert (expired.status_code, expired.json()["type"].rpartition(":")[2]) == (410, "expired_denial")
    approval = gate.approved(question)
    assert gate.uses_left("payment.refund") == 2
    gate.ahead(601_000)
    late = gate.gateway.evaluate(gate.with_approval(question, approval))
    assert (late["decision"], late["context"]["reason"], late["context"]["next_action"]) == (False, "approval_expired", "request")
    gate.desk.sweep()
    assert gate.uses_left("payment.refund") == 3  # given back, once
    gate.desk.sweep()
    assert gate.uses_left("payment.refund") == 3
    assert gate.gateway.evaluate(gate.with_approval(question, approval))["context"]["reason"] == "approval_expired"


def test_a_request_that_nobody_answers_expires(gate: Gated) -> None:
    question = gate.refund()
    task = gate.gateway.request(question, gate.gateway.evaluate(question)).json()["task"]
    gate.ahead(601_000)
    assert gate.gateway.get(f"/access/v1/requests/{task['id']}").json()["task"]["status"] == "expired"
    assert gate.uses_left("payment.refund") == 3


def test_two_uses_of_one_approval_at_the_same_moment_are_one(gate: Gated) -> None:
    question = gate.refund()
    approval = gate.approved(question)
    answers = gate.at_once([gate.with_approval(gate.refund(), approval) for _ in range(4)])
    assert sorted(one["decision"] for one in answers) == [False, False, False, True]


def test_evaluations_at_the_same_moment_share_one_budget(gate: Gated) -> None:
    answers = gate.at_once([gate.note() for _ in range(5)])
    assert sum(one["decision"] for one in answers) == 2
    assert {one["context"].get("reason") for one in answers if not one["decision"]} == {"quota_exceeded"}


def test_the_log_agrees_with_what_callers_did(gate: Gated) -> None:
    question = gate.refund()
    assert gate.gateway.evaluate(gate.with_approval(question, gate.approved(question)))["decision"]
    assert gate.gateway.evaluate(gate.question("order.read", {"order_id": "W1001"}))["decision"]
    gate.approved(gate.refund("30.00 EUR"))
    gate.ahead(601_000)
    gate.desk.sweep()
    assert gate.differences() == []
