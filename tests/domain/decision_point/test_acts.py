"""Questions about acts of agents: read whole or denied with the reason, never guessed at."""

from typing import Any

import pytest

from desks.shop import CATALOGUE
from remit.domain.decision_point.acts import MAX_CHAIN, ActDenied, ActQuestion, Reason, names_resource, parse_act, reason_for
from remit.domain.decision_point.question import parse_question
from remit.domain.errors import Code
from remit.domain.policy.rulebook import read_catalogue
from remit.proof.canonical import digest

TASK, APPROVAL = f"task_{'a' * 26}", f"cnf_{'b' * 26}"
LINK = {"iss": "https://desk.example", "sub": "spiffe://helper.example/shop"}
PARAMS = {"order_id": "W1001", "amount": "20.00 EUR"}
ACTIONS = read_catalogue(CATALOGUE, today=None).actions


def act(properties: dict[str, Any] | None = None, **context: Any) -> ActQuestion:
    body = {
        "subject": {"type": "customer", "id": "anna"},
        "action": {"name": "payment.refund", "properties": {"parameters": PARAMS} if properties is None else properties},
        "resource": {"type": "order", "id": "W1001"},
        "context": {
            "mission": {"id": TASK, "issuer": "https://desk.example", "authority_hash": "h"},
            "actor": {"client_id": "helper", "act": [LINK, {**LINK, "sub": "spiffe://sub.example/a"}]},
            **context,
        },
    }
    return parse_act(parse_question(body))


def denied(properties: dict[str, Any] | None = None, **context: Any) -> Reason:
    with pytest.raises(ActDenied) as no:
        act(properties, **context)
    assert no.value.detail
    return no.value.reason


def test_an_act_is_read_with_its_task_its_chain_and_its_own_digest() -> None:
    found = act(approval={"id": APPROVAL})
    assert (found.task, found.issuer, found.authority_hash) == (TASK, "https://desk.example", "h")
    assert (found.client_id, found.chain) == ("helper", ("spiffe://helper.example/shop", "spiffe://sub.example/a"))
    assert (found.customer, found.action, found.resource) == ("anna", "payment.refund", ("order", "W1001"))
    assert (found.params, found.digest, found.sent) == (PARAMS, digest(PARAMS), False)
    assert (found.approval, found.idempotency_key) == (APPROVAL, "")
    assert act(approval=None).approval == ""


def test_params_are_those_that_their_digest_is_of() -> None:
    """⚔ A caller that was told yes for one set of params carries out another."""
    assert act({"parameters": PARAMS, "parameter_digest": digest(PARAMS)}).sent
    for other in (digest({}), "", 7, [digest(PARAMS)], {"a": 1}):
        assert denied({"parameters": PARAMS, "parameter_digest": other}) is Reason.PARAMETER_VIOLATION
    assert denied({"parameters": [PARAMS]}) is Reason.PARAMETER_VIOLATION


@pytest.mark.parametrize("key", [7, "x" * 256, "schlüssel", "two\nlines", ["k"], None])
def test_an_idempotency_key_is_a_short_line(key: Any) -> None:
    assert denied({"idempotency_key": key}) is Reason.PARAMETER_VIOLATION
    assert act({"idempotency_key": "k" * 255}).idempotency_key == "k" * 255


@pytest.mark.parametrize(
    ("mission", "reason"),
    [
        (None, Reason.MISSION_CONTEXT_MISSING),
        (TASK, Reason.MISSION_CONTEXT_MISSING),
        ({}, Reason.MISSION_INACTIVE),
        ({"id": 7}, Reason.MISSION_INACTIVE),
        ({"id": APPROVAL}, Reason.MISSION_INACTIVE),
        ({"id": f"{TASK} "}, Reason.MISSION_INACTIVE),
        ({"id": TASK, "issuer": 7}, Reason.VIEW_INCONSISTENT),
        ({"id": TASK, "authority_hash": None}, Reason.VIEW_INCONSISTENT),
    ],
)
def test_an_act_is_of_one_task(mission: Any, reason: Reason) -> None:
    """⚔ Without its task an act would be decided by what else allows it."""
    assert denied(mission=mission) is reason


@pytest.mark.parametrize("approval", [APPROVAL, {}, {"id": None}, {"id": TASK}, {"id": [APPROVAL]}, {"id": ""}, []])
def test_an_approval_that_cannot_be_looked_up_is_none(approval: Any) -> None:
    assert denied(approval=approval) is Reason.APPROVAL_UNVERIFIABLE


@pytest.mark.parametrize(
    "actor",
    [
        None,
        "helper",
        {"act": [LINK]},
        {"client_id": 7, "act": [LINK]},
        {"client_id": "helper"},
        {"client_id": "helper", "act": LINK},
        {"client_id": "helper", "act": []},
        {"client_id": "helper", "act": [LINK] * (MAX_CHAIN + 1)},
        {"client_id": "helper", "act": [LINK, "spiffe://sub.example/a"]},
        {"client_id": "helper", "act": [{"sub": "spiffe://helper.example/shop"}]},
        {"client_id": "helper", "act": [{**LINK, "sub": ["a"]}]},
        {"client_id": "helper", "act": [{**LINK, "act": LINK}]},
        {"client_id": "helper", "act": [{**LINK, "client_profile": {}}]},
    ],
)
def test_a_chain_is_never_cut_short(actor: Any) -> None:
    """⚔ An actor that is dropped is one that the mandate never let in."""
    assert denied(actor=actor) is Reason.ACTOR_INVALID


def test_the_longest_chain_is_read() -> None:
    assert len(act(actor={"client_id": "helper", "act": [LINK] * MAX_CHAIN}).chain) == MAX_CHAIN


def test_the_resource_is_a_record_that_the_params_name() -> None:
    """⚔ A caller that checks one record and acts on another would be told yes for the wrong one."""
    refund = ACTIONS["payment.refund"]
    params = {**PARAMS, "payment_method_id": "pm_7"}
    assert names_resource(refund, params, ("order", "W1001"))
    assert names_resource(refund, params, ("payment_method", "pm_7"))
    for other in (("order", "W1003"), ("order", "pm_7"), ("payment_method", "W1001"), ("amount", "20.00 EUR"), ("order", "")):
        assert not names_resource(refund, params, other), other
    assert not names_resource(refund, {}, ("order", "W1001"))
    assert not names_resource(ACTIONS["account.unlock"], {"order_id": "W1001"}, ("order", "W1001"))


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (Code.CONFIRMATION_REQUIRED, Reason.APPROVAL_REQUIRED),
        (Code.MANDATE_USES_SPENT, Reason.QUOTA_EXCEEDED),
        (Code.PARAMS_INVALID, Reason.PARAMETER_VIOLATION),
        (Code.OFFER_EXPIRED, Reason.PARAMETER_VIOLATION),
        (Code.AGENT_UNTRUSTED, Reason.RESOURCE_POLICY),
    ],
)
def test_a_refusal_has_one_reason_of_the_closed_list(code: Code, reason: Reason) -> None:
    assert reason_for(code) is reason


def test_only_a_missing_yes_reads_as_one_that_could_be_asked_for() -> None:
    assert [code for code in Code if reason_for(code) is Reason.APPROVAL_REQUIRED] == [Code.CONFIRMATION_REQUIRED]
