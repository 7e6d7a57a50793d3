"""Wishes, numbers and letters in rarer disguises."""

from typing import Any

import pytest

from desks.example import TODAY, desk_data
from packaged import ENGLISH
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.words.lexicon import build_lexicon
from remit.domain.words.verdict import EarlierMessage, WordsRelation, WordsVerdict, judge_words

DATA = desk_data()
DATA["action"]["booking.change"] = {
    "title": "Change booking {locator} to {seats} seats",
    "power": "request",
    "area": "routine",
    "effect": "write",
    "params": {
        "properties": {"locator": {"type": "string", "x-resource": "booking"}, "seats": {"type": "integer"}},
        "required": ["locator", "seats"],
    },
}
DATA["resource"]["booking"] = {"title": "booking"}
DATA["action"]["do.it"] = {"title": "Do it", "power": "request", "area": "routine", "effect": "write"}
DATA["objective"]["change-booking"] = {"title": "Change a booking", "target": "booking", "actions": ["booking.change"]}
DATA["objective"]["return-item"]["examples"] = ["I'd like to send the shoes back", "the kettle arrived broken, money back please"]
DATA["objective"]["account-help"]["examples"] = ["I cannot sign in to my account", "my password does not work"]
DESK = read_catalogue(DATA, today=TODAY)
LEXICON = build_lexicon(DESK, ENGLISH)
REFUND = {"order_id": "W123", "amount": "40.00 EUR", "payment_method_id": "pm_7"}


def before(*texts: str, action: str = "") -> tuple[EarlierMessage, ...]:
    return tuple(EarlierMessage(text=one, action=action) for one in texts)


def judge(words: str, action: str = "payment.refund", params: Any = None, objective: str = "return-item", **more: Any) -> WordsVerdict:
    return judge_words(
        words, action=DESK.action(action), params=params or REFUND, lexicon=LEXICON, objective=DESK.objective(objective), **more
    )


def booking(words: str) -> WordsRelation:
    return judge(words, "booking.change", {"locator": "5FRW3K", "seats": 2}, "change-booking").said


def test_a_number_of_the_ask_may_be_said_and_another_amount_may_not_be_asked_for() -> None:
    assert booking("We need 2 seats in booking 5FRW3K.") in {WordsRelation.MATCH, WordsRelation.NARROWER}
    assert booking("Please pay me 90 euros.") is not WordsRelation.MATCH


@pytest.mark.parametrize(
    "words", ["That makes two thousand euros.", "That makes one million five hundred thousand dollars.", "Two hundred euros, please."]
)
def test_large_amounts_in_words_are_counted_out(words: str) -> None:
    assert judge(words).said is WordsRelation.CONTRADICTS


def test_two_thousand_in_words_is_the_asks_own_two_thousand() -> None:
    assert judge("That makes two thousand euros.", params={**REFUND, "amount": "2000.00 EUR"}).passes


def test_a_wish_across_two_messages_is_found_at_the_seam_only_once_it_crosses_it() -> None:
    assert judge("my password.", earlier=before("Thank you. Please reset")).said is WordsRelation.WIDER
    assert judge("The kettle leaks.", earlier=before("The order arrived on Monday.")).passes


@pytest.mark.parametrize("earlier", ["What is the status of the order?", "Please cancel order W123.", "I want to send it back"])
@pytest.mark.parametrize("words", ["The kettle leaks.", "Please refund it.", "It is broken"])
def test_what_an_earlier_message_asked_for_by_itself_does_not_spoil_the_next(earlier: str, words: str) -> None:
    assert judge(words, earlier=before(earlier)).passes


@pytest.mark.parametrize(
    ("earlier", "words"),
    [
        ("Please reset", "my password."),
        ("please can", "cel my order"),
        ("Please close my", "account now"),
        ("What is the date of", "birth you have?"),
    ],
)
def test_a_wish_that_only_two_messages_together_say_is_wider(earlier: str, words: str) -> None:
    assert judge(words, earlier=before(earlier)).said is WordsRelation.WIDER
    assert judge(words, earlier=before("What is the status of the order?", earlier)).said is WordsRelation.WIDER


@pytest.mark.parametrize("words", ["Please book me a flight and also bake a cake.", "Refund it. Also, please show me a magic trick."])
def test_another_wish_beside_the_asks_own_is_wider(words: str) -> None:
    assert judge(words).said is WordsRelation.WIDER


@pytest.mark.parametrize("letter", ["\u200d", "\ufe0f"])
def test_a_joiner_counts_as_hidden_unless_an_emoji_needs_it(letter: str) -> None:
    assert judge(f"The kettle{letter} leaks.").said is WordsRelation.UNREADABLE
    assert judge(f"The kettle leaks \u2764{letter}").passes
    assert judge(f"{letter}The kettle leaks.").said is WordsRelation.UNREADABLE


def test_a_code_of_mixed_letters_and_digits_is_known_by_its_shape() -> None:
    assert booking("The booking is 5FRW3K.") in {WordsRelation.MATCH, WordsRelation.NARROWER}
    assert booking("The booking is 6GRW4K.") is WordsRelation.CONTRADICTS
