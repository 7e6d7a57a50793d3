"""Where in a text it is worth looking: the first letters of the words that rules begin with, all of them in one pass.

A pattern that is tried at each letter of a text takes time by the number of patterns. Here a text is read once, and each
pattern is tried only where a word of its own begins. What is found is exactly what each pattern finds tried at every letter.
"""

import re
from collections.abc import Collection, Iterator
from enum import StrEnum
from typing import Final, TypeAlias

_UNESCAPED: Final = re.compile(r"[^\s%]*")
_UNESCAPED_LONGEST: Final = 200
_ESCAPED: Final = re.compile(r"%[0-9A-Fa-f]{2}[^\s%]{0,80}(?:%[0-9A-Fa-f]{2}[^\s%]{0,80}){2,1999}")


def first_letters_pattern(words: Collection[str]) -> re.Pattern[str]:
    """A pattern for the first of some words, one letter after the other, so that a letter that none begins with is passed over at once.

    No word may begin with another of them.
    """
    return re.compile("|".join(_branches(sorted(set(words)))))


def _branches(words: list[str]) -> Iterator[str]:
    at = 0
    while at < len(words):
        first = words[at][:1]
        rest = [word[1:] for word in words[at:] if word[:1] == first]
        at += len(rest)
        inner = "|".join(_branches(rest)) if all(rest) else ""
        yield re.escape(first) + (f"(?:{inner})" if len(rest) > 1 and inner else inner)


class AnchorWords:
    """Words that may begin where no letter stands before, or a small one before a large one, as in `clientSecret`."""

    def __init__(self, words: Collection[str]) -> None:
        """Take the words, in small letters; none may begin with another of them."""
        self._word = first_letters_pattern(words)
        first = "".join(sorted({re.escape(word[0]) for word in words}))
        self._behind = re.compile(rf"[^a-z](?=[{first}])(?=({self._word.pattern}))")

    def places(self, text: str) -> Iterator[tuple[int, str]]:
        """Where one of the words begins, in the order of the text but for those within others, and which."""
        low = "\n" + lowercase(text)
        for found in self._behind.finditer(low):
            start = found.start()
            if start == 0 or not text[start - 1].isalpha() or _LARGE_WITHIN.match(text, start - 1):
                yield start, found[1]
        for within in _WITHIN.finditer(text):
            inner = self._word.match(low, within.start() + 1)
            if inner is not None:
                yield within.start(), inner[0]


_WITHIN: Final = re.compile(r"[A-Z](?<=[a-z].)")
_LARGE_WITHIN: Final = re.compile(r"[^\W\d_a-zA-Z](?=[A-Z])")


def lowercase(text: str) -> str:
    """A text in small letters, as long as it was."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(one if len(one.lower()) != 1 else one.lower() for one in text)


def escaped_spans(text: str) -> Iterator[tuple[int, int]]:
    """Each stretch with three or more letters in percent encoding, with up to 200 letters before them: where it starts and ends.

    ⚔ Found from its first sign backwards: tried from each letter before it, a long run would be read again from each of them.
    """
    at = 0
    while (found := _ESCAPED.search(text, at)) is not None:
        yield _run_before(_UNESCAPED, text, found.start(), least=at, longest=_UNESCAPED_LONGEST), found.end()
        at = found.end()


def _run_before(letters: re.Pattern[str], text: str, end: int, *, least: int, longest: int) -> int:
    """Where a run that ends here begins: not before `least`, and of so many letters at most."""
    back = letters.match(text[max(least, end - longest) : end][::-1])
    return end - (back.end() if back else 0)


class SecretClass(StrEnum):
    """What a finding is, and so what may be kept of it.

    Only a `credential` may leave a keyed fingerprint: everything else can be guessed back from one.
    """

    CONTACT = "contact"
    CREDENTIAL = "credential"
    GUESSABLE = "guessable"
    PERSONAL = "personal"


Found: TypeAlias = tuple[str, int, int, SecretClass]
"""Kind, start, end, class."""

CREDENTIAL: Final = SecretClass.CREDENTIAL
GUESSABLE: Final = SecretClass.GUESSABLE
PERSONAL: Final = SecretClass.PERSONAL
