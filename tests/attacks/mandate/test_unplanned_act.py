"""P4: an act that nobody planned: outside the objective, before its turn, or simply not granted."""

import pytest

from attacks.arena import SEND_BACK, Arena, mandate, refund


@pytest.mark.proves("P4", "OBJECTIVE")
def test_an_action_outside_the_objective_is_refused_even_when_a_power_could_be_read_to_cover_it(arena: Arena) -> None:
    task = arena.task()
    with arena.unchanged():
        arena.refused(arena.ask(task, "order.cancel", {"order_id": "W1", "reason": "too late"}), "objective.action_outside")
        arena.refused(arena.ask(task, "account.recover", {"contact": "email"}), "objective.action_outside")
        arena.refused(arena.ask(task, "shell.run", {"command": "id"}), "action.unknown")


@pytest.mark.proves("P4", "OBJECTIVE")
def test_money_is_not_paid_back_before_the_goods_are_sent_back(arena: Arena) -> None:
    task = arena.task()
    with arena.unchanged():
        arena.refused(arena.ask(task, "payment.refund", refund()), "objective.step_order")


@pytest.mark.proves("P4", "MANDATE-POWERS")
def test_what_was_not_granted_is_refused(arena: Arena) -> None:
    powers = [{"power": "represent"}, {"power": "receive", "attributes": ["order.status"]}]
    task = arena.task(mandate(powers=powers))
    with arena.unchanged():
        arena.refused(arena.ask(task, "order.return", SEND_BACK), "mandate.power_missing")
        arena.refused(arena.ask(task, "payment_method.read", {"payment_method_id": "pm_1"}), "mandate.power_missing")


@pytest.mark.proves("P4", "NEVER")
def test_what_the_customer_ruled_out_cannot_be_confirmed_by_anybody(arena: Arena) -> None:
    never = [{"power": "request", "actions": ["order.*"]}]
    task = arena.task(mandate(never=never))
    with arena.unchanged():
        arena.refused(arena.ask(task, "order.return", SEND_BACK), "mandate.forbidden")
    assert arena.anna.waiting() == []


@pytest.mark.proves("P4", "OBJECTIVE")
def test_nothing_more_is_done_once_the_objective_is_reached(arena: Arena) -> None:
    task = arena.sent_back()
    reply = task.ask("payment.refund", refund())
    assert arena.anna.confirm(reply).outcome == "done"
    with arena.unchanged():
        arena.refused(arena.ask(task, "order.return", SEND_BACK), "task.ended")
    assert arena.recorded("task.ended")["envelope"]["reason"] == "objective_reached"
