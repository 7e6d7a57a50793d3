"""What a model hears in a message that all rules let pass: pieces that sound like another purpose. It only makes a verdict stricter."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

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
"""Words of a message, each counted once. A model takes a millisecond to hear one for the first time, and nobody's honest message has so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagePiece:
    """A stretch of a message that is short enough to be about one thing."""

    text: str
    start: int
    end: int


def split_pieces(cut: Iterable[Clause]) -> Iterator[MessagePiece]:
    """Clauses, those of many words in pieces that overlap: ⚔ a wish at the end of a long one is not lost in it."""
    for clause in cut:
        words = list(_WORD.finditer(clause.text))
        if len(words) <= _MAX_WORDS:
            yield MessagePiece(text=clause.text, start=clause.start, end=clause.end)
            continue
        for at in range(0, len(words) - _OVERLAP, _MAX_WORDS - _OVERLAP):
            first, last = words[at], words[min(at + _MAX_WORDS, len(words)) - 1]
            yield MessagePiece(
                text=clause.text[first.start() : last.end()],
                start=clause.start + first.start(),
                end=clause.start + last.end(),
            )


def off_topic_pieces(
    cut: Sequence[Clause], tail: str, scope: AskScope, lexicon: Lexicon
) -> Iterator[UndeclaredRequest]:
    """What the model of a lexicon hears besides the scope, if it has one.

    ⚔ A long clause is heard in pieces that overlap, and the first one also behind what was said before.

    Source: docs/model/model.md#words.
    """
    if lexicon.off_topic is None:
        return
    pieces = list(split_pieces(cut))
    if tail and pieces:
        before = split_clauses(tail, lexicon.vocabulary)[-1:]
        pieces += [
            MessagePiece(text=f"{one.text} {pieces[0].text}", start=pieces[0].start, end=pieces[0].end)
            for one in before
        ]
    if _too_much(pieces):
        yield UndeclaredRequest(start=pieces[0].start, end=max(one.end for one in pieces), reason=OTHER_PURPOSE)
        return
    for place in lexicon.off_topic(
        [_without_values(one.text, scope.values) for one in pieces], purpose=scope.purpose, action=scope.action.name
    ):
        yield UndeclaredRequest(start=pieces[place].start, end=pieces[place].end, reason=OTHER_PURPOSE)


def _too_much(pieces: Sequence[MessagePiece]) -> bool:
    """⚔ Everybody's words wait for the one reader: what would keep it for many seconds is not heard, and so does not pass."""
    if len(pieces) > _MAX_PIECES:
        return True
    words: set[str] = set()
    for one in pieces:
        words.update(map(str.lower, _HEARD.findall(one.text)))
        if len(words) > _MAX_DIFFERENT:
            return True
    return False


def _without_values(text: str, values: Iterable[str]) -> str:
    """A piece without the ask's own values: which address or what reason is for other rules."""
    for value in values:
        if len(value) >= _WHOLE_VALUE and value.casefold() in text.casefold():
            text = re.sub(re.escape(value), " ", text, flags=re.IGNORECASE)
    return text
