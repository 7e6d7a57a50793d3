"""Look-alike texts by the data of UTS 39: skeletons, scripts, restriction levels.

The data of one Unicode version stands in `remit/vocabulary/unicode`, as that of `unicodedata` stands in Python.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from remit.domain.text.normalize import is_invisible

_WORDS: Final = re.compile(r"[^\s.,:;!?/\\@#()\"'_-]+")
_PUNYCODE: Final = re.compile(r"xn--([A-Za-z0-9-]{1,59})(?![A-Za-z0-9-])", re.IGNORECASE)
_COMMON: Final = frozenset({"Zyyy", "Zinh"})
_ANY: Final = frozenset({"*"})
"""The scripts of a text without letters of one: all of them."""
_AUGMENTED: Final[Mapping[str, frozenset[str]]] = {
    "Hani": frozenset({"Hanb", "Jpan", "Kore"}),
    "Hira": frozenset({"Jpan"}),
    "Kana": frozenset({"Jpan"}),
    "Hang": frozenset({"Kore"}),
    "Bopo": frozenset({"Hanb"}),
}
_BESIDE_LATIN: Final = frozenset({"Hanb", "Jpan", "Kore"})
_IN_COMMON_USE: Final = (
    "Arab Armn Beng Bopo Deva Ethi Geor Gujr Guru Hang Hani Hebr Hira Kana Khmr Knda Laoo Mlym Mymr Orya Sinh Taml "
    "Telu Thaa Thai Tibt Hanb Jpan Kore"
)
_RECOMMENDED: Final = frozenset(_IN_COMMON_USE.split())
"""Scripts in common use, without Latin, and without Cyrillic and Greek, whose letters look like Latin ones (UAX 31)."""


class RestrictionLevel(IntEnum):
    """How many scripts a text mixes.

    Source: UTS 39 §5.2, without the profile of identifiers.
    """

    ASCII = 1
    SINGLE_SCRIPT = 2
    HIGHLY_RESTRICTIVE = 3
    MODERATELY_RESTRICTIVE = 4
    UNRESTRICTED = 5


def skeleton(text: str) -> str:
    """Return the skeleton of a text: two texts look alike if theirs are equal.

    Source: UTS 39 §4 (`internalSkeleton`; texts are not reordered for display).
    """
    prototypes = _prototypes()
    seen = (letter for letter in unicodedata.normalize("NFD", text) if not is_invisible(letter))
    return unicodedata.normalize("NFD", "".join([prototypes.get(letter, letter) for letter in seen]))


def are_confusable(one: str, other: str) -> bool:
    """Return whether two different texts look alike; in which letters they are written, large or small, counts not."""
    one, other = decoded_labels(one), decoded_labels(other)
    if one.casefold() == other.casefold():
        return False
    return skeleton(one) == skeleton(other) or skeleton(one.casefold()) == skeleton(other.casefold())


@lru_cache(maxsize=4096)
def looks(text: str) -> tuple[str, ...]:
    """Return the looks of a name, as it is and with its capitals lowered; its spaces count as one each."""
    plain = " ".join(text.split())
    return skeleton(plain), skeleton(plain.casefold())


def look_alike(one: str, other: str) -> bool:
    """Return whether two names are equal or look so, written large or small."""
    return bool({*looks(one)} & {*looks(other)})


def scripts_of(text: str) -> frozenset[str]:
    """Return the scripts that a whole text may be written in; {"*"} for any, none where it mixes some.

    Source: UTS 39 §5.1 (resolved script set).
    """
    found = _ANY
    for letter in text:
        several = _augmented(letter)
        if several:
            found = several if found == _ANY else found & several
    return found


def restriction_level(text: str) -> RestrictionLevel:
    """Return how many scripts a text mixes.

    Source: UTS 39 §5.2.
    """
    if text.isascii():
        return RestrictionLevel.ASCII
    if scripts_of(text):
        return RestrictionLevel.SINGLE_SCRIPT
    rest = scripts_of("".join(letter for letter in text if "Latn" not in _augmented(letter)))
    if not rest.isdisjoint(_BESIDE_LATIN):
        return RestrictionLevel.HIGHLY_RESTRICTIVE
    return RestrictionLevel.UNRESTRICTED if rest.isdisjoint(_RECOMMENDED) else RestrictionLevel.MODERATELY_RESTRICTIVE


def is_whole_script_confusable(text: str) -> bool:
    """Return whether a text of one other script looks like one in plain Latin letters, with or without accents.

    Source: UTS 39 §4.1, for identifiers of ASCII letters.
    """
    if text.isascii() or not (scripts := scripts_of(text)) or scripts == _ANY or "Latn" in scripts:
        return False
    like = "".join(letter for letter in skeleton(text) if not unicodedata.combining(letter))
    return like.isascii() and any(map(str.isalpha, like))


def decoded_labels(text: str) -> str:
    """Return a host with its `xn--` labels in the letters that a browser shows."""
    if "xn--" not in text.lower():
        return text
    return _PUNYCODE.sub(lambda label: _decoded(label[1]) or label[0], text)


def _decoded(label: str) -> str:
    try:
        return label.encode("ascii").decode("punycode")
    except UnicodeError:
        return ""


def mixes_scripts(text: str) -> bool:
    """Return whether a word of a text mixes scripts that no language mixes."""
    return any(restriction_level(word) is RestrictionLevel.UNRESTRICTED for word in _WORDS.findall(text))


def deceptive_letters(text: str) -> str:
    """Return the letters of a text that are not the ones they look like, each once.

    ⚔ A word mixes scripts, is of another one but looks Latin, or has a Latin letter that passes for a plain one.
    """
    text = decoded_labels(text)
    if text.isascii():
        return ""
    return "".join(dict.fromkeys(letter for word in _WORDS.findall(text) for letter in _deceptive(word)))


def _deceptive(word: str) -> Iterator[str]:
    if word.isascii():
        return
    whole, mixed = is_whole_script_confusable(word), restriction_level(word) > RestrictionLevel.HIGHLY_RESTRICTIVE
    for letter in word:
        if letter.isascii() or not (scripts := _augmented(letter)):
            if not letter.isascii() and _passes_for_plain(letter):
                yield letter
        elif "Latn" in scripts:
            if _passes_for_plain(letter):
                yield letter
        elif whole or mixed:
            yield letter


def _passes_for_plain(letter: str) -> bool:
    """Return whether a letter or digit looks like an ASCII one, or is one in another form: full-width, mathematical."""
    if not letter.isalnum():
        return False
    like = skeleton(letter)
    return (like.isascii() and like.isalnum()) or unicodedata.normalize("NFKC", letter).isascii()


def _augmented(letter: str) -> frozenset[str]:
    """Return the scripts that use a character, with those that include them; none for common ones."""
    starts, names = _scripts()
    at = bisect_right(starts, ord(letter)) - 1
    return names[at] if at >= 0 else frozenset()


@cache
def _prototypes() -> Mapping[str, str]:
    return {
        chr(int(source, 16)): "".join(chr(int(point, 16)) for point in prototype.split())
        for source, prototype in _rows("confusables.txt")
    }


@cache
def _scripts() -> tuple[Sequence[int], Sequence[frozenset[str]]]:
    """Return the starts of ranges of characters, and the scripts of each."""
    starts: list[int] = []
    names: list[frozenset[str]] = []
    after = 0
    for span, several in _rows("scripts.txt"):
        first, last = (int(point, 16) for point in span.split(".."))
        if first > after:
            starts.append(after)
            names.append(frozenset())
        starts.append(first)
        names.append(_named(several))
        after = last + 1
    return [*starts, after], [*names, frozenset()]


@cache
def _named(several: str) -> frozenset[str]:
    """Return the scripts of a row: one set for all the ranges that have the same."""
    return frozenset(_with_augmented(several.split()))


def _with_augmented(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        if name not in _COMMON:
            yield name
            yield from _AUGMENTED.get(name, ())


def _rows(name: str) -> Iterator[tuple[str, str]]:
    text = (files("remit.vocabulary") / "unicode" / name).read_text("utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            left, _, right = line.partition(";")
            yield left, right
