"""P18: a sub-agent, or another agent altogether, widens the chain."""

import pytest

from attacks.arena import EXCHANGE, SEND_BACK, Arena, code_of, mandate
from remit.client import calls
from remit.client.keys import ProofKey

SECOND = "spiffe://helper.example/second"


@pytest.mark.proves("P18", "CHAIN")
def test_no_exchange_takes_another_actor_into_the_chain(arena: Arena) -> None:
    agent, second = arena.agent(), arena.agent(SECOND)
    found = arena.anna.grant(agent, mandate())
    task = agent.open(found)
    for actor in (task.token, "x"):
        response = arena.exchange(agent, found.id, actor_token=actor, actor_token_type="urn:ietf:params:oauth:token-type:access_token")
        assert code_of(response) == "request.malformed"
    passed_on = arena.form(
        "/oauth/token",
        {"grant_type": EXCHANGE, "subject_token": task.token, "subject_token_type": "urn:ietf:params:oauth:token-type:access_token"},
        agent=second,
        key=second,
    )
    assert passed_on.is_client_error
    assert len(arena.entries("task.opened")) == 1


@pytest.mark.proves("P18", "CHAIN")
def test_a_mandate_that_allows_a_chain_gives_another_agent_nothing_by_itself(arena: Arena) -> None:
    agent, second = arena.agent(), arena.agent(SECOND)
    found = arena.anna.grant(agent, mandate(chain=1, chain_operators=["helper.example"]))
    assert code_of(arena.exchange(second, found.id)) == "grant.invalid"
    task = agent.open(found)
    assert code_of(arena.exchange(second, task.id, kind=calls.TASK_TOKEN)) == "grant.invalid"
    with arena.unchanged():
        stolen = arena.send(task, f"/v1/tasks/{task.id}/asks", {"action": "order.return", "params": SEND_BACK}, key=ProofKey(second.key))
    assert code_of(stolen) == "credential.wrong_key"
    assert len(arena.entries("task.opened")) == 1


@pytest.mark.proves("P18", "NARROWING")
@pytest.mark.parametrize(
    "wider",
    [
        {"powers": [{"power": "request", "actions": ["payment.refund"], "uses": 20, "where": {"amount": {"max": "60.00 EUR"}}}]},
        {"powers": [{"power": "request", "actions": ["order.return"]}]},
        {"powers": [{"power": "receive", "attributes": ["identity.birth_date"]}]},
        {"never": []},
        {"max_tasks": 5},
        {"objective": {"type": "return-item", "target": {"order": ["W1", "W2"]}}},
        {"objective": {"type": "cancel-order", "target": {"order": ["W1"]}}},
        {"expires_at": "2027-11-01T00:00:00Z"},
        {"chain": 1, "chain_operators": ["helper.example"]},
    ],
)
def test_narrowing_never_widens(arena: Arena, wider: dict[str, object]) -> None:
    found, task = arena.granted()
    response = arena.person("POST", f"/me/v1/mandates/{found.id}/narrow", {**found.granted, **wider}, cookie=arena.anna.cookie)
    assert code_of(response) == "mandate.invalid"
    assert arena.entries("mandate.narrowed") == []
    assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"


@pytest.mark.proves("P18", "NARROWING")
def test_narrowing_holds_at_the_next_request_and_gives_no_counter_back(arena: Arena) -> None:
    found, task = arena.granted()
    assert arena.anna.confirm(task.ask("order.return", SEND_BACK)).outcome == "done"
    powers = [power | ({"uses": 1} if power.get("actions") == ["order.return"] else {}) for power in found.granted["powers"]]
    arena.anna.narrow(found, {**found.granted, "powers": powers[2:]})
    with arena.unchanged():
        arena.refused(arena.ask(task, "order.return", SEND_BACK), "mandate.uses_spent")
        arena.refused(arena.ask(task, "order.read", {"order_id": "W1"}), "mandate.power_missing")
    assert arena.recorded("mandate.narrowed")["envelope"]["version"] == 2
