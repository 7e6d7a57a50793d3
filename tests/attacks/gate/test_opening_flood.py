"""An operator that opens and opens: mandates asked for, tasks and agents, with little behind them."""

import pytest

from attacks.arena import Arena, mandate
from remit.domain.policy.risk import RiskHistory, SubjectKind, risk_of_history


def trails(arena: Arena, task_id: str) -> dict[SubjectKind, RiskHistory]:
    return {one.kind: one for one in arena.run(arena.context.store.snapshot(task=task_id, idempotency="")).trails}


def risk_of(arena: Arena, task_id: str) -> dict[SubjectKind, int]:
    return {kind: risk_of_history(one, arena.context.world.now(), "anna") for kind, one in trails(arena, task_id).items()}


@pytest.mark.proves("MANY-OPENED")
def test_mandates_asked_for_by_the_dozen_raise_the_risk_of_agent_and_operator(arena: Arena) -> None:
    task = arena.task()
    quiet = risk_of(arena, task.id)[SubjectKind.OPERATOR]
    for _ in range(40):
        arena.agent().push(mandate())
    now = risk_of(arena, task.id)
    assert now[SubjectKind.AGENT] >= 25 > quiet
    assert now[SubjectKind.OPERATOR] >= 25
    assert now.get(SubjectKind.CUSTOMER, 0) == 0
    task.ask("order.read", {"order_id": "W1"})
    assert arena.recorded("ask.decided", task=task.id)["desk"]["risk"] >= 25
    assert arena.run(arena.context.store.snapshot(task=task.id, idempotency="")).records["task", task.id].record.state == "open"


@pytest.mark.proves("MANY-OPENED")
def test_agent_ids_of_one_operator_add_up_on_the_operator(arena: Arena) -> None:
    task = arena.task()
    quiet = risk_of(arena, task.id)[SubjectKind.OPERATOR]
    for n in range(10):
        arena.agent(f"spiffe://helper.example/sock-{n}")
    now = risk_of(arena, task.id)
    assert now[SubjectKind.OPERATOR] >= quiet + 20
    assert now[SubjectKind.AGENT] <= quiet


@pytest.mark.proves("MANY-OPENED")
def test_asks_that_cost_nothing_explain_no_openings(arena: Arena) -> None:
    task = arena.task()
    for _ in range(40):
        arena.agent().push(mandate())
    before = risk_of(arena, task.id)[SubjectKind.OPERATOR]
    for _ in range(20):
        assert task.ask("order.read", {"nonsense": 1}).codes == ("params.invalid",)
    now = risk_of(arena, task.id)
    assert min(now[SubjectKind.OPERATOR], now[SubjectKind.AGENT]) >= before - 1 >= 24


@pytest.mark.proves("MANY-OPENED")
def test_asks_that_cost_nothing_wash_no_sweep_away(arena: Arena) -> None:
    first, second = arena.task(), arena.task()
    for n in range(6):
        first.ask("order.read", {"order_id": f"W90{n}"})
    before = risk_of(arena, second.id)[SubjectKind.OPERATOR]
    assert before >= 30
    for _ in range(60):
        second.ask("order.read", {"nonsense": 1})
    assert risk_of(arena, second.id)[SubjectKind.OPERATOR] >= before - 1


@pytest.mark.proves("MANY-OPENED")
def test_tasks_that_are_opened_and_used_raise_nothing(arena: Arena) -> None:
    granted = arena.anna.grant(arena.agent(), mandate(max_tasks=12))
    for _ in range(12):
        task = arena.agent().open(granted)
        assert task.ask("order.read", {"order_id": "W1"}).outcome == "done"
        task.complete()
    assert risk_of(arena, task.id)[SubjectKind.AGENT] == 0
    assert risk_of(arena, task.id)[SubjectKind.OPERATOR] == 0


@pytest.mark.proves("MANY-OPENED")
def test_a_task_that_is_opened_counts_once_however_often_the_exchange_is_repeated(arena: Arena) -> None:
    agent = arena.agent()
    granted = arena.anna.grant(agent, mandate())
    task = agent.open(granted)
    before = trails(arena, task.id)[SubjectKind.AGENT].levels["opened"].milli
    assert round(before / 1000) == 2, "one mandate, one task"
    for _ in range(5):
        assert arena.exchange(agent, granted.id).json()["task"] == task.id
    assert trails(arena, task.id)[SubjectKind.AGENT].levels["opened"].milli == before
