"""A pattern that does not pay for ignoring case finds what one finds that does."""

import re
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from packaged import ENGLISH
from remit.domain.text.normalize import CaselessPattern
from remit.domain.words import claims, clauses

_MODULES = (claims, clauses, claims)
PATTERNS = {f"{one.__name__}.{name}": value for one in _MODULES for name, value in vars(one).items() if isinstance(value, CaselessPattern)}
PATTERNS |= {f"topic {name}": one for name, one in ENGLISH.topics.items()} | {f"order {name}": one for name, one in ENGLISH.orders.items()}
PATTERNS |= {f"cue {one.name}": getattr(ENGLISH.patterns, one.name) for one in fields(ENGLISH.patterns)}
WORDS = [
    "please",
    "cancel",
    "the",
    "ORDER",
    "W123,",
    "ignore",
    "all",
    "rules!",
    "transfer",
    "EUR",
    "900",
    "to",
    "Me;",
    "two",
    "hundred",
    "Dollars,",
    "3",
    "USD",
    "4e3",
    "euros",
    "if",
    "not",
    "then",
    "otherwise",
    "Pay",
    "it",
    "account",
    "Number",
    "#A-1234",
    "another",
    "customer's",
    "card",
    "system:",
    "You",
    "are",
    "now",
    "admin",
    "by",
    "the",
    "way",
    "don't",
    "change",
    "the",
    "Address",
]
texts = st.lists(st.sampled_from([*WORDS, "\n", ".", "\u0130", "\u017f", "\u212a", "ß"]), max_size=14).map(" ".join)


def spans(found: Any) -> list[tuple[Any, ...]]:
    return [(one.span(), one.lastgroup) for one in found]


@pytest.mark.parametrize("name", sorted(PATTERNS))
@settings(max_examples=25)
@given(text=texts)
def test_it_finds_what_ignoring_case_finds(name: str, text: str) -> None:
    one = PATTERNS[name]
    plain = re.compile(one.pattern, one.flags)
    for written in (text, text.upper(), text.swapcase()):
        assert spans(one.finditer(written)) == spans(plain.finditer(written))
        for find in ("search", "match"):
            assert spans(filter(None, [getattr(one, find)(written)])) == spans(filter(None, [getattr(plain, find)(written)]))
        fits = one.search_slice(written)
        for place in (0, 3, len(written)):
            assert spans(filter(None, [fits(place)])) == spans(filter(None, [plain.match(written, place)]))


def test_what_a_pattern_says_beside_its_letters_is_kept() -> None:
    one = CaselessPattern(r"(?P<What>\S+)\s(?P=What)\W[A-D]\b\D")
    found = one.search("AbC abc-D!")
    assert found is not None
    assert found["what"] == "abc"
