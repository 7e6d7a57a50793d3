"""A text cut into sentences, and what each of them is against the ask: the verdict as an officer reads it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from remit.domain.words import Said, Span
from remit.domain.words_beyond import Marked

_END: Final = re.compile(r"[.!?]+(?=\s|$)|\n+")
_WORST: Final = (Said.UNREADABLE, Said.CONTRADICTS, Said.WIDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence by its place in the text, what it is against the ask, and why."""

    start: int
    end: int
    said: Said
    whys: tuple[str, ...] = ()


def sentences(text: str, found: Iterable[Marked | Span]) -> tuple[Sentence, ...]:
    """Each sentence of a text with the worst of what was found in it; where nothing was, it says no more than the ask."""
    marks = list(found)
    out: list[Sentence] = []
    at = 0
    for cut in [*_END.finditer(text), None]:
        end = cut.end() if cut else len(text)
        start, at = at, end
        said = text[start:end].strip()
        if not said:
            continue
        start += text[start:end].index(said)
        inside = [one for one in marks if one.start < start + len(said) and one.end > start]
        worst = next((one for one in _WORST if any(mark.said is one for mark in inside)), Said.MATCH)
        whys = tuple(dict.fromkeys(one.why for one in inside))
        out.append(Sentence(start=start, end=start + len(said), said=worst, whys=whys))
    return tuple(out)
