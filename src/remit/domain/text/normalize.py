"""Text as rules read it, and case-insensitive patterns that are fast.

With `re.IGNORECASE` every letter is folded at each step; an ASCII text is lowered once instead.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from operator import itemgetter
from typing import Final, Self, TypeAlias

from remit.domain.structs import struct
from remit.domain.text.beginnings import MOST, PLACE, Beginnings, beginnings

_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5\u180e")
"""Characters that are letters or marks by category but invisible."""

_NO_SHOW: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_MAX_MARKS: Final = 2
_LOOKALIKES: Final = str.maketrans(
    "АВЕКМНОРСТХаеорсухіјѕԁԛԝһΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρτυκιıɡℓӏӀ",
    "ABEKMHOPCTXaeopcyxijsdqwhABEZHIKMNOPTYXoavptukiigllI",
)
_MAX_FOLDED: Final = 6
"""⚔ A letter that folds to more (one to eighteen) stays as it is: a text does not grow by folding."""
_WESTERN: Final = re.compile("[\t\n\r -~¡-\u00b4\u00b6-þ€\u2010-\u2027\u2030-\u203a]*")
"""Letters with one large and one small form, and common signs. ⚔ Not the micro sign and "ÿ", whose large ones are elsewhere."""
_SPACES: Final = re.compile(r" {3,}")
_SEVERAL: Final = re.compile(r"[ \t]{2}|\t")
_BLANK_RUN: Final = re.compile(r"[ \t]{2,}")


def make_visible(text: str) -> str:
    """Make every character visible that could hide, reorder or break a line.

    ⚔ An agent's value must not fake another line, swallow the text around it or look other than it is.
    """
    if text.isascii() and text.isprintable() and "   " not in text:
        return text
    out: list[str] = []
    marks = 0
    for letter in text:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        out.append(_shown(letter) if marks <= _MAX_MARKS else _named(letter))
    return _SPACES.sub(lambda run: f"⟨{len(run[0])} spaces⟩", "".join(out))


def _shown(letter: str) -> str:
    if letter == "\n":
        return "⟨new line⟩"
    if letter == " ":
        return letter
    category = unicodedata.category(letter)
    if category in _NO_SHOW or category == "Zs" or letter in _BLANKS or letter in "⟨⟩" or _is_selector(letter):
        return _named(letter)
    return letter


def _named(letter: str) -> str:
    return f"⟨U+{ord(letter):04X}⟩"


def _is_selector(letter: str) -> bool:
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"


def is_western(text: str) -> bool:
    """Return whether a text has only letters with one small form: those of Western languages."""
    return text.isascii() or _WESTERN.fullmatch(text) is not None


def small_letters(text: str) -> str | None:
    """Return a text of Western letters in small ones, else None: other letters may have several small forms."""
    return text.lower() if is_western(text) else None


def name_endings(name: str) -> tuple[str, ...]:
    """Return the endings of a person's name, the whole first, in small letters: one is called by it behind a title."""
    words = name.casefold().split()
    return tuple(" ".join(words[at:]) for at in range(len(words)))


def is_invisible(letter: str) -> bool:
    """Return whether a character is invisible: zero-width, directional, tag, filler, private or unassigned."""
    if letter in "\n\r\t ":
        return False
    return unicodedata.category(letter) in _NO_SHOW or letter in _BLANKS or _is_selector(letter)


@struct(frozen=True, kw_only=True)
class FoldedText:
    """Text as rules read it, with the place in the original of each of its characters."""

    text: str
    places: Sequence[int]
    ends: Sequence[int] = ()
    """End in the original of each character; empty where each is one character."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the original's start and end of a span."""
        if end <= start:
            return self.places[start], self.places[start]
        return self.places[start], self.ends[end - 1] if self.ends else self.places[end - 1] + 1


def fold_text(text: str) -> FoldedText:
    """Fold a text for reading: invisible characters removed, compatibility forms, look-alikes and spaces plain.

    ⚔ Full-width, mathematical, zero-width and look-alike spellings read as what they look like; a letter and its
    combining mark read as one letter.
    """
    first = None if _is_plain(text) else _FOLDED.search(text)
    if first is None:
        return FoldedText(text=text, places=range(len(text)))
    pieces: list[str] = []
    places: list[int] = []
    ends: list[int] = []
    at = 0
    while first is not None:
        pieces.append(text[at : first.start()])
        places.extend(range(at, first.start()))
        ends.extend(range(at + 1, first.start() + 1))
        for place in range(*first.span()):
            _add(text[place], place, pieces, places, ends)
        at = first.end()
        first = _FOLDED.search(text, at)
    pieces.append(text[at:])
    places.extend(range(at, len(text)))
    ends.extend(range(at + 1, len(text) + 1))
    return FoldedText(text="".join(pieces), places=places, ends=ends)


