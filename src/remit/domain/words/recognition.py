"""Clauses that neither belong to the ask nor are recognised as its context. ⚔ Unknown text is not passed on.

Context (a record's state, the reason, time, courtesy) is recognised by its words and its grammar: a clause that expects,
permits, presupposes, names a beneficiary or claims consent is never context, however plain its words are.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Final

from remit.domain.text.normalize import IndexedText
from remit.domain.words.clauses import TAG, Clause, Stretch, orders_behind
from remit.domain.words.languages import spelled
from remit.domain.words.lexicon import Lexicon
from remit.domain.words.requests import OTHER_PURPOSE, SOMETHING_ELSE, AskScope, UndeclaredRequest
from remit.domain.words.vocabulary import STEM, plain_stem, tokens

UNRECOGNISED: Final = "cannot be matched to the ask"
_TRACE: Final = re.compile(
    r"&#?\w+;?|\w*[_=/\\{}<>|@#]\w*|[A-Za-z]*\d[\w.-]*|\w+\.\w+|\w+::\w+|\b[A-Z]{2,}\b|\b[A-Z][a-z]+[A-Z]\w*"
)
"""Identifiers, error names, addresses, program names: no words of a sentence."""
_TRACE_SIGN: Final = re.compile(r"[&_=/\\{}<>|@#.:\d]")
_TRACE_CAPITALS: Final = re.compile(r"[A-Z][A-Za-z]*[A-Z]")
"""Each trace contains one of these."""
_CAPITAL: Final = re.compile(r"(?<=\w[ ,] )[A-ZÄÖÜ]\w+|(?<=\w )[A-ZÄÖÜ]\w+")
_BENEFICIARY: Final = "names a beneficiary"
ADDS: Final = "adds to the ask"
_WHOLE_VALUE: Final = 3
_HARD: Final = frozenset({"addresses the reader", "speaks as another"})
"""Acts that no question or wish about the ask's own things consists of."""
_FEW: Final = 2
_TOLD_OTHER: Final = (0.25, 3.0)
_ASKED_OTHER: Final = (0.2, 1.5)
_OWN_OTHER: Final = (0.25, 1.7)
_FEW_OTHER: Final = (0.25, 3.0)
"""Least similarity to another purpose, and times as similar as to its own, from which a clause is not the ask's."""


