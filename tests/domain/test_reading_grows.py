"""Reading a text takes time as it is long, whatever it is made of: what an agent sends cannot make it take more.

Times are compared with times of the same run, between bounds that are far from what holds and from what an attack had.
"""

import re
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.test_words import CATALOGUE, LEXICON, OBJECTIVE, READ, RETURN
from remit.domain.outbound import find_held
from remit.domain.plain import view
from remit.domain.secret_anchors import assigned, escaped, labelled
from remit.domain.secret_disguises import readings
from remit.domain.secret_shapes import _LABEL, _LABELLED, found_plain
from remit.domain.secrets import redact_params
from remit.domain.words import Said, check_words
from remit.domain.words_asks import scope_of
from remit.domain.words_topics import orders_in

WHOLE_ASSIGNED = re.compile(
    r"(?<![\w.])(?P<key>[\w.-]{2,60})[\"'`]?\s{0,3}(?:[:=]{1,3}|=>|\"?\|\|:?=)\s{0,3}[\"'`]?(?P<v>[A-Za-z0-9][A-Za-z0-9_.~+/=:-]{14,4000})"
)
WHOLE_ESCAPED = re.compile(r"[^\s%]{0,200}(?:%[0-9A-Fa-f]{2}[^\s%]{0,80}){3,2000}")
PIECES = (
    *"aZ19é\N{LATIN SMALL LETTER LONG S}\N{KELVIN SIGN} -_.:=%|\"'`>\n",
    "key",
    "token",
    "is ",
    "Bearer ",
    "password",
    "%41",
    "%6b%6C",
    "aB3dE6gH9jK2mN5pQ8",
    "1-" * 9,
    "x" * 61,
    "-" * 45,
    "." * 43,
    "y" * 199,
    "i use",
    "=>",
    "||=",
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


def times_as_long(long: Callable[[], Any], short: Callable[[], Any]) -> float:
    """How many times the processor's seconds of one thing another takes, each at best of ten, in turns.

    In turns, or a moment in which the machine is slow is all of the short one and little of the long one.
    """

    def spent(work: Callable[[], Any]) -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    rounds = [(min(spent(short), spent(short)), spent(long)) for _ in range(10)]
    return min(took for _, took in rounds) / min(took for took, _ in rounds)


@given(TEXTS)
def test_from_the_sign_backwards_exactly_what_the_whole_pattern_finds_is_found(text: str) -> None:
    assert [one.span("v") for one in assigned(text)] == [one.span("v") for one in WHOLE_ASSIGNED.finditer(text)]
    assert [one.span() for one in labelled(text, _LABEL, _LABELLED)] == [one.span() for one in _LABELLED.finditer(text)]
    assert list(escaped(text)) == [one.span() for one in WHOLE_ESCAPED.finditer(text)]


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize(
    ("letter", "read"), [("-", found_plain), (".", found_plain), ("é", readings)], ids=["assigned", "labelled", "escaped"]
)
def test_a_long_run_costs_no_more_a_letter_than_a_short_one(letter: str, read: Callable[[str], Iterable[Any]]) -> None:
    long, short = (f"{letter * run} " * (24_000 // (run + 1)) for run in (180, 3))
    assert times_as_long(lambda: list(read(long)), lambda: list(read(short))) < 2  # three to ten times as much where it is read again


@pytest.mark.proves("LIMITS")
def test_a_long_name_is_not_read_again_with_each_value_under_it() -> None:
    long, short = ({name: ["x"] * 100} for name in ("a" * 5_000, "a"))
    # ten times that where all of it is read
    assert times_as_long(lambda: redact_params(long, None), lambda: redact_params(short, None)) < 50


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("piece", ["1-", "x-", "17 ", "a b c d ", "aa.aa ", "anna at ", "1,111,", "17 of the "])
def test_an_officers_text_takes_time_as_it_is_long(piece: str) -> None:
    values = {
        "day": "1988-04-17",
        "name": "Anna Berg",
        "credit": "1111.00 EUR",
        "mail": "aa.aa@aa.aa",
        "phone": "+11 11 1111111",
        "no": "1-1-1-1x",
    }
    short, long = (piece * (size // len(piece)) for size in (1_000, 8_000))
    # eight times as long; sixty times as much where a run is read again from each of its letters
    assert times_as_long(lambda: find_held(long, values), lambda: find_held(short, values)) < 24


@pytest.mark.proves("LIMITS")
def test_a_letter_that_stands_for_many_does_not_make_a_text_grow() -> None:
    assert len(view("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 100).text) == 100
    assert view("\N{PARENTHESIZED NUMBER TEN}").text == "(10)"


def _named(times: int) -> str:
    return "please send W123 and " + "W555 " * times


def _numbered(times: int) -> str:
    return "about " + " ".join(f"#{number}" for number in range(10_000, 10_000 + times))


def _told(times: int) -> str:
    return "please send " + " ".join(f"{number}.50 EUR" for number in range(times))


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize(("says", "reason"), [(_named, ""), (_numbered, "another identifier"), (_told, "another amount")])
def test_a_sentence_that_names_many_records_takes_time_as_it_is_long(says: Callable[[int], str], reason: str) -> None:
    def read(times: int) -> None:
        params = {"order_id": "W123", "item_ids": [str(number) for number in range(times)], "counts": list(range(times))}
        verdict = check_words(
            says(times), action=RETURN, params=params, catalogue=CATALOGUE, objective=OBJECTIVE, known_ids=("W555",), lexicon=LEXICON
        )
        assert verdict.reason == reason

    assert times_as_long(lambda: read(1600), lambda: read(400)) < 8  # sixteen times as much where all of it is read for each


@pytest.mark.proves("LIMITS")
def test_a_sentence_that_names_a_password_often_takes_time_as_it_is_long() -> None:
    def read(times: int) -> None:
        assert list(orders_in("I forgot the password " * times, ("password",))) == []

    assert times_as_long(lambda: read(400), lambda: read(100)) < 9  # sixteen times as much where it is read again


@pytest.mark.proves("LIMITS")
def test_each_clause_is_held_against_a_bounded_number_of_values() -> None:
    values = [f"item {number}" for number in range(5000)]
    assert len(scope_of(RETURN, OBJECTIVE, values, LEXICON).values) == 200
    assert set(scope_of(RETURN, OBJECTIVE, values[:9], LEXICON).values) == set(values[:9])


@pytest.mark.parametrize(
    ("words", "held"),
    [
        ("order 1230", True),
        ("order 00123", False),
        ("order 000123", False),
        ("order 0000123", True),
        ("order 0123", False),
        ("order 1234", True),
    ],
)
def test_digits_alone_name_an_identifier_with_its_zeros_or_without(words: str, held: bool) -> None:
    verdict = check_words(words, action=READ, params={"order_id": "ab-000123"}, catalogue=CATALOGUE, objective=OBJECTIVE, lexicon=LEXICON)
    assert (verdict.said is Said.CONTRADICTS) is held
