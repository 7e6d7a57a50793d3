"""Spellings of one value that a text may have, and what a value is not found in."""

import pytest

from remit.domain.text.normalize import fold_text
from remit.domain.text.spellings import spelling_patterns
from remit.domain.values import Json


def found(value: Json, text: str) -> bool:
    return any(pattern.search(fold_text(text).text) for pattern in spelling_patterns(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": ["x", {"b": "Lindenweg 4"}]}, "at Lindenweg  4"),
        (["W 10", 12345], "it is 12 345"),
        (-1234, "minus 1.234,00"),
        ("1234.50 EUR", "1.234,50 \u20ac"),
        ("1234.50 EUR", "that is 1234.5"),
        ("5 GBP", "\u00a35.00"),
        ("7 SEK", "SEK 7"),
        ("pm-7Q4-22", "pm 7q4 22"),
        ("Jean-Luc O'Neil", "ONEIL? O'Neil, Jean-Luc"),
        ("\u0141ukasz \u00d8rsted", "Lukasz Oersted"),
        ("Lindenweg 4, Hamburg, D-20095", "to Lindenweg 4"),
        ("2026-03-01", "on the 1st of March '26"),
        ("2026-03-01", "3/1/26"),
    ],
)
def test_a_value_is_found_in_a_spelling(value: Json, text: str) -> None:
    assert found(value, text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none None"),
        (True, "True true yes"),
        ("ab", "ab"),
        (123, "123"),
        ("12-3", "12-3"),
        ("5 GBP", "it is 5"),
        ("1234.50 EUR", "11234.50"),
        ("Jo Li", "Li Jo"),
        ("Lindenweg 4, Hamburg, D-20095", "to Hamburg"),
        ("2026-13-45", "the 45th"),
        ("pm-7Q4-22", "xpm7q422"),
        ("a1" * 40, " ".join("a1" * 40)),
    ],
)
def test_what_says_no_such_value_is_free(value: Json, text: str) -> None:
    assert not found(value, text)
