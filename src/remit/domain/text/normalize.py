"""Patterns that do not mind whether letters are large or small, and do not pay for it.

Where case is ignored, `re` folds each letter at each step and tries every branch. A text of ASCII letters is made small once instead.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5\u180e")
"""Characters that are letters or marks by category and show as nothing."""

_NO_SHOW: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_MAX_MARKS: Final = 2
_LOOKALIKES: Final = str.maketrans(
    "АВЕКМНОРСТХаеорсухіјѕԁԛԝһΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρτυκιıɡℓӏӀ",
    "ABEKMHOPCTXaeopcyxijsdqwhABEZHIKMNOPTYXoavptukiigllI",
)
_MAX_FOLDED: Final = 6
"""⚔ A letter that stands for more (one stands for eighteen) is read as it is: a text does not grow by reading it."""
_SPACES: Final = re.compile(r" {3,}")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_SEVERAL: Final = re.compile(r"[ \t]{2}|\t")
_BETWEEN: Final = re.compile(r"[^ \t]+|(?<![ \t])[ \t]")


def make_visible(text: str) -> str:
    """Make every character that could hide, reorder or break a line visible.

    ⚔ An agent's value must not be able to fake another line, swallow the text around it or show other than it is.
    """
    if text.isascii() and text.isprintable() and "   " not in text:
        return text
    out: list[str] = []
    marks = 0
    for letter in text:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        out.append(_shown(letter) if marks <= _MAX_MARKS else _named(letter))
    return _SPACES.sub(lambda run: f"⟨{len(run[0])} spaces⟩", "".join(out))


def _shown(letter: str) -> str:
    if letter == "\n":
        return "⟨new line⟩"
    if letter == " ":
        return letter
    category = unicodedata.category(letter)
    if category in _NO_SHOW or category == "Zs" or letter in _BLANKS or letter in "⟨⟩" or _is_selector(letter):
        return _named(letter)
    return letter


def _named(letter: str) -> str:
    return f"⟨U+{ord(letter):04X}⟩"


def _is_selector(letter: str) -> bool:
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"


def lookalikes(text: str) -> str:
    """Letters of a text that look like plain ones and are others, each once: in words that have plain letters too, or none but such.

    A word of another alphabet has letters of its own beside them, and is told by these.
    """
    if text.isascii():
        return ""
    found: dict[str, None] = {}
    for word in _LETTERS.findall(text):
        like = [letter for letter in word if not letter.isascii() and (ord(letter) in _LOOKALIKES or _is_wide(letter))]
        if like and all(letter.isascii() or letter in like for letter in word):
            found.update(dict.fromkeys(like))
    return "".join(found)


def _is_wide(letter: str) -> bool:
    """Whether a letter is a plain one in another form: full-width, mathematical."""
    return unicodedata.normalize("NFKC", letter).isascii()


def small_letters(text: str) -> str | None:
    """A text in small letters, for looking for pieces of it; None for one with letters that may be written small in several ways."""
    return text.lower() if text.isascii() else None


def is_invisible(letter: str) -> bool:
    """Tell whether a character shows as nothing: zero-width, directional, tag, filler, private or unassigned."""
    if letter in "\n\r\t ":
        return False
    return unicodedata.category(letter) in _NO_SHOW or letter in _BLANKS or _is_selector(letter)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedText:
    """A text as rules read it, and for each of its characters the place in the original it came from."""

    text: str
    places: Sequence[int]
    ends: Sequence[int] = ()
    """Where each of them ends in the original; empty where each is one character."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The original's start and end of a stretch of the view."""
        if end <= start:
            return self.places[start], self.places[start]
        return self.places[start], self.ends[end - 1] if self.ends else self.places[end - 1] + 1


