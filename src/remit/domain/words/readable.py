"""Verdict on whether a message can be read at all."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from remit.domain.secrets.obfuscation import encoded_spans
from remit.domain.text.normalize import is_invisible
from remit.domain.words.languages import is_proved
from remit.domain.words.vocabulary import Vocabulary

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
_RUN: Final = re.compile(r"[^\W_]+")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_SPACED: Final = re.compile(r"(?<![^\W_])[^\W\d_](?:[ .*_-]{1,2}[^\W\d_]){4,}(?![^\W_])")
_SPACED_SIGN: Final = re.compile(r"[ .*_-][^\W\d_][ .*_-]{1,2}[^\W\d_][ .*_-]")
"""Two letters out of the middle of any such row: found fast."""
_LEET: Final = re.compile(r"(?<![\w@$])(?=[\w@$]*[a-z])(?=[\w@$]*[0-9@$])[\w@$]{4,24}(?![\w@$])", re.IGNORECASE)
_LEET_SIGN: Final = re.compile(r"[0-9@$]")
_UNLEET: Final = str.maketrans("013457@$", "oieastas")
_INSIDE: Final = re.compile(r"[^\W\d_][0-9@$]+[^\W\d_]")
"""Digits inside a word: "m0ney". "ks2000" reads like nothing else."""
_PICTURE: Final = re.compile(
    r"[\u2190-\u21ff\u2300-\u23ff\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff\U0001f300-\U0001faff©®™°℃℉№]"
)
"""Emoji, arrows, and lines of tables."""
_DRAWN_LETTERS: Final = 2
_FLAG_LETTERS: Final = re.compile(r"(?:[\U0001f1e6-\U0001f1ff]\s*){5,}")
_MORSE: Final = re.compile(r"(?:(?<!\S)[.·•_\u2013\u2014-]{1,6}(?:[ /]+|$)){5,}", re.MULTILINE)
_DASH: Final = re.compile(r"[_\u2013\u2014-]")
_STROKES: Final = str.maketrans("·•_\u2013\u2014", "..---")
FOREIGN: Final = "a sentence in another language"


def unreadable_reason(
    words: str, folded: str, *, expected: Collection[str], vocabulary: Vocabulary, name: bool = False
) -> str:
    """Return why a message cannot be read, empty when it can.

    ⚔ Hidden and directional characters, mixed alphabets, signs in place of letters, spelled-out, encoded or leet words
    and sentences that are not proved to be in a language of the vocabulary carry requests past every later rule.
    `expected` are values of the ask, allowed as they are. A `name` need not be a sentence.

    Source: docs/model/model.md#words.
    """
    disguised = disguise_reason(words, folded, expected=expected, vocabulary=vocabulary)
    neutral = neutral_words(expected, vocabulary)
    return disguised or ("" if is_proved(folded, vocabulary.words.values(), neutral, name=name) else FOREIGN)


def disguise_reason(words: str, folded: str, *, expected: Collection[str], vocabulary: Vocabulary) -> str:
    """Return why the letters of a text are not what they look like, empty when they are; of no language."""
    if _hidden(words):
        return "hidden or directional characters"
    if not words.isascii() and (_mixed(words, expected) or _drawn(words)):
        return "letters of another or a mixed alphabet"
    if (_SPACED_SIGN.search(folded) and _SPACED.search(folded)) or _is_morse(folded):
        return "words written letter by letter"
    if any(token not in expected for token in encoded_spans(folded)):
        return "encoded text"
    leet = _LEET.finditer(folded) if _LEET_SIGN.search(folded) else ()
    if any(_is_disguised(match[0].lower(), vocabulary) for match in leet):
        return "digits in place of letters"
    return ""


def _is_morse(folded: str) -> bool:
    if _DASH.search(folded) is None:
        return False
    return any({".", "-"} <= {*match[0].translate(_STROKES)} for match in _MORSE.finditer(folded))


def neutral_words(expected: Collection[str], vocabulary: Vocabulary) -> frozenset[str]:
    """Return the words that are of no language: international ones, and those of the ask's own values."""
    return vocabulary.neutral.union(_runs(expected))


def _runs(expected: Collection[str]) -> Iterator[str]:
    return (run.lower() for value in expected for run in _LETTERS.findall(value))


def _is_disguised(token: str, vocabulary: Vocabulary) -> bool:
    """Return whether a token with digits reads as a word: as one of the vocabulary, or as any that a language has."""
    plain = token.translate(_UNLEET)
    if plain in vocabulary.disguised:
        return True
    return _INSIDE.search(token) is not None and any(plain in words.known for words in vocabulary.words.values())


def _mixed(words: str, expected: Collection[str]) -> bool:
    """Return whether a text has a word of a mixed or foreign alphabet that is not in the ask."""
    known = {run.casefold() for value in expected for run in _RUN.findall(value)}
    for match in _WORD.finditer(words):
        if match[0].isascii():
            continue
        scripts = {_script(letter) for letter in match[0]}
        if match[0].casefold() not in known and (len(scripts) > 1 or not scripts <= {"LATIN"}):
            return True
    return False


def _hidden(words: str) -> bool:
    """Return whether a text has hidden characters, except the joiners and selectors of emoji."""
    if words.isascii():
        return _CONTROL.search(words) is not None
    for place, letter in enumerate(words):
        if not is_invisible(letter):
            continue
        before = words[place - 1] if place else ""
        kinds = {"So", "Sk", "Mn", "Cf", "Po"}
        emoji = letter in "\u200d\ufe0f\ufe0e" and before and unicodedata.category(before) in kinds
        if not emoji:
            return True
    return False


