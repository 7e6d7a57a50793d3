"""Patterns that do not mind whether letters are large or small, and do not pay for it.

Where case is ignored, `re` folds each letter at each step and tries every branch. A text of ASCII letters is made small once instead.
"""

import re
from collections.abc import Callable, Iterator

from remit.domain.plain import small_letters

_KEPT = re.compile(r"(\\.|\(\?P[<=])|([A-Z]+)", re.DOTALL)


class AnyCase:
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

    def fitting(self, text: str) -> Callable[[int], re.Match[str] | None]:
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
