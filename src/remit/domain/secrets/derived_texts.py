"""Facts derived from addresses, names, e-mail addresses and things: short forms, parts beside a cue, translations, first letters."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from remit.domain.secrets.fact_text import FactText
from remit.domain.secrets.value_tokens import Span, road_word
from remit.domain.text.tokens import plain_word

_WIDE: Final = 9
_CLOSE: Final = 6
_TOGETHER: Final = 4
"""Tokens within which the words of a thing stand."""
_MIN_STEM: Final = 4
_MIN_PART: Final = 3
_MIN_BEGIN: Final = 5
_MIN_ROW: Final = 7
"""First letters of words that make a word by no accident."""
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_NUMBERED: Final = re.compile(
    r"(?P<s>[^\d,;\n]{3,60}?)\s+(?P<n>\d{1,5})\s?[a-z]?|(?P<m>\d{1,5})\s?[a-z]?,?\s+(?P<t>[^\d,;\n]{3,60})",
    re.IGNORECASE,
)
_CODE: Final = re.compile(r"[0-9]{4,6}")
_EMPTY: Final[frozenset[str]] = frozenset()


def address_facts(text: FactText, value: str) -> Iterator[Span]:
    """Yield where a text states a street in short or translated, its house number, its town, or part of its postal code."""
    for part in (part.strip() for part in re.split(r"[,;\n]", value)):
        street = _NUMBERED.fullmatch(part)
        if _CODE.match(part) or street is None:
            yield from _towns(text, part)
            yield from _codes(text, part)
        else:
            yield from _street(text, [plain_word(word) for word in _LETTERS.findall(street["s"] or street["t"])])
            yield from _house(text, street["n"] or street["m"])


def _towns(text: FactText, part: str) -> Iterator[Span]:
    words = [plain_word(word) for word in _LETTERS.findall(part)]
    names = {"".join(words)} | {word for word in words if len(word) >= _MIN_STEM}
    names |= {other for name in names for other in text.words.towns.get(name, _EMPTY)}
    for name in names:
        for at in _joined(text, name):
            if _lives(text, at):
                yield text.span(at, at)
    for at in text.starting(names):
        word = text.tokens[at].word
        short = len(word) >= _MIN_PART and any(name.startswith(word) and name != word for name in names)
        if short and _is_cut(text, at) and _lives(text, at):
            yield text.span(at, at)


def _lives(text: FactText, at: int) -> bool:
    """Return whether somebody lives at a place, or something is sent there."""
    return text.near("live", at, _WIDE) or (text.near("move", at, _WIDE) and text.near("toward", at, 1, 0))


def _joined(text: FactText, name: str) -> Iterator[int]:
    """Yield where a name begins, written as one word or several."""
    yield from text.places.get(name, ())
    for at in text.starting((name,)):
        word = text.tokens[at].word
        if name.startswith(word) and len(word) < len(name):
            joined = ""
            for other in text.tokens[at : at + 4]:
                joined += other.word
                if joined == name:
                    yield at


def _is_cut(text: FactText, at: int) -> bool:
    """Return whether a word is cut short by a full stop or dots behind it."""
    return text.read.text[text.tokens[at].end : text.tokens[at].end + 1] in {".", "…", "-"}


def _codes(text: FactText, part: str) -> Iterator[Span]:
    found = _CODE.search(part)
    if found is None:
        return
    code = found[0]
    for row in text.read.figures:
        told = row.text
        for size in range(len(code), 1, -1):
            at = told.find(code[:size])
            place = -1 if at < 0 else _token_at(text, row.tokens[at].start)
            if place >= 0 and at in row.starts and text.near("code", place, _WIDE, 3):
                yield row.span(at, at + size)
                break


def _token_at(text: FactText, start: int) -> int:
    return next((at for at in text.read.numbers if text.tokens[at].start == start), -1)


def _street(text: FactText, words: Sequence[str]) -> Iterator[Span]:
    kinds = text.words.street_kinds
    stem, ending = _stem("".join(words), kinds)
    stems = {stem} if len(stem) >= _MIN_STEM else set()
    stems |= {word for word in words if len(word) >= _MIN_STEM and word not in kinds}
    whole = road_word("".join(words))
    for at in text.starting((whole, *stems)):
        token = text.tokens[at]
        if (_shortens(text.read.roads[at], whole, stems, kinds) and (_is_cut(text, at) or token.word not in stems)) or (
            token.word in stems and (_is_street(text, at, at) or _lives(text, at))
        ):
            yield text.span(at, at)
    same = {other for one in stems for other in _translations(text, one)} - stems
    for at in text.where(same):
        if _kind_beside(text, at, kinds.get(ending, _EMPTY)) or _compound(text, at, kinds):
            yield text.span(at, at)


def _translations(text: FactText, stem: str) -> frozenset[str]:
    known = text.words.street_words
    return known.get(stem) or known.get(stem.removesuffix("s")) or known.get(stem.removesuffix("n")) or _EMPTY


def _stem(name: str, kinds: Mapping[str, frozenset[str]]) -> tuple[str, str]:
    """Return the beginning of a street's name and its kind: Linden, weg."""
    for size in range(min(len(name) - _MIN_PART, 9), 2, -1):
        if name[-size:] in kinds:
            return name[:-size], name[-size:]
    return name, ""


