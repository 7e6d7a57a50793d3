"""Message pieces that sound like another purpose, by a model, where all rules pass. It only makes verdicts stricter."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from remit.domain.structs import struct
from remit.domain.words.clauses import Clause, split_clauses
from remit.domain.words.lexicon import Lexicon
from remit.domain.words.requests import OTHER_PURPOSE, AskScope, UndeclaredRequest

_WORD: Final = re.compile(r"\S+")
_MAX_WORDS: Final = 30
_OVERLAP: Final = 12
_WHOLE_VALUE: Final = 3
_HEARD: Final = re.compile(r"[a-z']+", re.IGNORECASE)
_MAX_PIECES: Final = 400
_MAX_DIFFERENT: Final = 400
"""Distinct words of a message: the model needs a millisecond for each; honest messages have fewer."""


@struct(frozen=True, kw_only=True)
class MessagePiece:
    """Stretch of a message short enough to have one subject; `asks` if its clause requests or asks something."""

    text: str
    start: int
    end: int
    asks: bool


def split_pieces(cut: Iterable[Clause]) -> Iterator[MessagePiece]:
    """Yield clauses, long ones in overlapping pieces: ⚔ a wish at the end of a long clause is not lost in it."""
    for clause in cut:
        words = list(_WORD.finditer(clause.text))
        asks = _asks(clause)
        if len(words) <= _MAX_WORDS:
            yield MessagePiece(text=clause.text, start=clause.start, end=clause.end, asks=asks)
            continue
        for at in range(0, len(words) - _OVERLAP, _MAX_WORDS - _OVERLAP):
            first, last = words[at], words[min(at + _MAX_WORDS, len(words)) - 1]
            start, end = first.start(), last.end()
            yield MessagePiece(
                text=clause.text[start:end], start=clause.start + start, end=clause.start + end, asks=asks
            )


def _asks(clause: Clause) -> bool:
    return clause.requests_anything or "?" in clause.text


def off_topic_pieces(
    cut: Sequence[Clause], tail: str, scope: AskScope, lexicon: Lexicon
) -> Iterator[UndeclaredRequest]:
    """Yield the pieces that the lexicon's model, if any, finds off topic.

    ⚔ Long clauses are heard in overlapping pieces, and the first also behind the end of the message before.

    Source: docs/model/model.md#words.
    """
    if lexicon.off_topic is None:
        return
    pieces = list(split_pieces(cut))
    if tail and pieces:
        before = split_clauses(tail, lexicon.vocabulary)[-1:]
        first = pieces[0]
        pieces += [
            MessagePiece(
                text=f"{one.text} {first.text}", start=first.start, end=first.end, asks=first.asks or _asks(one)
            )
            for one in before
            if one.text != first.text  # the same words once more say nothing new
        ]
    if _too_much(pieces):
        yield UndeclaredRequest(start=pieces[0].start, end=max(piece.end for piece in pieces), reason=OTHER_PURPOSE)
        return
    texts = [_without_values(piece.text, scope.values) for piece in pieces]
    asking = frozenset(place for place, piece in enumerate(pieces) if piece.asks)
    for place in lexicon.off_topic(texts, purpose=scope.purpose, action=scope.action.name, asking=asking):
        yield UndeclaredRequest(start=pieces[place].start, end=pieces[place].end, reason=OTHER_PURPOSE)


def _too_much(pieces: Sequence[MessagePiece]) -> bool:
    """⚔ Return whether a message would occupy the one model for seconds: it is not heard, and does not pass."""
    if len(pieces) > _MAX_PIECES:
        return True
    words: set[str] = set()
    for piece in pieces:
        words.update(map(str.lower, _HEARD.findall(piece.text)))
        if len(words) > _MAX_DIFFERENT:
            return True
    return False


def _without_values(text: str, values: Iterable[str]) -> str:
    """Return a piece without the ask's own values: other rules judge those."""
    for value in values:
        if len(value) >= _WHOLE_VALUE and value.casefold() in text.casefold():
            text = re.sub(re.escape(value), " ", text, flags=re.IGNORECASE)
    return text
