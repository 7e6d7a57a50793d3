"""A text cut into sentences, and what each of them is against the ask: the verdict as an officer reads it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from remit.domain.words.excess import ExcessSpan
from remit.domain.words.verdict import WordsRelation, WordsSpan

_END: Final = re.compile(r"[.!?]+(?=\s|$)|\n+")
_WHOLE: Final = 8_000
_REACH: Final = 400
_WORST: Final = (WordsRelation.UNREADABLE, WordsRelation.CONTRADICTS, WordsRelation.WIDER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence by its place in the text, what it is against the ask, and why."""

    start: int
    end: int
    said: WordsRelation
    whys: tuple[str, ...] = ()


def judge_sentences(text: str, found: Iterable[ExcessSpan | WordsSpan]) -> tuple[Sentence, ...]:
    """Each sentence of a text with the worst of what was found in it; where nothing was, it says no more than the ask.

    ⚔ Of a long text those alone in which something was found: whoever looks at a case waits for all of its messages.
    """
    marks = list(found)
    cuts = _cuts(text, 0, len(text)) if len(text) <= _WHOLE else _around(text, marks)
    out: list[Sentence] = []
    for first, last in cuts:
        said = text[first:last].strip()
        if not said:
            continue
        start = first + text[first:last].index(said)
        end = start + len(said)
        inside = [one for one in marks if one.start < end and one.end > start]
        worst = next((one for one in _WORST if any(mark.said is one for mark in inside)), WordsRelation.MATCH)
        out.append(Sentence(start=start, end=end, said=worst, whys=tuple(dict.fromkeys(one.why for one in inside))))
    return tuple(out)


def _cuts(text: str, low: int, high: int) -> list[tuple[int, int]]:
    """Where the sentences between two places of a text begin and end."""
    ends = [found.end() for found in _END.finditer(text, low, high)]
    return list(zip([low, *ends], [*ends, high], strict=True))


def _around(text: str, marks: Iterable[ExcessSpan | WordsSpan]) -> list[tuple[int, int]]:
    """The sentences around marks, as far as they are near."""
    out: dict[tuple[int, int], None] = {}
    for one in marks:
        low, high = max(0, one.start - _REACH), min(len(text), one.start + 2 * _REACH)
        out.update(dict.fromkeys(cut for cut in _cuts(text, low, high) if cut[0] < one.end and cut[1] > one.start))
    return sorted(out)
