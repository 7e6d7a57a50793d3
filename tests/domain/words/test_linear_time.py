"""Reading a text takes time as it is long, whatever it is made of: what an agent sends cannot make it take more.

Times are compared with times of the same run, between bounds that are far from what holds and from what an attack had.
"""

import re
import re._constants as kinds  # type: ignore[import-not-found]  # what a pattern means is told by the interpreter's own reading of it
import re._parser as reading  # type: ignore[import-not-found]  # as above
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.growth import times_as_long
from domain.words.spoken import ADDRESS, LEXICON, OBJECTIVE, READ, RETURN
from packaged import ENGLISH
from remit.domain.catalogue.model import Action
from remit.domain.files import text as file_texts
from remit.domain.files.text import NO_PLACE, ORDERS_BEGIN
from remit.domain.secrets import numbers, tokens
from remit.domain.secrets.entropy import may_be_random, randomness
from remit.domain.secrets.find import BETWEEN, find_in_values, find_labelled, find_secrets, redact_params
from remit.domain.secrets.key_material import find_in_reversed_text
from remit.domain.secrets.kinds import escaped_spans
from remit.domain.secrets.labelled import RULES, _value, find_labelled_values
from remit.domain.secrets.numbers import find_numbers
from remit.domain.secrets.obfuscation import deobfuscated_readings
from remit.domain.secrets.outbound import find_withheld
from remit.domain.secrets.tokens import KNOWN, may_be_backwards
from remit.domain.text.normalize import fold_text
from remit.domain.words.clauses import normalize_layout
from remit.domain.words.requests import ask_scope
from remit.domain.words.verdict import WordsRelation, judge_words

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


@given(TEXTS)
def test_from_the_sign_backwards_exactly_what_the_whole_pattern_finds_is_found(text: str) -> None:
    assert list(escaped_spans(text)) == [one.span() for one in WHOLE_ESCAPED.finditer(text)]


_WORDS = sorted({word for rule in RULES for word in rule.begins.split()})
_VALUES = ("4711", "Harbor#8159x", "k4JQF9qC0uuV2s5v", "a8f3-b2c9", "is", "number", "code", "word", "passcode", " for the ", "Key", "Pin")
_SAID = st.lists(st.sampled_from((*PIECES, *_WORDS, *_VALUES, " ", " is ", ": ", "=")), max_size=14).map("".join)


@settings(max_examples=300)
@given(_SAID)
@example("aBearer %41Bearer %41key")
def test_what_is_looked_for_where_its_word_begins_is_found_wherever_it_is(text: str) -> None:
    assert sorted(set(find_labelled_values(text))) == sorted(set(_tried_everywhere(text)))


def _tried_everywhere(text: str) -> Iterable[tuple[Any, ...]]:
    """Each rule at each letter of the text where a word begins."""
    for rule in RULES:
        done = 0
        for at in range(len(text)):
            within = at and text[at - 1].isalpha() and not (text[at - 1].islower() and text[at].isupper())
            match = None if within or at < done else rule.pattern.match(text, at)
            if match is not None and (found := _value(rule, text, *match.span("v"))) is not None:
                done = found[1] if found[2] - found[1] <= 200 else found[2]
                yield found


@pytest.mark.parametrize("rule", RULES, ids=[f"{number} {rule.kind}" for number, rule in enumerate(RULES)])
def test_every_way_a_rule_begins_is_looked_for(rule: Any) -> None:
    begins = rule.begins.split()
    for first in _first_letters(reading.parse(rule.pattern.pattern, rule.pattern.flags)):
        assert any(first.startswith(word) or word.startswith(first) for word in begins), first


def _first_letters(parsed: Any, most: int = 4) -> set[str]:
    """The letters that a pattern can begin with, as far as they are written out, four at most."""
    ways = {""}
    for kind, value in parsed:
        if all(len(way) >= most for way in ways):
            break
        nexts = _ways(kind, value, most)
        if nexts is None:
            break
        ways = {way if len(way) >= most else (way + one)[:most] for way in ways for one in nexts}
    return ways


