"""Proof that each sentence of a text is in a language, by the words that this language is known to have."""

import re
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import field
from functools import lru_cache
from itertools import pairwise
from typing import Final, NamedTuple, TypeAlias

from remit.domain.structs import struct

Knows: TypeAlias = Callable[[str], bool]

_END: Final = re.compile(r"[.!?;\n](?:(?<=\n)\n*|(?<!\n)[.!?;]*(?=\s|$))")
"""One class begins it: so it is found fast."""
_ADDRESS: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}|(?:https?://|www\.)\S+", re.IGNORECASE)
_ADDRESS_SIGNS: Final = ("@", "://", "www.")
_TOKEN: Final = re.compile(r"[^\W_]+")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_WORD: Final = re.compile(r"[^\W\d_](?:[^\W\d_A-ZÄÖÜ]+|[A-ZÄÖÜ]+(?![^\W\d_A-ZÄÖÜ]))?")
"""Word of a token: "OutOfMemoryError" has four."""
_LONGEST: Final = 40
"""⚔ Letters of a word that is looked for in a compound: trying each cut of a longer one would take quadratic time."""
_PART: Final = 4
"""Least letters of a compound's part."""
_ROOT: Final = 3
_CODE: Final = 3
"""Letters beside digits, up to which they are a code: "WH-1000XM4", "D-102"."""
_NAME: Final = 0.5
"""Weight of an unknown word with a capital: names and products are often unknown."""
_RUN: Final = 2.5
"""Weight of unknown words in a row, each known one between them taking 1 off, from which they are no sentence."""
_RUN_OF_NAME: Final = 4.0
_MOST: Final = 1.5
_SHOUTED: Final = 4
_FEW: Final = 12


_SHELVES: Final = 4096
"""Texts that a list of words is kept in: one of 60,000 has some 15 words in each."""


class WordList:
    """Known words, in a seventh of the memory of a frozenset: words whose hashes end alike stand in one text."""

    __slots__ = ("_shelves",)

    def __init__(self, words: Iterable[str]) -> None:
        """Keep words, none of which has a line break."""
        shelves: list[list[str]] = [[] for _ in range(_SHELVES)]
        for word in words:
            shelves[hash(word) % _SHELVES].append(word)
        self._shelves: Final = tuple(["\n".join(["", *each, ""]) for each in shelves])

    def __contains__(self, word: object) -> bool:
        """Return whether a word is one of these."""
        return f"\n{word}\n" in self._shelves[hash(word) % _SHELVES] and "\n" not in str(word)


@struct(frozen=True, kw_only=True, eq=False)
class LanguageWords:
    """Known words of one language, each of small letters alone, and how it makes others of them."""

    known: Container[str] = field(repr=False)
    endings: tuple[str, ...] = ()
    """Endings behind a known word: "order" + "ed"."""
    joints: tuple[str, ...] = ()
    """Letters between the parts of a compound; without any, the language has none: "Geschenk" + "" + "karte"."""
    spellings: Mapping[str, str] = field(default_factory=dict)
    """Letters written in place of others: "ue" in place of "ü"."""

    def knows(self, word: str) -> bool:
        """Return whether a word, in small letters, is one of this language."""
        return word in self.known or _is_made(self, word)


def spelled(words: Iterable[str], spellings: Mapping[str, str]) -> frozenset[str]:
    """Return words in each spelling of their language: "größe", "groesse", …."""
    forms = set(words)
    for written, meant in spellings.items():
        forms |= {form.replace(meant, written) for form in forms}
    return frozenset(forms)


@lru_cache(1 << 14)
def _is_made(language: LanguageWords, word: str) -> bool:
    """Return whether a word is a known one in another spelling, with an ending, or a compound of two."""
    if len(word) > _LONGEST:
        return False
    forms = {word}
    for written, meant in language.spellings.items():
        forms |= {form.replace(written, meant) for form in forms}
    return any(form in language.known or _ends(language, form) or _joins(language, form) for form in forms)


def _ends(language: LanguageWords, word: str) -> bool:
    roots = (word[: -len(end)] for end in language.endings if word.endswith(end))
    return any(len(root) >= _ROOT and root in language.known for root in roots)


def _joins(language: LanguageWords, word: str) -> bool:
    known = language.known
    for at in range(_PART, len(word) - _PART + 1) if language.joints else ():
        if word[at:] not in known:
            continue
        first = word[:at]
        for joint in language.joints:
            root = first[: len(first) - len(joint)]
            if first.endswith(joint) and len(root) >= _PART and root in known:
                return True
    return False


class _Word(NamedTuple):
    small: str
    weight: float
    lower: bool


def is_proved(text: str, languages: Collection[LanguageWords], neutral: Collection[str], *, name: bool = False) -> bool:
    """Return whether each sentence of a folded text is proved to be in one of these languages.

    ⚔ Deny by default: a sentence whose words none of these languages knows is foreign, whatever it is. Names, codes,
    numbers, addresses and `neutral` words (the ask's own values) prove nothing and disprove nothing. A clause of another
    language inside a sentence is a run of unknown words. A `name` has no grammar: only a longer run counts.

    Source: docs/model/model.md#words.
    """
    text = _without_addresses(text)
    tokens = {*_TOKEN.findall(text)}
    unproved = _unproved(tokens, languages, neutral)
    for sentence in _sentences(text) if unproved else ():
        if not _may_have(sentence, unproved):
            continue
        words = list(_words(sentence, neutral, name=name))
        if words and not any(_is_sentence(words, language.knows, name=name) for language in languages):
            return False
    return True


def _may_have(sentence: str, tokens: Collection[str]) -> bool:
    """Return whether a sentence may have one of these tokens. ⚔ Many are not looked for in each of many sentences."""
    return len(tokens) > _FEW or any(map(sentence.__contains__, tokens))


def _without_addresses(text: str) -> str:
    return _ADDRESS.sub(" ", text) if any(map(text.lower().__contains__, _ADDRESS_SIGNS)) else text


def _unproved(tokens: AbstractSet[str], languages: Iterable[LanguageWords], neutral: Collection[str]) -> list[str]:
    """Return all tokens but those that are, in the likeliest language, one known word, or a number or a letter.

    A sentence of such ones is proved.
    """
    unknown, language = min(
        (([token for token in tokens if token not in one.known], one) for one in languages), key=lambda two: len(two[0])
    )
    return [
        token
        for token in unknown
        if not _is_plain(token) or not (len(token) == 1 or (small := token.lower()) in neutral or language.knows(small))
    ]


def _is_plain(token: str) -> bool:
    """Return whether a token is one word at most: not one of several, as "OutOfMemoryError", and no code."""
    return token.isdecimal() or (token.isalpha() and (len(token) == 1 or token[1:].islower()))


def languages_of(text: str, languages: Mapping[str, LanguageWords], neutral: Collection[str]) -> tuple[str, ...]:
    """Return the languages by any of which alone a proved text can be read, in their order.

    ⚔ None where a word is missing in it that another of them knows: then the text is read by all.
    """
    if len(languages) == 1:
        return tuple(languages)
    words = {*map(str.lower, _LETTERS.findall(_without_addresses(text)))}.difference(neutral)
    unknown = {name: {word for word in words if not language.knows(word)} for name, language in languages.items()}
    nowhere = frozenset(words).intersection(*unknown.values())
    return tuple(name for name, missing in unknown.items() if missing <= nowhere)


def _sentences(text: str) -> Iterator[str]:
    ends = [0, *(found.end() for found in _END.finditer(text)), len(text)]
    return (text[first:last] for first, last in pairwise(ends))


def _words(sentence: str, neutral: Collection[str], *, name: bool = False) -> Iterator[_Word]:
    shouted = sentence.isupper() and len(_LETTERS.findall(sentence)) >= _SHOUTED
    for token in _TOKEN.findall(sentence):
        code = not token.isalpha()
        for letters in (token,) if token.isalpha() and _is_plain(token) else _WORD.findall(token):
            small = letters.lower()
            if len(letters) == 1 or small in neutral or (code and (len(letters) <= _CODE or letters.isupper())):
                continue
            lower = shouted or name or letters[0].islower()
            yield _Word(small, 1.0 if lower else _NAME, lower)


def _is_sentence(words: Collection[_Word], knows: Knows, *, name: bool) -> bool:
    run = longest = unknown = 0.0
    known = lower = 0
    for word in words:
        if knows(word.small):
            known += 1
            run = max(0.0, run - 1)
            continue
        run += word.weight
        unknown += word.weight
        lower += word.lower
        longest = max(longest, run)
    if name:
        return longest < _RUN_OF_NAME
    mostly_unknown = (lower > 0 and unknown > known and unknown >= _MOST) or (lower > 1 and unknown >= known)
    return longest < _RUN and not mostly_unknown
