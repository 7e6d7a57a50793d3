"""What the consumer pack's actions really do at the built-in desk, and what they refuse."""

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


def test_cancelling_pays_back_what_was_paid_and_only_once(desk: PackDesk) -> None:
    assert desk.done("order.cancel", "anna", order_id="W1003", reason="too late") == {"order.status": "cancelled"}
    assert desk.money("order", "W1003") == [("payment", "pm_7", "49.90 EUR"), ("refund", "pm_7", "-49.90 EUR")]
    assert "cancelled" in desk.no("order.cancel", "anna", order_id="W1003", reason="too late")
    assert len(desk.money("order", "W1003")) == 2


def test_a_delivered_order_is_not_cancelled(desk: PackDesk) -> None:
    assert "delivered" in desk.no("order.cancel", "anna", order_id="W1001", reason="too late")


def test_nobody_acts_on_another_customers_order(desk: PackDesk) -> None:
    foreign = desk.no("order.cancel", "bram", order_id="W1003", reason="too late")
    unknown = desk.no("order.cancel", "bram", order_id="W9999", reason="too late")
    assert foreign == unknown


def test_a_return_then_a_refund_moves_the_money(desk: PackDesk) -> None:
    assert desk.done("order.return", "anna", order_id="W1001", item_ids=["i1"]) == {"order.status": "return requested"}
    done = desk.done("payment.refund", "anna", order_id="W1001", payment_method_id="pm_7", amount="49.90 EUR")
    assert done["refund.amount"] == "49.90 EUR"
    assert desk.money("order", "W1001")[-1] == ("refund", "pm_7", "-49.90 EUR")


@pytest.mark.parametrize("items", [["i9"], ["i1", "i1"], ["i1", "i9"]])
def test_items_that_are_not_there_or_named_twice_do_not_go_back(desk: PackDesk, items: list[str]) -> None:
    desk.no("order.return", "anna", order_id="W1001", item_ids=items)
    assert desk.read("order.read", "anna", order_id="W1001")["order.status"] == "delivered"


def test_an_item_goes_back_once(desk: PackDesk) -> None:
    desk.done("order.return", "anna", order_id="W1001", item_ids=["i1"])
    desk.done("order.return", "anna", order_id="W1001", item_ids=["i2"])
    assert "returning" in desk.no("order.return", "anna", order_id="W1001", item_ids=["i1"])


def test_the_return_days_end_unless_an_offer_made_an_exception(desk: PackDesk) -> None:
    desk.days_pass(40)
    assert "ended" in desk.no("order.return", "anna", order_id="W1001", item_ids=["i1"])
    desk.done("offer.accept", "anna", **offer("exception", exception="late return", order_id="W1001"))
    desk.done("order.return", "anna", order_id="W1001", item_ids=["i1"])


def test_a_refund_goes_only_to_the_customers_own_payment_method(desk: PackDesk) -> None:
    complain(desk)
    assert refund(desk, "5.00 EUR", method="pm_9").state is ActOutcome.FAILED
    assert refund(desk, "5.00 EUR", method="pm_8").state is ActOutcome.DONE
    assert desk.money("order", "W1001")[-1] == ("refund", "pm_8", "-5.00 EUR")


def test_a_refund_in_another_currency_or_of_a_pending_order_fails(desk: PackDesk) -> None:
    assert "EUR" in refund(desk, "5.00 USD").reason
    assert "cancel" in desk.no("payment.refund", "anna", order_id="W1003", payment_method_id="pm_7", amount="5.00 EUR")


def test_refunds_never_exceed_what_was_paid(desk: PackDesk) -> None:
    complain(desk)
    assert refund(desk, "100.00 EUR", officer="care").state is ActOutcome.DONE
    assert "29.90 EUR" in refund(desk, "29.91 EUR", officer="care").reason
    assert refund(desk, "29.90 EUR", officer="care").state is ActOutcome.DONE
    assert refund(desk, "0.01 EUR", officer="care").state is ActOutcome.FAILED


