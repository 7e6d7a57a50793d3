"""Amounts of money in more of the ways people write them: number words run together, after the currency, in German, as powers of ten, as a multiple.

The plain ways are in `words_claims`.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from remit.domain.any_case import AnyCase

_UNITS: Final = {
    **{word: number for number, word in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"])},
    "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "ninty": 90,
    "a": 1, "hundred": 100, "hundert": 100, "thousand": 1000, "tausend": 1000, "million": 1_000_000,
    "null": 0, "ein": 1, "eins": 1, "zwei": 2, "zwo": 2, "drei": 3, "vier": 4, "fünf": 5, "fuenf": 5, "sechs": 6, "sieben": 7, "acht": 8,
    "neun": 9, "zehn": 10, "elf": 11, "zwölf": 12, "zwoelf": 12, "sech": 6, "sieb": 7,
    "zwanzig": 20, "dreißig": 30, "dreissig": 30, "vierzig": 40, "fünfzig": 50, "fuenfzig": 50, "sechzig": 60, "siebzig": 70, "achtzig": 80,
    "neunzig": 90, "and": -1, "und": -1,
}  # fmt: skip
_BIG: Final = frozenset({"hundred", "hundert", "thousand", "tausend", "million"})
_WORD: Final = "|".join(sorted((one for one in _UNITS if one != "a"), key=len, reverse=True))
_RUN: Final = rf"(?:a[ -])?(?:{_WORD})(?:[ -]?(?:{_WORD})){{0,11}}"
_CURRENCY: Final = r"(?:EUR|USD|GBP|CHF|euros?|dollars?|bucks|pounds?|quid|francs?|cents?|€|\$|£)"
_TOGETHER: Final = AnyCase(rf"(?<![\w-])(?P<w>{_RUN})[ -]?(?P<c>{_CURRENCY})(?!\w)")
_BEHIND: Final = AnyCase(rf"(?<![\w.])(?P<c>{_CURRENCY})\s?(?P<w>{_RUN})(?![\w-])")
_POWER: Final = AnyCase(rf"(?<![\w.])(?P<m>\d{{1,9}}(?:\.\d{{1,3}})?)e\+?(?P<e>\d{{1,2}})\s?(?P<c>{_CURRENCY})(?!\w)")
_MULTIPLE: Final = AnyCase(
    r"\b(?:refund|pay|credit|reimburse|transfer)(?:\s(?:me|us|him|her|them|back|please|it|the customer)){0,3}\s(?:double|twice|triple|thrice|(?:two|three|four|five|ten|\d{1,3}) times)"
    r"(?=\s(?:the|that|this|as|it|what|my|her|his|their|of)\b|\s*[.!?,;]|\s*$)"
)
_ONE: Final = re.compile(_WORD, re.IGNORECASE)


def more_amounts(folded: str) -> Iterator[tuple[int, int, Decimal, str]]:
    """Start, end, number and currency, as it is written, of every such amount."""
    for found in (*_TOGETHER.finditer(folded), *_BEHIND.finditer(folded)):
        if counted := _counted(found["w"]):  # "pounds and euros" is no amount
            yield found.start(), found.end(), Decimal(counted), folded[slice(*found.span("c"))]
    for found in _POWER.finditer(folded):
        yield found.start(), found.end(), Decimal(found["m"]) * 10 ** int(found["e"]), folded[slice(*found.span("c"))]


def multiples(folded: str) -> Iterator[tuple[int, int]]:
    """Where a multiple of an amount is asked for: it is never what is asked."""
    for found in _MULTIPLE.finditer(folded):
        yield found.span()


def _counted(words: str) -> int:
    """What a run of number words says: English ones one after the other, German ones with the small one first."""
    total = part = 0
    for word in (found[0].lower() for found in _ONE.finditer(words)):
        number = _UNITS[word]
        if word in {"thousand", "tausend", "million"}:
            total += max(part, 1) * number
            part = 0
        elif word in _BIG:
            part = max(part, 1) * number
        elif number > 0:
            part += number
    return total + part
