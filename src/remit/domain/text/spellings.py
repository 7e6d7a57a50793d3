"""Spellings of one value in prose, as patterns to search a folded text for.

⚔ Every repetition is bounded: reading takes time linear in the text's length.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from remit.domain.text.normalize import fold_text
from remit.domain.values import Json

_MIN_LENGTH: Final = 3
_MIN_NUMBER_LENGTH: Final = 4
_MIN_PHONE_LENGTH: Final = 7
_MIN_PART_LENGTH: Final = 6
_MIN_TOKEN_LENGTH: Final = 5
_MAX_TOKEN_LENGTH: Final = 64
_MAX_NAMES: Final = 4
_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_MONEY: Final = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,3}))? ([A-Z]{3})", re.ASCII)
MONTHS: Final = tuple(
    tuple(names.split())
    for names in (
        "january jan januar janvier janv enero ene gennaio gen janeiro januari styczen stycznia",
        "february feb februar fevrier fevr febrero febbraio fevereiro fev februari luty lutego",
        "march mar maerz mars marzo março maart mrt mär marzec marca",
        "april apr avril avr abril abr aprile kwiecien kwietnia",
        "may mai mayo maggio mag maio mei maj maja",
        "june jun juni juin junio giugno giu junho czerwiec czerwca",
        "july jul juli juillet juil julio luglio lug julho lipiec lipca",
        "august aug aout agosto ago augustus sierpien sierpnia",
        "september sept sep septembre septiembre settembre set setembro wrzesien wrzesnia",
        "october oct oktober okt octobre octubre ottobre ott outubro out pazdziernik pazdziernika",
        "november nov novembre noviembre novembro listopad listopada",
        "december dec dezember dez decembre diciembre dic dicembre dezembro grudzien grudnia",
    )
)
"""Month names, long and short, in the languages a desk may speak."""
_BETWEEN: Final = r"[\s.,/'_-]{0,3}(?:(?:day )?(?:of|de|del|di|do) (?:the )?)?"
_GAP: Final = r"[\s().,+/_-]{0,3}"
_WORDS_APART: Final = r"[\s,;/_.-]{1,8}"
_SIGNS_APART: Final = r"[\s./_-]{0,2}"
_THOUSANDS_APART: Final = "[ .,']?"
_SPACE: Final = re.compile(r"[\s,;]+")
_NAMES_APART: Final = r"[\s,;/_.-]{0,8}"
_CURRENCIES: Final[Mapping[str, str]] = {
    "CHF": r"CHF|fr\.|francs?",
    "EUR": r"EUR|€|euros?",
    "GBP": r"GBP|£|pounds?|quid",
    "JPY": r"JPY|¥|yen",
    "USD": r"USD|(?:US)?\$|dollars?|bucks",
}
_DIGRAPHS: Final[Mapping[str, str]] = {
    "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "oe", "å": "aa", "æ": "ae", "œ": "oe",
}  # fmt: skip
_PLAIN_LETTERS: Final[Mapping[str, str]] = {"ø": "o", "ł": "l", "đ": "d", "ß": "s"}


def spelling_patterns(value: Json) -> Iterator[re.Pattern[str]]:
    """Yield patterns of a value's spellings. A bare yes or no, or a very short text, is not identifying."""
    if isinstance(value, bool) or value is None:
        return
    if isinstance(value, int | Decimal):
        yield from _number(f"{value:f}" if isinstance(value, Decimal) else str(value))
    elif isinstance(value, str):
        for pattern in _text(fold_text(value).text.strip()):
            yield re.compile(pattern, re.IGNORECASE)
    else:
        for member in value.values() if isinstance(value, Mapping) else value:
            yield from spelling_patterns(member)


def _number(plain: str) -> Iterator[re.Pattern[str]]:
    whole, _, part = plain.lstrip("-").partition(".")
    if len(whole) + len(part) >= _MIN_NUMBER_LENGTH:
        yield re.compile(_digits(whole + part))
        yield re.compile(_amount(whole, part))


def _digits(digits: str, *, before: str = "") -> str:
    """Return the pattern of a row of digits with the separators of phone numbers and the like."""
    return rf"(?<![0-9])[+(]{{0,2}}{before}{_GAP.join(digits)}(?![0-9])"


def _amount(whole: str, part: str) -> str:
    """Return the pattern of an amount, with or without thousands separators, its fraction behind a point or comma."""
    head = whole.lstrip("0") or "0"
    first = len(head) % 3 or 3
    groups = [head[:first], *(head[at : at + 3] for at in range(first, len(head), 3))]
    cents = part.rstrip("0")
    tail = rf"[.,]{cents}0{{0,2}}" if cents else r"(?:[.,](?:0{1,3}|-))?"
    return rf"(?<![0-9])(?<![0-9][.,]){_THOUSANDS_APART.join(groups)}{tail}(?![0-9])(?![.,][0-9])"