def _script(letter: str) -> str:
    if letter.isascii() or unicodedata.combining(letter):
        return "LATIN"
    name = unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "?")
    return "LATIN" if letter in "ªº" else name.split(" ")[0]


def _drawn(words: str) -> bool:
    """Return whether signs that are no letters, but drawn like them, stand in a row: Braille, boxed letters."""
    drawn = (
        letter
        for letter in words
        if unicodedata.category(letter) == "So"
        and _PICTURE.match(letter) is None
        and unicodedata.normalize("NFKC", letter) == letter
        and not "\U0001f1e6" <= letter <= "\U0001f1ff"
    )
    return len(list(islice(drawn, _DRAWN_LETTERS))) == _DRAWN_LETTERS or _FLAG_LETTERS.search(words) is not None


_MARKS: Final = frozenset("<&[\\*_~`:")
"""Every markup trick needs one of these."""
_COMMENT: Final = re.compile(r"<!--|-->|<!\[CDATA\[|<\?\w|<!\w", re.IGNORECASE)
_ACTIVE: Final = re.compile(
    r"</?\s?(?:script|style|iframe|object|embed|form|input|textarea|select|button|svg|math|template|noscript|meta|link|base|img|image|video|audio|canvas|title|head)\b",
    re.IGNORECASE,
)
_TAG_WITH: Final = re.compile(r"<\s?[a-z][a-z0-9-]{0,20}\s[^<>]{0,400}?(?:=|\bhidden\b|\binert\b)", re.IGNORECASE)
"""Tag that styles itself or holds a text of its own."""
_INLINE: Final = (
    r"</?(?:a|b|bdi|bdo|big|code|del|em|font|i|ins|kbd|mark|q|s|small|span|strike|strong|tt|u|var|wbr)\s?/?>"
)
_PAIR: Final = r"\*{1,3}|__|~~|`"
_IN_WORD: Final = re.compile(
    rf"[^\W\d_](?:(?:{_INLINE}){{1,8}}|<!--|-->)[^\W\d_]|[^\W\d_](?P<a>{_PAIR})[^\W\d_]{{1,40}}(?P=a)|(?<!\w)(?P<b>{_PAIR})[^\W\d_]{{1,40}}(?P=b)[^\W\d_]",
    re.IGNORECASE,
)
"""Marks that vanish when drawn, inside a word. A single one is no mark: "don`t", "2*3"."""
_AS_NUMBER: Final = re.compile(r"&#(?:x[0-9a-f]{2,6}|\d{2,7});|\\u[0-9a-f]{4}|\\u\{[0-9a-f]{1,6}\}|\\x[0-9a-f]{2}|&(?:shy|zwnj|zwj|ZeroWidthSpace|lrm|rlm);", re.IGNORECASE)  # fmt: skip
_PLAIN_NUMBER: Final = re.compile(r"&#(?:0?3[489]|x2[26]|160|x27);", re.IGNORECASE)
"""Quotation mark, ampersand, apostrophe or blank, as programs escape them."""
_IMAGE: Final = re.compile(r"!\[")
_REFERENCE: Final = re.compile(r"^[ \t>]*\[[^\]\n]{1,200}\]:[ \t]?\S", re.MULTILINE)
"""Line that is invisible once drawn: a link's target, or a comment."""
_LINK: Final = re.compile(r"\[(?P<text>[^\]\[\n]{1,300})\]\((?P<target>[^()\s]{1,500})")
_ADDRESS: Final = re.compile(
    r"(?:https?://|www\.)\S+|\b[a-z0-9-]{2,40}\.(?:com|org|net|example|de|eu|io|shop|co|uk|info|invalid)\b\S*",
    re.IGNORECASE,
)
_HOLDS: Final = re.compile(
    r"\b(?:data:\s?[a-z]{2,20}/[a-z0-9.+-]{1,40}\s?[;,]|javascript:|vbscript:|blob:|file://)", re.IGNORECASE
)


def hidden_markup_reason(words: str) -> str:
    """Return why a text would display something else than it says, empty if it would not."""
    return "" if _MARKS.isdisjoint(words) else next((why for why, found in _TRICKS.items() if found(words)), "")


def _hides(words: str) -> bool:
    return "<" in words and any(pattern.search(words) for pattern in (_COMMENT, _ACTIVE, _TAG_WITH))


def _links(words: str) -> bool:
    if "[" not in words:
        return False
    return bool(_IMAGE.search(words) or _REFERENCE.search(words)) or any(map(_misleads, _LINK.finditer(words)))


def _numbered(words: str) -> bool:
    return any(not _PLAIN_NUMBER.fullmatch(found[0]) for found in _AS_NUMBER.finditer(words))


_TRICKS: Final[Mapping[str, Callable[[str], object]]] = {
    "an address that holds content of its own": _HOLDS.search,
    "markup that hides or changes what is shown": _hides,
    "letters written as numbers": _numbered,
    "marks in the middle of a word": _IN_WORD.search,
    "a link or image that shows something else than it is": _links,
}


def _misleads(link: re.Match[str]) -> bool:
    """Return whether a link shows one address and leads to another."""
    shown = _ADDRESS.search(link["text"])
    return shown is not None and _host(shown[0]) != _host(link["target"])


def _host(address: str) -> str:
    try:
        host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.")
