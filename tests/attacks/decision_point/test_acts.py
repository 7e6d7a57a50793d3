"""A gateway asks about an agent's act: the answer is that of an ask, recorded, charged, and for that act alone."""

from pathlib import Path

import pytest

from attacks.decision_point.gateway import Gated, gated
from desks.shop import CATALOGUE


def test_a_read_is_permitted_with_what_may_be_told(gate: Gated) -> None:
    answer = gate.gateway.evaluate(gate.question("order.read", {"order_id": "W1001"}))
    context = answer["context"]
    assert answer["decision"], answer
    assert context["conditions"]["use_limit"] == 1
    assert context["obligations"][0]["properties"]["attributes"] == ["order.status", "order.items"]
    entries = gate.recorded(context["evaluation_id"])
    assert [(one["kind"], one["envelope"].get("decision"), one["envelope"].get("outcome")) for one in entries] == [
        ("ask.decided", "permit", None),
        ("act.performed", None, "done"),
    ]


@pytest.mark.parametrize("area", ["routine", "payment"])
def test_a_read_released_to_its_caller_is_a_step_that_is_done(tmp_path: Path, area: str) -> None:
    read = {**CATALOGUE["action"]["order.read"], "area": area}
    objective = {**CATALOGUE["objective"]["return-item"], "after": {"order.note": ["order.read"]}}
    stepped = {
        **CATALOGUE,
        "action": {**CATALOGUE["action"], "order.read": read},
        "objective": {**CATALOGUE["objective"], "return-item": objective},
    }
    with gated(tmp_path, catalogue=stepped) as gate:
        early = gate.gateway.evaluate(gate.note())["context"]
        assert (early["reason"], early["code"]) == ("history_not_satisfied", "objective.step_order")
        question = gate.question("order.read", {"order_id": "W1001"})
        if area == "payment":
            question = gate.with_approval(question, gate.approved(question))
        assert gate.gateway.evaluate(question)["decision"]
        assert gate.gateway.evaluate(gate.note())["decision"]


def test_a_write_is_permitted_once_charged_and_left_to_its_caller(gate: Gated) -> None:
    question = gate.note()
    answer = gate.gateway.evaluate(question)
    context = answer["context"]
    assert answer["decision"], answer
    assert context["conditions"]["parameter_digest"] == question["action"]["properties"]["parameter_digest"]
    assert gate.uses_left("order.note") == 1
    assert gate.gateway.evaluate(question)["context"]["evaluation_id"] == context["evaluation_id"]  # a retry
    assert gate.uses_left("order.note") == 1
    gate.desk.sweep()
    assert [one["kind"] for one in gate.recorded(context["evaluation_id"])] == ["ask.decided"]  # the desk does nothing
    report = {"evaluation_id": context["evaluation_id"], "outcome": "done"}
    assert gate.gateway.post("/access/v1/outcomes", report).json() == report
    assert gate.recorded(context["evaluation_id"])[-1]["envelope"]["outcome"] == "done"
    assert gate.gateway.evaluate(question)["context"]["reason"] == "duplicate_suppressed"
    assert gate.gateway.evaluate(gate.note())["decision"]
    assert gate.gateway.evaluate(gate.note())["context"]["reason"] == "quota_exceeded"


def test_an_act_that_failed_gives_back_what_it_took(gate: Gated) -> None:
    released = gate.gateway.evaluate(gate.note())["context"]["evaluation_id"]
    report = {"evaluation_id": released, "outcome": "failed", "reason": "the order system is down"}
    assert gate.other.post("/access/v1/outcomes", report).status_code == 404  # another caller's
    assert gate.gateway.post("/access/v1/outcomes", report).status_code == 200
    assert gate.uses_left("order.note") == 2
    assert gate.gateway.post("/access/v1/outcomes", {**report, "outcome": "done"}).status_code == 409


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"customer": "bram"}, "view_inconsistent"),
        ({"actor": {"client_id": "spiffe://evil.example/x", "act": [{"iss": "x", "sub": "y"}]}}, "actor_invalid"),
        ({"actor": {"client_id": "spiffe://helper.example/shop", "act": []}}, "actor_invalid"),
        ({"mission": {"id": "task_aaaaaaaaaaaaaaaaaaaaaaaaaa"}}, "mission_inactive"),
        ({"mission": None}, "mission_context_missing"),
        ({"resource": {"type": "order", "id": "W1003"}}, "parameter_violation"),
        ({"properties": {"parameter_digest": "sha-256:WPVi6EnQ7H9Fh-qk9ADxmTg8zruOdVUX1esl-v3TfCI"}}, "parameter_violation"),
        ({"properties": {"parameter_digest": None}}, "parameter_violation"),
        ({"properties": {"parameter_digest": ["a"]}}, "parameter_violation"),
        ({"properties": {"idempotency_key": ""}}, "parameter_violation"),
        ({"approval": {"id": "cnf_aaaaaaaaaaaaaaaaaaaaaaaaaa"}}, "approval_unverifiable"),
    ],
)
def test_another_party_record_or_parameter_than_the_act_s_is_denied(gate: Gated, changed: dict[str, object], reason: str) -> None:
    answer = gate.gateway.evaluate(gate.note(**changed))
    assert (answer["decision"], answer["context"]["reason"]) == (False, reason)
    assert gate.uses_left("order.note") == 2