class _Reader:
    """Stretches of one message, compared with its ask."""

    def __init__(self, scope: AskScope, lexicon: Lexicon, *, continues: bool) -> None:
        self._scope = scope
        self._lexicon = lexicon
        self._continues = continues
        self._cues = scope.vocabulary.clauses
        self._values = [
            re.compile(re.escape(value), re.IGNORECASE) for value in scope.values if len(value) >= _WHOLE_VALUE
        ]

    @cached_property
    def _names_of(self) -> list[re.Pattern[str]]:
        """Values that nothing else is called like: ⚔ a number may be anything's."""
        return [value for value in self._values if not value.pattern.isdigit()]

    @cached_property
    def _own(self) -> frozenset[str]:
        stems = self._scope.stems
        for language in self._scope.vocabulary.words.values():
            stems = spelled(stems, language.spellings)
        return plain_stems([stem[:STEM] for stem in stems])

    def _tells_me(self, text: str) -> bool:
        return self._scope.vocabulary.patterns.tell.search(text) is not None

    @cached_property
    def _untold(self) -> frozenset[str]:
        """Words of what the desk keeps and this ask does not return."""
        returns = self._scope.action.returns
        return plain_stems([stem for one in self._lexicon.told if one.name not in returns for stem in one.stems])

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
        bare = not own and self._cues.weighty.search(stretch.text) is None
        claim = self._claim(text, asks=(stretch.asks and bool(own)) or question)
        if claim and not (claim == _BENEFICIARY and bare and not stretch.asks):
            return claim
        if (several or self._scope.lists) and (own or stretch.asks) and self._adds(text, asks=stretch.asks):
            return ADDS
        reports = not stretch.asks and self._cues.is_report(text)
        strange = plain - self._own - self._cues.context
        if reports or (bare and not stretch.asks):
            strange -= self._cues.people
        beside = several or self._continues
        if beside and self._is_of_other(stretch, stems, strange):
            known = False
        elif not strange:
            known = (
                bool(own) or question or not stretch.asks or not stems or self._wants_nothing(text, plain, bare=bare)
            )
        elif own and len(strange) <= (len(own) + 1 if beside else 2 * len(own) + 1):
            known = self._untold.isdisjoint(strange) or not (question or self._tells_me(text))
        elif stretch.asks or self._sounds_other(stems):
            known = False
        else:
            known = reports or self._is_told(text, strange, plain, own=bool(own), bare=bare)
        return "" if known else UNRECOGNISED

    def _adds(self, text: str, *, asks: bool) -> bool:
        """Return whether a stretch adds to the ask; what tells of "every syllable" adds nothing that the desk has."""
        for found in filter(self._is_strange, self._cues.more.finditer(text)):
            words = tokens(found[0])
            last = plain_stem(words[-1][:STEM]) if words else ""
            if asks or len(words) == 1 or last in self._own or last in self._lexicon.concerns:
                return True
        return False

    def _is_told(self, text: str, strange: Collection[str], plain: frozenset[str], *, own: bool, bare: bool) -> bool:
        """Return whether a stretch only states something that the desk has nothing to do with.

        ⚔ What will be, what has no verb, and what people do is told only if nothing of the ask stands beside it.
        """
        begins = self._cues.begins.search(text) is not None
        people = not plain.isdisjoint(self._cues.people)
        if len(strange) == 1 and not people and (begins or bare) and (own or not self._concerns(strange, bare=False)):
            return True
        if not begins or self._concerns(strange, bare=bare):
            return False
        people = people or self._names(text)
        states = self._cues.finite.search(text) is not None
        if states and not people and self._cues.not_report.search(text) is None:
            return True
        return bare and (states or not people)

    def _concerns(self, strange: Collection[str], *, bare: bool) -> bool:
        """Return whether words are of what the desk keeps or does, or, beside the ask's own, of any purpose."""
        return not self._lexicon.concerns.isdisjoint(strange) or (
            not bare and not self._lexicon.rare.keys().isdisjoint(strange)
        )

    def _is_of_other(self, stretch: Stretch, stems: frozenset[str], strange: Collection[str]) -> bool:
        """Return whether one of several stretches is rather of another purpose; not where it names the ask's values.

        Two words are of another purpose only by far: "stop the order" is, "please take it back" is not.
        """
        if not (stretch.asks or strange) or any(value.search(stretch.text) for value in self._names_of):
            return False
        if not stretch.asks:
            return self._sounds_other(stems)
        bars = _ASKED_OTHER if strange else _OWN_OTHER
        return self._sounds_other(stems, bars if len(stems) > _FEW else _FEW_OTHER)

    def _wants_nothing(self, text: str, plain: frozenset[str], *, bare: bool) -> bool:
        """Return whether a wish is for an answer, or for nothing that a desk does or has: "I must be there at noon"."""
        if self._cues.answers.search(text) is not None:
            return True
        vocabulary = self._scope.vocabulary
        return (
            bare
            and plain.isdisjoint(self._cues.people)
            and not self._concerns(plain, bare=False)
            and not any(vocabulary.says_verb(verb).search(text) for verb in vocabulary.verbs)
        )

    def _names(self, text: str) -> bool:
        """Return whether a text has a name: a capital inside it, on a word that no language has."""
        words = self._scope.vocabulary.words.values()
        return any(not any(language.knows(found[0].lower()) for language in words) for found in _CAPITAL.finditer(text))

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

    def _sounds_other(self, stems: frozenset[str], bars: tuple[float, float] | None = None) -> bool:
        if bars is None:
            context = self._cues.context - self._own
            stems = frozenset([stem for stem in stems if plain_stem(stem) not in context])
        scores = self._scope.similarity(stems, self._lexicon)
        least, times = bars or _TOLD_OTHER
        bar = max(least, scores.get(self._scope.purpose, 0.0) * times)
        return any(score > bar for name, score in scores.items() if name != self._scope.purpose)

    def _own_words(self, text: str) -> bool:
        return self._said.issuperset(tokens(text)) and bool(tokens(text))

    def _bare(self, text: IndexedText, named: Sequence[re.Pattern[str]]) -> IndexedText:
        """Return a stretch without the ask's own values, of which it names some, and without identifiers."""
        bare: str = text
        for value in self._values if named else ():
            bare = value.sub(" ", bare)
        if "<" in bare:
            bare = TAG.sub(" ", bare)
        if _TRACE_SIGN.search(bare) or _TRACE_CAPITALS.search(bare):
            bare = _TRACE.sub(" ", bare)
        return text if bare is text else self._scope.vocabulary.indexed(bare)


