"""A message cut into clauses, and what each of them is about, worked out once.

What is asked in them is held against an ask in `words_asks`.
"""

from collections.abc import Sequence
from functools import cached_property

from remit.domain.words_layout import laid_out
from remit.domain.words_vocabulary import Vocabulary


class Clause:
    """One clause of the folded text, by its place. `added` says a connector such as "by the way" leads into it."""

    def __init__(self, *, text: str, start: int, added: bool, likely: Sequence[str], vocabulary: Vocabulary) -> None:
        self._likely = likely
        self._vocabulary = vocabulary
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
        return self._vocabulary.topics_of(self.text, self._likely)

    @cached_property
    def stems(self) -> frozenset[str]:
        """Its content words, cut to their beginnings."""
        return self._vocabulary.stems(self.text)

    @cached_property
    def imperative(self) -> bool:
        """Whether it tells somebody to do something."""
        return self._vocabulary.patterns.imperative.match(self.text) is not None

    @cached_property
    def wishes(self) -> bool:
        """Whether it says that something is wanted."""
        return self._vocabulary.patterns.wish.search(self.text) is not None

    @property
    def wanted(self) -> bool:
        """Whether it wants something, in whatever way."""
        return self.imperative or self.wishes


def clauses(folded: str, vocabulary: Vocabulary) -> list[Clause]:
    """Cut a folded text into clauses at sentence ends, lines and connectors that add a wish."""
    folded = laid_out(folded, vocabulary)
    likely = vocabulary.likely_topics(folded)
    out: list[Clause] = []
    at = 0
    for cut in [*vocabulary.patterns.cut.finditer(folded), None]:
        end = cut.start() if cut else len(folded)
        whole = folded[at : end + 1 if cut and cut[0] == "?" else end].rstrip()
        text = whole.lstrip()
        if text:
            added = vocabulary.patterns.added.match(text) is not None
            out.append(Clause(text=text, start=at + len(whole) - len(text), added=added, likely=likely, vocabulary=vocabulary))
        at = cut.end() if cut else end
    return out
