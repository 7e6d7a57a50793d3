"""Words and numbers of a text as one sequence, however they are spelled: figures, number words, Roman numerals, spelled letters.

⚔ Reading takes time linear in the text's length: every word is looked up, none is searched for.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from remit.domain.structs import struct
from remit.domain.text.number_words import everyday_number_words, number_languages, read_number

_PIECE: Final = re.compile(
    r"[0-9]+(?:(?:st|nd|rd|th|te[nrsm]?|ste[nrsm]?)(?![^\W\d_]))?|[^\W\d_]+|[€$£¥]", re.IGNORECASE
)
_UMLAUTS: Final = str.maketrans({"ß": "ss", "æ": "a", "œ": "o", "ø": "o", "ł": "l", "đ": "d"})
_DIGRAPH: Final = re.compile(r"(?<=[aou])e")
_MAX_WORD_LENGTH: Final = 64
_MAX_NUMBER: Final = 12
"""Figures of a number in words that are read as one."""
_ROMAN: Final = re.compile(r"(?=[MDCLXVI])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_VALUES: Final = {"M": 1000, "D": 500, "C": 100, "L": 50, "X": 10, "V": 5, "I": 1}

_UNITS: Final = {
    word: value
    for value, words in enumerate(
        (
            "zero nought null oh",
            "one eins",
            "two zwei zwo",
            "three drei",
            "four vier",
            "five funf",
            "six sechs",
            "seven sieben",
            "eight acht",
            "nine neun",
        )
    )
    for word in words.split()
}
_TEENS: Final = {
    word: value
    for value, words in enumerate(
        (
            "ten zehn",
            "eleven elf",
            "twelve zwolf",
            "thirteen dreizehn",
            "fourteen vierzehn",
            "fifteen funfzehn",
            "sixteen sechzehn",
            "seventeen siebzehn",
            "eighteen achtzehn",
            "nineteen neunzehn",
        ),
        start=10,
    )
    for word in words.split()
}
_TENS: Final = {
    word: value * 10
    for value, words in enumerate(
        (
            "twenty zwanzig",
            "thirty dreissig",
            "forty fourty vierzig",
            "fifty funfzig",
            "sixty sechzig",
            "seventy siebzig",
            "eighty achtzig",
            "ninety neunzig",
        ),
        start=2,
    )
    for word in words.split()
}
_ORDINALS: Final = {
    "first": 1, "second": 2, "third": 3, "fifth": 5, "eighth": 8, "ninth": 9, "twelfth": 12,
    "erst": 1, "zweit": 2, "dritt": 3, "siebt": 7, "acht": 8,
}  # fmt: skip
"""Ordinals that are no number with an ending; the German ones without theirs."""
_TIMES: Final = {
    "double": 2,
    "twice": 2,
    "triple": 3,
    "treble": 3,
    "thrice": 3,
    "doppel": 2,
    "zweimal": 2,
    "dreimal": 3,
    "dreifach": 3,
}
_HUNDREDS: Final = frozenset({"hundred", "thousand", "hundert", "tausend"})
_ARTICLES: Final = frozenset({"the", "a", "die", "der", "eine", "number", "figure", "mal"})
_MAX_FIGURES: Final = 18
_MANY_ZEROS: Final = frozenset({"zeros", "zeroes", "nullen", "noughts"})
_GERMAN_ENDING: Final = re.compile(r"(?:st|t)(?:e[nrsm]?)$")
_GERMAN_E: Final = re.compile(r"e[nrsm]?$")
_ENGLISH_ENDING: Final = re.compile(r"(?:ieth|th)$")
_SPELLING: Final = (
    "alfa alpha bravo charlie delta echo foxtrot golf hotel india juliett juliet kilo lima mike november oscar papa quebec "
    "romeo sierra tango uniform victor whiskey whisky xray yankee zulu "
    "anton berta casar dora emil friedrich gustav heinrich ida julius kaufmann konrad ludwig martha nordpol otto paula "
    "quelle richard samuel siegfried theodor ulrich viktor wilhelm xanthippe ypsilon zacharias"
)
SPELLING_ALPHABETS: Final = tuple(_SPELLING.split())
"""Words of the international and the German spelling alphabet, in plain letters."""
_LETTER_NAMES: Final = {word: word[0] for word in SPELLING_ALPHABETS}


@struct(frozen=True)
class Token:
    """Word or number of a text: its place, its folded letters, and its figures if it is a number."""

    start: int
    end: int
    word: str
    digits: str = ""
    letter: str = ""
    """The letter it spells: a letter alone, or a word of a spelling alphabet."""
    said: bool = False
    """Whether the figures were written in words."""
    nth: bool = False
    """Whether it is an ordinal: a day of a month, or a counted thing, but no part of a longer number."""

    @property
    def number(self) -> int:
        """Value of its figures; -1 for a word, and for more figures than anything is counted in."""
        return int(self.digits) if 0 < len(self.digits) <= _MAX_FIGURES else -1


def plain_word(word: str) -> str:
    """Return a word in small plain letters: umlauts written either way read alike."""
    low = word.casefold().translate(_UMLAUTS)
    if not low.isascii():
        low = "".join(letter for letter in unicodedata.normalize("NFD", low) if not unicodedata.combining(letter))
    return _DIGRAPH.sub("", low)


_LANGUAGES: Final = number_languages(plain_word)
_EVERYDAY_NUMBERS: Final = everyday_number_words(plain_word)
_FOREIGN_WORDS: Final = frozenset(word for one in _LANGUAGES for word in (*one.values, *one.hundreds, *one.thousands))


def tokens_of(text: str) -> tuple[Token, ...]:
    """Return the tokens of a folded text in order."""
    pieces = [_piece(match) for match in _PIECE.finditer(text)]
    return tuple(_numbers_joined(pieces, text))


def _piece(match: re.Match[str]) -> Token:
    said = match[0]
    start, end = match.span()
    if said[0].isdigit():
        digits = said.rstrip("stndrhemSTNDRHEM")
        return Token(start, end, "", digits=digits, nth=digits != said)
    word = plain_word(said[:_MAX_WORD_LENGTH])
    if len(said) > 1 and said.isupper() and _ROMAN.fullmatch(said):
        return Token(start, end, word, digits=str(_roman(said)), said=True)
    letter = word if len(said) == 1 and said.isalpha() else _LETTER_NAMES.get(word, "")
    return Token(start, end, word, letter=letter)


def _roman(said: str) -> int:
    values = [_ROMAN_VALUES[letter] for letter in said]
    return sum(-one if one < after else one for one, after in zip(values, [*values[1:], 0], strict=True))


def _numbers_joined(pieces: Sequence[Token], text: str) -> Iterator[Token]:
    """Yield the pieces with each number in words as one token."""
    at = 0
    while at < len(pieces):
        count, digits = _number_at(pieces, at, text)
        if count:
            last = pieces[at + count - 1]
            yield Token(
                pieces[at].start, last.end, pieces[at].word, digits=digits, said=True, nth=_is_ordinal(last.word)
            )
            at += count
        else:
            yield pieces[at]
            at += 1


def _number_at(pieces: Sequence[Token], at: int, text: str) -> tuple[int, str]:
    """Return how many pieces from `at` are one number in words, and its figures."""
    piece = pieces[at]
    if piece.digits and not (piece.said is False and len(piece.digits) == 1):
        return 0, ""
    if (repeated := _repeated_at(pieces, at, text))[0] or piece.digits or not piece.word:
        return repeated
    if (value := german_number(piece.word)) is not None and piece.word not in _UNITS:
        return 1, str(value)
    found = _english_at(pieces, at, text)
    return max(found, _foreign_at(pieces, at, text), key=lambda one: one[0]) if piece.word in _FOREIGN_WORDS else found


def _repeated_at(pieces: Sequence[Token], at: int, text: str) -> tuple[int, str]:
    """Return how many pieces are a repeated number, and its figures: double five, three times the four, five zeros."""
    piece, after = pieces[at], pieces[at + 1] if at + 1 < len(pieces) else None
    behind = pieces[at + 2] if at + 2 < len(pieces) else None
    if after is None or not _beside(piece, after, text):
        return 0, ""
    if piece.word in _TIMES:
        if after.word in _ARTICLES and behind is not None:
            figure = behind.digits if len(behind.digits) == 1 else _figure(behind.word)
            return (3, figure * _TIMES[piece.word]) if figure else (0, "")
        repeated = after.digits if len(after.digits) in {1, 2} else _figure(after.word)
        hundreds = behind is not None and behind.word in _HUNDREDS
        return (2, repeated * _TIMES[piece.word]) if repeated and not hundreds else (0, "")
    if after.word in _MANY_ZEROS:
        many = piece.number if piece.digits else _UNITS.get(piece.word, 0)
        return (2, "0" * many) if many > 0 else (0, "")
    return 0, ""


def _foreign_at(pieces: Sequence[Token], at: int, text: str) -> tuple[int, str]:
    """Return how many pieces are one number of another language, and its figures.

    A word that is an everyday one elsewhere is no number alone, except beside another number of its language.
    """
    end = at + 1
    while end < min(len(pieces), at + _MAX_NUMBER) and _beside(pieces[end - 1], pieces[end], text):
        end += 1
    words = [piece.word for piece in pieces[at:end]]
    found, digits = 0, ""
    for language in _LANGUAGES:
        taken, value = read_number(language, words)
        alone = all(word in _EVERYDAY_NUMBERS or word in language.joins for word in words[:taken])
        if alone and taken and not _number_beside(pieces, at, taken, language.values.keys()):
            continue
        if taken > found:
            found, digits = taken, str(value)
    return found, digits


def _number_beside(pieces: Sequence[Token], at: int, taken: int, known: Collection[str]) -> bool:
    return any(0 <= place < len(pieces) and pieces[place].word in known for place in (at - 1, at + taken)) or (
        taken > 1
    )


def _is_ordinal(word: str) -> bool:
    if word in _UNITS or word in _TEENS or word in _TENS or word in _FOREIGN_WORDS:
        return False
    return _english_word(word)[1] or _GERMAN_E.search(word) is not None


def _figure(word: str) -> str:
    return str(_UNITS[word]) if word in _UNITS else ""


def _beside(piece: Token, after: Token, text: str) -> bool:
    return 0 < after.start - piece.end <= 2 and not text[piece.end : after.start].strip(" -\t\n\u00ad")  # noqa: PLR2004  # a blank or hyphen


def _english_at(pieces: Sequence[Token], at: int, text: str) -> tuple[int, str]:
    """Return how many pieces are one cardinal or ordinal in the grammar of English, and its figures."""
    total = group = taken = 0
    room, started = 0, False
    """What may still be added: below this."""
    place = at
    while place < len(pieces) and (place == at or _beside(pieces[place - 1], pieces[place], text)):
        word = pieces[place].word
        value, last = _english_word(word)
        if not started and word in {"hundred", "thousand"}:
            group, started = 1, True
        if value is not None and not started:
            group, room, started = value, 10 if value in _TENS.values() else 0, True
        elif value is not None and 0 < value < room:
            group, room = group + value, 10 if room > 10 and value in _TENS.values() else 0  # noqa: PLR2004  # a ten
        elif word in {"hundred", "hundert"} and started and 0 < group < 100:  # noqa: PLR2004  # of hundreds
            group, room = group * 100, 100
        elif word in {"thousand", "tausend"} and started and 0 < group < 1000 and not total:  # noqa: PLR2004  # of thousands
            total, group, room = group * 1000, 0, 1000
        elif word in {"and", "und"} and room >= 100:  # noqa: PLR2004  # behind hundred or thousand
            place += 1
            continue
        else:
            break
        place += 1
        taken = place - at
        if last:
            break
    return (taken, str(total + group)) if taken and started else (0, "")


def _english_word(word: str) -> tuple[int | None, bool]:
    """Return the value of one word below a hundred, and whether it ends the number as an ordinal does."""
    for known in (_UNITS, _TEENS, _TENS):
        if word in known:
            return known[word], False
    if word in _ORDINALS:
        return _ORDINALS[word], True
    base = _ENGLISH_ENDING.sub(lambda end: "y" if end[0] == "ieth" else "", word)
    if base != word:
        for known in (_UNITS, _TEENS, _TENS):
            if base in known:
                return known[base], True
    return None, False


_GERMAN_UNITS: Final = {"ein": 1} | {
    word: _UNITS[word] for word in ["eins", "zwei", "zwo", "drei", "vier", "funf", "sechs", "sieben", "acht", "neun"]
}
_GERMAN_TEENS: Final = {
    word: value for word, value in _TEENS.items() if word in "zehn elf zwolf" or word.endswith("zehn")
}
_GERMAN_TENS: Final = {word: value for word, value in _TENS.items() if word.endswith(("zig", "ssig"))}
_U, _T, _Z = ("|".join(sorted(words, key=len, reverse=True)) for words in (_GERMAN_UNITS, _GERMAN_TEENS, _GERMAN_TENS))
_GERMAN: Final = re.compile(
    rf"(?:(?:(?P<ah>{_U})?(?P<ahh>hundert)(?:und)?)?(?:(?:(?P<au>{_U})und)?(?P<az>{_Z})|(?P<at>{_T})|(?P<ae>{_U}))?(?P<k>tausend)(?:und)?)?"
    rf"(?:(?P<h>{_T}|{_U})?(?P<hh>hundert)(?:und)?)?(?:(?:(?P<u>{_U})und)?(?P<z>{_Z})|(?P<t>{_T})|(?P<e>{_U}))?"
)


def german_number(word: str) -> int | None:
    """Return the value of a German number in one plain word, with an ordinal's ending or without; None for none."""
    if word in _UNITS:
        return _UNITS[word]
    if (value := _ORDINALS.get(_GERMAN_E.sub("", word))) is not None:
        return value
    base = _GERMAN_ENDING.sub("", word)
    for form in dict.fromkeys((word, base)):
        found = _GERMAN.fullmatch(form)
        if found is not None and form and form not in {"ein", "e"}:
            return _german_value(found)
    return None


def _german_value(found: re.Match[str]) -> int:
    def below_hundred(unit: str, ten: str, teen: str, alone: str) -> int:
        return (
            _GERMAN_UNITS.get(found[unit] or "", 0)
            + _GERMAN_TENS.get(found[ten] or "", 0)
            + _GERMAN_TEENS.get(found[teen] or "", 0)
            + _GERMAN_UNITS.get(found[alone] or "", 0)
        )

    thousands = (_GERMAN_UNITS.get(found["ah"] or "", 1) * 100 if found["ahh"] else 0) + below_hundred(
        "au", "az", "at", "ae"
    )
    times = (_GERMAN_TEENS | _GERMAN_UNITS).get(found["h"] or "", 1)
    rest = (times * 100 if found["hh"] else 0) + below_hundred("u", "z", "t", "e")
    return ((thousands or 1) * 1000 if found["k"] else 0) + rest
