"""P2: an amount above what was granted."""

import pytest

from attacks.arena import Arena, mandate, refund


@pytest.mark.proves("P2", "MANDATE-TESTS")
def test_a_refund_above_the_granted_amount_is_refused_and_nobody_is_asked(arena: Arena) -> None:
    task = arena.sent_back()
    with arena.unchanged():
        arena.refused(arena.ask(task, "payment.refund", refund("50.01 EUR")), "mandate.limit_exceeded")
    assert arena.anna.waiting() == []


@pytest.mark.proves("P2", "COUNTERS")
def test_a_second_ask_cannot_wait_beside_the_first_above_the_total(arena: Arena) -> None:
    task = arena.sent_back()
    assert task.ask("payment.refund", refund("30.00 EUR")).needs_human
    with arena.unchanged():
        arena.refused(arena.ask(task, "payment.refund", refund("20.01 EUR")), "mandate.total_spent")


@pytest.mark.proves("P2", "MANDATE-TESTS")
def test_another_currency_is_no_smaller_amount(arena: Arena) -> None:
    task = arena.sent_back()
    with arena.unchanged():
        arena.refused(arena.ask(task, "payment.refund", refund("40.00 USD")), "mandate.limit_exceeded")
        arena.refused(arena.ask(task, "payment.refund", refund("40.001 EUR")), "params.invalid")


@pytest.mark.proves("P2", "MANDATE-TESTS")
def test_a_tested_parameter_that_is_left_out_fails_its_test(arena: Arena) -> None:
    powers = [{"power": "represent"}, {"power": "request", "actions": ["complaint.file"], "where": {"order_id": {"equals": "W1"}}}]
    task = arena.task(mandate(objective={"type": "complain", "target": {"order": ["W1"]}}, powers=powers))
    with arena.unchanged():
        arena.refused(arena.ask(task, "complaint.file", {"kind": "late", "text": "It is late."}), "mandate.limit_exceeded")