def fold_text(text: str) -> FoldedText:
    """Fold a text for reading: hidden characters gone, compatibility forms and look-alike letters plain, spaces plain.

    ⚔ Full-width, mathematical, zero-width and look-alike spellings read as what they look like, and a letter with its mark written
    after it as the one letter that it is.
    """
    first = None if _is_plain(text) else _FOLDED.search(text)
    if first is None:
        return FoldedText(text=text, places=range(len(text)))
    pieces: list[str] = []
    places: list[int] = []
    ends: list[int] = []
    at = 0
    while first is not None:
        pieces.append(text[at : first.start()])
        places.extend(range(at, first.start()))
        ends.extend(range(at + 1, first.start() + 1))
        for place in range(*first.span()):
            _add(text[place], place, pieces, places, ends)
        at = first.end()
        first = _FOLDED.search(text, at)
    pieces.append(text[at:])
    places.extend(range(at, len(text)))
    ends.extend(range(at + 1, len(text) + 1))
    return FoldedText(text="".join(pieces), places=places, ends=ends)


def _is_plain(text: str) -> bool:
    """Whether a text is seen at a glance to be read as it is written, as most are."""
    return text.isascii() and text.replace("\n", " ").replace("\r", " ").replace("\t", " ").isprintable()


def collapse_blanks(seen: FoldedText) -> FoldedText:
    """A view with one blank where several stand side by side. ⚔ People read over "cancel  my  order", and so must rules that know one blank."""
    if _SEVERAL.search(seen.text) is None:
        return seen
    kept = [place for run in _BETWEEN.finditer(seen.text) for place in range(*run.span())]
    return FoldedText(
        text="".join(seen.text[place] for place in kept).replace("\t", " "),
        places=[seen.places[place] for place in kept],
        ends=[seen.ends[place] for place in kept] if seen.ends else (),
    )


def _add(letter: str, place: int, pieces: list[str], places: list[int], ends: list[int]) -> None:
    """Add one letter as it is read, or its mark to the letter before it."""
    if is_invisible(letter):
        return
    if places and unicodedata.combining(letter):
        while not pieces[-1]:
            pieces.pop()
        if len(one := unicodedata.normalize("NFC", pieces[-1][-1] + letter)) == 1:
            pieces[-1:] = [pieces[-1][:-1], one]
            ends[-1] = place + 1
            return
    folded = _folded(letter)
    pieces.append(folded)
    places.extend([place] * len(folded))
    ends.extend([place + 1] * len(folded))


def _folded(letter: str) -> str:
    folded = " " if unicodedata.category(letter) == "Zs" else unicodedata.normalize("NFKC", letter)
    if len(folded) > _MAX_FOLDED:
        folded = letter
    return folded.translate(_LOOKALIKES).translate(_QUOTES)


_FOLDED: Final = re.compile(r"[^\t\n\r -~]+")
"""What is not read as it is written."""

_QUOTES: Final = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-"}  # noqa: RUF001  # these signs are the point
)


_KEPT = re.compile(r"(\\.|\(\?P[<=])|([A-Z]+)", re.DOTALL)


class CaselessPattern:
    """A pattern for texts in whatever letters. ⚔ It finds what `re.IGNORECASE` finds, where that finds it.

    What a match says is in small letters where the text is ASCII; its places are those of the text.
    """

    __slots__ = ("_any", "_small")

    def __init__(self, pattern: str, flags: int = 0) -> None:
        """A pattern without flags of its own inside, and with no letter in it that is not ASCII and has a large or small form which is."""
        self._any = re.compile(pattern, flags | re.IGNORECASE)
        self._small = re.compile(_KEPT.sub(lambda found: found[1] or found[2].lower(), pattern), flags)

    @property
    def pattern(self) -> str:
        """The pattern as it was written."""
        return self._any.pattern

    @property
    def flags(self) -> int:
        """Its flags, where case is ignored."""
        return self._any.flags

    def search_slice(self, text: str) -> Callable[[int], re.Match[str] | None]:
        """What fits at places of a text. ⚔ It is made small once: for each of its places again, a long text would take minutes."""
        small = small_letters(text)
        pattern, read = (self._any, text) if small is None else (self._small, small)
        return lambda start: pattern.match(read, start)

    def search(self, text: str) -> re.Match[str] | None:
        """The first stretch that fits."""
        small = small_letters(text)
        return self._any.search(text) if small is None else self._small.search(small)

    def match(self, text: str) -> re.Match[str] | None:
        """What fits at the beginning."""
        small = small_letters(text)
        return self._any.match(text) if small is None else self._small.match(small)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Every stretch that fits, one behind the other."""
        small = small_letters(text)
        return self._any.finditer(text) if small is None else self._small.finditer(small)
