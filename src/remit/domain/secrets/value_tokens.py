"""Customer values in the words of a text: numbers in words, dates in any spelling, rare parts of addresses, spelled letters.

Values and text become the same tokens, and are compared as such. ⚔ Time is linear in the text for each value.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final, TypeAlias

from remit.domain.structs import struct
from remit.domain.text.spellings import MONTHS
from remit.domain.text.tokens import Token, plain_word, tokens_of
from remit.domain.values import Json, leaves

Span: TypeAlias = tuple[int, int]

_WHOLE: Final = 5
"""Figures of a number that identify it wherever they stand."""
_PART: Final = 6
"""Figures of a longer number that do."""
_LONG: Final = 9
_GROUP: Final = 4
"""Figures of one group of a number with several; an ending that is called one."""
_ROW_GAP: Final = 5
"""Words between numbers that are still read as one row."""
_LETTER_GAP: Final = 2
_MIN_LETTERS: Final = 3
_MIN_STREET: Final = 6
_MAX_NAMES: Final = 4
_MOST_WORDS: Final = 5
_NEAR: Final = 3
_WINDOW: Final = 40
"""Tokens within which day, month and year belong together."""
_DAY: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_MOMENT: Final = re.compile(rf"{_DAY.pattern}(?:[T ][0-9:.,]{{2,18}}\s?(?:Z|[+-][0-9:]{{2,6}})?)?", re.IGNORECASE)
"""A day alone, or with a time."""
_MONEY: Final = re.compile(r"([0-9][0-9,]{0,18})(?:\.([0-9]{1,3}))? [A-Z]{3}", re.ASCII)
_STREET: Final = re.compile(
    r"(?P<s>[^\W\d_][^\d,;\n]{2,60}?)\s+\d{1,5}\s?[a-z]?|\d{1,5}\s?[a-z]?,?\s+(?P<t>[^\W\d_][^\d,;\n]{2,60})",
    re.IGNORECASE,
)
_ENDING: Final = frozenset(
    [
        "ending",
        "ends",
        "end",
        "last",
        "closes",
        "finishes",
        "endet",
        "enden",
        "endend",
        "endung",
        "endziffern",
        "letzten",
        "letzte",
        "schluss",
    ]
)
CURRENCY_WORDS: Final = frozenset(
    [
        "eur",
        "euro",
        "euros",
        "€",
        "cent",
        "cents",
        "usd",
        "dollar",
        "dollars",
        "$",
        "gbp",
        "pound",
        "pounds",
        "£",
        "quid",
        "chf",
        "franc",
        "francs",
        "franken",
        "yen",
        "jpy",
        "¥",
    ]
)
_ORDINARY: Final = frozenset(["ago", "gen", "mag", "out", "set"])
"""Short names of months that are words in English."""
MONTH_OF: Final = {
    plain_word(name): number for number, names in enumerate(MONTHS, start=1) for name in names if name not in _ORDINARY
}
_STREET_END: Final = re.compile(r"(?:strasse|str)$")


@struct(frozen=True)
class TokenText:
    """Text as tokens, with its rows of figures and of spelled letters."""

    text: str
    tokens: tuple[Token, ...]
    figures: tuple["_Row", ...]
    letters: tuple["_Row", ...]
    roads: tuple[str, ...]
    """Each token's word, as a street's name compares."""
    numbers: tuple[int, ...]
    months: tuple[int, ...]
    """Indexes of the numbers, and of the names of months."""


@struct(frozen=True)
class _Row:
    """Row of neighbouring numbers or letters: their signs joined, and the token of each sign."""

    text: str
    tokens: tuple[Token, ...]
    starts: frozenset[int]
    """Offsets at which a token begins, and the end."""

    def span(self, start: int, end: int) -> Span:
        """Return the place in the text of some of its signs."""
        return self.tokens[start].start, self.tokens[end - 1].end


def token_text(text: str) -> TokenText:
    """Read a folded text."""
    tokens = tokens_of(text)
    return TokenText(
        text=text,
        tokens=tokens,
        roads=tuple(road_word(one.word) for one in tokens),
        numbers=tuple(at for at, one in enumerate(tokens) if one.digits),
        months=tuple(at for at, one in enumerate(tokens) if one.word in MONTH_OF),
        figures=tuple(_rows(tokens, ["" if one.nth else one.digits for one in tokens], _ROW_GAP)),
        letters=tuple(
            row for row in _rows(tokens, [one.letter for one in tokens], _LETTER_GAP) if len(row.text) >= _MIN_LETTERS
        ),
    )


def _rows(tokens: Sequence[Token], signs: Sequence[str], gap: int) -> Iterator[_Row]:
    places = [at for at, sign in enumerate(signs) if sign]
    row: list[int] = []
    for at in places:
        if row and at - row[-1] > gap + 1:
            yield _row(tokens, signs, row)
            row = []
        row.append(at)
    if row:
        yield _row(tokens, signs, row)


def _row(tokens: Sequence[Token], signs: Sequence[str], row: Sequence[int]) -> _Row:
    text = "".join(signs[at] for at in row)
    starts, size = {0}, 0
    for at in row:
        size += len(signs[at])
        starts.add(size)
    return _Row(text, tuple(tokens[at] for at in row for _ in signs[at]), frozenset(starts))


def spoken_places(read: TokenText, name: str, value: Json) -> Iterator[Span]:
    """Yield the places of a text that tell a value, or a rare part of it, in whatever words.

    Source: docs/model/model.md#outbound.
    """
    for single in leaves(value):
        if isinstance(single, str):
            yield from _places(read, name, single.strip())
        elif isinstance(single, int | Decimal) and not isinstance(single, bool):
            yield from _places(read, name, f"{single:f}" if isinstance(single, Decimal) else str(single))


def _places(read: TokenText, name: str, value: str) -> Iterator[Span]:
    if found := _DAY.match(value):
        yield from _date(read, *map(int, found.groups()))
        if _MOMENT.fullmatch(value):
            return
    if found := _MONEY.fullmatch(value):
        yield from _money(read, found[1].replace(",", ""), found[2] or "")
        return
    parts = [part.strip() for part in re.split(r"[,;\n]", value) if part.strip()]
    if len(parts) > 1 and any(_STREET.fullmatch(part) for part in parts):
        yield from _address(read, parts)
    elif any(letter.isdigit() for letter in value):
        yield from _number(read, value)
    yield from _spelled(read, name, value)


def begins_with_date(value: str) -> bool:
    """Return whether a text begins with a day and goes on: none of its words is a date."""
    return _DAY.match(value) is not None and _MOMENT.fullmatch(value) is None


def _figures_at(read: TokenText, digits: str, *, both: bool) -> Iterator[Span]:
    """Yield where figures stand in a row, from the beginning of a number, or to the end of one; or `both`."""
    for row in read.figures:
        at = row.text.find(digits)
        while at >= 0:
            edges = (at in row.starts) + (at + len(digits) in row.starts)
            if edges == 2 or (edges and not both):  # noqa: PLR2004  # both edges
                yield row.span(at, at + len(digits))
            at = row.text.find(digits, at + 1)


def _number(read: TokenText, value: str) -> Iterator[Span]:
    """Yield a number with its figures in words, in pairs or in part: six of a long one, a group of four, a named ending."""
    groups = re.findall(r"[0-9]+", value)
    digits = "".join(groups)
    if len(digits) >= _WHOLE:
        yield from _figures_at(read, digits, both=False)
    if len(digits) >= _LONG:
        for at in range(len(digits) - _PART + 1):
            yield from _figures_at(read, digits[at : at + _PART], both=False)
    elif len(groups) > 1:
        for group in groups:
            if len(group) >= _GROUP and not group.startswith(("19", "20")):
                yield from _figures_at(read, group, both=True)
    if len(digits) > _GROUP:
        for span in _figures_at(read, digits[-_GROUP:], both=True):
            if any(one.word in _ENDING for one in _before(read, span[0])):
                yield span


def _before(read: TokenText, start: int) -> Sequence[Token]:
    at = bisect_left(read.tokens, start, key=lambda one: one.start)
    return read.tokens[max(0, at - _ROW_GAP) : at]


def _money(read: TokenText, whole: str, part: str) -> Iterator[Span]:
    """Yield an amount beside its currency; one with cents of many figures wherever it stands."""
    cents = part if part.strip("0") else ""
    if cents and len(whole + cents) >= _WHOLE:
        yield from _figures_at(read, whole + cents, both=True)
    for at in read.numbers:
        token = read.tokens[at]
        if token.digits != whole or (not token.said and not cents):
            continue
        near = range(at + 1, min(at + 1 + _NEAR, len(read.tokens)))
        currency = next((place for place in near if read.tokens[place].word in CURRENCY_WORDS), None)
        if currency is None:
            continue
        exact = next((place for place in near if cents and read.tokens[place].digits == cents), None)
        if not cents or exact is not None or len(whole) >= _MIN_LETTERS:
            yield token.start, read.tokens[max(currency, exact or 0)].end


def _date(read: TokenText, year: int, month: int, day: int) -> Iterator[Span]:
    """Yield day and month by name, the three parts near each other, or three numbers in a row."""
    try:
        date(year, month, day)
    except ValueError:
        return
    tokens = read.tokens
    years = {f"{year:04}", f"{year % 100:02}"}
    named = [at for at in read.months if MONTH_OF[tokens[at].word] == month]
    days = [at for at in read.numbers if tokens[at].number == day and len(tokens[at].digits) <= 2]  # noqa: PLR2004  # a day
    yeared = [at for at in read.numbers if tokens[at].digits in years]
    for at in named:
        near = _within(days, at, _NEAR)
        for one in near:
            yield _joined(tokens, [at, one])
        # ⚔ The year completes it: told last, it is the part that is told too much.
        for year_at in () if near else _within(yeared, at, _WINDOW):
            for one in _within(days, at, _WINDOW):
                yield _joined(tokens, [at, one, year_at])
    numbers = read.numbers
    for some in zip(numbers, numbers[1:], numbers[2:], strict=False):
        if all(later - before <= _NEAR for before, later in pairwise(some)) and _is_date(
            tokens, some, day, month, years
        ):
            yield _joined(tokens, some)


def _within(places: Sequence[int], at: int, reach: int) -> Sequence[int]:
    return places[bisect_left(places, at - reach) : bisect_right(places, at + reach)]


def _is_date(tokens: Sequence[Token], some: Sequence[int], day: int, month: int, years: Collection[str]) -> bool:
    first, second, third = (tokens[at] for at in some)
    if first.digits in years:
        return (second.number, third.number) == (month, day)
    return third.digits in years and {first.number, second.number} == {day, month}


def _joined(tokens: Sequence[Token], places: Sequence[int]) -> Span:
    some = [tokens[at] for at in places]
    return min(one.start for one in some), max(one.end for one in some)


def _address(read: TokenText, parts: Sequence[str]) -> Iterator[Span]:
    """Yield the street of an address, with its number or without, and its postal code, a short one beside its town."""
    for part in parts:
        if (street := _STREET.fullmatch(part)) is not None and not re.match(r"[0-9]{4,}", part):
            words = [road_word(plain_word(word)) for word in re.findall(r"[^\W\d_]+", street["s"] or street["t"])]
            yield from _words(read, "".join(words))
            continue
        for code in re.findall(r"(?<![0-9])[0-9]{4,6}(?![0-9])", part):
            town = {plain_word(word) for word in re.findall(r"[^\W\d_]{3,}", part)}
            for start, end in _figures_at(read, code, both=True):
                if len(code) >= _WHOLE or town & {one.word for one in _around(read, start, end)}:
                    yield start, end


def _around(read: TokenText, start: int, end: int) -> Sequence[Token]:
    first = bisect_left(read.tokens, start, key=lambda one: one.start)
    last = bisect_left(read.tokens, end, key=lambda one: one.start)
    return [*read.tokens[max(0, first - _NEAR) : first], *read.tokens[last : last + _NEAR]]


def road_word(word: str) -> str:
    """Return a word as names of streets compare."""
    return _STREET_END.sub("str", word)


def _words(read: TokenText, compact: str) -> Iterator[Span]:
    """Yield where neighbouring words are, joined, a compact one."""
    if len(compact) < _MIN_STREET:
        return
    for at, word in enumerate(read.roads):
        if not word or not compact.startswith(word):
            continue
        joined = ""
        for last in range(at, min(at + _MOST_WORDS, len(read.roads))):
            joined += read.roads[last]
            if joined == compact:
                yield read.tokens[at].start, read.tokens[last].end
            if not compact.startswith(joined):
                break


def _spelled(read: TokenText, name: str, value: str) -> Iterator[Span]:
    """Yield a word of a value spelled letter by letter, and the initials of a full name."""
    words = [plain_word(word) for word in re.findall(r"[^\W\d_]+", value.partition("@")[0])]
    for row in read.letters:
        for word in words:
            if len(word) >= _MIN_LETTERS and (at := row.text.find(word)) >= 0:
                yield row.span(at, at + len(word))
    if name.rpartition(".")[2].endswith("name") and 1 < len(words) <= _MAX_NAMES:
        initials = r"\s?".join(rf"{re.escape(word[0].upper())}\." for word in words)
        yield from (match.span() for match in re.finditer(rf"(?<![\w.]){initials}", read.text))
