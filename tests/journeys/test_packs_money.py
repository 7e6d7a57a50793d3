"""⚔ What money the consumer pack's actions can move at the built-in desk, and that none comes from nowhere."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.desk_plugs import run
from journeys.packs_desk import PackDesk, complain, offer, refund
from remit.ports.backoffice import ActOutcome


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[PackDesk]:
    one = PackDesk(tmp_path, "consumer")
    yield one
    one.database.close()


def test_no_more_is_refunded_than_comes_back_unless_the_customer_complained(desk: PackDesk) -> None:
    assert "At most 0.00 EUR" in refund(desk, "0.01 EUR").reason
    desk.done("order.return", "anna", order_id="W1001", item_ids=["i1"])
    assert "At most 49.90 EUR" in refund(desk, "49.91 EUR").reason
    assert refund(desk, "49.90 EUR").state is ActOutcome.DONE
    assert "complain" in refund(desk, "0.01 EUR").reason
    complain(desk)
    assert refund(desk, "80.00 EUR").state is ActOutcome.FAILED
    assert refund(desk, "80.00 EUR", officer="care").state is ActOutcome.DONE
    assert desk.record("order", "W1001")["refunded"] == "129.90 EUR"


def test_what_a_complaint_brings_back_without_an_officer_ends_however_it_is_cut(desk: PackDesk) -> None:
    complain(desk)
    assert [refund(desk, "10.00 EUR").state for _ in range(6)] == [*[ActOutcome.DONE] * 5, ActOutcome.FAILED]
    desk.done("order.return", "anna", order_id="W1001", item_ids=["i1"])
    assert "At most 49.90 EUR" in refund(desk, "49.91 EUR").reason
    assert refund(desk, "49.90 EUR").state is ActOutcome.DONE
    assert "At most 0.00 EUR" in refund(desk, "0.01 EUR").reason


def test_a_complaint_about_one_order_gives_no_money_for_another(desk: PackDesk) -> None:
    complain(desk)
    other = {"order_id": "W1004", "payment_method_id": "pm_7", "amount": "1.00 EUR"}
    assert "complain" in desk.no("payment.refund", "anna", **other)


def test_a_complaint_that_names_no_order_counts_in_its_own_case_alone(desk: PackDesk) -> None:
    filed = {"kind": "damaged", "text": "It arrived with a scratch."}
    wanted = {"order_id": "W1001", "payment_method_id": "pm_7", "amount": "5.00 EUR"}
    desk.act("complaint.file", "anna", filed, case="case_2")
    assert desk.act("payment.refund", "anna", wanted, case="case_1").state is ActOutcome.FAILED
    assert desk.act("payment.refund", "anna", wanted, case="case_2").state is ActOutcome.DONE


def test_gift_cards_are_never_turned_into_money(desk: PackDesk) -> None:
    """W1005 was paid with a card (50.00) and a gift card (30.00)."""
    desk.done("offer.accept", "anna", **offer("exception", exception="late return", order_id="W1005"))
    desk.done("order.return", "anna", order_id="W1005", item_ids=["i1"])
    back = {"order_id": "W1005", "payment_method_id": "pm_7"}
    assert "At most 50.00 EUR" in desk.no("payment.refund", "anna", **back, amount="50.01 EUR")
    desk.done("payment.refund", "anna", **back, amount="50.00 EUR")
    assert "gift card" in desk.no("payment.refund", "anna", **back, amount="0.01 EUR")
    desk.done("payment.refund", "anna", order_id="W1005", payment_method_id="pm_8", amount="30.00 EUR")
    assert desk.record("payment_method", "pm_8")["balance"] == "50.00 EUR"


def test_a_gift_card_that_is_paid_back_and_charged_in_one_act_keeps_its_money(desk: PackDesk) -> None:
    card = {"kind": "gift_card", "ending": "0099", "balance": "100.00 EUR", "status": "active"}
    run(
        desk.plug.seed(
            {"customers": {}, "records": [{"kind": "payment_method", "id": "pm_big", "name": "", "owners": ["anna"], "data": card}]}
        )
    )
    dearer = {"order_id": "W1003", "item_ids": ["i1"], "new_product_ids": ["p_kettle_xl"], "payment_method_id": "pm_big"}
    desk.done("order.modify", "anna", **dearer, amount="15.00 EUR")
    desk.done("order.change_payment_method", "anna", order_id="W1003", payment_method_id="pm_big", amount="64.90 EUR")
    assert desk.record("payment_method", "pm_big")["balance"] == "35.10 EUR"
    desk.done("order.cancel", "anna", order_id="W1003", reason="too late")
    assert desk.record("payment_method", "pm_big")["balance"] == "100.00 EUR"


def test_an_exchange_has_the_same_end_as_a_return(desk: PackDesk) -> None:
    cheaper = {
        "order_id": "W1005",
        "item_ids": ["i1"],
        "new_product_ids": ["p_kettle"],
        "payment_method_id": "pm_7",
        "paid_back": "30.10 EUR",
    }
    assert "ended" in desk.no("order.exchange", "anna", **cheaper)
    desk.done("offer.accept", "anna", **offer("exception", exception="late return", order_id="W1005"))
    desk.done("order.exchange", "anna", **cheaper)
    assert desk.money("order", "W1005")[-1] == ("refund", "pm_7", "-30.10 EUR")


def test_what_was_exchanged_or_sent_back_does_neither_again_and_the_rest_of_the_order_still_can(desk: PackDesk) -> None:
    swap = {"order_id": "W1001", "new_product_ids": ["p_kettle_xl"], "payment_method_id": "pm_7"}
    desk.done("order.exchange", "anna", **swap, item_ids=["i1"], amount="15.00 EUR")
    assert "to be sent" in desk.no("order.exchange", "anna", **swap, item_ids=["i1"])
    assert "to be sent" in desk.no("order.return", "anna", order_id="W1001", item_ids=["i1"])
    desk.done("order.return", "anna", order_id="W1001", item_ids=["i2"])
    assert "returning" in desk.no("order.exchange", "anna", **swap, item_ids=["i2"], paid_back="15.10 EUR")
    assert "At most 80.00 EUR" in refund(desk, "80.01 EUR").reason


@pytest.mark.parametrize("action", ["order.cancel", "order.modify", "order.exchange", "order.return", "order.change_address"])
def test_an_order_on_its_way_is_left_alone(desk: PackDesk, action: str) -> None:
    params = {"order_id": "W1004", "item_ids": ["i1"], "new_product_ids": ["p_kettle"], "payment_method_id": "pm_7"}
    assert "that is sent" in desk.no(action, "anna", **params, reason="too late", address="Hafenstrasse 1, 20095 Hamburg")


def test_stock_comes_back_from_what_never_left_the_house(desk: PackDesk) -> None:
    def stock() -> list[Any]:
        return [desk.record("product", one)["stock"] for one in ("p_kettle", "p_kettle_xl")]

    assert stock() == [12, 3]
    dearer = {"order_id": "W1003", "item_ids": ["i1"], "new_product_ids": ["p_kettle_xl"], "payment_method_id": "pm_7"}
    desk.done("order.modify", "anna", **dearer, amount="15.00 EUR")
    assert stock() == [13, 2]
    desk.done("order.cancel", "anna", order_id="W1003", reason="too late")
    assert stock() == [13, 3]


def test_what_was_replaced_is_not_sent_back_for_money_as_well(desk: PackDesk) -> None:
    complain(desk)
    number = desk.done("offer.accept", "anna", **offer("replacement", item_ids=["i2"], order_id="W1001"))["replacement.reference"]
    assert desk.record("order", number)["total"] == "80.00 EUR"
    assert desk.record("product", "p_lamp")["stock"] == 4
    assert "replaced" in desk.no("order.return", "anna", order_id="W1001", item_ids=["i2"])
    assert "At most 49.90 EUR" in refund(desk, "49.91 EUR", officer="care").reason


def test_goodwill_is_given_in_the_currency_of_the_order(desk: PackDesk) -> None:
    assert "EUR" in desk.no("offer.accept", "anna", **offer("goodwill credit", amount="20.00 USD", order_id="W1001"))


PRICES = {"p_kettle": 4990, "p_kettle_xl": 6490, "p_lamp": 8000}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["swap", "return", "refund", "pay", "cancel", "complain", "replace"]),
        st.sampled_from(["W1001", "W1003", "W1005"]),
        st.sampled_from(["i1", "i2"]),
        st.sampled_from(sorted(PRICES)),
        st.sampled_from(["pm_7", "pm_8"]),
        st.integers(min_value=1, max_value=9000),
    ),
    max_size=12,
)


def euros(cents: int) -> str:
    return f"{Decimal(cents) / 100:.2f} EUR"


def cents(amount: str) -> int:
    return int(Decimal(amount.split(" ", maxsplit=1)[0]) * 100)


def take_step(desk: PackDesk, step: tuple[str, str, str, str, str, int]) -> None:
    what, order_id, item_id, product, method, amount = step
    order = desk.record("order", order_id)
    about = {"order_id": order_id, "payment_method_id": method}
    match what:
        case "swap":
            before = next((cents(item["price"]) for item in order["items"] if item["id"] == item_id), 0)
            more = PRICES[product] - before
            agreed = {"amount": euros(more)} if more > 0 else {"paid_back": euros(-more)} if more else {}
            action = "order.modify" if order["status"] == "pending" else "order.exchange"
            desk.act(action, "anna", {**about, "item_ids": [item_id], "new_product_ids": [product], **agreed})
        case "return":
            desk.act("order.return", "anna", {"order_id": order_id, "item_ids": [item_id]})
        case "refund":
            desk.act("payment.refund", "anna", {**about, "amount": euros(amount)}, ("customer", "officer:care") if amount % 2 else ())
        case "pay":
            desk.act("order.change_payment_method", "anna", {**about, "amount": order["total"]})
        case "cancel":
            desk.act("order.cancel", "anna", {"order_id": order_id, "reason": "too late"})
        case "complain":
            desk.act("complaint.file", "anna", {"kind": "damaged", "order_id": order_id, "text": "Scratched."})
        case _:
            terms = offer("replacement", item_ids=[item_id], order_id=order_id)
            desk.act("offer.accept", "anna", {**terms, "offer_id": f"offer_{amount}"})


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_whatever_is_done_in_whatever_order_no_money_comes_from_nowhere(
    steps: list[tuple[str, str, str, str, str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    desk = PackDesk(tmp_path_factory.mktemp("desk"), "consumer")
    try:
        desk.done("offer.accept", "anna", **offer("exception", exception="late return", order_id="W1005"))
        on_gift_card = 2000
        for step in steps:
            take_step(desk, step)
        for order_id in ("W1001", "W1003", "W1005"):
            order, moved = desk.record("order", order_id), desk.money("order", order_id)
            left = sum(cents(amount) for _, _, amount in moved)
            refunded = cents(order["refunded"]) if "refunded" in order else 0
            assert left == (0 if order["status"] == "cancelled" else cents(order["total"]) - refunded)
            assert sum(cents(amount) for _, method, amount in moved if method == "pm_7") >= 0
            on_gift_card -= sum(cents(amount) for entry, method, amount in moved if method == "pm_8" and entry != "payment")
        assert cents(desk.record("payment_method", "pm_8")["balance"]) == on_gift_card
    finally:
        desk.database.close()
