"""Facts that follow from a value: no text breaks their reading, its time is linear, and their words are data."""

import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from remit.adapters.files.vocabulary import read_fact_words
from remit.domain.secrets.derived_facts import derived_facts
from remit.domain.secrets.fact_text import FactReader
from remit.domain.secrets.outbound import find_withheld
from remit.domain.secrets.value_tokens import token_text
from remit.domain.text.tokens import tokens_of
from remit.domain.values import Json

READER = FactReader(words=read_fact_words(), today=date(2026, 11, 29))
VALUES: dict[str, Json] = {
    "identity.name": "Anna Vogt",
    "identity.birth_date": "1988-02-29",
    "order.delivered_on": ["2026-11-23", "2020-01-02"],
    "contact.email": "anna.vogt@gmx.example",
    "contact.phone": "+49 40 5550142",
    "contact.address": "Rue Haute 9, 1000 Bruxelles",
    "employment.salary": "48000.00 EUR",
    "payment.merchant": "Old Harbour",
    "order.pieces": 4200,
}
PIECES = [
    "born",
    "last",
    "first",
    "39",
    "7",
    "between",
    "and",
    "plus",
    "twice",
    "a",
    "half",
    "thousand",
    "Linden",
    "st",
    ".",
    "\n",
    "May",
    "80s",
    "in",
    "9" * 5000,
]


@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join)))
@settings(max_examples=60, deadline=None)
def test_no_text_breaks_the_reading(text: str) -> None:
    held = find_withheld(text, VALUES, facts=READER)
    assert all(0 <= one.start <= one.end <= len(text) for one in held)


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("quatre-vingt-dix-sept", "97"),
        ("soixante et onze", "71"),
        ("dix-neuf cent quatre-vingt-sept", "1987"),
        ("eenentwintig", "21"),
        ("mil novecientos ochenta y siete", "1987"),
        ("quarantadue", "42"),
        ("tysiąc dziewięćset osiemdziesiąt siedem", "1987"),
        ("once upon a time he was sei", ""),
        ("twice 42", "4242"),
        ("twice five hundred", "500"),
        ("dreimal die Fünf", "555"),
        ("a hundred and eighth", "108"),
    ],
)
def test_numbers_are_read_in_other_languages(text: str, figures: str) -> None:
    found = [token.digits for token in tokens_of(text) if token.digits]
    assert "".join(found) == figures


@pytest.mark.parametrize("piece", ["born may 39 last 00 ", "eight two one ", "between 5 and 9 plus ", "\n-", "Anna. lives in Brux. "])
def test_reading_takes_time_linear_in_the_text(piece: str) -> None:
    def spent(times: int) -> float:
        text = (piece * times)[: times * 10]
        began = time.process_time()
        for name, value in VALUES.items():
            list(derived_facts(READER.read(token_text(text)), name, value))
        return time.process_time() - began

    spent(50)
    assert spent(1600) < 40 * max(min(spent(200) for _ in range(3)), 0.002)