def _is_plain(text: str) -> bool:
    """Return whether a text needs no folding, as most do."""
    return text.isascii() and text.replace("\n", " ").replace("\r", " ").replace("\t", " ").isprintable()


def collapse_blanks(seen: FoldedText) -> FoldedText:
    """Collapse blanks to one. ⚔ People read over "cancel  my  order", and so must rules that expect one blank."""
    if _SEVERAL.search(seen.text) is None:
        return seen
    runs = [run.span() for run in _BLANK_RUN.finditer(seen.text)]
    kept = list(zip([0, *(end for _, end in runs)], [*(start + 1 for start, _ in runs), len(seen.text)], strict=True))
    return FoldedText(
        text="".join([seen.text[start:end] for start, end in kept]).replace("\t", " "),
        places=list(chain.from_iterable(seen.places[start:end] for start, end in kept)),
        ends=list(chain.from_iterable(seen.ends[start:end] for start, end in kept)),
    )


def _add(letter: str, place: int, pieces: list[str], places: list[int], ends: list[int]) -> None:
    """Add one folded letter, or its mark to the letter before it."""
    if is_invisible(letter):
        return
    if places and unicodedata.combining(letter):
        while not pieces[-1]:
            pieces.pop()
        if len(one := unicodedata.normalize("NFC", pieces[-1][-1] + letter)) == 1:
            pieces[-1:] = [pieces[-1][:-1], one]
            ends[-1] = place + 1
            return
    folded = _folded(letter)
    pieces.append(folded)
    places.extend([place] * len(folded))
    ends.extend([place + 1] * len(folded))


def _folded(letter: str) -> str:
    folded = " " if unicodedata.category(letter) == "Zs" else unicodedata.normalize("NFKC", letter)
    if len(folded) > _MAX_FOLDED:
        folded = letter
    return folded.translate(_LOOKALIKES).translate(_QUOTES)


_FOLDED: Final = re.compile(r"[^\t\n\r -~]+")
"""Runs to be folded."""
_QUOTES: Final = str.maketrans("’‘“”–—‐‑−", "''\"\"-----")  # noqa: RUF001  # these signs are the point

_KEPT = re.compile(r"(\\.|\(\?P[<=])|([A-Z]+)", re.DOTALL)


