"""Sentences of a text with their relation to the ask: the verdict as an officer reads it."""

import re
from collections.abc import Iterable
from typing import Final

from remit.domain.structs import struct
from remit.domain.words.excess import ExcessSpan
from remit.domain.words.verdict import WordsRelation, WordsSpan

_END: Final = re.compile(r"[.!?]+(?=\s|$)|\n+")
_WHOLE: Final = 8_000
_REACH: Final = 400
_WORST: Final = (WordsRelation.UNREADABLE, WordsRelation.CONTRADICTS, WordsRelation.WIDER)


@struct(frozen=True, kw_only=True)
class Sentence:
    """Sentence by its place in the text, its relation to the ask, and the reasons."""

    start: int
    end: int
    said: WordsRelation
    whys: tuple[str, ...] = ()


def judge_sentences(text: str, found: Iterable[ExcessSpan | WordsSpan]) -> tuple[Sentence, ...]:
    """Return each sentence with its worst finding; without one it says no more than the ask.

    ⚔ Of a long text, only sentences with findings: a page of the case waits for all of its messages.
    """
    marks = list(found)
    cuts = _cuts(text, 0, len(text)) if len(text) <= _WHOLE else _around(text, marks)
    out: list[Sentence] = []
    for first, last in cuts:
        sentence = text[first:last].strip()
        if not sentence:
            continue
        start = first + text[first:last].index(sentence)
        end = start + len(sentence)
        inside = [mark for mark in marks if mark.start < end and mark.end > start]
        worst = next((said for said in _WORST if any(mark.said is said for mark in inside)), WordsRelation.MATCH)
        out.append(Sentence(start=start, end=end, said=worst, whys=tuple(dict.fromkeys(mark.why for mark in inside))))
    return tuple(out)


def _cuts(text: str, low: int, high: int) -> list[tuple[int, int]]:
    """Return where the sentences between two places of a text begin and end."""
    ends = [found.end() for found in _END.finditer(text, low, high)]
    return list(zip([low, *ends], [*ends, high], strict=True))


def _around(text: str, marks: Iterable[ExcessSpan | WordsSpan]) -> list[tuple[int, int]]:
    out: dict[tuple[int, int], None] = {}
    for mark in marks:
        low, high = max(0, mark.start - _REACH), min(len(text), mark.start + 2 * _REACH)
        out.update(dict.fromkeys(cut for cut in _cuts(text, low, high) if cut[0] < mark.end and cut[1] > mark.start))
    return sorted(out)