def _shortens(word: str, whole: str, stems: Collection[str], kinds: Mapping[str, frozenset[str]]) -> bool:
    """Return whether a word is a short or mistyped form of a street's name."""
    if len(word) >= _MIN_BEGIN and whole.startswith(word) and word not in kinds:
        return True
    if any(
        word.startswith(stem) and (word[len(stem) :] in kinds or len(word) - len(stem) == 1)
        for stem in stems
        if len(stem) >= _MIN_BEGIN
    ):
        return True
    return (
        len(whole) >= _MIN_ROW and abs(len(word) - len(whole)) <= 1 and word[:1] == whole[:1] and _one_off(word, whole)
    )


def _one_off(first: str, second: str) -> bool:
    """Return whether one letter was changed, added, left out, or two were swapped."""
    if first == second:
        return True
    at = next((n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), min(len(first), len(second)))
    rest, other = first[at:], second[at:]
    swapped = rest[:2] == other[:2][::-1] and rest[2:] == other[2:]
    return rest[1:] == other[1:] or rest[1:] == other or rest == other[1:] or swapped


def _is_street(text: FactText, first: int, last: int) -> bool:
    return text.near("street", first, _CLOSE, 1) or text.near_words(text.words.street_kinds.keys(), last, 0, 1)


def _kind_beside(text: FactText, at: int, kinds: Collection[str]) -> bool:
    return text.near_words(kinds, at - 1, 2, 0) or text.near_words(kinds, at + 1, 0, 0)


def _compound(text: FactText, at: int, kinds: Mapping[str, frozenset[str]]) -> bool:
    after = text.tokens[at + 1].word if at + 1 < len(text.tokens) else ""
    return len(after) >= _MIN_STEM and after in kinds


def _house(text: FactText, number: str) -> Iterator[Span]:
    for at in text.read.numbers:
        token = text.tokens[at]
        counted = text.near("house", at, 3, 1) or (token.nth and text.near("house", at, _CLOSE, 2))
        between = text.near("range", at, 4, 0) and 0 < int(number) - token.number <= 2  # noqa: PLR2004  # its neighbours
        if (token.digits == number or between) and counted and text.near("live", at, _WIDE * 2):
            yield text.span(at, at)


def name_facts(text: FactText, value: str, *, bare: bool) -> Iterator[Span]:
    """Yield where a text states part of a name beside a word of names: a first name, a short form, its first letter.

    With `bare`, a part of it counts wherever it is no greeting.
    """
    parts = [plain_word(word) for word in _LETTERS.findall(value)]
    for at in text.starting(parts):
        token = text.tokens[at]
        if text.near("greet", at, 2, 0):
            continue
        if not text.near("name", at, _CLOSE):
            if bare and len(token.word) >= _MIN_PART and token.word in parts and _starts_word(text, at):
                yield text.span(at, at)
            continue
        if len(token.word) == 1 and any(part.startswith(token.word) for part in parts):
            told = text.near("begins", at, 3, 0) and _starts_word(text, at)
        else:
            told = any(_is_part(token.word, part) for part in parts) and _starts_word(text, at)
            told = told or (token.word in parts and len(token.word) >= _MIN_PART and text.near("name", at, 3))
        if told:
            yield text.span(at, at)


def _starts_word(text: FactText, at: int) -> bool:
    return text.read.text[text.tokens[at].start].isupper()


def _is_part(word: str, part: str) -> bool:
    """Return whether a word is a part of a name, a short form of one, or one mistyped."""
    if len(word) < 2 or len(part) < 2:  # noqa: PLR2004  # letters
        return False
    if word == part:
        return True
    short = len(part) >= _MIN_PART and word[:_MIN_PART] == part[:_MIN_PART] and abs(len(word) - len(part)) <= 3  # noqa: PLR2004  # what the words say
    return short or (len(part) > _MIN_BEGIN and _one_off(word, part))


