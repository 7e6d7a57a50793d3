"""The shapes of secrets and personal numbers in plain text, put together: by form, by label, by lot, by check digits.

Each has a module of its own. Reading disguised text is in `secret_disguises`; what is done with a finding is in `secrets`.
"""

import re
from collections.abc import Iterator
from typing import Final

from remit.domain.check_digits import is_us_ssn
from remit.domain.secret_anchors import small
from remit.domain.secret_forms import found_forms, found_seeds
from remit.domain.secret_kinds import GUESSABLE, PERSONAL, Found
from remit.domain.secret_kinds import SecretClass as SecretClass  # noqa: PLC0414  # as above
from remit.domain.secret_labels import found_labelled
from remit.domain.secret_numbers import found_numbers
from remit.domain.secret_tokens import found_known, found_tokens, runs

_SSN: Final = re.compile(r"\d(?<![\w-]\d)\d{2}-\d{2}-\d{4}(?![\w-])")
_DIGITS: Final = re.compile(r"\d")
_YOURS: Final = re.compile(
    r"(?P<v>\d(?<![\d#.,$€£]\d)(?:\d{2}[ -]?\d{3}|\d{3,7}))\s(?:is|as|ist|lautet)\s(?:your|my|the|ihr|dein|der|mein)e?r?\s(?:[\w-]+\s){0,2}(?:\w{0,16}code|otp|pin|m?tan|passcode)\b",
    re.IGNORECASE,
)
_DIGITS_TOLD: Final = re.compile(
    r"(?:\b\d|four|five|six|seven|eight|vier|fünf|sechs)[ -]?(?:digits?|stellige[rn]?|ziffern)(?: code| pin| number)?(?:\s(?!is\b|are\b|ist\b)[\w-]{1,20}){0,7}(?:\s(?:is|are|was|ist|lautet)|:)\s{0,2}(?P<v>\d(?:[ -]?\d){3,8})(?![\d])",
    re.IGNORECASE,
)
_BACK: Final = re.compile(
    r"(?:three|\b3|four|\b4|drei)[ -]?(?:digits?|numbers|ziffern)(?:\s(?!is\b|are\b|sind\b)[\w-]{1,20}){0,7}\s(?:back|rückseite)(?:\s(?!is\b|are\b|sind\b)[\w-]{1,20}){0,5}(?:\s(?:is|are|sind)|:)\s{0,2}(?P<v>\d(?:[ -]?\d){2,3})(?![\d])",
    re.IGNORECASE,
)
_COUNTED: Final = ("digit", "stellig", "ziffern", "numbers")
_CODE: Final = ("code", "otp", "pin", "tan")


def found_plain(text: str) -> Iterator[Found]:
    """Everything found in one text as it stands; findings may overlap."""
    yield from found_forms(text)
    yield from found_tokens(text)
    yield from found_labelled(text)
    yield from found_seeds(text)
    if not _DIGITS.search(text):
        return
    yield from found_numbers(text)
    low = small(text)
    for match in _YOURS.finditer(text) if any(word in low for word in _CODE) else ():
        yield "one_time_code", match.start("v"), match.end("v"), GUESSABLE
    if any(word in low for word in _COUNTED):
        for kind, pattern in (("one_time_code", _DIGITS_TOLD), ("card_code", _BACK)):
            for match in pattern.finditer(text):
                yield kind, match.start("v"), match.end("v"), GUESSABLE


def found_backwards(text: str, *, known: bool = True) -> Iterator[Found]:
    """Only what has an unmistakable form: for text read backwards. `known`: it may have tokens of known issuers."""
    if "://" in text or "PRIVATE KEY" in text:
        yield from found_forms(text)
    for start, _, run in runs(text) if known else ():
        yield from found_known(run, start)
    for match in _SSN.finditer(text):
        if is_us_ssn(match[0]):
            yield "national_id", match.start(), match.end(), PERSONAL