def _ways(kind: Any, value: Any, most: int) -> set[str] | None:
    if kind is kinds.LITERAL:
        return {chr(value).lower()}
    if kind is kinds.IN and all(one[0] is kinds.LITERAL for one in value):
        return {chr(one[1]).lower() for one in value}
    if kind is kinds.SUBPATTERN:
        return _first_letters(value[3], most)
    if kind is kinds.BRANCH:
        return {first for way in value[1] for first in _first_letters(way, most)}
    if kind in {kinds.MAX_REPEAT, kinds.MIN_REPEAT}:
        ways = _first_letters(value[2], most)
        return ways if value[0] else {*ways, ""}
    return {""} if kind in {kinds.ASSERT, kinds.ASSERT_NOT, kinds.AT} else None


@pytest.mark.parametrize("name", NO_PLACE)
def test_each_way_an_order_begins_is_looked_for(name: str) -> None:
    order = ENGLISH.orders[name]
    for first in _first_letters(reading.parse(order.pattern, order.flags), most=12):
        assert any(first.startswith(word) or word.startswith(first) for word in ORDERS_BEGIN), first


_ORDERS = st.lists(
    st.sampled_from(
        (
            *ORDERS_BEGIN,
            *(
                "IGNORE",
                "Ignored",
                "instructions",
                "all",
                " ",
                " ",
                " ",
                "\n",
                "'",
                "-",
                "_",
                "9",
                "\u00e9",
                "\u0130gnore",
                "\u017fkip rules",
            ),
            *("without", "approval", "before", "the customer", "tell", "as", "if", "approved", "a bot", "act as a", "set it as paid"),
        )
    ),
    max_size=10,
).map("".join)


@settings(max_examples=300)
@given(_ORDERS)
def test_an_order_is_found_wherever_it_stands(text: str) -> None:
    plain = text if text.isascii() else fold_text(text).text
    assert file_texts._holds_order(plain, ENGLISH) is any(ENGLISH.orders[name].search(plain) is not None for name in NO_PLACE)


def test_no_letter_of_another_alphabet_is_read_as_a_plain_one_but_where_it_is_folded() -> None:
    others = "".join(chr(code) for code in range(128, 0x110000) if not 0xD800 <= code < 0xE000)
    for letter in re.findall(r"[a-z]", others, re.IGNORECASE):
        assert fold_text(letter).text.replace("\u0130", "I").isascii()
    assert [letter for letter in others if len(letter.lower()) != 1] == ["\u0130"]


@given(
    st.lists(
        st.sampled_from(
            ("1", "22", "333", "4444", "55555", "653-77-1553", "4111", " ", "-", ".", "/", "x", "DE", "A", ",", "12345678Z", "850101")
        ),
        max_size=12,
    ).map("".join)
)
def test_numbers_are_found_though_most_digits_are_passed_over(text: str) -> None:
    found = list(find_numbers(text))
    kept = numbers._RUN
    numbers._RUN = re.compile(r"\d+")  # type: ignore[misc]
    try:
        assert found == list(find_numbers(text))
    finally:
        numbers._RUN = kept  # type: ignore[misc]


@given(st.text(alphabet="aB3-_.xZ9q", max_size=40))
def test_nothing_is_random_that_is_not_worth_looking_at(text: str) -> None:
    assert may_be_random(text) or randomness(text) == 0


@given(st.lists(st.sampled_from((*KNOWN, "-", "_", "/", "a", "Z", "9", "=")), max_size=8).map("".join))
def test_known_beginnings_are_found_wherever_one_may_begin(run: str) -> None:
    places = {at for at in range(len(run)) if (at == 0 or not run[at - 1].isalnum()) and run.startswith(tuple(KNOWN), at)}
    assert {at for at, _ in tokens._known_places(run)} == places


