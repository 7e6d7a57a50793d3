"""Tight patterns: regular expressions that leave no room for a sentence, decided by their structure alone."""

import re
from functools import lru_cache
from typing import Final

from remit.domain.structs import replace, struct
from remit.domain.values import JsonObject

MAX_SEPARATED: Final = 24
"""Most freely chosen letters where signs may part them into words ("ignore_previous_orders")."""
MAX_GLUED: Final = 40
"""Most freely chosen letters that nothing parts."""
MAX_LENGTH: Final = 128
"""Most freely chosen characters of any kind."""
_MAX_BESIDE_BLANKS: Final = 3
"""Most freely chosen letters where a blank may stand: a currency, a country."""
_MAX_TEXT: Final = 3
"""Longest text without a pattern that holds no sentence."""
_MAX_PATTERN: Final = 400
_ENDLESS: Final = 1_000_000
_FORMATS: Final = frozenset({"date", "date-time", "duration", "ipv4", "ipv6", "time", "uuid"})
_HEXADECIMAL: Final = frozenset("abcdefABCDEF")
"""Letters that make no sentence: a digest may be long."""
_COUNT: Final = re.compile(r"\{(\d{1,4})(?:(,)(\d{0,4}))?\}")
_DIGITS: Final = frozenset("0123456789")


class _Loose(Exception):  # noqa: N818  # no error: the answer "no"
    """The pattern has a part whose room is unknown."""


@struct(frozen=True)
class _Room:
    """Room in a pattern: freely chosen characters, letters among them, and whether signs or blanks may part them.

    `worded`: it has letters of the desk's own; `chosen`: an agent chooses among such.
    """

    length: int = 0
    letters: int = 0
    parted: bool = False
    blank: bool = False
    worded: bool = False
    chosen: bool = False

    def __add__(self, other: "_Room") -> "_Room":
        return _Room(
            min(_ENDLESS, self.length + other.length),
            min(_ENDLESS, self.letters + other.letters),
            self.parted or other.parted,
            self.blank or other.blank,
            self.worded or other.worded,
            self.chosen or other.chosen,
        )

    def __or__(self, other: "_Room") -> "_Room":
        return _Room(
            max(self.length, other.length),
            max(self.letters, other.letters),
            self.parted or other.parted,
            self.blank or other.blank,
            self.worded or other.worded,
            self.chosen or other.chosen or self.worded or other.worded,
        )

    def times(self, most: int) -> "_Room":
        """Return the room of so many. ⚔ Words chosen again and again make a sentence."""
        if most > 1 and self.chosen:
            raise _Loose
        length = max(1, self.length) if most > 1 else self.length
        return replace(self, length=min(_ENDLESS, length * most), letters=min(_ENDLESS, self.letters * most))


def is_tight(node: JsonObject) -> bool:
    """Return whether no sentence fits a text of this one schema, by its own pattern, format or length.

    Source: docs/model/model.md#declared-texts.
    """
    most = node.get("maxLength")
    longest = most if isinstance(most, int) and not isinstance(most, bool) else _ENDLESS
    pattern, form = node.get("pattern"), node.get("format")
    return (
        longest <= _MAX_TEXT
        or (isinstance(form, str) and form in _FORMATS)
        or (isinstance(pattern, str) and is_tight_pattern(pattern, longest))
    )


@lru_cache(1024)
def is_tight_pattern(pattern: str, longest: int = _ENDLESS) -> bool:
    """Return whether no sentence fits a whole text of this pattern, which is at most `longest` characters long.

    ⚔ Deny by default: an open end, "any character", a class by what it excludes, a look around, or anything else that
    is not read here makes it loose.
    """
    if len(pattern) > _MAX_PATTERN or not pattern.startswith("^"):
        return False
    try:
        room = _Reader(pattern).whole()
    except _Loose:
        return False
    length, letters = min(room.length, longest), min(room.letters, longest)
    if room.blank:
        return length <= MAX_LENGTH and letters <= _MAX_BESIDE_BLANKS
    return length <= MAX_LENGTH and letters <= (MAX_SEPARATED if room.parted else MAX_GLUED)