def mail_facts(text: FactText, value: str) -> Iterator[Span]:
    """Yield where a text states a part of an e-mail address: what is before the sign, or its host."""
    local, _, host = value.lower().partition("@")
    parts = [plain_word(word) for word in _LETTERS.findall(local) if len(word) >= _MIN_PART]
    labels = [plain_word(word) for word in _LETTERS.findall(host)]
    for at in text.starting((*parts, *labels[-2:-1])):
        token = text.tokens[at]
        if len(labels) > 1 and token.word == labels[-2]:
            after = [one.word for one in text.tokens[at + 1 : at + 3]]
            if labels[-1] in after and text.near("mail", at, _WIDE):
                yield text.span(at, at + 1 + after.index(labels[-1]))
            elif len(token.word) >= _MIN_PART and token.word not in _MAIL_WORDS and text.near("mail", at, _WIDE):
                yield text.span(at, at)
        small = text.read.text[token.start : token.start + 1].islower()
        if (
            token.word in parts
            and (text.near("part", at, _CLOSE) or text.near("begins", at, 3, 0))
            and (small or text.near("mail", at, _WIDE))
        ):
            yield text.span(at, at)
        elif len(parts) > 1 and token.word == parts[0]:
            after = [one.word for one in text.tokens[at + 1 : at + 2]]
            if after == parts[1:2] and text.read.text[token.end : token.end + 1] in "._-+":
                yield text.span(at, at + 1)


_MAIL_WORDS: Final = frozenset({"mail", "email", "example", "post", "web", "co", "com"})


def thing_facts(text: FactText, value: str) -> Iterator[Span]:
    """Yield where a text states a thing in other words: in other order or form, translated, or as one word."""
    words = [plain_word(word) for word in _LETTERS.findall(value)]
    content = [word for word in words if len(word) >= _MIN_PART]
    if not content or value.islower() or len(content) > _CLOSE:
        return
    forms = [_forms(text, word) for word in content]
    places = sorted({at for form in forms for at in text.where(form)})
    for at in places:
        window = {
            text.tokens[place].word for place in range(at, min(len(text.tokens), at + max(_TOGETHER, len(forms))))
        }
        if all(window & form for form in forms) and (len(forms) > 1 or text.tokens[at].word in text.words.things):
            yield text.span(at, min(len(text.tokens) - 1, at + (_TOGETHER - 1 if len(forms) > 1 else 0)))
    if len(forms) == 1 and len(content[0]) >= _MIN_ROW:
        yield from _apart(text, content[0])
    if len(forms) == 2:  # noqa: PLR2004  # a compound of two
        for at in text.starting(forms[0]):
            word = text.tokens[at].word
            if any(word.startswith(one) and word[len(one) :] in forms[1] for one in forms[0]):
                yield text.span(at, at)


def _apart(text: FactText, word: str) -> Iterator[Span]:
    """Yield where a word is written as two, or mistyped."""
    for at in _joined(text, word):
        yield text.span(at, at + (text.tokens[at].word != word))
    for at in text.starting((word,)):
        if _one_off(text.tokens[at].word, word):
            yield text.span(at, at)


def _forms(text: FactText, word: str) -> frozenset[str]:
    plural = {word, word + "s", word + "es", word + "n", word + "en", word + "e"}
    return text.words.things.get(word, _EMPTY) | text.words.street_words.get(word, _EMPTY) | plural


def initialled(text: FactText, value: str) -> Iterator[Span]:
    """Yield where the last word of a value stands behind the first letters of those before it: O. Harbour."""
    words = [plain_word(word) for word in _LETTERS.findall(value.partition("@")[0])][:_CLOSE]
    for size in range(1, len(words)):
        for at in text.places.get(words[size], ()) if len(words[size]) >= _MIN_PART else ():
            before = text.tokens[max(0, at - size) : at]
            letters = [token.word for token in before]
            if letters == [word[0] for word in words[:size]] and _is_cut(text, at - 1):
                yield text.span(at - size, at)


def first_letters(text: FactText, value: str) -> Iterator[Span]:
    """Yield where the first letters of lines, sentences or words make a word of a value."""
    words = [plain_word(word) for word in _LETTERS.findall(value.partition("@")[0])]
    words = [word for word in words if len(word) >= _MIN_STEM]
    for number, (row, places) in enumerate(text.initials):
        for word in words:
            at = row.find(word) if number < 2 or len(word) >= _MIN_ROW else -1  # noqa: PLR2004  # lines and sentences
            if at >= 0:
                yield places[at], places[at + len(word) - 1] + 1