def _text(plain: str) -> Iterator[str]:
    """Yield the patterns of a text that was folded like the texts to be searched."""
    if re.fullmatch(r"[0-9+()\s./-]+", plain) and any(letter.isdigit() for letter in plain):
        yield from _figures(plain)
    elif len(plain) >= _MIN_LENGTH:
        yield _words(plain, _WORDS_APART)
        yield from _otherwise(plain)
    yield from _dates(plain)


def _figures(plain: str) -> Iterator[str]:
    digits = re.sub(r"[^0-9]", "", plain)
    if len(digits) < _MIN_NUMBER_LENGTH:
        return
    yield _digits(digits)
    if plain.startswith("+"):  # a phone number, as dialled within its country
        for code in (1, 2, 3):
            if len(digits) - code >= _MIN_PHONE_LENGTH:
                yield _digits(digits[code:], before=r"0?[\s)/-]{0,2}")


def _otherwise(plain: str) -> Iterator[str]:
    """Yield other spellings by shape: an amount, an address, a name, a number with letters in it."""
    money = _MONEY.fullmatch(plain)
    words = _SPACE.split(plain)
    if money is not None:
        amount, currency = _amount(money[1], money[2] or ""), _CURRENCIES.get(money[3], money[3])
        yield rf"(?<!\w)(?:{currency})\s{{0,2}}{amount}|{amount}\s{{0,2}}(?:{currency})(?!\w)"
        if len(money[1]) >= _MIN_NUMBER_LENGTH:
            yield amount
    elif re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,190}", plain):
        yield _mail(plain)
    elif len(words) == 1 and _mixed(plain) and _MIN_TOKEN_LENGTH <= len(plain) <= _MAX_TOKEN_LENGTH:
        signs = [re.escape(letter) for letter in plain if letter.isalnum()]
        yield rf"(?<!\w){_SIGNS_APART.join(signs)}(?!\w)"
    elif 1 < len(words) <= _MAX_NAMES and all(word.replace("-", "").replace("'", "").isalpha() for word in words):
        if len(plain) > _MIN_PART_LENGTH:
            yield _words(plain, _NAMES_APART)
            yield _words(" ".join([words[-1], *words[:-1]]), _NAMES_APART)
    else:
        # A part of an address identifies as well: a street with its number, a town with its code.
        parts = [part.strip() for part in re.split(r"[,;\n]", plain)]
        if len(parts) > 1:
            yield from (_words(part, _WORDS_APART) for part in parts if len(part) >= _MIN_PART_LENGTH and _mixed(part))


def _mixed(text: str) -> bool:
    return any(letter.isdigit() for letter in text) and any(letter.isalpha() for letter in text)


def _mail(address: str) -> str:
    at, dot = r"\s{0,2}(?:@|[\[(]\s?at\s?[\])]|\bat\b)\s{0,2}", r"\s{0,2}(?:\.|[\[(]\s?dot\s?[\])]|\bdot\b)\s{0,2}"
    name, _, host = address.partition("@")
    return rf"(?<!\w){at.join(dot.join(map(_spelled, half.split('.'))) for half in (name, host))}(?!\w)"


def _words(plain: str, apart: str) -> str:
    return rf"(?<!\w){apart.join(_spelled(word) for word in _SPACE.split(plain) if word)}(?!\w)"


def _spelled(word: str) -> str:
    """Return a word with its letters' alternative spellings: without their marks, or as two letters."""
    return "".join(map(_letter, word))


def _letter(letter: str) -> str:
    if letter.isascii():
        return re.escape(letter)
    small = letter.lower()
    plain = _PLAIN_LETTERS.get(small, unicodedata.normalize("NFD", small)[0])
    others = sorted({small, plain, _DIGRAPHS.get(small, small)})
    return rf"(?:{'|'.join(map(re.escape, others))})"


def _dates(text: str) -> Iterator[str]:
    """Yield a date in words and in figures, in any order, with or without its century."""
    found = _DAY.match(text)
    if found is None:
        return
    try:
        day = date(*map(int, found.groups()))
    except ValueError:
        return
    number, month, year = rf"0?{day.day}", rf"0?{day.month}", f"{day.year:04}"
    nth = rf"{number}(?:st|nd|rd|th)?"
    name = rf"(?:{'|'.join(map(_spelled, MONTHS[day.month - 1]))})"
    any_year = rf"(?:{year}|'?{year[2:]})"
    for first, second, third in ((nth, name, any_year), (name, nth, any_year), (year, name, nth)):
        yield rf"(?<!\w){first}{_BETWEEN}{second}{_BETWEEN}{third}(?!\w)"
    close, apart = r"[\s.,/_-]{0,3}", r"[\s.,/_-]{1,3}"
    for first, second, third in ((year, month, number), (number, month, year), (month, number, year)):
        yield rf"(?<![0-9]){first}{close}{second}{close}{third}(?![0-9])"
    for first, second in ((number, month), (month, number)):
        yield rf"(?<![0-9]){first}{apart}{second}{apart}'?{year[2:]}(?![0-9])"
