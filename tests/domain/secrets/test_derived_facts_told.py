"""Facts that tell part of a value without writing it, and texts beside them that tell nothing.

Source: docs/model/model.md#outbound.
"""

from datetime import date

import pytest

from remit.adapters.files.vocabulary import read_fact_words
from remit.domain.secrets.derived_facts import derived_facts
from remit.domain.secrets.fact_text import FactReader
from remit.domain.secrets.outbound import OtherCustomersData, find_withheld
from remit.domain.secrets.value_tokens import token_text
from remit.domain.values import Json

TODAY = date(2026, 11, 29)
READER = FactReader(words=read_fact_words(), today=TODAY)


def told(text: str, name: str, value: Json, *, sensitive: bool = False) -> list[str]:
    """The stretches of a text that follow from a value."""
    return [text[slice(*span)] for span in derived_facts(READER.read(token_text(text)), name, value, sensitive=sensitive)]


BORN = "1987-05-14"
TELLS_BIRTH = [
    "She came of age in 2005.",
    "A Taurus, if you look at her birthday.",
    "Born as a Taurus.",
    "The customer is in her late 30.",
    "She is about 38, as far as we know.",
    "The customer is over 38.",
    "The year of her birth ends in 87.",
    "She was born in 87.",
    "Her birthday is in the second quarter.",
    "Her birthday is on the day 134 of the year.",
    "Her birthday is on the 14th.",
    "She has her birthday in the fifth month.",
    "Her birthday was on a Thursday.",
    "Die Kundin ist neununddreißigjährig.",
    "Her twenty-first year plus 1966 is when she was born.",
    "Born 19 87, she says.",
    "The account holder is in her late thirties.",
    "She is an 80s child, born then.",
    "Her birthday falls in spring.",
]
TELLS_NOTHING_OF_BIRTH = [
    "The model is called Taurus.",
    "In 2005 we opened the shop.",
    "She has 38 orders.",
    "She is about 38 orders behind.",
    "The price ends in 87.",
    "The house has 80s furniture.",
    "It comes in May.",
    "On Thursday we close.",
    "Her birthday was on a Monday.",
    "Born in the third quarter.",
]


@pytest.mark.parametrize("text", TELLS_BIRTH)
def test_a_birthday_is_told_by_what_follows_from_it(text: str) -> None:
    assert told(text, "identity.birth_date", BORN)


@pytest.mark.parametrize("text", TELLS_NOTHING_OF_BIRTH)
def test_what_is_about_something_else_tells_no_birthday(text: str) -> None:
    assert told(text, "identity.birth_date", BORN) == []


@pytest.mark.parametrize(
    ("born", "text"), [("1987-12-24", "Her birthday is on Christmas Eve."), ("1988-02-29", "Her birthday is on 28 February in most years.")]
)
def test_a_birthday_is_told_by_the_name_of_its_day(born: str, text: str) -> None:
    assert told(text, "identity.birth_date", born)
    assert told(text, "identity.birth_date", "1987-08-14") == []


@pytest.mark.parametrize(
    ("born", "text"),
    [
        ("1987-12-01", "Her birthday is the day after tomorrow."),
        ("1987-12-04", "Her birthday is in five days."),
        ("1987-11-22", "Her birthday was last week, seven days ago."),
    ],
)
def test_a_birthday_near_today_is_told_by_the_days_to_it(born: str, text: str) -> None:
    assert told(text, "identity.birth_date", born)
    assert told(text, "identity.birth_date", "1987-08-14") == []


@pytest.mark.parametrize(
    ("day", "text"),
    [
        ("2026-11-28", "It was delivered yesterday."),
        ("2026-11-27", "It was delivered the day before yesterday."),
        ("2026-12-01", "It is delivered the day after tomorrow."),
        ("2026-12-01", "It is delivered après-demain, chez vous."),
        ("2026-11-23", "It was delivered six days ago."),
        ("2026-11-15", "It was delivered two weeks ago."),
        ("2026-08-29", "It was delivered three months ago."),
        ("2026-11-18", "It was delivered last week."),
        ("2026-12-01", "It is to be delivered next week."),
        ("2026-11-24", "It was delivered this week."),
        ("2026-11-24", "It was delivered on Tuesday."),
        ("2026-08-12", "It was delivered in August."),
        ("2026-08-12", "It was delivered on the 12th."),
        ("2026-08-12", "It was delivered in week 33."),
        ("2020-01-02", "It was delivered in 2020."),
        ("2020-01-02", "It was delivered seven years ago."),
    ],
)
def test_the_day_of_an_event_is_told_beside_its_word(day: str, text: str) -> None:
    assert told(text, "order.delivered_on", day)
    assert told(text, "order.delivered_on", "2026-10-04") == [], "of another day it says nothing"
    assert told(text.replace("delivered", "discussed"), "order.delivered_on", day) == [], "nor of another event"