def unrecognised_clauses(
    cut: Sequence[Clause], scope: AskScope, lexicon: Lexicon, *, continues: bool = False
) -> Iterator[UndeclaredRequest]:
    """Yield the stretches that neither match the ask nor are its context.

    ⚔ A message that `continues` others is read as strictly as a stretch behind theirs.

    Source: docs/model/model.md#words.
    """
    stretches = [one for clause in cut for one in clause.stretches]
    reader = _Reader(scope, lexicon, continues=continues)
    several = len(stretches) > 1
    for stretch in stretches:
        if reason := reader.why_not(stretch, several=several):
            yield UndeclaredRequest(start=stretch.start, end=stretch.end, reason=reason)


def without_told(
    requests: Iterator[UndeclaredRequest], cut: Sequence[Clause], scope: AskScope
) -> Iterator[UndeclaredRequest]:
    """Yield the requests but those for a thing that is only named where their clause tells something.

    ⚔ What tells is still to be recognised as context.
    """
    clauses = {clause.start: clause for clause in cut}
    asking: list[Clause] | None = None
    for request in requests:
        clause = clauses.get(request.start)
        if clause is None or clause.added:
            yield request
            continue
        parts = clause.stretches
        if request.reason == OTHER_PURPOSE and any(part.asks for part in parts):
            if asking is None:  # once for all requests
                asking = [one for one in cut if any(part.asks for part in one.stretches)]
            context = len(asking) == 1 and _is_own(clause, parts, scope)
        elif request.reason == OTHER_PURPOSE:
            context = all(scope.vocabulary.clauses.begins.search(part.text) for part in parts)
        else:
            context = request.reason.startswith(SOMETHING_ELSE) and _only_tells(clause, parts, scope)
        if not context:
            yield request


def _is_own(clause: Clause, parts: Sequence[Stretch], scope: AskScope) -> bool:
    """Return whether a clause is no order and has words of the ask, and beside them words of context only."""
    if clause.imperative or any(orders_behind(part.text, scope.vocabulary.patterns) for part in parts):
        return False
    own = plain_stems([stem[:STEM] for stem in scope.stems])
    said = plain_stems(clause.stems)
    return not own.isdisjoint(said) and said <= own | scope.vocabulary.clauses.context


def _only_tells(clause: Clause, parts: Sequence[Stretch], scope: AskScope) -> bool:
    """Return whether every topic of a clause that is not the ask's lies in a stretch that wants nothing."""
    if not scope.vocabulary.by_telling.isdisjoint(clause.topics - scope.topics):
        return False
    told = [(one.start, one.end) for one in parts if not one.asks]
    return all(
        any(start <= clause.start + found.start() and clause.start + found.end() <= end for start, end in told)
        for name in clause.topics - scope.topics
        for found in scope.vocabulary.topics[name].finditer(clause.text)
    )


@lru_cache(1024)
def _desk_words(text: str) -> frozenset[str]:
    """Return the words of a text of the catalogue."""
    return frozenset(tokens(text))


def plain_stems(stems: Collection[str]) -> frozenset[str]:
    """Return stems without the plural of short words."""
    return frozenset(map(plain_stem, stems))
