"""Facts of a message that are not its ask's: other days, sums without a currency, other records beside its own."""

import pytest

from domain.words.spoken import ADDRESS, CANCEL, LEXICON, OBJECTIVE, REFUND, RETURN
from remit.domain.catalogue.model import Action
from remit.domain.structs import replace
from remit.domain.words.contradictions import date_of
from remit.domain.words.verdict import EarlierMessage, WordsRelation, WordsVerdict, judge_words

PARAMS: dict[str, object] = {"order_id": "W123", "amount": "40.00 EUR", "payment_method_id": "pm_7"}
STAY: dict[str, object] = {"order_id": "W123", "until": "2026-12-24"}


def judge(words: str, params: dict[str, object], act: Action = REFUND, **more: object) -> WordsVerdict:
    return judge_words(words, action=act, params=params, objective=OBJECTIVE, lexicon=LEXICON, **more)  # type: ignore[arg-type]


def contradicts(words: str, params: dict[str, object], act: Action = REFUND, **more: object) -> list[str]:
    """The stretches of a message that are another ask's."""
    found = judge(words, params, act, **more)
    return [words[one.start : one.end] for one in found.spans if one.said is WordsRelation.CONTRADICTS]


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("Please send it back, they are away until 2027-01-31.", "2027-01-31"),
        ("Please send it back, the offer ends on 31.01.2027.", "31.01.2027"),
        ("Please send it back, the customer is away through 31/1/2027.", "31/1/2027"),
    ],
)
def test_another_last_day_is_another_ask(words: str, day: str) -> None:
    assert day in contradicts(words, STAY, RETURN)
    own = {**STAY, "until": "2027-01-31"}
    assert contradicts(words, own, RETURN) == []


def test_without_a_day_of_its_own_an_ask_may_have_any_reason() -> None:
    assert contradicts("They are away until 2027-01-31.", {"order_id": "W123"}, RETURN) == []


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-12-24", (2026, 12, 24)), ("24.12.2026", (2026, 12, 24)), ("4/1/2027", (2027, 1, 4)), ("24.12.", None), ("", None)],
)
def test_a_day_is_the_same_with_its_year_first_or_last(text: str, day: tuple[int, int, int] | None) -> None:
    assert date_of(text) == day


@pytest.mark.parametrize(
    ("words", "sum_"), [("Refund it, 75.50 please.", "75.50"), ("Refund the 75 from the kettle.", "75"), ("Refund it: 1,99.", "1,99")]
)
def test_a_sum_without_a_currency_is_a_sum(words: str, sum_: str) -> None:
    assert contradicts(words, PARAMS) == [sum_]


@pytest.mark.parametrize(
    "words", ["Refund it, 40.00 please.", "Refund the 40 from the kettle.", "The kettle holds 75.50 kg.", "It broke at 14.45 am."]
)
def test_the_own_sum_and_measures_contradict_nothing(words: str) -> None:
    assert contradicts(words, PARAMS) == []


def test_a_sum_that_is_reported_contradicts_nothing() -> None:
    words = "The customer paid 75.50 for it."
    assert contradicts(words, PARAMS) == []
    assert contradicts("Refund 75.50 for it.", PARAMS) == ["75.50"]


@pytest.mark.parametrize(
    ("words", "other"),
    [
        ("Cancel W123 and 4.", "W123 and 4"),
        ("Cancel W123-adm, please.", "W123-adm"),
        ("Cancel W123/7!", "W123/7"),
        ("Cancel W123 & 9.", "W123 & 9"),
    ],
)
def test_a_second_record_is_named_by_the_first(words: str, other: str) -> None:
    assert other in contradicts(words, {"order_id": "W123"}, CANCEL)


def test_figures_alone_name_the_own_record() -> None:
    """⚔ Those of another record name that one, where the desk calls its records so."""
    lexicon, params = replace(LEXICON, kinds=frozenset({"order"})), {"order_id": "W01234"}
    for words, others in (("Cancel order 1234, please.", False), ("Cancel order 01234.", False), ("Cancel order 1235, please.", True)):
        found = judge_words(words, action=CANCEL, params=params, objective=OBJECTIVE, lexicon=lexicon)
        assert (found.said is WordsRelation.CONTRADICTS) is others, words


def test_another_record_may_be_said_to_share_the_own_value() -> None:
    """Nothing is looked up: the value stands in the text, and is the ask's."""
    params: dict[str, object] = {"order_id": "W123", "zip": "20095"}
    assert contradicts("Send it back, the zip is 20095 (same as W124).", params, RETURN) == []
    assert contradicts("Send it back, the zip is 20096 (same as W124).", params, RETURN) == ["W124"]
    assert contradicts("Send it back, the zip is 20095 (and W124).", params, RETURN) == ["W124"]


@pytest.mark.parametrize("words", ["Send back W123 (same as W124).", "Refund it to pm_7 (same as pm_9)."])
def test_a_record_or_payee_in_brackets_is_another_one_all_the_same(words: str) -> None:
    assert contradicts(words, PARAMS) != []


def test_a_record_of_the_task_may_be_told_of_and_not_asked_for() -> None:
    known = {"known_ids": ("W124",)}
    for told in ("The kettle came with W124.", "Send back W123, it came with W124."):
        assert contradicts(told, {"order_id": "W123"}, RETURN, **known) == [], told
    for wanted in ("Send back W124.", "Please return W124.", "The customer wants W124 sent back.", "Return W124"):
        assert contradicts(wanted, {"order_id": "W123"}, RETURN, **known) == ["W124"], wanted


def test_an_amount_split_over_two_messages_is_one() -> None:
    before = (EarlierMessage(text="Please refund 900.", action="payment.refund"),)
    assert judge("00 EUR to me.", PARAMS, earlier=before).said is WordsRelation.CONTRADICTS
    own = (EarlierMessage(text="Please refund 40.", action="payment.refund"),)
    assert judge("Thank you, EUR is fine.", PARAMS, earlier=own).said is not WordsRelation.CONTRADICTS
    unrelated = (EarlierMessage(text="The kettle leaks.", action="payment.refund"),)
    assert judge("40.00 EUR please.", PARAMS, earlier=unrelated).passes


def test_an_address_names_no_record() -> None:
    assert contradicts("Change the delivery address to Lindenweg 4.", {"address": "Lindenweg 4"}, ADDRESS) == []
