"""Clauses that neither belong to the ask nor are recognised as its context. ⚔ Unknown text is not passed on.

Context (a record's state, the reason, time, courtesy) is recognised by its words and its grammar: a clause that expects,
permits, presupposes, names a beneficiary or claims consent is never context, however plain its words are.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from remit.domain.text.normalize import IndexedText
from remit.domain.words.clauses import Clause
from remit.domain.words.languages import spelled
from remit.domain.words.lexicon import Lexicon
from remit.domain.words.requests import AskScope, UndeclaredRequest
from remit.domain.words.vocabulary import STEM, Vocabulary, tokens

UNRECOGNISED: Final = "cannot be matched to the ask"
_TRACE: Final = re.compile(
    r"&#?\w+;?|\w*[_=/\\{}<>|@#]\w*|[A-Za-z]*\d[\w.-]*|\w+\.\w+|\w+::\w+|\b[A-Z]{2,}\b|\b[A-Z][a-z]+[A-Z]\w*"
)
"""Identifiers, error names, addresses, program names: no words of a sentence."""
_TRACE_SIGN: Final = re.compile(r"[&_=/\\{}<>|@#.:\d]")
_TRACE_CAPITALS: Final = re.compile(r"[A-Z][A-Za-z]*[A-Z]")
"""Each trace contains one of these."""
ADDS: Final = "adds to the ask"
_WHOLE_VALUE: Final = 3
_HARD: Final = frozenset({"addresses the reader", "speaks as another"})
"""Acts that no question or wish about the ask's own things consists of."""
_FAR_OTHER: Final = 3.0
_LEAST_OTHER: Final = 0.25
"""Times as similar to another purpose as to its own, and least similarity, from which a clause is not the ask's."""


class Stretch(NamedTuple):
    """Part of a clause with one verb of its own."""

    text: IndexedText
    start: int
    end: int
    asks: bool
    clause: Clause


class _Reader:
    """Stretches of one message, compared with its ask."""

    def __init__(self, scope: AskScope, lexicon: Lexicon) -> None:
        self._scope = scope
        self._lexicon = lexicon
        self._cues = scope.vocabulary.clauses
        self._values = [
            re.compile(re.escape(value), re.IGNORECASE) for value in scope.values if len(value) >= _WHOLE_VALUE
        ]

    @cached_property
    def _own(self) -> frozenset[str]:
        stems = self._scope.stems
        for language in self._scope.vocabulary.words.values():
            stems = spelled(stems, language.spellings)
        return plain_stems([stem[:STEM] for stem in stems])

    @cached_property
    def _said(self) -> frozenset[str]:
        return _desk_words(self._scope.text).union(tokens(" ".join(self._scope.values)))

    def why_not(self, stretch: Stretch, *, several: bool) -> str:
        """Return why a stretch is not accounted for, empty if it is."""
        named = [value for value in self._values if value.search(stretch.text)]
        text = self._bare(stretch.text, named)
        stems = stretch.clause.stems if text is stretch.clause.text else self._scope.vocabulary.stems(text)
        plain = plain_stems(stems)
        own = (plain & self._own) | {value.pattern for value in named}
        question = self._cues.questions.search(text) is not None
        if claim := self._claim(text, asks=(stretch.asks and bool(own)) or question):
            return claim
        if several and (own or stretch.asks) and any(map(self._is_strange, self._cues.more.finditer(text))):
            return ADDS
        reports = not stretch.asks and self._reports(text)
        strange = plain - self._own - self._cues.context
        if reports or not (stretch.asks or own):
            strange -= self._cues.people
        if not strange:
            known = own or question or not stretch.asks or not stems
        elif own and len(strange) <= (len(own) + 1 if several else 2 * len(own) + 1):
            known = not (several and self._sounds_other(stems))
        else:
            few = len(strange) == 1 and plain.isdisjoint(self._cues.people)
            known = not stretch.asks and (reports or few) and not self._sounds_other(stems)
        return "" if known else UNRECOGNISED

    def _reports(self, text: str) -> bool:
        return self._cues.report.search(text) is not None and self._cues.not_report.search(text) is None

    def _claim(self, text: str, *, asks: bool) -> str:
        """Name a speech act that is never context; a question or wish about the ask's own things may use its words."""
        for name, pattern in self._cues.claims.items():
            if asks and name not in _HARD:
                continue
            for found in pattern.finditer(text):
                if self._is_strange(found) and self._cues.negated.search(text[: found.start()]) is None:
                    return name
        return ""

    def _is_strange(self, found: re.Match[str]) -> bool:
        return not self._own_words(found[0])

    def _sounds_other(self, stems: frozenset[str]) -> bool:
        scores = self._scope.similarity(stems, self._lexicon)
        own = scores.get(self._scope.purpose, 0.0)
        return any(
            score > max(_LEAST_OTHER, own * _FAR_OTHER) for name, score in scores.items() if name != self._scope.purpose
        )

    def _own_words(self, text: str) -> bool:
        return self._said.issuperset(tokens(text)) and bool(tokens(text))

    def _bare(self, text: IndexedText, named: Sequence[re.Pattern[str]]) -> IndexedText:
        """Return a stretch without the ask's own values, of which it names some, and without identifiers."""
        bare: str = text
        for value in self._values if named else ():
            bare = value.sub(" ", bare)
        if _TRACE_SIGN.search(bare) or _TRACE_CAPITALS.search(bare):
            bare = _TRACE.sub(" ", bare)
        return text if bare is text else self._scope.vocabulary.indexed(bare)


def unrecognised_clauses(cut: Sequence[Clause], scope: AskScope, lexicon: Lexicon) -> Iterator[UndeclaredRequest]:
    """Yield the stretches that neither match the ask nor are its context.

    Source: docs/model/model.md#words.
    """
    stretches = [one for clause in cut for one in _stretches(clause, scope.vocabulary)]
    reader = _Reader(scope, lexicon)
    several = len(stretches) > 1
    for stretch in stretches:
        if reason := reader.why_not(stretch, several=several):
            yield UndeclaredRequest(start=stretch.start, end=stretch.end, reason=reason)


def _stretches(clause: Clause, vocabulary: Vocabulary) -> Iterator[Stretch]:
    at, patterns = 0, vocabulary.patterns
    for found in [*vocabulary.clauses.splits.finditer(clause.text), None]:
        end = found.start() if found else len(clause.text)
        whole = clause.text[at:end].rstrip()
        if stripped := whole.lstrip():
            first, last = at + len(whole) - len(stripped), at + len(whole)
            text = clause.text if len(stripped) == len(clause.text) else clause.text.part(first, last)
            imperative = clause.imperative if text is clause.text else patterns.imperative.match(text) is not None
            asks = imperative or _wishes(text, vocabulary)
            yield Stretch(text=text, start=clause.start + first, end=clause.start + last, asks=asks, clause=clause)
        at = found.end() if found else end


@lru_cache(1024)
def _desk_words(text: str) -> frozenset[str]:
    """Return the words of a text of the catalogue."""
    return frozenset(tokens(text))


def _wishes(text: str, vocabulary: Vocabulary) -> bool:
    """Return whether a stretch wants something without a command; what somebody cannot do is a state."""
    cues = vocabulary.clauses
    wishes = (found for found in vocabulary.patterns.wish.finditer(text) if cues.negated.search(f"{found[0]} ") is None)
    return any(True for _ in wishes) or cues.asks.search(text) is not None


def plain_stems(stems: Collection[str]) -> frozenset[str]:
    """Return stems without the plural of short words."""
    return frozenset(stem[:-1] if stem[-1:] == "s" else stem for stem in stems)
