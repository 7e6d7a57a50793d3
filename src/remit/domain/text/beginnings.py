"""Beginnings of a pattern's matches, read from the pattern: where a text has none of them, no search is needed."""

import re
from typing import Final, NamedTuple

MOST: Final = 5
"""Letters of a beginning."""
_MAX_WAYS: Final = 4000
_MAX_CLASS: Final = 12
_COUNT: Final = re.compile(r"\{(\d{0,4})(?:(,)(\d{0,4}))?\}")
_PART: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[()|]|[^()|\\\[]+", re.DOTALL)
_HAS: Final = re.compile(r"([a-zäöüß' ]+)(?![*+?{])|\[([^\w\s\\^\[\]-])\](?![*?{])")
_RUN: Final = re.compile(r"[a-zäöüß' ]+(?![*+?{])")
"""Letters, all of which stand for themselves."""
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t"}
_ANY: Final = frozenset("DSwW")
_SPACE: Final = "\0"
"""Stands for any white space at the beginning of a way; further on a way ends before it."""


class _Unreadable(Exception):  # noqa: N818  # no error: the answer "unknown"
    """The pattern has a part that is not understood here."""


class Beginnings(NamedTuple):
    """Texts, with one of which each match begins, at a place that `PLACE` finds; else it contains one of `others`.

    A text that begins with a blank stands for one behind any white space.
    """

    texts: frozenset[str]
    others: frozenset[str]


class _Way(NamedTuple):
    """A way a part begins: its letters, whether these are all of it, and whether a word boundary is before them.

    `has`: letters further on, where those it begins with are unknown.
    """

    text: str = ""
    whole: bool = True
    bounded: bool = False
    has: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether it is not known what it begins with, nor what it contains."""
        return not (self.text or self.whole or self.has)


_NOTHING: Final = frozenset({_Way()})
_UNKNOWN: Final = frozenset({_Way(whole=False)})
_CLASSES: Final = {"s": frozenset({_Way(_SPACE)}), "d": frozenset(map(_Way, "0123456789"))}
"""Of the digits only these are Western letters."""
_SIGNS: Final = {".": _UNKNOWN, "^": frozenset({_Way(bounded=True)}), "$": _NOTHING}


def beginnings(pattern: str) -> Beginnings | None:
    """Return how the matches of a pattern without inline flags begin, of which none is empty.

    None where that is unknown: such a pattern is searched everywhere.
    """
    reader = _Reader(pattern)
    try:
        ways = reader.alternatives()
    except _Unreadable:
        return None
    placed = frozenset(way for way in ways if _is_placed(way))
    others = frozenset(way.has for way in ways - placed)
    if not reader.ended or "" in others:
        return None
    return Beginnings(frozenset(f" {way.text[1:]}" if _is_behind_space(way) else way.text for way in placed), others)


PLACE: Final = re.compile(r"\w+|[^\w\s]|\n")
"""Places at which the indexed patterns begin: words, signs and ends of lines."""


def _is_placed(way: _Way) -> bool:
    behind = _is_behind_space(way)
    first = way.text[1:2] if behind else way.text[:1]
    is_word = first.isalnum() or first == "_"
    return (way.bounded or behind) if is_word else first == "\n" or not (first in {"", _SPACE} or first.isspace())


def _is_behind_space(way: _Way) -> bool:
    return way.text[:1] in {" ", _SPACE}


def _joined(first: frozenset[_Way], then: frozenset[_Way]) -> frozenset[_Way]:
    out = {way for way in first if not way.whole}
    for way in first - out:
        for other in then:
            text = way.text + other.text
            most = text.find(_SPACE, 1) if _SPACE in text[1:] else MOST
            bounded = way.bounded or (other.bounded and not way.text)
            out.add(_Way(text[:most], other.whole and len(text) < most, bounded, other.has))
    if len(out) > _MAX_WAYS:
        raise _Unreadable
    return frozenset(out)


class _Reader:
    """Reads a pattern of letters, classes, groups, repetitions and assertions."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0

    @property
    def ended(self) -> bool:
        """Whether all of the pattern was read."""
        return self._at == len(self._text)

    def alternatives(self) -> frozenset[_Way]:
        """Return the ways of a whole group."""
        ways = self._sequence()
        while self._took("|"):
            ways |= self._sequence()
        return ways

    def _took(self, text: str) -> bool:
        taken = self._text.startswith(text, self._at)
        self._at += len(text) * taken
        return taken

    def _next(self) -> str:
        if self.ended:
            raise _Unreadable
        self._at += 1
        return self._text[self._at - 1]

    def _sequence(self) -> frozenset[_Way]:
        ways = _NOTHING
        while not self.ended and self._text[self._at] not in "|)":
            if has := _HAS.match(self._text, self._at):
                ways = frozenset(way._replace(has=has[1] or has[2]) if way.is_unknown else way for way in ways)
            if not any(way.whole for way in ways):
                self._skip()
                break
            ahead = self._text.startswith("(?=", self._at) and not all(way.text for way in ways)
            ways = _joined(ways, self._repeated(self._item()))
            if ahead:
                ways = _joined(ways, self._consuming())
        return ways

    def _consuming(self) -> frozenset[_Way]:
        """Return the ways of an item that matches at least a letter: so no match is empty."""
        if self.ended or self._text[self._at] in "|)":
            raise _Unreadable
        ways = self._repeated(self._item())
        if any(way.whole and not way.text for way in ways):
            raise _Unreadable
        return ways

    def _skip(self) -> None:
        """Pass over the rest of an alternative."""
        depth = 0
        for found in _PART.finditer(self._text, self._at):
            if depth == 0 and found[0] in {"|", ")"}:
                self._at = found.start()
                return
            depth += {"(": 1, ")": -1}.get(found[0], 0)
        self._at = len(self._text)

    def _item(self) -> frozenset[_Way]:
        if run := _RUN.match(self._text, self._at):
            self._at = run.end()
            return frozenset({_Way(run[0][:MOST], len(run[0]) < MOST)})
        letter = self._next()
        if letter in "*+?{}]":
            raise _Unreadable
        special = {"(": self._group, "[": self._members, "\\": self._escaped}.get(letter)
        return _SIGNS.get(letter, frozenset({_Way(letter)})) if special is None else special()

    def _escaped(self) -> frozenset[_Way]:
        letter = self._next()
        if letter == "b":
            return frozenset({_Way(bounded=True)})
        if letter in _ANY:
            return _UNKNOWN
        if letter in _CLASSES:
            return _CLASSES[letter]
        if letter.isalnum() and letter not in _LETTERS:
            raise _Unreadable
        return frozenset({_Way(_LETTERS.get(letter, letter))})

    def _group(self) -> frozenset[_Way]:
        if self._took("?="):
            ways = frozenset(_Way(way.text, not way.text, way.bounded) for way in self._closed())
        elif any(map(self._took, ("?!", "?<!", "?<="))):
            self._closed()
            ways = _NOTHING
        elif self._took("?P<"):
            self._at = self._text.index(">", self._at) + 1
            ways = self._closed()
        elif self._took("?:") or not self._took("?"):
            ways = self._closed()
        else:
            raise _Unreadable
        return ways

    def _closed(self) -> frozenset[_Way]:
        ways = self.alternatives()
        if self._next() != ")":
            raise _Unreadable
        return ways

    def _repeated(self, ways: frozenset[_Way]) -> frozenset[_Way]:
        least, most = self._count()
        if most != 1:
            ways = frozenset(_Way(way.text, way.whole and not way.text, way.bounded) for way in ways)
        self._took("?")
        return ways if least else ways | _NOTHING

    def _count(self) -> tuple[int, int]:
        for sign, counted in (("?", (0, 1)), ("*", (0, 2)), ("+", (1, 2))):
            if self._took(sign):
                return counted
        found = _COUNT.match(self._text, self._at)
        if found is None:
            return 1, 1
        self._at = found.end()
        least = int(found[1] or 0)
        return least, least if found[2] is None else int(found[3] or 2)

    def _members(self) -> frozenset[_Way]:
        """Return the letters of a class, if they are few and each is written out."""
        known = not self._took("^")
        found: set[str] = set()
        while (letter := self._next()) != "]" or not found:
            if letter == "\\":
                letter = self._next()
                known = known and (letter in _LETTERS or letter == "s" or not letter.isalnum())
                letter = _SPACE if letter == "s" else _LETTERS.get(letter, letter)
            if self._text.startswith("-", self._at) and not self._text.startswith("-]", self._at):
                known = False
            found.add(letter)
        few = known and len(found) <= _MAX_CLASS
        return frozenset(map(_Way, found)) if few else _UNKNOWN
