"""Whether a message can be read at all.

What it says is for `words_claims` and `words_asks`.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache
from typing import Final

from remit.domain.plain import hides
from remit.domain.secret_disguises import encoded
from remit.domain.words_vocabulary import Vocabulary

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_RUN: Final = re.compile(r"[^\W_]+")
_SENTENCE: Final = re.compile(r"[.!?\n]+")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_SPACED: Final = re.compile(r"(?<![^\W_])[^\W\d_](?:[ .*_-]{1,2}[^\W\d_]){4,}(?![^\W_])")
_LEET: Final = re.compile(r"(?<![\w@$])(?=[\w@$]*[a-z])(?=[\w@$]*[0-9@$])[\w@$]{5,24}(?![\w@$])", re.IGNORECASE)
_UNLEET: Final = str.maketrans("013457@$", "oieastas")


def unreadable(words: str, folded: str, *, expected: Collection[str], languages: Collection[str], vocabulary: Vocabulary) -> str:
    """Say why a message cannot be read, empty when it can.

    ⚔ Hidden and directional characters, mixed alphabets, spelled-out, encoded or digit-for-letter words and languages
    nobody configured carry requests past every later rule. `expected` are values of the ask, which may be written as
    they are.

    Source: docs/model/model.md#words.
    """
    if _hidden(words):
        return "hidden or directional characters"
    if not words.isascii() and _mixed(words, expected):
        return "letters of another or a mixed alphabet"
    if _SPACED.search(folded):
        return "words written letter by letter"
    if any(token not in expected for token in encoded(folded)):
        return "encoded text"
    if any(match[0].lower().translate(_UNLEET) in vocabulary.disguised for match in _LEET.finditer(folded)):
        return "digits in place of letters"
    return next((f"a sentence in another language ({other})" for other in _foreign(folded, languages, vocabulary)), "")


def _mixed(words: str, expected: Collection[str]) -> bool:
    """Whether a word of more than one alphabet, or of another than ours, is in a text and not in the ask."""
    known = {one.casefold() for value in expected for one in _RUN.findall(value)}
    for match in _WORD.finditer(words):
        scripts = {_script(letter) for letter in match[0]}
        if match[0].casefold() not in known and (len(scripts) > 1 or not scripts <= {"LATIN"}):
            return True
    return False


def _hidden(words: str) -> bool:
    """Hidden characters anywhere, except the joiners and selectors that emoji are made of."""
    if words.isascii():
        return _CONTROL.search(words) is not None
    for place, letter in enumerate(words):
        if not hides(letter):
            continue
        before = words[place - 1] if place else ""
        emoji = letter in "\u200d\ufe0f\ufe0e" and before and unicodedata.category(before) in {"So", "Sk", "Mn", "Cf", "Po"}
        if not emoji:
            return True
    return False


def _script(letter: str) -> str:
    if letter.isascii() or unicodedata.combining(letter):
        return "LATIN"
    name = unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "?")
    return "LATIN" if letter in "ªº" else name.split(" ")[0]


def _foreign(folded: str, languages: Collection[str], vocabulary: Vocabulary) -> Iterator[str]:
    ours, others = _told_apart(frozenset(languages), vocabulary)
    for sentence in _SENTENCE.split(folded.lower()):
        tokens = _LETTERS.findall(sentence)
        here = None
        for language, stops in others:
            there = len([token for token in tokens if token in stops])
            if there >= 2:  # noqa: PLR2004  # one foreign word is a name
                here = sum(token in ours for token in tokens) if here is None else here
                if there > here:
                    yield language


@cache
def _told_apart(languages: frozenset[str], vocabulary: Vocabulary) -> tuple[frozenset[str], tuple[tuple[str, frozenset[str]], ...]]:
    """The common words of these languages, and those that only each of the others has."""
    ours = frozenset().union(*(vocabulary.common.get(language, frozenset()) for language in languages))
    return ours, tuple((language, stops - ours) for language, stops in vocabulary.common.items() if language not in languages)
