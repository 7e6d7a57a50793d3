"""Values that an agent stated itself, or that its mandate lets it know, as far as an officer may repeat them.

⚔ Repeating tells nothing, confirming does. What may be written never depends on whether a stated value is right: else the
part that is left out would say which guess was (docs/decisions/0067-what-an-officer-may-repeat.md).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final

from remit.domain.secrets.attribute_labels import Sentences
from remit.domain.secrets.value_tokens import (
    CURRENCY_WORDS,
    MONTH_OF,
    Span,
    TokenText,
    begins_with_date,
    spoken_places,
)
from remit.domain.structs import struct
from remit.domain.text.normalize import fold_text
from remit.domain.text.spellings import spelling_patterns
from remit.domain.text.tokens import Token, tokens_of

_MONEY: Final = re.compile(r"[0-9][0-9,]{0,18}(?:\.[0-9]{1,3})? [A-Z]{3}", re.ASCII)
_NAMED: Final = re.compile(r"(?:[^\W\d_a-z]\w{0,40}[\s-]{1,2}){1,4}[^\W\d_a-z]\w{0,40}")
_SIGN: Final = re.compile("@")
_MIN_LENGTH: Final = 5
_MAX_LENGTH: Final = 160
_ROOM: Final = 20
"""Letters by which the place of a value may be wider than the value."""
_SMALL: Final = 3
_MOST: Final = 64
"""Amounts, and statements, that are looked for."""
_MOST_LETTERS: Final = 3200


@struct(frozen=True, kw_only=True)
class StatedValues:
    """Amounts of the agent's own asks, amounts that its mandate lets it know, and other data that it stated itself.

    `overflowed` says that there are more `statements` than are looked for one by one.

    `repeated` are of these the data that an officer may repeat: of asks that were not refused, and no guesses.

    `money` has the words that name each uncovered amount of the customer, where no own param or covered amount is named
    by the same word: beside one of them an amount tells that attribute.
    """

    asked: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    overflowed: bool = False
    repeated: tuple[str, ...] = ()
    money: Mapping[str, frozenset[str]] = field(default_factory=dict)


def is_amount(text: str) -> bool:
    """Return whether a text is an amount of money."""
    return _MONEY.fullmatch(text) is not None


def amounts_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the amounts among texts, each once."""
    return tuple(dict.fromkeys(one for one in texts if is_amount(one)))[:_MOST]


def statements_of(texts: Iterable[str]) -> tuple[tuple[str, ...], bool]:
    """Return the first texts that could be personal data, and whether there are more: with a figure or a sign of an address, or a full name.

    A text in plain words ("too late") is a reason, and no amount is a statement: an officer says yes to a refund.
    """
    found, size = dict[str, None](), 0
    for one in texts:
        if one in found or not _could_be_data(one):
            continue
        size += len(one)
        if len(found) >= _MOST or size > _MOST_LETTERS:
            return tuple(found), True
        found[one] = None
    return tuple(found), False


def _could_be_data(text: str) -> bool:
    if not _MIN_LENGTH <= len(text) <= _MAX_LENGTH or is_amount(text):
        return False
    return "@" in text or any(map(str.isdigit, text)) or _NAMED.fullmatch(text) is not None


class StatedPlaces:
    """Where stated values stand in a text. ⚔ Each is searched for once, however many lists it is in."""

    def __init__(self, read: TokenText) -> None:
        """Search in a text."""
        self.read = read
        self._found: dict[str, tuple[Sequence[Span], Sequence[Span]]] = {}

    def spelled(self, value: str) -> Sequence[Span]:
        """Return where a value stands in its spellings."""
        return self._places(value)[0]

    def spoken(self, value: str) -> Sequence[Span]:
        """Return where a value stands in words and in part."""
        return self._places(value)[1]

    def of(self, values: Iterable[str]) -> list[Span]:
        """Return where values stand, in whatever way."""
        return [span for one in values for spans in self._places(one) for span in spans]

    def _places(self, value: str) -> tuple[Sequence[Span], Sequence[Span]]:
        if value not in self._found:
            spelled = [match.span() for one in spelling_patterns(value) for match in one.finditer(self.read.text)]
            self._found[value] = spelled, [*spoken_places(self.read, "", value)]
        return self._found[value]


