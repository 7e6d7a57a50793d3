"""Facts probed through refusals: whose a record is, whether it exists, what a customer's data is."""

from typing import Any

import pytest

from attacks.arena import Arena, mandate, refund

CARDS = mandate(powers=[{"power": "represent"}, {"power": "receive", "actions": ["payment_method.read"]}])


def _asked(arena: Arena) -> list[Any]:
    asked: list[Any] = []
    facts, read = arena.backoffice.facts, arena.backoffice.read

    async def counted_facts(records: Any, *, customer: str) -> Any:
        asked.append(list(records))
        return await facts(records, customer=customer)

    async def counted_read(action: str, params: Any, *, customer: str) -> Any:
        asked.append((action, dict(params)))
        return await read(action, params, customer=customer)

    arena.backoffice.facts, arena.backoffice.read = counted_facts, counted_read  # type: ignore[method-assign]  # they count
    return asked


@pytest.mark.proves("FACTS-INSIDE")
def test_facts_are_never_asked_outside_the_mandate(arena: Arena) -> None:
    task = arena.sent_back()
    asked = _asked(arena)
    with arena.unchanged():
        arena.refused(arena.ask(task, "order.read", {"order_id": "W9"}), "mandate.off_target")
        arena.refused(arena.ask(task, "payment.refund", refund(payment_method_id="pm_9")), "mandate.limit_exceeded")
        arena.refused(arena.ask(task, "payment_method.read", {"payment_method_id": "pm_9"}), "mandate.power_missing")
        arena.refused(arena.ask(task, "order.cancel", {"order_id": "W1", "reason": "too late"}), "objective.action_outside")
        arena.refused(arena.ask(task, "payment.refund", refund(order_id=["W1"])), "params.invalid")
    assert asked == []


@pytest.mark.proves("FACTS-ALIKE")
def test_an_unknown_record_and_somebody_elses_answer_alike_after_the_same_work(arena: Arena) -> None:
    task = arena.task(CARDS)
    asked = _asked(arena)
    with arena.unchanged():
        foreign = arena.refused(arena.ask(task, "payment_method.read", {"payment_method_id": "pm_9"}), "params.not_owned")
        unknown = arena.refused(arena.ask(task, "payment_method.read", {"payment_method_id": "pm_404"}), "params.not_owned")
    varying = {"ask", "receipt"}
    assert {k: v for k, v in foreign.items() if k not in varying} == {k: v for k, v in unknown.items() if k not in varying}
    assert [len(one) for one in asked] == [1, 1]
    assert "pm_9" not in str(unknown["detail"])


@pytest.mark.proves("TRAJECTORY")
def test_sweeping_ids_ends_before_much_is_learnt(arena: Arena) -> None:
    task = arena.task(CARDS)
    codes = [task.ask("payment_method.read", {"payment_method_id": f"pm_{number}"}).codes for number in range(100, 140)]
    assert codes[0] == ("params.not_owned",)
    assert codes[-1] in {("task.held",), ("task.ended",)}
    assert codes.count(("params.not_owned",)) < 15
    assert arena.anna.get("/me/v1")["id"] == "anna"


@pytest.mark.proves("WITHHELD", "P12")
def test_what_is_not_covered_is_withheld_from_reply_and_receipt(arena: Arena) -> None:
    response = arena.ask(arena.task(), "order.read", {"order_id": "W1"})
    assert response.json()["withheld"] == 1
    assert "Lindenweg" not in response.text


@pytest.mark.proves("NEVER")
def test_naming_a_read_covers_nothing_sensitive_and_never_beats_a_power(arena: Arena) -> None:
    powers = [{"power": "represent"}, {"power": "receive", "actions": ["order.read"]}]
    response = arena.ask(arena.task(mandate(powers=powers)), "order.read", {"order_id": "W1"})
    assert "Lindenweg" not in response.text
    assert response.json()["result"]["order.status"] == "delivered"
    both = [{"power": "represent"}, {"power": "receive", "attributes": ["order.status", "order.items"]}]
    kept = [{"power": "receive", "attributes": ["order.status"]}]
    told = arena.ask(
        arena.task(mandate(powers=both, never=kept), agent=arena.agent("spiffe://x.example/a")), "order.read", {"order_id": "W1"}
    )
    assert "delivered" not in told.text
    assert told.json()["result"] == {"order.items": ["i1", "i2"]}


@pytest.mark.proves("NEVER-CLOSED")
def test_in_never_a_test_that_cannot_be_evaluated_matches(arena: Arena) -> None:
    powers = [{"power": "represent"}, {"power": "request", "actions": ["complaint.file"]}]
    never = [{"power": "request", "actions": ["complaint.file"], "where": {"order_id": {"equals": "W2"}}}]
    task = arena.task(mandate(objective={"type": "complain", "target": {"order": ["W1"]}}, powers=powers, never=never))
    with arena.unchanged():
        arena.refused(arena.ask(task, "complaint.file", {"kind": "damaged", "text": "The box arrived damaged."}), "mandate.forbidden")
    fine = {"kind": "damaged", "order_id": "W1", "text": "The box arrived damaged."}
    assert task.ask("complaint.file", fine).outcome == "done"


@pytest.mark.proves("RECEIPT-SECTIONS")
def test_an_agents_receipt_opens_neither_the_customers_nor_the_desks_part(arena: Arena) -> None:
    response = arena.ask(arena.task(), "order.read", {"order_id": "W1"})
    receipt = response.json()["receipt"]
    assert receipt["entries"]
    for entry in receipt["entries"]:
        assert set(entry["sections"]) == {"envelope", "agent"}
    assert "policies" not in response.text
    assert "anna" not in response.text


@pytest.mark.proves("PUBLIC-TEXT")
def test_what_an_officer_writes_past_remit_reaches_no_agent(arena: Arena) -> None:
    task = arena.task()
    arena.run(arena.helpdesk.reply_natively(task.case, "ann", "Her birthday is 1988-04-17."))
    arena.desk.sweep()
    assert task.inbox() == []
    read = arena.ask(task, "case.read", {})
    assert "1988-04-17" not in read.text
