"""A text indexed for derived facts: where its cues, words and amounts stand. Built once for all values."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final

from remit.domain.secrets.fact_words import FactWords
from remit.domain.secrets.value_tokens import CURRENCY_WORDS, Span, TokenText
from remit.domain.structs import struct
from remit.domain.text.tokens import Token, german_number

_NOWHERE: Final[Sequence[int]] = ()
_FIGURES: Final = re.compile(
    r"(?<![\w.,])(?P<whole>[0-9]{1,3}(?:[.,' ][0-9]{3}){1,4}|[0-9]{1,15})(?:[.,](?P<part>[0-9]{1,2}))?(?![0-9])"
)
_THOUSAND: Final = frozenset({"k", "grand", "tausend", "tsd", "thousand", "mille", "mil", "riesen", "mila", "duizend"})
_HALF: Final = re.compile(r"(?P<unit>[a-z]{3,12}?)(?:und)?einhalb(?P<k>tausend)?")
_CENTS: Final = frozenset({"cent", "cents", "pence", "rappen", "centimes", "centimos", "centesimi"})
_SENTENCE: Final = re.compile(r"(?:^|[.!?\n])[\s\"'*-]{0,8}(?P<first>[^\W\d_])")
_LINE: Final = re.compile(r"^[^\w\n]*(?P<first>[^\W\d_])", re.MULTILINE)


@struct(frozen=True)
class Amount:
    """A number as an amount: its value, place, and the tokens it begins and ends with."""

    value: Decimal
    span: Span
    first: int
    last: int


@struct(frozen=True, kw_only=True)
class FactText:
    """Text with indexes: cues by kind, tokens by word and by first letter, amounts, and first letters of lines, sentences and words."""

    read: TokenText
    words: FactWords
    today: date
    cues: Mapping[str, Sequence[int]]
    places: Mapping[str, Sequence[int]]
    firsts: Mapping[str, Sequence[int]]
    amounts: tuple[Amount, ...]
    initials: tuple[tuple[str, tuple[int, ...]], ...]

    @property
    def tokens(self) -> Sequence[Token]:
        """The tokens of the text."""
        return self.read.tokens

    def near(self, kind: str, at: int, before: int, after: int | None = None) -> bool:
        """Return whether a cue of a kind stands within some tokens before or after one."""
        return _any_within(self.cues.get(kind, _NOWHERE), at - before, at + (before if after is None else after))

    def near_words(self, words: Collection[str], at: int, before: int, after: int) -> bool:
        """Return whether one of some words stands near a token."""
        low, high = max(0, at - before), min(len(self.tokens), at + after + 1)
        return any(self.tokens[place].word in words for place in range(low, high))

    def where(self, words: Collection[str]) -> Iterator[int]:
        """Yield the places of some words."""
        for word in words:
            yield from self.places.get(word, _NOWHERE)

    def starting(self, words: Collection[str]) -> Iterator[int]:
        """Yield the places of words that begin with the first letter of one of some."""
        for letter in {word[:1] for word in words}:
            yield from self.firsts.get(letter, _NOWHERE)

    def span(self, first: int, last: int) -> Span:
        """Return the place in the text of neighbouring tokens."""
        return self.tokens[first].start, self.tokens[last].end


@struct(frozen=True, kw_only=True)
class FactReader:
    """Words of facts, and the day from which ages and days ago are counted.

    Nothing is derived from `quiet` attributes: those told of the case's own records, whose other values are many.
    """

    words: FactWords
    today: date
    quiet: frozenset[str] = frozenset()
    sensitive: frozenset[str] = frozenset()

    def read(self, read: TokenText) -> FactText:
        """Index a text."""
        return fact_text(read, self.words, self.today)


def _any_within(places: Sequence[int], low: int, high: int) -> bool:
    at = bisect_left(places, low)
    return at < len(places) and places[at] <= high


def fact_text(read: TokenText, words: FactWords, today: date) -> FactText:
    """Index a text for derived facts."""
    cues: dict[str, list[int]] = {}
    places: dict[str, list[int]] = {}
    firsts: dict[str, list[int]] = {}
    for at, token in enumerate(read.tokens):
        if token.word:
            places.setdefault(token.word, []).append(at)
            firsts.setdefault(token.word[0], []).append(at)
            for kind in words.cues.kinds(token.word):
                cues.setdefault(kind, []).append(at)
    return FactText(
        read=read,
        words=words,
        today=today,
        cues=cues,
        places=places,
        firsts=firsts,
        amounts=tuple(sorted(_amounts(read), key=lambda one: one.first)),
        initials=tuple(_initials(read)),
    )


def _amounts(read: TokenText) -> Iterator[Amount]:
    starts = [token.start for token in read.tokens]
    for found in _FIGURES.finditer(read.text):
        first = bisect_left(starts, found.start())
        last = max(first, bisect_right(starts, found.end() - 1) - 1)
        if first < len(starts):
            value = Decimal(f"{re.sub('[^0-9]', '', found['whole'])}.{found['part'] or 0}")
            yield _amount(read, value, first, last)
    for at, after in pairwise(read.numbers):
        whole, part = read.tokens[at], read.tokens[after]
        if after == at + 1 and whole.said and part.said and len(part.digits) == 2:  # noqa: PLR2004  # twelve fifty
            yield _amount(read, Decimal(whole.digits) + Decimal(part.digits) / 100, at, after)
            yield _amount(read, Decimal(whole.digits) * 100 + Decimal(part.digits), at, after)
    for at, token in enumerate(read.tokens):
        if token.said and token.digits and not token.nth and not read.text[token.start : token.end].isupper():
            yield _said_amount(read, at, Decimal(token.digits))
        elif (half := _HALF.fullmatch(token.word)) is not None and (unit := german_number(half["unit"])) is not None:
            yield _amount(read, (unit + Decimal("0.5")) * (1000 if half["k"] else 1), at, at)


def _said_amount(read: TokenText, at: int, value: Decimal) -> Amount:
    """Return an amount in words, with its half or its cents."""
    after = [token.word for token in read.tokens[at + 1 : at + 4]]
    if "half" in after and after[0] == "and":
        return _amount(read, value + Decimal("0.5"), at, at + 1 + after.index("half"))
    for place in range(at + 2, min(at + 5, len(read.tokens) - 1)):
        cents = read.tokens[place]
        if cents.digits and len(cents.digits) <= 2 and read.tokens[place + 1].word in _CENTS:  # noqa: PLR2004  # cents
            return _amount(read, value + Decimal(cents.digits) / 100, at, place + 1)
    return _amount(read, value, at, at)


def _amount(read: TokenText, value: Decimal, first: int, last: int) -> Amount:
    """Return an amount, in thousands where a word behind it says so."""
    if last + 1 < len(read.tokens) and read.tokens[last + 1].word in _THOUSAND:
        value, last = value * 1000, last + 1
    return Amount(value, (read.tokens[first].start, read.tokens[last].end), first, last)


def _initials(read: TokenText) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the first letters of lines, of sentences and of words, with their places."""
    for pattern in (_LINE, _SENTENCE):
        found = [match.start("first") for match in pattern.finditer(read.text)]
        yield "".join(read.text[at] for at in found).lower(), tuple(found)
    words = [token for token in read.tokens if token.word]
    yield "".join(token.word[0] for token in words), tuple(token.start for token in words)


def is_currency(token: Token) -> bool:
    """Return whether a token names a currency."""
    return token.word in CURRENCY_WORDS or (token.word == "" and not token.digits)