class CaselessPattern:
    """Case-insensitive pattern. ⚔ It finds what `re.IGNORECASE` finds, at the same places.

    A match's text is in small letters where the text is of Western letters.
    """

    def __init__(self, pattern: str, flags: int = 0, *, rare: bool = False) -> None:
        """Compile a pattern without inline flags or non-ASCII letters that have an ASCII large or small form.

        A `rare` one is compiled at its first use, and so is each for texts of other than Western letters.
        """
        self.pattern: Final = pattern
        self._flags = flags
        self._written_small = _KEPT.sub(lambda found: found[1] or found[2].lower(), pattern)
        if not rare:
            _ = self._small

    @cached_property
    def _any(self) -> re.Pattern[str]:
        return re.compile(self.pattern, self._flags | re.IGNORECASE)

    @cached_property
    def _small(self) -> re.Pattern[str]:
        return re.compile(self._written_small, self._flags)

    @property
    def flags(self) -> int:
        """Flags, ignoring case."""
        return int(self._small.flags | re.IGNORECASE)

    @property
    def beginnings(self) -> Beginnings | None:
        """How its matches begin, in small letters; None where unknown."""
        return beginnings(self._written_small)

    def search_slice(self, text: str) -> Callable[[int], re.Match[str] | None]:
        """Return a matcher at places of a text. ⚔ Lowering a long text anew for each place would take minutes."""
        small = _small(text)
        pattern, read = (self._any, text) if small is None else (self._small, small)
        return lambda start: pattern.match(read, start)

    def search(self, text: str) -> re.Match[str] | None:
        """Return the first match."""
        if isinstance(text, IndexedText) and (places := text.places(self)) is not None:
            return next(self._matches(text.small or "", places), None) if places else None
        small = _small(text)
        return self._any.search(text) if small is None else self._small.search(small)

    def match(self, text: str) -> re.Match[str] | None:
        """Return the match at the beginning."""
        small = _small(text)
        return self._any.match(text) if small is None else self._small.match(small)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield every match, in order."""
        if isinstance(text, IndexedText) and (places := text.places(self)) is not None:
            return self._matches(text.small or "", places) if places else _NO_MATCHES
        small = _small(text)
        return self._any.finditer(text) if small is None else self._small.finditer(small)

    def _matches(self, small: str, places: Iterable[int]) -> Iterator[re.Match[str]]:
        end = 0
        for place in places:
            if place >= end and (found := self._small.match(small, place)) is not None:
                end = found.end()
                yield found


def _small(text: str) -> str | None:
    return text.small if isinstance(text, IndexedText) else small_letters(text)


_NO_MATCHES: Final[Iterator[re.Match[str]]] = iter(())
_CACHED: Final = 1 << 14
_Candidate: TypeAlias = tuple[int, CaselessPattern]
"""Pattern that may match at a place, or that number of letters before it."""


class PatternIndex:
    """Patterns by the beginnings of their matches."""

    def __init__(self, patterns: Iterable[CaselessPattern] = ()) -> None:
        """Read the beginnings of each pattern. Those that are unknown are searched in the whole of a text."""
        by: dict[str, dict[_Candidate, None]] = {}
        known = {pattern: found for pattern in patterns if (found := pattern.beginnings) is not None}
        for pattern, found in known.items():
            for beginning in found.texts:
                behind = beginning.startswith(" ")
                by.setdefault(beginning[behind:], {})[behind, pattern] = None
        self.known: Final = frozenset(known)
        self.others: Final = tuple((pattern, found.others) for pattern, found in known.items() if found.others)

        @lru_cache(_CACHED)
        def at(text: str) -> tuple[_Candidate, ...]:
            """Return the patterns of which a match may begin with this text, and how many letters before it."""
            found = {one: None for end in range(1, len(text) + 1) for one in by.get(text[:end], ())}
            return tuple(sorted(found, key=itemgetter(0), reverse=True))

        self.at: Final = at


_Hits: TypeAlias = Sequence[tuple[int, tuple[_Candidate, ...]]]


class IndexedText(str):
    """Text that knows where each pattern of an index may begin: it is read once for all of them.

    A pattern tries only those places of it. ⚔ It finds there what it finds in the same text without an index.
    """

    __slots__ = ("_found", "_hits", "_starts", "patterns", "small")

    patterns: PatternIndex
    small: str | None
    _hits: _Hits | None
    _found: Mapping[CaselessPattern, Sequence[int] | None] | None
    _starts: Sequence[int] | None

    def __new__(cls, text: str, patterns: PatternIndex) -> Self:
        """Take a text."""
        self = super().__new__(cls, text)
        self.patterns = patterns
        self.small = small_letters(text)
        self._hits = self._found = self._starts = None
        return self

    def part(self, start: int, end: int) -> "IndexedText":
        """Return a part of the text. Places are handed on."""
        part = IndexedText(self[start:end], self.patterns)
        before = self[start - 1 : start]
        if self.small is not None and not (before.isalnum() or before == "_"):
            hits = self._all_hits()
            first = bisect_left(hits, (start,))
            part._hits = [(place - start, those) for place, those in hits[first : bisect_left(hits, (end,), first)]]
        return part

    def under(self, patterns: PatternIndex) -> "IndexedText":
        """Return the text for the patterns of another index."""
        other = IndexedText(self, patterns)
        other._starts = self._all_starts()
        return other

    def likely(self, patterns: Mapping[str, CaselessPattern], names: Iterable[str]) -> list[str]:
        """Return the names of the patterns that may match somewhere, by their beginnings alone."""
        if self.small is None:
            return [*names]
        found, known = self._by_pattern(), self.patterns.known
        return [name for name in names if (pattern := patterns[name]) in found or pattern not in known]

    def places(self, pattern: CaselessPattern) -> Sequence[int] | None:
        """Return the places at which a match of a pattern may begin; None where any may."""
        found = self._found
        if found is None:
            found = self._by_pattern()
        if pattern in found:
            return found[pattern]
        return () if self.small is not None and pattern in self.patterns.known else None

    def _by_pattern(self) -> Mapping[CaselessPattern, Sequence[int] | None]:
        if self._found is None:
            small = self.small or ""
            found: dict[CaselessPattern, list[int]] = {}
            for place, candidates in self._all_hits():
                for before, one in candidates:
                    found.setdefault(one, []).append(place - before)
            others = [one for one, has in self.patterns.others if any(map(small.__contains__, has))]
            self._found = {**found, **dict.fromkeys(others)} if others else found
        return self._found

    def _all_hits(self) -> _Hits:
        if self._hits is None:
            small, at = self.small or "", self.patterns.at
            self._hits = [(start, those) for start in self._all_starts() if (those := at(small[start : start + MOST]))]
        return self._hits

    def _all_starts(self) -> Sequence[int]:
        if self._starts is None:
            self._starts = [found.start() for found in PLACE.finditer(self.small or "")]
        return self._starts