def test_no_day_is_read_from_what_is_none() -> None:
    assert told("It was delivered in May.", "order.delivered_on", "2026-13-45") == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("48000.00 EUR", "Her salary is around 47k."),
        ("48000.00 EUR", "She has a salary of 4000 euros a month."),
        ("48000.00 EUR", "Twice her salary is 96000 euros."),
        ("48000.00 EUR", "Her salary is between 45000 and 50000 euros."),
        ("48000.00 EUR", "Her salary is 40000 plus 8000 euros."),
        ("48000.00 EUR", "Her salary is 50000 minus 2000 euros."),
        ("48000.00 EUR", "Das Gehalt in Euro ist fünfstellig."),
        ("48000.00 EUR", "Her salary has five figures, in euros."),
        ("48000.00 EUR", "It is 48 grand."),
        ("48000.00 EUR", "Ihr Gehalt: achtundvierzig Tausend Euro."),
        ("12.50 EUR", "The salary is twelve fifty, in euros."),
        ("12.50 EUR", "A salary of twelve and a half euros."),
        ("3.20 EUR", "A salary of three euros and twenty cents."),
        ("2500.00 EUR", "Das Gehalt ist zweieinhalbtausend Euro."),
    ],
)
def test_an_amount_is_told_rounded_in_shares_and_by_its_figures(value: str, text: str) -> None:
    assert told(text, "employment.salary", value)
    assert told(text, "employment.salary", "777.00 EUR") == []


@pytest.mark.parametrize(
    "text",
    [
        "Around 47 people came.",
        "Between 45000 and 50000 people came.",
        "Her salary is 30000 euros.",
        "It has five figures of clay.",
        "A salary of 0 euros.",
    ],
)
def test_numbers_of_something_else_tell_no_amount(text: str) -> None:
    assert told(text, "employment.salary", "48000.00 EUR") == []
    assert told(text, "employment.salary", "0.00 EUR") == []


@pytest.mark.parametrize(
    "text",
    [
        "Her number begins with 4940.",
        "The phone ends in 142.",
        "The number ends with 01 42.",
        "Read it from the back: 241055504.",
        "Five, five, five, zero.",
        "It is 5550141 plus one.",
        "It is 0140 plus 2.",
        "It is 0150 minus 8.",
        "It is 0143 minus one.",
    ],
)
def test_a_number_is_told_by_its_edges_backwards_and_by_its_neighbour(text: str) -> None:
    assert told(text, "contact.phone", "+49 40 5550142")
    assert told(text, "contact.phone", "+49 30 7736688") == []


@pytest.mark.parametrize(
    "text", ["It ends in 14 days.", "The sale ends in 42 hours.", "It begins at 2 pm.", "Five, five and then none.", "12 plus one is 13."]
)
def test_times_and_counts_tell_no_number(text: str) -> None:
    assert told(text, "contact.phone", "+49 40 5550142") == []


def test_a_short_number_is_told_by_several_numbers_together() -> None:
    assert told("It says four, seventeen.", "card.last4", "0417") == []
    assert told("It says oh four, seventeen.", "card.last4", "0417") == ["oh four, seventeen"]
    assert told("It says 12.", "card.cvc", "12") == [], "two figures are no number"


ADDRESS = "Lindenweg 18, 50667 Koeln"
TELLS_ADDRESS = [
    "The customer lives in Cologne.",
    "She moved to Köln.",
    "The customer lives in K oeln.",
    "She lives in Koel., they say.",
    "The postcode starts with 506.",
    "Her flat is in the Linden street.",
    "It is posted to Lindenwg. this week.",
    "The street is called Lindewneg.",
    "The street is called Lindnweg.",
    "The street is called Lindenweeg.",
    "The street is called Lindenweh.",
    "Her flat is in the Lime way.",
    "Her flat is in the Lime Avenue.",
    "She lives there at house number eighteen.",
    "She lives there at a house number between 17 and 19.",
]


@pytest.mark.parametrize("text", TELLS_ADDRESS)
def test_an_address_is_told_by_a_part_in_other_words(text: str) -> None:
    assert told(text, "contact.address", ADDRESS)
    assert told(text, "contact.address", "Am Markt 3, 1010 Wien") == []


@pytest.mark.parametrize(
    "text", ["A lime is a fruit.", "Cologne has a cathedral.", "Eighteen parcels came.", "506 parcels came.", "Linden trees are green."]
)
def test_the_same_words_of_something_else_tell_no_address(text: str) -> None:
    assert told(text, "contact.address", ADDRESS) == []