@given(st.lists(st.sampled_from((*KNOWN, "k4JQF9qC0uuV2s5vB3L897RqN", "AKIA3HPWT7USTSO6W3CN", "-", " ", "a")), max_size=5).map("".join))
def test_what_is_known_is_looked_for_backwards_wherever_it_may_stand(text: str) -> None:
    back = text[::-1]
    assert list(find_in_reversed_text(text)) == list(find_in_reversed_text(text, known=may_be_backwards(back)))


_HOSTILE = (
    *(
        "a",
        "A1-",
        "1 ",
        "https://a?b&",
        "http://a/",
        "a b ",
        "%41",
        "%4",
        "one ",
        "DE12",
        "x\n",
        "1\n",
        "eyJ",
        "-eyJ",
        "a.b@",
        "key=",
        "k1=",
        "sk_live_",
        "ghp_",
    ),
    *(
        "4111 1111 ",
        "a@",
        "(",
        '"',
        "a.b.",
        "-",
        ".",
        "é",
        "\u200b",
        "-" * 31 + "%41",
        "\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}",
        "://",
        "://a:",
        "://a:b@",
    ),
    *(
        "&#65;",
        "\\u0041",
        "=41",
        "=\n",
        "then 1 ",
        "MII",
        "PRIVATE KEY",
        "-----BEGIN PRIVATE KEY-----",
        "PuTTY-User-Key-File-3",
        '"kty""d":"',
        "a/",
        "a:",
        "a=",
        "=:",
    ),
    *(
        "1.",
        "12 ",
        "123-",
        "aaa ",
        "seed: abc ",
        "recovery code a-",
        "password a b c d ",
        "cookie: a=bbbbbb;",
        "basic ",
        "-u a",
        "X1",
        "aB3dE6gH9j",
        "aB3dE6gH9j.",
        "/reset/",
    ),
    *(
        "\\",
        "\\/",
        "7a",
        "7a ",
        "0x7a ",
        "QUJD",
        "QUJDREVG ",
        "[",
        "{",
        "<",
        "?token=",
        "&t=",
        "yek ",
        "drowssap ",
        "street 1 ",
        "1 A ",
        "Aa-",
        "fe80:",
        "::",
        "1.2.",
        "+1 ",
        "e\u0301",
    ),
    *("a" * 200 + "=", "token: " + "b1" * 90, "http://" + "a/" * 100, *(f"{word} " for word in _WORDS)),
)


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("piece", sorted(set(_HOSTILE)))
def test_a_text_made_of_anything_takes_time_as_it_is_long(piece: str) -> None:
    short, long = (piece * (size // len(piece) + 1) for size in (2_000, 16_000))
    # eight times as long, and a bounded number of letters is read again from some; 64 times as much where all are
    assert times_as_long(lambda: find_secrets(long, contacts=True), lambda: find_secrets(short, contacts=True), most=24, rounds=3) < 24


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(("pin", "note", "order id", "token", "x")), _SAID), max_size=6))
@example([("token", "4711Bearer password%41")])
@example([("pin", "Bearer k3yZBearer k3yZBearer ")])
def test_many_values_are_read_as_each_alone(values: list[tuple[str, str]]) -> None:
    together = find_in_values(values)
    assert len(together) == len(values)
    for (name, text), found in zip(values, together, strict=True):
        spans = sorted((one.start, min(one.end, len(text))) for one in find_labelled(name, text))
        first = {text[start:end]: (start, end) for start, end in reversed(spans)}  # what one of many reveals is not found again in it
        alone = set(first.values())
        for one in found:
            assert 0 <= one.start < one.end <= len(text)
        if BETWEEN.strip() not in text and name != "order id":
            covered = {at for one in found for at in range(one.start, one.end)}
            assert all(at in covered or text[at].isspace() for start, end in alone for at in range(start, end)), (alone, found)


