"""A message cut into clauses, and what each of them is about, worked out once.

What is asked in them is held against an ask in `words_asks`.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from remit.domain.any_case import AnyCase
from remit.domain.words_layout import laid_out
from remit.domain.words_likeness import stems
from remit.domain.words_topics import IMPERATIVE, VERBS, WISH, likely_topics, topics_of

_CUT: Final = AnyCase(
    r"[.!?;](?=\s|$)|\n+|[,:]?\s(?=(?:and also|also|and then|by the way|btw|one more thing|p\.?s\.?|before that|after that|and while you(?: are|'re)|while you(?: are|'re)"
    rf"|additionally|in addition|besides|plus|furthermore|moreover|afterwards|and please|please also|but first|oh and|as well as|so please|so (?:can|could|would|will) you)\b)|,\s(?=so (?:{'|'.join(VERBS.values())})\b)"
)
_ADDED: Final = AnyCase(
    r"(?:and |oh,? |but )?(?:also|then|by the way|btw|one more thing|p\.?s\b\.?|before that|after that|while you(?: are|'re)|additionally|in addition|besides|plus|furthermore|moreover"
    r"|afterwards|please also|first)\b"
)


class Clause:
    """One clause of the folded text, by its place. `added` says a connector such as "by the way" leads into it."""

    def __init__(self, *, text: str, start: int, added: bool, likely: Sequence[str]) -> None:
        self._likely = likely
        self.text = text
        self.start = start
        self.added = added

    @property
    def end(self) -> int:
        """Where it ends in the folded text."""
        return self.start + len(self.text)

    @cached_property
    def topics(self) -> frozenset[str]:
        """The topics it touches."""
        return topics_of(self.text, self._likely)

    @cached_property
    def stems(self) -> frozenset[str]:
        """Its content words, cut to their beginnings."""
        return stems(self.text)

    @cached_property
    def imperative(self) -> bool:
        """Whether it tells somebody to do something."""
        return IMPERATIVE.match(self.text) is not None

    @cached_property
    def wishes(self) -> bool:
        """Whether it says that something is wanted."""
        return WISH.search(self.text) is not None

    @property
    def wanted(self) -> bool:
        """Whether it wants something, in whatever way."""
        return self.imperative or self.wishes


def clauses(folded: str) -> list[Clause]:
    """Cut a folded text into clauses at sentence ends, lines and connectors that add a wish."""
    folded = laid_out(folded)
    likely = likely_topics(folded)
    out: list[Clause] = []
    at = 0
    for cut in [*_CUT.finditer(folded), None]:
        end = cut.start() if cut else len(folded)
        whole = folded[at : end + 1 if cut and cut[0] == "?" else end].rstrip()
        text = whole.lstrip()
        if text:
            out.append(Clause(text=text, start=at + len(whole) - len(text), added=_ADDED.match(text) is not None, likely=likely))
        at = cut.end() if cut else end
    return out
