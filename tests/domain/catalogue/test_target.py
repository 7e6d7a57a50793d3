"""What an ask is about, what else its record says, and what ends its task besides its own record."""

from dataclasses import replace

import pytest

from remit.domain.catalogue.model import Action, Area, Effect, MarkKind, ParamMark, PowerKind
from remit.domain.catalogue.target import mandate_targets, money_records, named_records, similarity_digest, target_of
from remit.domain.errors import Code, Refused
from remit.domain.ids import verify_email_address
from remit.domain.param_paths import parse_path
from remit.domain.policy.decision import ENDED_BY_NO, ending_counter, recorded_ending
from remit.domain.records import EndReason
from remit.domain.secrets.outbound import attribute_values, identifying_parts
from remit.domain.values import Instant

TRANSFER = Action(
    name="payment.transfer",
    title="Move {amount}",
    power=PowerKind.REQUEST,
    area=Area.PAYMENT,
    effect=Effect.WRITE,
    reversible=False,
    returns=(),
    schema={},
    marks=(
        ParamMark(path=parse_path("customer_id"), kind=MarkKind.RESOURCE, of="customer"),
        ParamMark(path=parse_path("cards[*]"), kind=MarkKind.RESOURCE, of="card"),
        ParamMark(path=parse_path("order_id"), kind=MarkKind.RESOURCE, of="order"),
        ParamMark(path=parse_path("amount"), kind=MarkKind.MONEY),
    ),
    declared=frozenset(),
    builtin=False,
    digest="sha-256:x",
)
PARAMS = {"customer_id": "c1", "cards": ["k1", "k2", "k1", 7], "order_id": "W1", "amount": "4.00 EUR"}
OPENED = Instant(1_800_000_000_000)


def test_everything_an_ask_names_is_told_once_and_without_its_customer() -> None:
    assert named_records(TRANSFER, PARAMS, customer="c1") == ("card:k1", "card:k2", "order:W1")
    assert named_records(None, PARAMS, customer="c1") == ()


@pytest.mark.parametrize("cards", [["k1", "k2"], ["k2", "k1"], ["k3"]])
def test_an_ask_is_about_its_tasks_target_whatever_stands_beside_it(cards: list[str]) -> None:
    params = {**PARAMS, "cards": cards}
    assert target_of(TRANSFER, params, customer="c1", targets={"order:W1"}) == "order:W1"
    assert target_of(TRANSFER, params, customer="c1", targets=set()) == f"card:{cards[0]}"


def test_of_two_targets_the_order_they_stand_in_makes_no_other() -> None:
    found = {
        target_of(TRANSFER, {**PARAMS, "cards": cards}, customer="c1", targets={"card:k1", "card:k2"})
        for cards in (["k1", "k2"], ["k2", "k1"])
    }
    assert found == {"card:k1"}


def test_an_ask_that_names_no_record_is_about_none() -> None:
    assert target_of(TRANSFER, {"customer_id": "c1"}, customer="c1", targets={"order:W1"}) == ""


def test_money_moves_on_every_record_a_write_names_and_on_none_of_a_look() -> None:
    assert money_records(TRANSFER, PARAMS) == ("customer:c1", "card:k1", "card:k2", "card:k1", "order:W1")
    assert money_records(replace(TRANSFER, effect=Effect.READ), PARAMS) == ()
    assert money_records(replace(TRANSFER, marks=TRANSFER.marks[:3]), PARAMS) == ()
    assert money_records(None, PARAMS) == ()


def test_a_mandates_targets_are_named_as_asks_name_them() -> None:
    assert mandate_targets({"order": ("W1", "W2"), "card": ("k1",)}) == ("order:W1", "order:W2", "card:k1")


def test_asks_are_alike_by_action_and_record_alone() -> None:
    mine = similarity_digest("payment.transfer", "order:W1")
    assert mine == similarity_digest("payment.transfer", "order:W1")
    assert len({mine, similarity_digest("payment.transfer", "order:W2"), similarity_digest("payment.refund", "order:W1")}) == 3


def test_a_no_to_all_of_it_ends_the_task_that_got_it_and_no_other() -> None:
    counters = {("t1", ENDED_BY_NO): 1, ("t2", ENDED_BY_NO): 0}
    assert recorded_ending(counters, task="t1", above=(), opened_at=OPENED) is EndReason.CUSTOMER_DECLINED
    assert recorded_ending(counters, task="t2", above=(), opened_at=OPENED) is None


@pytest.mark.parametrize(("ended", "over"), [(OPENED - 1, False), (OPENED, True), (OPENED + 1, True)])
def test_a_branch_is_over_with_a_task_above_that_ended_since_it_was_opened(ended: int, over: bool) -> None:
    counters = {("m1", "uses"): 3, ("m1", ending_counter(Instant(ended), EndReason.RISK)): 1}
    assert recorded_ending(counters, task="t1", above=("m1",), opened_at=OPENED) is (EndReason.RISK if over else None)
    assert recorded_ending(counters, task="t1", above=("m2",), opened_at=OPENED) is None


def test_of_one_attribute_only_what_other_records_say_and_the_asks_own_do_not_is_left() -> None:
    rows = [("order", "W1", "sent"), ("order", "W2", ["sent", "paid"]), ("card", "k1", {"ending": "4242", "bank": "paid"})]
    assert attribute_values(rows, {}) == ["sent", ["sent", "paid"], {"ending": "4242", "bank": "paid"}]
    assert attribute_values(rows, {"order": ("W1",)}) == ["paid", "4242", "paid"]
    assert attribute_values(rows, {"order": ("W1", "W2"), "card": ("k1",)}) == []
    assert attribute_values([("order", "W1", "1.50 EUR"), ("order", "W2", "1.5 EUR")], {"card": ("W1",)}) == ["1.50 EUR", "1.5 EUR"]


def test_a_lone_word_and_a_bare_yes_tell_of_nobody_by_themselves() -> None:
    assert identifying_parts({"state": "pending", "to": ["New Street 4", "k1"], "count": 3, "ok": True, "none": None}) == [
        "New Street 4",
        "k1",
        3,
    ]


def test_an_address_is_one_mailbox_and_nothing_around_it() -> None:
    assert verify_email_address("anna+desk@mail.example") == "anna+desk@mail.example"
    for text in (
        "",
        "anna",
        "@mail.example",
        "anna@",
        "a@b@c",
        "Anna <anna@mail.example>",
        "anna@mail.example\n",
        "anna@mäil.example",
        "a b@c",
    ):
        with pytest.raises(Refused) as caught:
            verify_email_address(text)
        assert caught.value.code is Code.REQUEST_MALFORMED
        assert caught.value.cure
