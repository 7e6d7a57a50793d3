"""An agent that does not take no for an answer: the same again, or the same with other values."""

import pytest

from attacks.arena import SEND_BACK, Arena, mandate, open_arena, refund
from attacks.escalated import RULE, asked, desk
from attacks.mandate.cards import card_first


@pytest.mark.proves("ASKED-AGAIN")
def test_who_asks_again_and_again_what_was_declined_is_held(arena: Arena) -> None:
    task, reply, _ = arena.waiting()
    arena.anna.decline(reply)
    with arena.unchanged():
        for _ in range(2):
            arena.refused(arena.ask(task, "order.return", SEND_BACK), "confirmation.declined")
        arena.refused(arena.ask(task, "order.return", SEND_BACK), "task.held")
    assert [kind for kind, _ in arena.notify.incidents if kind == "risk"]


@pytest.mark.proves("ASKED-AGAIN")
def test_who_asks_for_the_same_with_other_values_after_a_no_grows_in_risk() -> None:
    with open_arena(settings={"terms": {"decline_pause_s": 1}}) as arena:
        task = arena.sent_back()
        arena.anna.decline(task.ask("payment.refund", refund("40.00 EUR")))
        arena.clock.ahead_ms += 2000
        for amount in ("30.00 EUR", "20.00 EUR"):
            assert task.ask("payment.refund", refund(amount)).needs_human
        risks = [one["desk"]["risk"] for one in arena.entries("ask.decided") if one["envelope"]["action"] == "payment.refund"]
        assert risks[0] == 0
        assert risks[1] <= 10, "the decline itself"
        assert risks[2] > 15, "and what came after it"


@pytest.mark.proves("ASKED-AGAIN")
def test_asking_for_another_card_after_a_no_is_asking_again_for_the_order() -> None:
    with open_arena(catalogue=card_first(), settings={"terms": {"decline_pause_s": 1}}) as arena:
        wanted = mandate()
        wanted["powers"][3]["where"] = {"amount": {"max": "50.00 EUR"}}
        task = arena.sent_back(wanted)
        arena.anna.decline(task.ask("payment.refund", refund("40.00 EUR")))
        arena.clock.ahead_ms += 2000
        for amount in ("30.00 EUR", "20.00 EUR"):
            assert task.ask("payment.refund", refund(amount, payment_method_id="pm_2")).needs_human
        risks = [one["desk"]["risk"] for one in arena.entries("ask.decided") if one["envelope"]["action"] == "payment.refund"]
        assert risks[2] > 15


@pytest.mark.proves("ASKED-AGAIN", "RISK-FAIR")
def test_an_officers_no_is_not_undone_by_what_the_customer_grants_since() -> None:
    with open_arena(**desk(RULE)) as arena:
        _, reply = asked(arena)
        arena.desk.officer("bill", ["billing"]).decline(reply)
        task = arena.task()
        for _ in range(2):
            assert task.ask("payment.refund", refund("40.00 EUR")).codes == ("confirmation.declined",)
        with arena.unchanged():
            assert task.ask("order.read", {"order_id": "W1"}).codes == ("task.held",)


@pytest.mark.proves("ASKED-AGAIN")
def test_after_a_no_the_agent_is_told_that_it_was_a_no_and_when_it_may_ask_again(arena: Arena) -> None:
    task = arena.sent_back()
    arena.anna.decline(task.ask("payment.refund", refund("40.00 EUR")))
    response = arena.ask(task, "payment.refund", refund("30.00 EUR"))
    body = arena.refused(response, "confirmation.too_many")
    assert "declined" in body["detail"]
    assert 0 < body["retry_after_s"] == int(response.headers["retry-after"])


@pytest.mark.proves("CONFIRM-EARLIER")
def test_what_is_signed_lists_what_earlier_tasks_under_the_same_permission_did(arena: Arena) -> None:
    agent = arena.agent()
    granted = arena.anna.grant(agent, mandate(max_tasks=2))
    first = agent.open(granted)
    assert arena.anna.confirm(first.ask("order.return", SEND_BACK)).outcome == "done"
    first.complete()
    reply = agent.open(granted).ask("order.return", {"order_id": "W1", "item_ids": ["i2"]})
    shown = arena.anna.get(f"/me/v1/confirmations/{arena.anna.invitation(reply)}")
    (before,) = [line for line in shown["rendering"]["lines"] if line["kind"] == "done"]
    assert "i1" in before["text"]