@pytest.mark.parametrize(
    "text",
    [
        "Her first name is Anna.",
        "The name is Ann.",
        "The name begins with V.",
        "Her surname is Vogtt.",
        "Her name is Ana Vogt.",
        "The name is anna there.",
    ],
)
def test_a_name_is_told_beside_a_word_of_names(text: str) -> None:
    assert told(text, "identity.name", "Anna Vogt")
    assert told(text, "identity.name", "Zoë Quist") == []


@pytest.mark.parametrize("text", ["Hello Anna, all is well.", "The name is A.", "The name of the vogue is known.", "Anna is here."])
def test_a_greeting_and_a_name_beside_nothing_tell_no_name(text: str) -> None:
    assert told(text, "identity.name", "Anna Vogt") == []


def test_of_a_sensitive_name_each_part_counts_wherever_it_is_no_greeting() -> None:
    assert told("Anna is here.", "identity.name", "Anna Vogt", sensitive=True) == ["Anna"]
    assert told("Hello Anna, all is well.", "identity.name", "Anna Vogt", sensitive=True) == []
    assert told("Only anna lives here.", "identity.name", "Anna Vogt", sensitive=True) == [], "in small letters it is a word"


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("Her mailbox is with GMX.", "GMX"),
        ("The mail goes to gmx dot example.", "gmx dot example"),
        ("Before the at there is vogt.", "vogt"),
        ("It went to anna.vogt there.", "anna.vogt"),
        ("It went to anna-vogt there.", "anna-vogt"),
    ],
)
def test_an_address_of_mail_is_told_by_its_box_and_its_host(text: str, span: str) -> None:
    assert span in told(text, "contact.email", "anna.vogt@gmx.example")
    assert told(text, "contact.email", "zoe.quist@posteo.example") == []


@pytest.mark.parametrize("text", ["GMX is a company.", "Anna and Vogt went there.", "We will mail you."])
def test_words_of_no_mail_tell_no_address(text: str) -> None:
    assert told(text, "contact.email", "anna.vogt@gmx.example") == []


@pytest.mark.parametrize(
    ("value", "text", "span"),
    [
        ("Old Harbour", "It was paid at the Harbour, the Old one.", "Harbour, the Old"),
        ("Old Harbour", "It was paid at Oldharbour.", "Oldharbour"),
        ("Old Harbour", "It was paid at O. Harbour.", "O. Harbour"),
        ("Wanderlust", "It was paid at Wander lust.", "Wander lust"),
        ("Wanderlust", "It was paid at Wanderlsut.", "Wanderlsut"),
        ("Wanderlust", "It was paid at Wanderlust.", "Wanderlust"),
    ],
)
def test_a_thing_is_told_in_other_order_apart_or_mistyped(value: str, text: str, span: str) -> None:
    assert any(span in one or one in span for one in told(text, "payment.merchant", value))
    assert told(text, "payment.merchant", "Green Grocer") == []


def test_a_word_is_told_by_the_first_letters_of_lines() -> None:
    text = "All is well.\nCould you wait?\nThanks.\nIndeed.\nVery soon.\nEven today."
    assert told(text, "account.state", "active")
    assert told(text, "account.state", "closed") == []


def test_a_small_value_is_told_by_first_letters_beside_no_label() -> None:
    text = "All is well.\nCould you wait?\nThanks.\nIndeed.\nVery soon.\nEven today."
    assert find_withheld(text, {"account.state": "active"}) == ()
    assert find_withheld(text, {"account.state": "active"}, facts=READER) != ()
    assert find_withheld(text, {"account.state": "closed"}, facts=READER) == ()


def test_what_follows_from_another_customers_value_is_withheld_as_theirs() -> None:
    others = OtherCustomersData(values=("1987-05-14",))
    text = "Her birthday is on the 14th."
    assert {one.why for one in find_withheld(text, {}, others=others, facts=READER)} == {"other"}
    assert find_withheld("Her birthday is on the 15th.", {}, others=others, facts=READER) == ()


def test_nothing_follows_from_what_the_case_itself_may_tell() -> None:
    text, values = "It was delivered yesterday.", {"order.delivered_on": "2026-11-28"}
    assert find_withheld(text, values, facts=READER)
    quiet = FactReader(words=READER.words, today=TODAY, quiet=frozenset(values))
    assert find_withheld(text, values, facts=quiet) == ()
    assert find_withheld(text, values, facts=READER, everyday=list(values)) == ()
    assert find_withheld(text, values, facts=READER, everyday=list(values), about=list(values)) != ()
