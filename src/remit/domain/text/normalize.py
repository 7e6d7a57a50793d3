"""Text as rules read it, and case-insensitive patterns that are fast.

With `re.IGNORECASE` every letter is folded at each step; an ASCII text is lowered once instead.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_BLANKS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f\u17b4\u17b5\u180e")
"""Characters that are letters or marks by category but invisible."""

_NO_SHOW: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
_MAX_MARKS: Final = 2
_LOOKALIKES: Final = str.maketrans(
    "АВЕКМНОРСТХаеорсухіјѕԁԛԝһΑΒΕΖΗΙΚΜΝΟΡΤΥΧοανρτυκιıɡℓӏӀ",
    "ABEKMHOPCTXaeopcyxijsdqwhABEZHIKMNOPTYXoavptukiigllI",
)
_MAX_FOLDED: Final = 6
"""⚔ A letter that folds to more (one to eighteen) stays as it is: a text does not grow by folding."""
_WESTERN: Final = re.compile("[\t\n\r -~¡-\u00b4\u00b6-þ€\u2010-\u2027\u2030-\u203a]*")
"""Letters with one large and one small form, and common signs. ⚔ Not the micro sign and "ÿ", whose large ones are elsewhere."""
_SPACES: Final = re.compile(r" {3,}")
_SEVERAL: Final = re.compile(r"[ \t]{2}|\t")
_BETWEEN: Final = re.compile(r"[^ \t]+|(?<![ \t])[ \t]")


def make_visible(text: str) -> str:
    """Make every character visible that could hide, reorder or break a line.

    ⚔ An agent's value must not fake another line, swallow the text around it or look other than it is.
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


def small_letters(text: str) -> str | None:
    """Return a text of Western letters in small ones, else None: other letters may have several small forms."""
    return text.lower() if text.isascii() or _WESTERN.fullmatch(text) is not None else None


def name_endings(name: str) -> tuple[str, ...]:
    """Return the endings of a person's name, the whole first, in small letters: one is called by it behind a title."""
    words = name.casefold().split()
    return tuple(" ".join(words[at:]) for at in range(len(words)))


def is_invisible(letter: str) -> bool:
    """Return whether a character is invisible: zero-width, directional, tag, filler, private or unassigned."""
    if letter in "\n\r\t ":
        return False
    return unicodedata.category(letter) in _NO_SHOW or letter in _BLANKS or _is_selector(letter)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedText:
    """Text as rules read it, with the place in the original of each of its characters."""

    text: str
    places: Sequence[int]
    ends: Sequence[int] = ()
    """End in the original of each character; empty where each is one character."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the original's start and end of a span."""
        if end <= start:
            return self.places[start], self.places[start]
        return self.places[start], self.ends[end - 1] if self.ends else self.places[end - 1] + 1


def fold_text(text: str) -> FoldedText:
    """Fold a text for reading: invisible characters removed, compatibility forms, look-alikes and spaces plain.

    ⚔ Full-width, mathematical, zero-width and look-alike spellings read as what they look like; a letter and its
    combining mark read as one letter.
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
    """Return whether a text needs no folding, as most do."""
    return text.isascii() and text.replace("\n", " ").replace("\r", " ").replace("\t", " ").isprintable()


def collapse_blanks(seen: FoldedText) -> FoldedText:
    """Collapse blanks to one. ⚔ People read over "cancel  my  order", and so must rules that expect one blank."""
    if _SEVERAL.search(seen.text) is None:
        return seen
    kept = [place for run in _BETWEEN.finditer(seen.text) for place in range(*run.span())]
    return FoldedText(
        text="".join(seen.text[place] for place in kept).replace("\t", " "),
        places=[seen.places[place] for place in kept],
        ends=[seen.ends[place] for place in kept] if seen.ends else (),
    )


def _add(letter: str, place: int, pieces: list[str], places: list[int], ends: list[int]) -> None:
    """Add one folded letter, or its mark to the letter before it."""
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
"""Runs to be folded."""
_QUOTES: Final = str.maketrans("’‘“”–—‐‑−", "''\"\"-----")  # noqa: RUF001  # these signs are the point

_KEPT = re.compile(r"(\\.|\(\?P[<=])|([A-Z]+)", re.DOTALL)


class CaselessPattern:
    """Case-insensitive pattern. ⚔ It finds what `re.IGNORECASE` finds, at the same places.

    A match's text is in small letters where the text is of Western letters.
    """

    __slots__ = ("_any", "_small")

    def __init__(self, pattern: str, flags: int = 0) -> None:
        """Compile a pattern without inline flags or non-ASCII letters that have an ASCII large or small form."""
        self._any = re.compile(pattern, flags | re.IGNORECASE)
        self._small = re.compile(_KEPT.sub(lambda found: found[1] or found[2].lower(), pattern), flags)

    @property
    def pattern(self) -> str:
        """Pattern as written."""
        return self._any.pattern

    @property
    def flags(self) -> int:
        """Flags, ignoring case."""
        return self._any.flags

    def search_slice(self, text: str) -> Callable[[int], re.Match[str] | None]:
        """Return a matcher at places of a text. ⚔ Lowering a long text anew for each place would take minutes."""
        small = small_letters(text)
        pattern, read = (self._any, text) if small is None else (self._small, small)
        return lambda start: pattern.match(read, start)

    def search(self, text: str) -> re.Match[str] | None:
        """Return the first match."""
        small = small_letters(text)
        return self._any.search(text) if small is None else self._small.search(small)

    def match(self, text: str) -> re.Match[str] | None:
        """Return the match at the beginning."""
        small = small_letters(text)
        return self._any.match(text) if small is None else self._small.match(small)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Yield every match, in order."""
        small = small_letters(text)
        return self._any.finditer(text) if small is None else self._small.finditer(small)
