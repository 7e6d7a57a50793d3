"""P3: another order under the same intent."""

import pytest

from attacks.arena import Arena, code_of, mandate, refund


@pytest.mark.proves("P3", "MANDATE-TARGET")
@pytest.mark.parametrize("order", ["W2", "W9", "W404"])
def test_another_order_is_refused_alike_whether_it_is_the_customers_or_not(arena: Arena, order: str) -> None:
    task = arena.task()
    with arena.unchanged():
        arena.refused(arena.ask(task, "order.return", {"order_id": order, "item_ids": ["i1"]}), "mandate.off_target")
        arena.refused(arena.ask(task, "order.read", {"order_id": order}), "mandate.off_target")


@pytest.mark.proves("P3", "MANDATE-TESTS")
def test_money_to_another_of_the_customers_own_cards_is_refused(arena: Arena) -> None:
    task = arena.sent_back()
    with arena.unchanged():
        arena.refused(arena.ask(task, "payment.refund", refund(payment_method_id="pm_2")), "mandate.limit_exceeded")


@pytest.mark.proves("P3", "MANDATE-TARGET")
def test_a_mandate_without_its_target_is_not_accepted(arena: Arena) -> None:
    agent = arena.agent()
    for objective in ({"type": "return-item"}, {"type": "return-item", "target": {}}, {"type": "return-item", "target": {"order": []}}):
        with pytest.raises(Exception, match=r"mandate\.invalid"):
            agent.push(mandate(objective=objective))


@pytest.mark.proves("P3", "GRANT-BOUND")
def test_a_customer_cannot_be_led_to_grant_somebody_elses_order(arena: Arena) -> None:
    agent = arena.agent()
    uri, _ = agent.push(mandate(objective={"type": "return-item", "target": {"order": ["W9"]}}))
    response = arena.person("GET", f"/me/v1/requests/{uri.rpartition(':')[2]}", cookie=arena.anna.cookie)
    assert code_of(response) == "params.not_owned"
    assert arena.entries("mandate.granted") == []
