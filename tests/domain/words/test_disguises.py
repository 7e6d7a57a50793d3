"""Words, secrets and values in rarer disguises."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desks.example import TODAY, desk_data
from desks.policies import DESK as POLICY_DESK
from packaged import ENGLISH
from remit.domain.errors import Code, Refused
from remit.domain.policy.cases import read_policy_cases
from remit.domain.policy.risk import SubjectKind, SubjectOpened, advance_risk_history, new_risk_history, risk_of_history
from remit.domain.policy.rulebook import read_catalogue
from remit.domain.secrets.find import SecretClass, SecretFinding, find_secrets, redact
from remit.domain.values import MAX_ITEMS, Instant, decode_json
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


def test_a_code_of_mixed_letters_and_digits_is_known_by_its_shape() -> None:
    assert booking("The booking is 5FRW3K.") in {WordsRelation.MATCH, WordsRelation.NARROWER}
    assert booking("The booking is 6GRW4K.") is WordsRelation.CONTRADICTS


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


def test_findings_inside_one_another_are_taken_out_once() -> None:
    def finding(start: int, end: int) -> SecretFinding:
        return SecretFinding(start=start, end=end, kind="password", group=SecretClass.GUESSABLE)

    assert redact("a secret here", [finding(2, 8), finding(4, 6), finding(2, 8)]) == "a [password removed] here"


@pytest.mark.parametrize("text", ["my password is (a)", "password: x", "your token is <token>", "api_key=<your-api-key>"])
def test_a_placeholder_or_a_letter_is_no_password(text: str) -> None:
    assert not find_secrets(text)


@given(st.text(alphabet="ABCDEFabcdef0123456789+/=-_ ", max_size=60))
def test_what_only_looks_encoded_never_breaks_the_search(text: str) -> None:
    assert all(0 <= one.start < one.end <= len(text) for one in find_secrets(text))


def test_json_with_more_members_or_items_than_anybody_needs_is_refused() -> None:
    for value in ({str(n): n for n in range(MAX_ITEMS + 1)}, list(range(MAX_ITEMS + 1))):
        with pytest.raises(Refused) as refused:
            decode_json(json.dumps(value).encode())
        assert refused.value.code is Code.REQUEST_MALFORMED
    assert len(decode_json(json.dumps(list(range(MAX_ITEMS))).encode())) == MAX_ITEMS  # type: ignore[arg-type]  # a list


@pytest.mark.parametrize("text", ["case = 5", 'case = ["one"]', "[]", '{"case": [5]}'])
def test_a_case_file_of_another_shape_says_so(text: str) -> None:
    for name in ("cases.toml", "cases.json"):
        with pytest.raises(Refused) as refused:
            read_policy_cases(name, text, POLICY_DESK)
        assert refused.value.code is Code.POLICY_INVALID
        assert refused.value.detail.startswith(name)


def case_with(**more: Any) -> str:
    return json.dumps({"case": [{"title": "t", "action": "payment.refund", "expect": "deny", **more}]})


def test_a_case_names_records_by_kind_and_takes_nested_params() -> None:
    one = read_policy_cases(
        "c.json", case_with(records=["order:W1", "payment_method:pm:7"], params={"x": [1, {"y": [True]}]}), POLICY_DESK
    )[0]
    assert one.records == (("order", "W1"), ("payment_method", "pm:7"))
    assert one.params == {"x": [1, {"y": [True]}]}


@pytest.mark.parametrize("records", [["order"], ["order:"], [":W1"], "order:W1"])
def test_a_record_without_kind_or_id_is_refused(records: Any) -> None:
    with pytest.raises(Refused) as refused:
        read_policy_cases("c.json", case_with(records=records), POLICY_DESK)
    assert refused.value.code is Code.POLICY_INVALID


def test_opening_much_raises_risk_and_time_lowers_it() -> None:
    now = Instant(1_800_000_000_000)
    trail = new_risk_history(SubjectKind.OPERATOR, "h.example")
    for _ in range(200):
        trail = advance_risk_history(trail, SubjectOpened(what="mandate"), now)
    assert risk_of_history(trail, now) > 0
    assert risk_of_history(trail, Instant(now + 30 * 24 * 3600 * 1000)) < risk_of_history(trail, now)


def test_exact_numbers_stay_exact() -> None:
    assert decode_json(b'{"x": 0.1000000000000001}') == {"x": Decimal("0.1000000000000001")}