@struct(frozen=True)
class RepeatedPlace:
    """Place in a text where a stated value stands, the words and figures of that value, and whether all of them do."""

    start: int
    end: int
    words: frozenset[str]
    figures: str
    whole: bool


def repeated_places(places: StatedPlaces, values: Iterable[str]) -> list[RepeatedPlace]:
    """Return where values are repeated: in one piece.

    ⚔ A place is hardly wider than its value. A day, a month and a year are found far apart; what stands between them the
    agent never said.
    """
    found: list[RepeatedPlace] = []
    for one in dict.fromkeys(values):
        tokens = tokens_of(fold_text(one).text)
        words, figures = frozenset(map(_plain, tokens)), "".join(token.digits for token in tokens)
        # A text that begins with a date is repeated as it stands: none of its words is a date.
        spans = places.spelled(one) if begins_with_date(one) else places.of([one])
        for start, end in spans:
            if end - start <= len(one) + _ROOM:
                there = _tokens(places.read, (start, end))
                whole = words <= frozenset(map(_plain, there)) or figures == "".join(token.digits for token in there)
                found.append(RepeatedPlace(start, end, words, figures, whole))
    return found


def repeats(read: TokenText, span: Span, places: Iterable[RepeatedPlace], *, whole: bool) -> bool:
    """Return whether a span says only what stands in a stated value, which with `whole` is all repeated there.

    ⚔ It begins and ends with that value's own words or figures, and has others only of a few letters.
    """
    tokens = _tokens(read, span)
    for place in places:
        if place.start <= span[0] and span[1] <= place.end and (place.whole or not whole):
            edges = {*tokens[:1], *tokens[-1:]}
            small = {one for one in tokens if one not in edges and not one.digits and len(one.word) <= _SMALL}
            if all(_is_own(one, place) for one in tokens if whole or one not in small):
                return True
    return False


def _tokens(read: TokenText, span: Span) -> Sequence[Token]:
    first = bisect_right(read.tokens, span[0], key=lambda one: one.end)
    return read.tokens[first : bisect_left(read.tokens, span[1], key=lambda one: one.start)]


def _is_own(token: Token, place: RepeatedPlace) -> bool:
    return _plain(token) in place.words or (bool(token.digits) and token.digits in place.figures)


def _plain(token: Token) -> str:
    """Return a token as values and texts compare: of figures, months and currencies what they mean."""
    if token.digits:
        return token.digits.lstrip("0")
    if token.word in CURRENCY_WORDS:
        return "money"
    return str(MONTH_OF[token.word]) if token.word in MONTH_OF else token.word


def told_amounts(stated: StatedValues, sentences: Sentences, places: Iterable[Span]) -> Iterator[tuple[Span, str]]:
    """Yield amounts beside the name of an attribute they may be, with that attribute: right or not."""
    for span in places:
        for name, labels in stated.money.items():
            if sentences.has_label(span, labels):
                yield span, name
                break


def confirmed_statements(stated: StatedValues, sentences: Sentences, found: StatedPlaces) -> Iterator[Span]:
    """Yield the sentences that confirm or deny what the agent stated, whole: right or not.

    ⚔ Beyond the cap that is any figure, address or name: else a guess leaves by the back of many others.
    """
    places, read = found.of(stated.statements), found.read
    if stated.overflowed:
        places += [(token.start, token.end) for token in read.tokens if token.digits]
        places += [match.span() for pattern in (_SIGN, _NAMED) for match in pattern.finditer(read.text)]
    for span in places:
        told = sentences.beside_cue(span, "agree")
        if told is not None:
            yield told
