"""P8: ten small refunds instead of one: each fits, together they must not."""

import json
import secrets
from collections.abc import Awaitable

import pytest

from attacks.arena import Arena, code_of, gathered, mandate, open_arena, refund
from attacks.mandate.cards import card_first
from remit.client import calls
from remit.client.errors import Problem
from remit.client.responses import Answered
from remit.domain.policy.risk import SubjectKind, risk_of_history
from remit.sandbox import SandboxTask

COMPLAINT = {"kind": "damaged", "order_id": "W1", "text": "The box arrived damaged."}


def complaining(uses: int = 20, total: str = "50.00 EUR") -> dict[str, object]:
    """A mandate to complain and be paid back in small sums, which a waiver lets through without Anna."""
    return mandate(
        objective={"type": "complain", "target": {"order": ["W1"]}},
        powers=[
            {"power": "represent"},
            {"power": "request", "actions": ["complaint.file"]},
            {
                "power": "request",
                "actions": ["payment.refund"],
                "uses": uses,
                "where": {"amount": {"max": "10.00 EUR"}},
                "total": {"amount": total},
            },
        ],
    )


def complained(arena: Arena, **limits: object) -> SandboxTask:
    task = arena.task(complaining(**limits))  # type: ignore[arg-type]  # the limits above
    assert task.ask("complaint.file", COMPLAINT).outcome == "done"
    return task


@pytest.mark.proves("P8", "COUNTERS", "WAIVER-MARKED")
def test_the_total_ends_the_slices_whatever_each_is_worth(arena: Arena) -> None:
    task = complained(arena, total="15.00 EUR")
    assert task.ask("payment.refund", refund("8.00 EUR")).outcome == "done"
    with arena.unchanged():
        arena.refused(arena.ask(task, "payment.refund", refund("8.00 EUR")), "mandate.total_spent")
    assert task.ask("payment.refund", refund("7.00 EUR")).outcome == "done"
    with arena.unchanged():
        arena.refused(arena.ask(task, "payment.refund", refund("0.01 EUR")), "mandate.total_spent")
    assert arena.recorded("ask.decided", decision="permit", action="payment.refund")["envelope"]["waiver"] == 0


@pytest.mark.proves("P8", "COUNTERS")
def test_the_uses_end_the_slices_too(arena: Arena) -> None:
    task = complained(arena, uses=2)
    assert [task.ask("payment.refund", refund("1.00 EUR")).outcome for _ in range(2)] == ["done", "done"]
    with arena.unchanged():
        arena.refused(arena.ask(task, "payment.refund", refund("1.00 EUR")), "mandate.uses_spent")


@pytest.mark.proves("P8", "TRAJECTORY")
def test_slices_within_every_limit_are_noticed_and_end_with_a_person(arena: Arena) -> None:
    task = complained(arena, uses=50, total="500.00 EUR")
    replies = [task.ask("payment.refund", refund("5.00 EUR")) for _ in range(10)]
    done = [reply for reply in replies if reply.outcome == "done"]
    assert len(done) <= 5
    assert replies[-1].decision != "permit"
    assert len(arena.performed("payment.refund")) == len(done)
    assert any(kind == "risk" for kind, _ in arena.notify.incidents)


@pytest.mark.proves("P8", "COUNTERS-EXACT")
def test_thirty_two_asks_at_once_get_exactly_the_room_there_is(arena: Arena) -> None:
    task = complained(arena, uses=5, total="500.00 EUR")
    desk = arena.run(task.agent.door.desk())

    def one() -> Awaitable[str]:
        call = calls.ask(
            desk, task=task.id, action="payment.refund", params=refund("1.00 EUR"), words=None, attachments=(), key=secrets.token_urlsafe(9)
        )
        return outcome(task.agent.door.send(call, token=task.token))

    outcomes = gathered(arena, [one] * 32)
    assert outcomes.count("done") <= 5
    assert len(arena.performed("payment.refund")) == outcomes.count("done")
    rest = [task.ask("payment.refund", refund("1.00 EUR")) for _ in range(6)]
    assert len(arena.performed("payment.refund")) <= 5
    assert rest[-1].refused


async def outcome(sending: Awaitable[Answered]) -> str:
    try:
        return str((await sending).json().get("outcome", "waits"))  # type: ignore[union-attr]  # the desk answers objects
    except Problem as problem:
        return problem.code