def test_an_act_is_never_decided_by_other_policies_for_lack_of_its_task(gate: Gated) -> None:
    question = gate.note(resource={"type": "order", "id": "W1001", "properties": {"shared": True}})
    del question["context"]["mission"]
    answer = gate.gateway.evaluate(question)
    assert (answer["decision"], answer["context"]["reason"]) == (False, "mission_context_missing")
    question["action"]["name"] = "order.unheard_of"  # while the third policy permits anything that is shared
    assert gate.gateway.evaluate(question) == {"decision": True}


def test_what_the_mandate_does_not_cover_is_denied_and_on_the_record(gate: Gated) -> None:
    answer = gate.gateway.evaluate(gate.refund("500.00 EUR"))
    assert answer["context"]["reason"] == "parameter_violation"
    (entry,) = gate.recorded(answer["context"]["evaluation_id"])
    assert (entry["envelope"]["decision"], entry["envelope"]["code"]) == ("refuse", "mandate.limit_exceeded")
    foreign = gate.question("order.note", {"order_id": "W2002"})
    assert gate.gateway.evaluate(foreign)["context"]["reason"] == "out_of_authority"
    assert (
        gate.gateway.evaluate(gate.question("account.unlock", {}, resource={"type": "customer", "id": "anna"}))["context"]["reason"]
        == "out_of_authority"
    )


def test_a_revoked_mandate_and_a_suspended_agent_permit_nothing_by_the_next_request(gate: Gated) -> None:
    question = gate.note()
    assert gate.gateway.evaluate(question)["decision"]
    gate.desk.suspend(agent=gate.agent)
    assert gate.gateway.evaluate(question)["context"]["reason"] == "mission_inactive"  # the permit given before, too
    gate.anna.revoke(gate.mandate)
    assert gate.gateway.evaluate(gate.note())["context"]["reason"] == "mission_inactive"


def test_a_key_with_another_act_is_a_conflict(gate: Gated) -> None:
    question = gate.note()
    assert gate.gateway.evaluate(question)["decision"]
    other = gate.question(
        "order.read", {"order_id": "W1001"}, properties={"idempotency_key": question["action"]["properties"]["idempotency_key"]}
    )
    assert gate.gateway.evaluate(other)["context"]["reason"] == "idempotency_conflict"


def test_a_caller_that_cannot_withhold_gets_no_read(gate: Gated) -> None:
    question = gate.question("order.read", {"order_id": "W1001"}, supported_obligations=["log"])
    answer = gate.gateway.evaluate(question)
    assert (answer["decision"], answer["context"]["reason"]) == (False, "obligation_unsupported")
    assert answer["context"]["unsupported_obligations"] == ["urn:remit:obligation:disclose_only"]


def test_no_gateway_writes_into_a_case(gate: Gated) -> None:
    question = gate.question("case.comment", {"text": "Please refund me."}, resource={"type": "case", "id": gate.task.case})
    assert gate.gateway.evaluate(question)["context"]["reason"] == "out_of_authority"


def test_a_caller_asks_only_about_its_own_actions(gate: Gated) -> None:
    answer = gate.other.evaluate(gate.note())
    assert (answer["decision"], answer["context"]["reason"]) == (False, "caller_not_allowed")


def test_a_secret_in_a_parameter_is_refused_and_kept_nowhere(gate: Gated) -> None:
    secret = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
    answer = gate.gateway.evaluate(gate.question("order.note", {"order_id": secret}))
    assert not answer["decision"]
    assert secret not in str(gate.desk.transcript())