@pytest.mark.proves("LIMITS")
def test_a_long_run_costs_no_more_a_letter_than_a_short_one() -> None:
    long, short = (f"{'é' * run} " * (24_000 // (run + 1)) for run in (180, 3))
    assert (
        times_as_long(lambda: list(deobfuscated_readings(long)), lambda: list(deobfuscated_readings(short)), most=2) < 2
    )  # ten times as much where it is read again


@pytest.mark.proves("LIMITS")
def test_a_long_name_is_not_read_again_with_each_value_under_it() -> None:
    long, short = ({name: ["x1"] * 100} for name in ("ab " * 5_000, "ab"))
    # ten times that where all of it is read
    assert times_as_long(lambda: redact_params(long, None), lambda: redact_params(short, None), most=50) < 50


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
    assert times_as_long(lambda: find_withheld(long, values), lambda: find_withheld(short, values), most=24, rounds=3) < 24


@pytest.mark.proves("LIMITS")
def test_a_letter_that_stands_for_many_does_not_make_a_text_grow() -> None:
    assert len(fold_text("\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}" * 100).text) == 100
    assert fold_text("\N{PARENTHESIZED NUMBER TEN}").text == "(10)"


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
        verdict = judge_words(says(times), action=RETURN, params=params, objective=OBJECTIVE, known_ids=("W555",), lexicon=LEXICON)
        assert verdict.reason == reason

    assert times_as_long(lambda: read(1600), lambda: read(400), most=8) < 8  # sixteen times as much where all of it is read for each


@pytest.mark.proves("LIMITS")
def test_a_sentence_that_names_a_password_often_takes_time_as_it_is_long() -> None:
    def read(times: int) -> None:
        assert list(ENGLISH.orders_in("I forgot the password " * times, ("password",))) == []

    assert times_as_long(lambda: read(400), lambda: read(100), most=9) < 9  # sixteen times as much where it is read again


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize("piece", ["so, then see to it ", "if it is so, look. ", "it is not so, but see "])
def test_a_message_of_many_conditions_takes_time_as_it_is_long(piece: str) -> None:
    short, long = (piece * (size // len(piece)) for size in (25_000, 400_000))
    # sixteen times as long; ninety times as much where all of it is made small again for each of them
    assert times_as_long(lambda: normalize_layout(long, ENGLISH), lambda: normalize_layout(short, ENGLISH), rounds=3, most=40) < 40


def _upgraded(times: int) -> str:
    return "please see this, " + "upgrade to business and " * times


def _whence(times: int) -> str:
    return "please look at this one, " + "it is 99999 (same as W124) and " * times


@pytest.mark.proves("LIMITS")
@pytest.mark.parametrize(("says", "action", "named"), [(_upgraded, ADDRESS, "address"), (_whence, READ, "order_id")])
def test_what_an_asks_values_are_looked_for_behind_takes_time_as_it_is_long(says: Callable[[int], str], action: Action, named: str) -> None:
    def read(times: int, values: int) -> None:
        params = {named: "W123", "cabin": "business", "zips": [f"1{number:04}" for number in range(values)]}
        judge_words(says(times), action=action, params=params, objective=OBJECTIVE, lexicon=LEXICON)

    # eight times as long; forty times as much where all of it is read again for each of them
    assert times_as_long(lambda: read(25_600, 10), lambda: read(3_200, 10), rounds=3, most=18) < 18
    assert (
        times_as_long(lambda: read(6400, 12_800), lambda: read(6400, 200), rounds=3, most=3) < 3
    )  # what is held against each value takes five


@pytest.mark.proves("LIMITS")
def test_each_clause_is_held_against_a_bounded_number_of_values() -> None:
    values = [f"item {number}" for number in range(5000)]
    assert len(ask_scope(RETURN, OBJECTIVE, values, LEXICON, params={}).values) == 200
    assert set(ask_scope(RETURN, OBJECTIVE, values[:9], LEXICON, params={}).values) == set(values[:9])


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
    verdict = judge_words(words, action=READ, params={"order_id": "ab-000123"}, objective=OBJECTIVE, lexicon=LEXICON)
    assert (verdict.said is WordsRelation.CONTRADICTS) is held