@pytest.mark.proves("P8", "IDEMPOTENCE")
def test_a_repeated_key_acts_once_and_another_body_under_it_is_refused(arena: Arena) -> None:
    task = complained(arena)
    path = f"/v1/tasks/{task.id}/asks"
    body = {"action": "payment.refund", "params": refund("5.00 EUR")}
    first, second = (arena.send(task, path, body, headers={"idempotency-key": "k"}) for _ in range(2))
    assert first.json()["ask"] == second.json()["ask"]
    with arena.unchanged():
        other = arena.send(task, path, {**body, "params": refund("6.00 EUR")}, headers={"idempotency-key": "k"})
    assert (code_of(other), other.status_code) == ("request.conflict", 409)
    assert arena.performed("payment.refund") == [refund("5.00 EUR")]
    spaced = arena.send(task, path, json.dumps(body, indent=1).encode(), headers={"idempotency-key": "k"})
    assert code_of(spaced) == "request.conflict"


@pytest.mark.proves("P8", "TRAJECTORY")
def test_slices_of_one_order_spread_over_agents_of_many_operators_end_with_a_person_too(arena: Arena) -> None:
    outcomes = []
    for name in ("one", "two", "three"):
        agent = arena.agent(f"spiffe://{name}.example/shop")
        task = agent.open(arena.anna.grant(agent, complaining()))
        assert task.ask("complaint.file", COMPLAINT).outcome == "done"
        outcomes += [task.ask("payment.refund", refund("5.00 EUR")).outcome for _ in range(2)]
    assert outcomes == ["done"] * 5 + [None]
    assert any(kind == "risk" for kind, _ in arena.notify.incidents)
    fourth = arena.agent("spiffe://four.example/shop")
    task = fourth.open(arena.anna.grant(fourth, complaining()))
    assert task.ask("complaint.file", COMPLAINT).outcome == "done"  # it moves no money
    with arena.unchanged():
        held = task.ask("payment.refund", refund("5.00 EUR"))
    assert (held.decision, held.outcome) == ("needs_human", None)
    assert arena.recorded("ask.decided", decision="needs_human", task=task.id)["desk"]["risk"] >= 60


@pytest.mark.proves("P8", "TRAJECTORY")
def test_slices_of_one_order_paid_to_another_card_each_time_end_with_a_person_too() -> None:
    with open_arena(catalogue=card_first()) as arena:
        outcomes = []
        for number in range(8):
            task = complained(arena)
            outcomes.append(task.ask("payment.refund", refund("5.00 EUR", payment_method_id=f"pm_{number % 2 + 1}")).outcome)
        assert outcomes[-3:] == [None] * 3
        assert len(arena.performed("payment.refund")) <= 5


@pytest.mark.proves("TRAJECTORY")
def test_a_sweep_of_cards_beside_an_order_of_ones_own_is_a_sweep(arena: Arena) -> None:
    task = complained(arena)
    swept = [task.ask("payment.refund", refund("5.00 EUR", payment_method_id=f"pm_1{number}")) for number in range(9)]
    assert [one.codes[0] for one in swept] == ["params.not_owned"] * 8 + ["task.held"]


@pytest.mark.proves("TRAJECTORY")
def test_a_stranger_brings_no_order_under_suspicion(arena: Arena) -> None:
    task = arena.task()
    for _ in range(8):
        assert task.ask("order.read", {"order_id": "W9"}).decision == "refuse"
    bram = arena.desk.customer("bram", email="bram@mail.example")
    agent = arena.agent("spiffe://other.example/shop")
    own = agent.open(bram.grant(agent, mandate(objective={"type": "return-item", "target": {"order": ["W9"]}})))
    assert own.ask("order.read", {"order_id": "W9"}).decision == "permit"
    trails = arena.run(arena.context.store.snapshot(task=own.id, idempotency="", about=("order:W9",))).trails
    found = {trail.kind: risk_of_history(trail, arena.context.world.now()) for trail in trails}
    assert found.get(SubjectKind.TARGET, 0) == 0


@pytest.mark.proves("TRAJECTORY")
def test_what_one_agent_is_refused_about_an_order_holds_no_other_up(arena: Arena) -> None:
    task = complained(arena)
    for _ in range(6):
        assert task.ask("payment.refund", refund("60.00 EUR")).codes == ("mandate.limit_exceeded",)
    honest = arena.agent("spiffe://other.example/shop")
    own = honest.open(arena.anna.grant(honest, complaining()))
    assert own.ask("complaint.file", COMPLAINT).outcome == "done"
    trails = arena.run(arena.context.store.snapshot(task=own.id, idempotency="", about=("order:W1",))).trails
    found = {trail.kind: risk_of_history(trail, arena.context.world.now()) for trail in trails}
    assert found.get(SubjectKind.TARGET, 0) == 0