def is_tight_value(value: str) -> bool:
    """Return whether a text is too short, and of too few signs, to be a sentence: a name as programs give them."""
    return _NAME.fullmatch(value) is not None


_NAME: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.:-]{{0,{MAX_SEPARATED - 1}}}", re.ASCII)


class _Reader:
    """Reads an anchored pattern of characters, positive classes, groups and bounded repetitions."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 1

    def whole(self) -> _Room:
        room = self._sequence()
        if self._text[self._at :] != "$":
            raise _Loose
        return room

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise _Loose
        self._at += 1
        return self._text[self._at - 1]

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _sequence(self) -> _Room:
        room = _Room()
        while self._peek() not in {"", "$", "|", ")"}:
            room += self._repeated(self._item())
        return room

    def _item(self) -> _Room:
        letter = self._next()
        if letter == "(":
            return self._group()
        if letter == "[":
            return _room_of(self._members())
        if letter == "\\":
            escaped = self._escaped()
            return _room_of(escaped)
        if letter in ".*+?{}]^":
            raise _Loose
        # A literal is the desk's own word; nothing of it is chosen by an agent.
        return _literal(letter)

    def _group(self) -> _Room:
        if self._peek() == "?":
            if not self._text.startswith("?:", self._at):
                raise _Loose
            self._at += 2
        room = self._sequence()
        while self._peek() == "|":
            self._at += 1
            room |= self._sequence()
        if self._next() != ")":
            raise _Loose
        return room

    def _repeated(self, room: _Room) -> _Room:
        sign = self._peek()
        if sign and sign in "*+?":
            self._at += 1
            most = 1 if sign == "?" else _ENDLESS
        elif sign == "{":
            found = _COUNT.match(self._text, self._at)
            if found is None:
                raise _Loose
            self._at = found.end()
            most = int(found[1]) if found[2] is None else int(found[3] or _ENDLESS)
        else:
            return room
        if self._peek() == "?":
            self._at += 1
        return room.times(most)

    def _members(self) -> frozenset[str]:
        # ⚔ A leading ] ends the class for some engines, and is its first member for others.
        if self._peek() in {"^", "]"}:
            raise _Loose
        found: set[str] = set()
        while self._peek() != "]":
            first = self._member()
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in {"]", ""}:
                self._at += 1
                last = self._member()
                if len(first) != 1 or len(last) != 1:
                    raise _Loose
                found.update(map(chr, range(ord(min(first)), ord(min(last)) + 1)))
            else:
                found |= first
        self._at += 1
        return frozenset(found)

    def _member(self) -> frozenset[str]:
        letter = self._next()
        if letter == "[" or not letter.isascii():
            raise _Loose
        return self._escaped() if letter == "\\" else frozenset(letter)

    def _escaped(self) -> frozenset[str]:
        letter = self._next()
        if letter == "d":
            return _DIGITS
        if letter.isalnum() or not letter.isascii():
            raise _Loose  # \w, \s and all others
        return frozenset(letter)


def _literal(letter: str) -> _Room:
    if not letter.isprintable():
        raise _Loose
    return _Room(blank=letter == " ", parted=not letter.isalnum(), worded=letter.isalpha())


def _room_of(letters: frozenset[str]) -> _Room:
    """Return the room of one character of a class."""
    if not all(letter.isascii() and letter.isprintable() for letter in letters):
        raise _Loose
    if len(letters) == 1:
        return _literal(min(letters))
    free = any(letter.isalpha() and letter not in _HEXADECIMAL for letter in letters)
    signs = any(not letter.isalnum() for letter in letters)
    return _Room(length=1, letters=int(free), parted=signs, blank=" " in letters)
