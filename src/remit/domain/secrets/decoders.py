"""Decoders of disguises, with the spans of a text where each may stand."""

import base64
import binascii
import codecs
import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import unquote

from remit.domain.secrets.kinds import any_of, escaped_spans, first_letters_pattern, lowercase, shortest_words
from remit.domain.secrets.labelled import begins_label

Stretches: TypeAlias = Callable[[str], Iterator[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Obfuscation:
    """Spans where a disguise may stand, and the decoder of one (None: nothing hidden). `deep`: others may nest in it.

    `joins`: it separates two pieces of one value, or two values. `signs`: it needs one of these characters.
    """

    stretches: Stretches
    decoder: Callable[[str], str | None]
    deep: bool = False
    joins: bool = False
    signs: str = ""
    sign: re.Pattern[str] | None = field(init=False)

    def __post_init__(self) -> None:
        """Compile its signs into one pattern."""
        object.__setattr__(self, "sign", re.compile(f"[{re.escape(self.signs)}]") if self.signs else None)

    def places(self, text: str) -> list[tuple[int, int]]:
        """Return each span of a text where it may stand."""
        return [] if self.sign is not None and self.sign.search(text) is None else list(self.stretches(text))


BETWEEN: Final = "\n)(\n"
"""Separator of unrelated texts that are read together: no reading joins across it."""
_SAME: Final = re.compile(r"(?P<s>[ \t]{1,3}|[ \t]?[.,;|*/_\u00b7~+-][ \t]?)[^\s](?:(?P=s)[^\s]){4}")
_NEARLY: Final = re.compile(
    r"[ \t.,;|*/_\u00b7~+-][ \t.,;|*/_\u00b7~+-]{0,2}[^\s][ \t.,;|*/_\u00b7~+-]{1,3}[^\s][ \t.,;|*/_\u00b7~+-]"
)
"""Rough first match: a pattern that begins with one of few signs is found fast."""
_BREAK: Final = re.compile(r"\n(?<=[^\n\"'`<>(),;]\n)[ \t>]{0,8}(?=[^\s\"'`<>(),;])")
"""Line ends with a possible piece of a token behind them; blanks may stand before."""
_BLANKS_BEFORE: Final = re.compile(r"\r?[ \t]{0,2}")
_TOKEN: Final = re.compile(r"[^\s\"'`<>(),;]{1,200}")
_HEX: Final = re.compile(r"[2-7][0-9a-fA-F](?:[2-7][0-9a-fA-F]|0[9aAdD]){3,4000}")
_HEX_APART: Final = re.compile(
    r"[02-7](?:(?<=0)x[2-7])?[0-9a-fA-F](?:(?P<s>[ :-]|,? ?0x|%)[2-7][0-9a-fA-F])(?:(?P=s)[2-7][0-9a-fA-F]){2,4000}"
)
_BASE64: Final = re.compile(
    r"[I-Za-f][C-HS-Xi-nyz0-3][ABEFIJMNQRUVYZcdghklopstwx014589][A-Za-z0-9+/_-](?:[A-Za-z0-9+/_-]{4}){0,8000}(?:[A-Za-z0-9+/_-]{2,3}={0,2})?"
)
_ESCAPE: Final = re.compile(
    r"%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2}){0,1999}|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[a-zA-Z]{2,12});|\\(?:u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2})(?:\\(?:u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2})){0,1999}|\\\\{0,7}/"
)
_QUOTED: Final = re.compile(r"=(?:[0-9A-F]{2}(?:=[0-9A-F]{2}){0,199}|\r?\n)")
_MAIL: Final = re.compile(r"=(?:3D|\r?\n|[0-9A-F]{2}=[0-9A-F]{2}=[0-9A-F]{2}|[CDE][0-9A-F]=[89AB][0-9A-F])")
"""Signs of quoted-printable text."""
_NUMBERS: Final = {
    "zero": "0", "null": "0", "nought": "0", "naught": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "niner": "9",
    "eins": "1", "zwei": "2", "zwo": "2", "drei": "3", "vier": "4", "fünf": "5", "fuenf": "5", "sechs": "6", "sieben": "7", "acht": "8", "neun": "9",
}  # fmt: skip
_TEENS_SAID: Final = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_TENS_SAID: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_TEENS: Final = {word: str(number) for number, word in enumerate(_TEENS_SAID.split(), 10)} | {
    word: f"{number}0" for number, word in enumerate(_TENS_SAID.split(), 2)
}
_NATO_SAID: Final = (
    "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar papa "
    "quebec romeo sierra tango uniform victor whiskey xray x-ray yankee zulu"
)
_NATO: Final = {word: word[0] for word in _NATO_SAID.split()}
_SIGNS: Final = {
    "underscore": "_", "dash": "-", "hyphen": "-", "minus": "-", "dot": ".", "slash": "/", "plus": "+", "hash": "#",
    "hashtag": "#", "exclamation": "!", "unterstrich": "_", "bindestrich": "-", "punkt": ".",
}  # fmt: skip
_TIMES: Final = {"double": 2, "triple": 3, "doppel": 2, "dreifach": 3}
_CASES: Final = ("capital", "uppercase", "upper", "lowercase", "small", "lower")
_SPELLED_WORDS: Final = (*_NUMBERS, *_TEENS, *_NATO, *_SIGNS, *_TIMES, *_CASES)
_UNIT: Final = "|".join(sorted((re.escape(word) for word in _SPELLED_WORDS), key=len, reverse=True))
_SPELLED: Final = re.compile(
    rf"(?:{_UNIT}|[0-9]{{1,4}})(?:(?:,? |-|, ?|\.\.\. ?| - )(?:{_UNIT}|[a-z0-9]|[0-9]{{1,4}})(?![a-z])){{2,60}}",
    re.IGNORECASE,
)
_JOINED: Final = re.compile(
    r"\s(?:and then|and|then|followed by|continued by|und dann|dann|gefolgt von|plus|part (?:two|2|three|3) is|the rest is|next)[\s:]{1,3}[\"'`]?(?=[A-Za-z0-9_+/=.~-]*[0-9_])"
)
_TWICE: Final = 10
_MAX_NAME_LENGTH: Final = 14
_turned: Final = any_of(("cnffjbeq", "cnffjbeg", "gbxra", "frperg", "ncv xrl", "ncv_xrl", "cva vf", "cva:"))
_MIN_LENGTH: Final = 4
_MAX_PLAIN_LENGTH: Final = 11
"""Longest run of small letters that is a plain word even if it is base64 of a few signs: it hides no number."""
_DIGIT: Final = re.compile(rb"[0-9]")


def _at(pattern: re.Pattern[str]) -> Stretches:
    return lambda text: (match.span() for match in pattern.finditer(text))


def _whole(pattern: re.Pattern[str], edge: re.Pattern[str]) -> Stretches:
    """Yield matches that are not beside a letter of the same alphabet."""

    def stretches(text: str) -> Iterator[tuple[int, int]]:
        for match in pattern.finditer(text):
            start, end = match.span()
            if (start == 0 or not edge.match(text[start - 1])) and (end == len(text) or not edge.match(text[end])):
                yield start, end

    return stretches


def _spaced(text: str) -> Iterator[tuple[int, int]]:
    """Yield rows of six or more single letters with the same separator between them."""
    at = 0
    while (near := _NEARLY.search(text, at)) is not None:
        found = _SAME.match(text, near.start())
        if found is None:
            at = near.start() + 1
            continue
        apart = found["s"]
        start, end = found.start() - 1, found.end()
        while text.startswith(apart, end) and end + len(apart) < len(text) and not text[end + len(apart)].isspace():
            end += len(apart) + 1
        if start < 0 or not _opens(text, start):
            start = found.start() + len(apart)  # the letter before is the end of a word
        if not _closes(text, end):
            end -= len(apart) + 1  # the last letter is the beginning of a word
        if _opens(text, start) and end - start > 5 * (len(apart) + 1) and _closes(text, end):
            yield start, end
        at = max(end - 1, found.start() + 1)


def _closes(text: str, end: int) -> bool:
    behind = text[end : end + 1] or " "
    return behind.isspace() or behind in ".,;:)'\"!?<>]}|"


def _opens(text: str, start: int) -> bool:
    before = text[start - 1 : start] or " "
    return not text[start].isspace() and (before.isspace() or before in "=:'(\"<>[{,;|")


def _unspaced(text: str) -> str | None:
    found = _SAME.match(text, 1)
    if found is None:
        return None
    plain = text[:: len(found["s"]) + 1]
    apart = set(plain[1::2])
    return plain[::2] if len(apart) == 1 and len(plain) > _TWICE and not apart.pop().isalnum() else plain


def _broken(text: str) -> Iterator[tuple[int, int]]:
    """Yield line breaks within a possible token: beside each stands more than a plain word."""
    for found in _BREAK.finditer(text):
        start, end = found.span()
        back = text[max(0, start - 203) : start][::-1]
        blanks = _BLANKS_BEFORE.match(back).end()  # type: ignore[union-attr]  # it matches the empty text
        left, right = _TOKEN.match(back, blanks), _TOKEN.match(text, end)
        if left is None or right is None or (_is_word(left[0][::-1]) and _is_word(right[0])):
            continue
        if not begins_label(text[end : end + _MAX_NAME_LENGTH]):  # a label would name the value behind it
            yield start - blanks, end


def _joined(text: str) -> Iterator[tuple[int, int]]:
    """Yield joining words such as "then" between two possible halves, with the comma before them."""
    for found in _JOINED.finditer(text):
        start = found.start()
        while start and text[start - 1] in " ,;.":
            start -= 1
        yield start, found.end()


def _is_word(piece: str) -> bool:
    return piece.strip(".:!?-*").isalpha() and (piece[1:].islower() or len(piece.strip(".:!?-*")) < 3)  # noqa: PLR2004  # "I", "OK"


def _nothing(_text: str) -> str | None:
    return ""


def _spelled(text: str) -> str | None:
    """Return the spelled digits and letters, repeated where the text says double or triple."""
    out: list[str] = []
    times, large = 1, False
    for word in re.findall(r"x-ray|[^\W\d_]+|\d+", text.lower()):
        if word in _TIMES:
            times = _TIMES[word]
        elif word in _CASES:
            large = word in {"capital", "uppercase", "upper"}
        else:
            letter = _NUMBERS.get(word) or _TEENS.get(word) or _NATO.get(word) or _SIGNS.get(word) or word
            if out and word in _NUMBERS and out[-1] in _TEENS.values() and out[-1].endswith("0") and out[-1] != "10":
                out[-1] = out[-1][0] + letter
            else:
                out.append((letter.upper() if large else letter) * times)
            times, large = 1, False
    return "".join(out)


def _spelled_stretches(text: str) -> Iterator[tuple[int, int]]:
    at = 0
    for found in _NEXT_NAMED.finditer(lowercase(text)):
        before = _WORD_BEFORE.match(text[max(at, found.start() - _MAX_NAME_LENGTH) : found.start()][::-1])
        start = found.start() - (before.end() if before else 0)
        match = _SPELLED.match(text, start) if start >= at else None
        if match is not None and (match.end() == len(text) or not text[match.end()].isalpha()):
            at = match.end()
            yield match.span()


_WORD_BEFORE: Final = re.compile(r"[ ,.-]{0,2}[^\W_]{1,12}(?![^\W_])")
_NEXT_NAMED: Final = re.compile(rf"[ ,-](?=(?:{first_letters_pattern(shortest_words(_SPELLED_WORDS)).pattern}))")
"""Every second spelled word: the first that stands behind a space, a comma or a dash."""


def _readable(raw: bytes) -> str | None:
    try:
        text = raw.decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        return None
    text = text.rstrip("\r\n")
    plain = text.replace("\n", " ").replace("\r", " ").replace("\t", " ")
    return text if len(text) >= _MIN_LENGTH and plain.isprintable() else None


def _unhexed(text: str) -> str | None:
    plain = re.sub(r"0x|[^0-9a-fA-F]", "", text)
    return _readable(bytes.fromhex(plain)) if len(plain) % 2 == 0 else None


def _unbased(text: str) -> str | None:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    if len(plain) < 6:  # noqa: PLR2004  # four letters are a PIN, and six in base64
        return None
    try:
        raw = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    is_word = len(text) <= _MAX_PLAIN_LENGTH and text.isalpha() and text.islower()
    if is_word and not (raw.isascii() and _DIGIT.search(raw)):
        return None
    return _readable(raw)


def _unescaped(text: str) -> str | None:
    if text[0] == "%":
        return unquote(text)
    if text[0] == "&":
        plain = html.unescape(text)
        return None if plain == text else plain
    if text[-1] == "/":
        return "/"
    codes = re.findall(r"\\(?:u\{?|x)([0-9A-Fa-f]+)\}?", text)
    points = [int(code, 16) for code in codes]
    return "".join(chr(point) if point < 0x110000 and not 0xD800 <= point < 0xE000 else "\ufffd" for point in points)  # noqa: PLR2004  # what a character is


def _unquoted(text: str) -> str | None:
    return "" if text[1:2] in "\r\n" else bytes.fromhex(text.replace("=", "")).decode("utf-8", errors="replace")


def _quoted(text: str) -> Iterator[tuple[int, int]]:
    """Yield quoted-printable escapes; a reading of its own, since `pin=4821` has the sign too."""
    return (match.span() for match in _QUOTED.finditer(text)) if _MAIL.search(text) else iter(())


def rot13_decoded(text: str) -> str | None:
    """Return the text decoded from ROT13 where that reveals a label."""
    return codecs.encode(text, "rot13") if _turned(text.lower()) else None


_OF_HEX: Final = re.compile(r"[0-9A-Za-z]")
_OF_BASE64: Final = re.compile(r"[0-9A-Za-z+/_]")
ENCODINGS: Final = (
    Obfuscation(_whole(_HEX, _OF_HEX), _unhexed, deep=True),
    Obfuscation(_whole(_HEX_APART, _OF_HEX), _unhexed, deep=True),
    Obfuscation(_whole(_BASE64, _OF_BASE64), _unbased, deep=True),
    Obfuscation(escaped_spans, unquote, deep=True, signs="%"),
)
"""Hex, base64, percent encoding: encodings of whole words."""
ESCAPES: Final = (Obfuscation(_at(_ESCAPE), _unescaped, deep=True, signs="%&\\"),)
OBFUSCATIONS: Final = (
    *ESCAPES,
    Obfuscation(_spaced, _unspaced, deep=True),
    Obfuscation(_broken, _nothing, deep=True, joins=True, signs="\n"),
    Obfuscation(_quoted, _unquoted, signs="="),
    Obfuscation(_spelled_stretches, _spelled),
    Obfuscation(_joined, _nothing, joins=True),
)