@settings(max_examples=12, deadline=None)
@given(cents=st.lists(st.integers(min_value=1, max_value=9000), min_size=1, max_size=6))
def test_however_refunds_are_cut_their_sum_stays_within_what_was_paid(cents: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    desk = PackDesk(tmp_path_factory.mktemp("desk"), "consumer")
    try:
        complain(desk)
        given_back = sum(one for one in cents if refund(desk, f"{Decimal(one) / 100:.2f} EUR", officer="care").state is ActOutcome.DONE)
        assert given_back <= 12990
        booked = sum(Decimal(amount.split(" ")[0]) for entry, _, amount in desk.money("order", "W1001") if entry == "refund")
        assert booked * 100 == -given_back
    finally:
        desk.database.close()


def test_an_exchange_settles_the_difference_and_takes_from_stock(desk: PackDesk) -> None:
    dearer = {"order_id": "W1001", "item_ids": ["i1"], "new_product_ids": ["p_kettle_xl"], "payment_method_id": "pm_7"}
    for amounts in ({}, {"amount": "14.99 EUR"}, {"paid_back": "15.00 EUR"}, {"amount": "15.00 EUR", "paid_back": "1.00 EUR"}):
        desk.no("order.exchange", "anna", **dearer, **amounts)
    done = desk.done("order.exchange", "anna", **dearer, amount="15.00 EUR")
    assert done == {"order.status": "exchange requested", "order.total": "144.90 EUR"}
    assert desk.money("order", "W1001")[-1] == ("charge", "pm_7", "15.00 EUR")
    assert desk.read("product.read", "anna", product_id="p_kettle_xl")["product.stock"] == 2


def test_an_exchange_for_what_is_sold_out_or_too_dear_for_the_gift_card_changes_nothing(desk: PackDesk) -> None:
    params = {"order_id": "W1001", "item_ids": ["i2"], "payment_method_id": "pm_7"}
    assert "sold out" in desk.no("order.exchange", "anna", **params, new_product_ids=["p_lamp_blue"])
    assert "gift card" in desk.no(
        "order.exchange",
        "anna",
        order_id="W1001",
        item_ids=["i1"],
        new_product_ids=["p_lamp"],
        payment_method_id="pm_8",
        amount="30.10 EUR",
    )
    assert desk.read("product.read", "anna", product_id="p_lamp")["product.stock"] == 5
    assert desk.read("order.read", "anna", order_id="W1001")["order.total"] == "129.90 EUR"


def test_a_gift_card_pays_and_is_filled_again(desk: PackDesk) -> None:
    complain(desk)
    dearer = {"order_id": "W1001", "item_ids": ["i1"], "new_product_ids": ["p_kettle_xl"], "payment_method_id": "pm_8"}
    desk.done("order.exchange", "anna", **dearer, amount="15.00 EUR")
    assert desk.money("order", "W1001")[-1] == ("charge", "pm_8", "15.00 EUR")
    assert desk.record("payment_method", "pm_8")["balance"] == "5.00 EUR"
    desk.done("payment.refund", "anna", order_id="W1001", payment_method_id="pm_8", amount="15.00 EUR")
    assert desk.money("order", "W1001")[-1] == ("refund", "pm_8", "-15.00 EUR")
    assert desk.record("payment_method", "pm_8")["balance"] == "20.00 EUR"


def test_a_pending_order_can_be_modified_and_a_delivered_one_cannot(desk: PackDesk) -> None:
    swap = {"item_ids": ["i1"], "new_product_ids": ["p_kettle_xl"], "payment_method_id": "pm_7", "amount": "15.00 EUR"}
    assert desk.done("order.modify", "anna", order_id="W1003", **swap)["order.total"] == "64.90 EUR"
    assert "delivered" in desk.no("order.modify", "anna", order_id="W1001", **swap)
    assert "each item" in desk.no("order.modify", "anna", order_id="W1003", **{**swap, "new_product_ids": ["p_lamp", "p_lamp"]})


def test_an_order_changes_its_payment_method_with_the_money(desk: PackDesk) -> None:
    other = {"order_id": "W1003", "amount": "49.90 EUR"}
    assert "gift card" in desk.no("order.change_payment_method", "anna", **other, payment_method_id="pm_8")
    assert "already" in desk.no("order.change_payment_method", "anna", **other, payment_method_id="pm_7")
    assert "no such payment method" in desk.no("order.change_payment_method", "anna", **other, payment_method_id="pm_9")
    assert "49.90 EUR" in desk.no("order.change_payment_method", "anna", **{**other, "amount": "49.89 EUR"}, payment_method_id="pm_8")
    assert desk.money("order", "W1003") == [("payment", "pm_7", "49.90 EUR")]


def test_a_pending_order_is_sent_elsewhere(desk: PackDesk) -> None:
    desk.done("order.change_address", "anna", order_id="W1003", address="Hafenstrasse 1, 20095 Hamburg")
    assert desk.read("order.read", "anna", order_id="W1003")["order.shipping_address"] == "Hafenstrasse 1, 20095 Hamburg"
    desk.no("order.change_address", "anna", order_id="W1001", address="Hafenstrasse 1, 20095 Hamburg")


def test_a_new_default_address_is_told_to_the_contact_on_file(desk: PackDesk) -> None:
    desk.done("profile.change_address", "anna", address="Hafenstrasse 1, 20095 Hamburg")
    assert desk.read("profile.read", "anna")["contact.address"] == "Hafenstrasse 1, 20095 Hamburg"
    assert desk.letters("anna") == ["anna.berg@mail.example"]
    assert desk.read("profile.read", "bram")["contact.address"] == "Keizersgracht 12, 1015 Amsterdam"


def test_recovery_writes_to_the_contact_on_file_whatever_was_asked(desk: PackDesk) -> None:
    assert desk.done("account.recover", "anna", contact="phone") == {"account.state": "recovering"}
    assert desk.letters("anna") == ["+49 40 5550100"]
    assert "fax" in desk.no("account.recover", "anna", contact="fax")


def test_a_complaint_gets_a_number_and_can_be_looked_up_by_its_owner(desk: PackDesk) -> None:
    number = desk.done("complaint.file", "anna", kind="late", text="Three weeks.", order_id="W1001")["complaint.reference"]
    assert desk.read("complaint.read", "anna", complaint_id=number) == {"complaint.status": "open"}
    assert desk.read("complaint.read", "bram", complaint_id=number) == {}
    desk.no("complaint.file", "anna", kind="late", text="Not mine.", order_id="W1002")


def test_goodwill_becomes_credit_and_an_offer_counts_once(desk: PackDesk) -> None:
    terms = offer("goodwill credit", amount="20.00 EUR", order_id="W1001")
    assert desk.done("offer.accept", "anna", **terms) == {"account.credit": "20.00 EUR"}
    assert "before" in desk.no("offer.accept", "anna", **terms)
    assert desk.read("profile.read", "anna")["account.credit"] == "20.00 EUR"


@pytest.mark.parametrize("change", [{"amount": "2000.00 EUR"}, {"order_id": "W1003"}, {"item_ids": ["i1"]}, {"digest": "sha-256:x"}])
def test_other_terms_than_the_offers_bind_nobody(desk: PackDesk, change: dict[str, Any]) -> None:
    terms = offer("goodwill credit", amount="20.00 EUR", order_id="W1001")
    assert "terms" in desk.no("offer.accept", "anna", **{**terms, **change})
    desk.done("offer.accept", "anna", **terms)


def test_a_replacement_is_a_new_order_of_the_customer(desk: PackDesk) -> None:
    number = desk.done("offer.accept", "anna", **offer("replacement", item_ids=["i2"], order_id="W1001"))["replacement.reference"]
    sent = desk.read("order.read", "anna", order_id=number)
    assert sent["order.status"] == "replacement"
    assert [item["title"] for item in sent["order.items"]] == ["Desk lamp"]
    assert "At most 0" in desk.no("payment.refund", "anna", order_id=number, payment_method_id="pm_7", amount="1.00 EUR")


def test_a_booking_moves_for_exactly_the_difference(desk: PackDesk) -> None:
    move = {"booking_id": "B2001", "flight_id": "LX102", "payment_method_id": "pm_7"}
    assert "60.00 EUR" in desk.no("booking.change", "anna", **move)
    assert "60.00 EUR" in desk.no("booking.change", "anna", **move, amount="59.99 EUR")
    assert desk.done("booking.change", "anna", **move, amount="60.00 EUR")["booking.flight"] == "LX102"
    assert desk.money("booking", "B2001")[-1] == ("charge", "pm_7", "60.00 EUR")
    assert desk.read("flight.read", "anna", flight_id="LX102")["flight.seats"] == 3


def test_a_booking_does_not_move_to_other_places(desk: PackDesk) -> None:
    assert "same places" in desk.no("booking.change", "anna", booking_id="B2001", flight_id="LX900")


def test_bags_cost_what_the_desk_says_and_have_an_end(desk: PackDesk) -> None:
    bags = {"booking_id": "B2001", "payment_method_id": "pm_7"}
    assert "70.00 EUR" in desk.no("baggage.add", "anna", **bags, bags=2, amount="7.00 EUR")
    assert desk.done("baggage.add", "anna", **bags, bags=2, amount="70.00 EUR") == {"booking.bags": 3}
    assert "at most 5" in desk.no("baggage.add", "anna", **bags, bags=3, amount="105.00 EUR")
    assert "at most 5" in desk.no("baggage.add", "anna", **bags, bags=-1, amount="35.00 EUR")


def test_a_cancelled_booking_pays_back_everything_that_came_in_and_stays_cancelled(desk: PackDesk) -> None:
    desk.done("baggage.add", "anna", booking_id="B2001", payment_method_id="pm_7", bags=1, amount="35.00 EUR")
    desk.done("booking.cancel", "anna", booking_id="B2001")
    assert desk.money("booking", "B2001")[-1] == ("refund", "pm_7", "-175.00 EUR")
    assert "cancelled" in desk.no("booking.change", "anna", booking_id="B2001", flight_id="LX102")


def test_what_was_paid_with_a_gift_card_goes_back_to_it_and_not_to_the_bank_card(desk: PackDesk) -> None:
    dearer = {"order_id": "W1003", "item_ids": ["i1"], "new_product_ids": ["p_kettle_xl"], "payment_method_id": "pm_8"}
    desk.done("order.modify", "anna", **dearer, amount="15.00 EUR")
    desk.done("order.cancel", "anna", order_id="W1003", reason="too late")
    assert sorted(desk.money("order", "W1003")[-2:]) == [("refund", "pm_7", "-49.90 EUR"), ("refund", "pm_8", "-15.00 EUR")]


def test_on_the_day_of_departure_it_is_too_late(desk: PackDesk) -> None:
    desk.days_pass(40)
    assert "too late" in desk.no("booking.cancel", "anna", booking_id="B2001")


def test_seats_a_booking_gives_up_are_free_again(desk: PackDesk) -> None:
    move = {"booking_id": "B2001", "flight_id": "LX102", "payment_method_id": "pm_7", "amount": "60.00 EUR"}
    desk.done("booking.change", "anna", **move)
    assert [desk.record("flight", one)["seats"] for one in ("LX101", "LX102")] == [21, 3]
    assert "already" in desk.no("booking.change", "anna", **move)
    desk.done("booking.cancel", "anna", booking_id="B2001")
    assert desk.record("flight", "LX102")["seats"] == 4


def test_nobody_is_moved_to_a_flight_that_has_left(desk: PackDesk) -> None:
    data = {"from": "HAM", "to": "LIS", "departs": {"days": 0}, "price": "140.00 EUR", "seats": 9}
    run(desk.plug.seed({"customers": {}, "records": [{"kind": "flight", "id": "LX1", "name": "LX1", "owners": [], "data": data}]}))
    assert "too late" in desk.no("booking.change", "anna", booking_id="B2001", flight_id="LX1")


def test_a_flight_in_another_currency_is_no_choice(desk: PackDesk) -> None:
    data = {"from": "HAM", "to": "LIS", "departs": {"days": 42}, "price": "140.00 USD", "seats": 9}
    run(desk.plug.seed({"customers": {}, "records": [{"kind": "flight", "id": "LX2", "name": "LX2", "owners": [], "data": data}]}))
    assert "another currency" in desk.no("booking.change", "anna", booking_id="B2001", flight_id="LX2")
    assert [one["id"] for one in desk.read("booking.options", "anna", booking_id="B2001")["booking.options"]] == ["LX102"]


def test_the_lowest_fare_is_not_moved_and_gives_nothing_back(desk: PackDesk) -> None:
    assert desk.read("booking.read", "bram", booking_id="B2002")["booking.refundable"] is False
    assert "cannot be changed" in desk.no("booking.change", "bram", booking_id="B2002", flight_id="LX101")
    desk.done("booking.cancel", "bram", booking_id="B2002")
    assert desk.money("booking", "B2002") == [("payment", "pm_9", "90.00 EUR")]


def test_the_flights_a_booking_can_move_to_are_told_with_what_they_cost(desk: PackDesk) -> None:
    (option,) = desk.read("booking.options", "anna", booking_id="B2001")["booking.options"]
    assert (option["id"], option["to_pay"], option["seats"]) == ("LX102", "60.00 EUR", 4)
    desk.done("booking.change", "anna", booking_id="B2001", flight_id="LX102", payment_method_id="pm_7", amount=option["to_pay"])
    (back,) = desk.read("booking.options", "anna", booking_id="B2001")["booking.options"]
    assert (back["id"], back["to_pay"]) == ("LX101", "0.00 EUR")
    assert desk.read("booking.options", "bram", booking_id="B2001") == {}
    assert desk.read("booking.options", "bram", booking_id="B2002") == {}
    desk.days_pass(41)
    assert desk.read("booking.options", "anna", booking_id="B2001") == {}


def test_the_products_an_order_can_be_changed_for_are_those_in_stock(desk: PackDesk) -> None:
    told = desk.read("product.choose", "anna", order_id="W1003")["product.choice"]
    assert [one["id"] for one in told] == ["p_lamp", "p_kettle", "p_kettle_xl"]
    assert told[0] == {"id": "p_lamp", "title": "Desk lamp", "price": "80.00 EUR", "stock": 5}
    assert desk.read("product.choose", "bram", order_id="W1003") == {}
