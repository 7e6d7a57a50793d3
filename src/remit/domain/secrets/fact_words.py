"""Words beside which a number, a month or a part of a name states a fact about a person: data, compiled once."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from remit.domain.structs import struct
from remit.domain.text.tokens import plain_word

_NONE: Final[frozenset[str]] = frozenset()
_YEAR_MONTHS: Final = 12
_TENS_FROM: Final = 20


@struct(frozen=True, kw_only=True)
class FactLists:
    """Lists of words as written: cues and events by kind, and words that mean the same in several languages."""

    cues: Mapping[str, str]
    events: Mapping[str, str]
    days: Mapping[str, int]
    words: Mapping[str, Sequence[str]]
    holidays: Mapping[str, str]
    streets: Mapping[str, Sequence[str]]
    towns: Mapping[str, Sequence[str]]
    things: Mapping[str, Sequence[str]]
    labels: Mapping[str, Sequence[str]]


class Stems:
    """Kinds of a word, by the whole word or by its beginning."""

    def __init__(self, lists: Mapping[str, str]) -> None:
        """Read lists of words by kind; a `*` ends a beginning."""
        self._whole: dict[str, frozenset[str]] = {}
        self._begin: dict[str, frozenset[str]] = {}
        for kind, words in lists.items():
            for word in words.split():
                known = self._begin if word.endswith("*") else self._whole
                for plain in _plain_forms(word.rstrip("*")):
                    known[plain] = known.get(plain, _NONE) | {kind}
        self._sizes = tuple(sorted({len(word) for word in self._begin}))

    def kinds(self, word: str) -> frozenset[str]:
        """Return the kinds of a plain word."""
        found = self._whole.get(word, _NONE)
        for size in self._sizes:
            if size > len(word):
                break
            found |= self._begin.get(word[:size], _NONE)
        return found


@struct(frozen=True, kw_only=True)
class FactWords:
    """Compiled words: kinds of cues, times by word, and words of one meaning."""

    cues: Stems
    events: Mapping[str, frozenset[str]]
    """Words that tell of an event, by the beginning of an attribute's name."""
    days: Mapping[str, int]
    weekdays: Mapping[str, int]
    months: Mapping[str, frozenset[int]]
    """Months of a season, by its word."""
    decades: Mapping[str, int]
    zodiac: Mapping[str, int]
    """Signs by word: the month in which each ends."""
    holidays: Mapping[str, tuple[int, int]]
    street_kinds: Mapping[str, frozenset[str]]
    street_words: Mapping[str, frozenset[str]]
    towns: Mapping[str, frozenset[str]]
    things: Mapping[str, frozenset[str]]
    labels: Mapping[str, frozenset[str]]
    """Words that name the same attribute."""


def compile_fact_words(lists: FactLists) -> FactWords:
    """Compile lists of words. A row of `words` counts from its first meaning on."""
    rows = {name: [_plain(row) for row in many] for name, many in lists.words.items()}
    months = {
        word: frozenset(((at * 3 + month - 1) % _YEAR_MONTHS) + 1 for month in (0, 1, 2, 3))
        for at, row in enumerate(rows["seasons"])
        for word in row
    }
    holidays = {word: (int(day[:2]), int(day[3:])) for day, words in lists.holidays.items() for word in _plain([words])}
    return FactWords(
        cues=Stems(lists.cues),
        events={kind: frozenset(_plain([words])) for kind, words in lists.events.items()},
        days={plain_word(word): count for word, count in lists.days.items()},
        weekdays=_numbered(rows["weekdays"], 0, 1),
        months=months,
        decades=_numbered(rows["decades"], _TENS_FROM, 10),
        zodiac=_numbered(rows["zodiac"], 1, 1),
        holidays=holidays,
        street_kinds=_same(lists.streets["kinds"]),
        street_words=_same(lists.streets["words"]),
        towns=_same(lists.towns["names"]),
        things=_same(lists.things["names"]),
        labels=_same(lists.labels["names"]),
    )


def _plain(words: Iterable[str] | str) -> list[str]:
    many = [words] if isinstance(words, str) else words
    return [plain for text in many for word in text.split() for plain in _plain_forms(word)]


def _plain_forms(word: str) -> tuple[str, ...]:
    """Return a word as texts are read: in plain letters, and without hyphens."""
    return (plain_word(re.sub(r"[^\w]", "", word)),)


def _numbered(rows: Sequence[Sequence[str]], first: int, step: int) -> Mapping[str, int]:
    return {word: first + at * step for at, row in enumerate(rows) for word in row}


def _same(rows: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """Return for each word all words of its rows."""
    found: dict[str, frozenset[str]] = {}
    for row in rows:
        words = frozenset(_plain(row))
        for word in words:
            found[word] = found.get(word, _NONE) | words
    return found
