"""Classes of secrets, and the search for label words: all of them in one pass over the text.

Trying each pattern at every letter would take time by their number: each is tried only where its own word begins.
"""

import re
from collections.abc import Callable, Collection, Iterator
from enum import StrEnum
from heapq import merge
from typing import Final, TypeAlias

_UNESCAPED: Final = re.compile(r"[^\s%]*")
_UNESCAPED_LONGEST: Final = 200
_ESCAPED: Final = re.compile(r"%[0-9A-Fa-f]{2}[^\s%]{0,80}(?:%[0-9A-Fa-f]{2}[^\s%]{0,80}){2,1999}")


def first_letters_pattern(words: Collection[str]) -> re.Pattern[str]:
    """Build a pattern for the first of some words as a letter tree, so that most letters are passed over at once.

    No word may begin with another of them.
    """
    return re.compile("|".join(_branches(sorted(set(words)))))


def any_of(words: Collection[str]) -> Callable[[str], re.Match[str] | None]:
    """Return a search for the first of some words in a text, in one pass."""
    return first_letters_pattern(shortest_words(words)).search


def shortest_words(words: Collection[str]) -> list[str]:
    """Return the words that do not begin with another of them."""
    return [word for word in words if not any(word != other and word.startswith(other) for other in words)]


def _branches(words: list[str]) -> Iterator[str]:
    at = 0
    while at < len(words):
        first = words[at][:1]
        rest = [word[1:] for word in words[at:] if word[:1] == first]
        at += len(rest)
        inner = "|".join(_branches(rest)) if all(rest) else ""
        yield re.escape(first) + (f"(?:{inner})" if len(rest) > 1 and inner else inner)


class AnchorWords:
    """Words that begin a label: not behind a letter, except a large one behind a small one, as in `clientSecret`."""

    def __init__(self, words: Collection[str]) -> None:
        """Take the words, in small letters; none may begin with another."""
        self._word = first_letters_pattern(words)
        first = "".join(sorted({re.escape(word[0]) for word in words}))
        self._behind = re.compile(rf"[^a-z](?=[{first}])(?=({self._word.pattern}))")

    def places(self, text: str) -> Iterator[tuple[int, str]]:
        """Return where each word begins, and which, in text order."""
        low = "\n" + lowercase(text)
        inner = [
            (at, word[0])
            for at in map(re.Match.start, _WITHIN.finditer(text))
            if (word := self._word.match(low, at + 1))
        ]
        begins = self._beginnings(text, low)
        return merge(begins, inner) if inner else begins

    def _beginnings(self, text: str, low: str) -> Iterator[tuple[int, str]]:
        for found in self._behind.finditer(low):
            start = found.start()
            if start == 0 or not text[start - 1].isalpha() or _LARGE_WITHIN.match(text, start - 1):
                yield start, found[1]


_WITHIN: Final = re.compile(r"[A-Z](?<=[a-z].)")
_LARGE_WITHIN: Final = re.compile(r"[^\W\d_a-zA-Z](?=[A-Z])")


def lowercase(text: str) -> str:
    """Return a text in small letters, of the same length."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(char if len(char.lower()) != 1 else char.lower() for char in text)


def escaped_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield each span with three or more percent-encoded characters, with up to 200 characters before them.

    ⚔ Found from its first sign backwards: tried from each letter before it, a long run would be re-read each time.
    """
    at = 0
    while (found := _ESCAPED.search(text, at)) is not None:
        yield _run_before(_UNESCAPED, text, found.start(), least=at, longest=_UNESCAPED_LONGEST), found.end()
        at = found.end()


def _run_before(letters: re.Pattern[str], text: str, end: int, *, least: int, longest: int) -> int:
    """Return where a run that ends here begins: not before `least`, at most `longest` characters back."""
    back = letters.match(text[max(least, end - longest) : end][::-1])
    return end - (back.end() if back else 0)


class SecretClass(StrEnum):
    """Class of a finding, which decides how much of it may be kept.

    Only a `credential` may leave a keyed fingerprint: every other value can be guessed back from one.
    """

    CONTACT = "contact"
    CREDENTIAL = "credential"
    GUESSABLE = "guessable"
    PERSONAL = "personal"


Found: TypeAlias = tuple[str, int, int, SecretClass]
"""Kind, start, end and class of a finding."""

CREDENTIAL: Final = SecretClass.CREDENTIAL
GUESSABLE: Final = SecretClass.GUESSABLE
PERSONAL: Final = SecretClass.PERSONAL
