"""Values that an agent stated itself, or that its mandate lets it know, as far as an officer may repeat them.

⚔ Repeating tells nothing, confirming does. What may be written never depends on whether a stated value is right: else the
part that is left out would say which guess was (docs/decisions/0067-what-an-officer-may-repeat.md).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Final

from remit.domain.secrets.attribute_labels import Sentences
from remit.domain.secrets.value_tokens import Span, TokenText, spoken_places
from remit.domain.structs import struct
from remit.domain.text.spellings import spelling_patterns

_MONEY: Final = re.compile(r"[0-9][0-9,]{0,18}(?:\.[0-9]{1,3})? [A-Z]{3}", re.ASCII)
_NAMED: Final = re.compile(r"(?:[^\W\d_a-z]\w{0,40}[\s-]{1,2}){1,4}[^\W\d_a-z]\w{0,40}")
_MIN_LENGTH: Final = 5
_MAX_LENGTH: Final = 160
_MOST: Final = 64
"""Amounts, and statements, that are looked for."""


@struct(frozen=True, kw_only=True)
class StatedValues:
    """Amounts of the agent's own asks, amounts that its mandate lets it know, and other data that it stated itself.

    `repeated` are of these the data that an officer may repeat: of asks that were not refused, and no guesses.

    `money` has the words that name each uncovered amount of the customer, where no own param or covered amount is named
    by the same word: beside one of them an amount tells that attribute.
    """

    asked: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    money: Mapping[str, frozenset[str]] = field(default_factory=dict)


def is_amount(text: str) -> bool:
    """Return whether a text is an amount of money."""
    return _MONEY.fullmatch(text) is not None


def amounts_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the amounts among texts, each once."""
    return tuple(dict.fromkeys(one for one in texts if is_amount(one)))[:_MOST]


def statements_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the texts that could be personal data: with a figure or a sign of an address, or a full name.

    A text in plain words ("too late") is a reason, and no amount is a statement: an officer says yes to a refund.
    """
    return tuple(dict.fromkeys(one for one in texts if _could_be_data(one)))[-_MOST:]


def _could_be_data(text: str) -> bool:
    if not _MIN_LENGTH <= len(text) <= _MAX_LENGTH or is_amount(text):
        return False
    return "@" in text or any(map(str.isdigit, text)) or _NAMED.fullmatch(text) is not None


def places_of(read: TokenText, values: Iterable[str]) -> list[Span]:
    """Return where values stand in a text, in their spellings, in words and in part."""
    found: list[Span] = []
    for one in values:
        for pattern in spelling_patterns(one):
            found += [match.span() for match in pattern.finditer(read.text)]
        found += spoken_places(read, "", one)
    return found


def within(span: Span, places: Iterable[Span]) -> bool:
    """Return whether a span lies inside one of some places."""
    return any(start <= span[0] and span[1] <= end for start, end in places)


def told_amounts(stated: StatedValues, sentences: Sentences, places: Iterable[Span]) -> Iterator[tuple[Span, str]]:
    """Yield amounts beside the name of an attribute they may be, with that attribute: right or not."""
    for span in places:
        for name, labels in stated.money.items():
            if sentences.has_label(span, labels):
                yield span, name
                break


def confirmed_statements(stated: StatedValues, sentences: Sentences, read: TokenText) -> Iterator[Span]:
    """Yield the sentences that confirm or deny what the agent stated, whole: right or not."""
    for span in places_of(read, stated.statements):
        told = sentences.beside_cue(span, "agree")
        if told is not None:
            yield told
