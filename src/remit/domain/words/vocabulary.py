"""Vocabulary of a desk's languages: verbs with synonyms, high-impact topics, orders to the reader, cues."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field
from functools import lru_cache
from typing import Final

from remit.domain.structs import struct
from remit.domain.text.normalize import CaselessPattern, IndexedText, PatternIndex
from remit.domain.words.languages import LanguageWords

CHANGE: Final = "change"
UPGRADE: Final = "upgrade"
WHOLE: Final = "order-change"
PASSWORD: Final = "password"  # noqa: S105  # a topic
FORGET: Final = "an order to forget the rules"
NEW_ROLE: Final = "a new role for the reader"
KEEP_OUT: Final = "an order to keep people out"
FOR_THE_WORD: Final = "a question for a password"
_TOKEN: Final = re.compile(r"[a-zäöüß]{3,}")
STEM: Final = 5
"""Letters of a word's stem."""


@struct(frozen=True, kw_only=True)
class Patterns:
    """Compiled cues of a vocabulary."""

    added: CaselessPattern
    called: CaselessPattern
    condition: CaselessPattern
    condition_word: CaselessPattern
    contrast: CaselessPattern
    cut: CaselessPattern
    denial_word: CaselessPattern
    happened: CaselessPattern
    imperative: CaselessPattern
    """Clause that commands. ⚔ Also in quotes, brackets or behind dots, which readers skip."""
    name_order: CaselessPattern
    """Command with an object; a name may hold a bare verb: "return label", "refund_2"."""
    negation: CaselessPattern
    of_whole: CaselessPattern
    order: CaselessPattern
    others: CaselessPattern
    same_as: CaselessPattern
    taken: CaselessPattern
    tell: CaselessPattern
    """Clause that asks to be told something."""
    then: CaselessPattern
    there: CaselessPattern
    to_value: CaselessPattern
    wish: CaselessPattern
    """Clause that wishes for something."""

    @property
    def frequent(self) -> tuple[CaselessPattern, ...]:
        """Patterns that are searched in every text or clause."""
        return (self.called, self.condition_word, self.cut, self.others, self.tell, self.then, self.wish)


@struct(frozen=True, kw_only=True)
class ClauseCues:
    """Words and cues by which a clause is recognised as context of an ask, or as more than that."""

    context: frozenset[str] = field(repr=False)
    """Stems of words that a reason, a state, a time or a courtesy is told with."""
    people: frozenset[str] = field(repr=False)
    """Stems of people, who may occur in reports only: elsewhere they are beneficiaries."""
    claims: Mapping[str, CaselessPattern] = field(repr=False)
    """Speech acts that are never context, by what they are."""
    accounts: CaselessPattern
    """Labels of phone, card and account numbers."""
    answers: CaselessPattern
    """Wish for an answer or an explanation only."""
    asks: CaselessPattern
    commands: CaselessPattern
    """Beginning of a command, also without a sign before it."""
    commands_led: CaselessPattern
    """Last words of a text that a verb behind it belongs to."""
    leads_on: CaselessPattern
    """Last words of a text behind which no new request begins."""
    more: CaselessPattern
    """Additions to what the ask declares."""
    negated: CaselessPattern
    """End of a text behind which a claim is denied."""
    not_report: CaselessPattern
    questions: CaselessPattern
    report: CaselessPattern
    """Report of the past."""
    requests: CaselessPattern
    """Beginning of a request, also without a sign before it."""
    splits: CaselessPattern
    towards: CaselessPattern
    """Where something is to go."""
    begins: CaselessPattern
    """Beginning of a statement: what leads into it, somebody or something."""
    finite: CaselessPattern
    """Verb of a statement."""
    weighty: CaselessPattern
    """Sums, and words that stand for what was named before."""

    def is_report(self, text: str, begin: str | None = None) -> bool:
        """Return whether a text, in its beginning if one is given, tells what happened, and says nothing that makes it no report."""
        return self.report.search(text if begin is None else begin) is not None and self.not_report.search(text) is None

    @property
    def frequent(self) -> tuple[CaselessPattern, ...]:
        """Patterns that are searched in every clause."""
        own = (self.answers, self.asks, self.begins, self.commands, self.finite, self.more, self.not_report)
        return (*self.claims.values(), *own, self.questions, self.report, self.requests, self.splits, self.weighty)


@struct(frozen=True, kw_only=True, eq=False)
class Vocabulary:
    """Vocabulary of one or several languages. Its patterns are compiled once; two vocabularies are never equal."""

    words: Mapping[str, LanguageWords] = field(repr=False)
    """Known words of each language that it reads, by which a sentence is proved to be in one of them."""
    neutral: frozenset[str] = field(repr=False)
    """Words of no language, such as "pdf"."""
    filler: frozenset[str] = field(repr=False)
    disguised: frozenset[str] = field(repr=False)
    """Verbs and other words that are never honestly written with digits in them."""
    about: Mapping[str, frozenset[str]]
    """Topics that an act of this name is always about."""
    verbs: Mapping[str, str] = field(repr=False)
    """Each verb with its synonyms."""
    topics: Mapping[str, CaselessPattern] = field(repr=False)
    """High-impact topics."""
    orders: Mapping[str, CaselessPattern] = field(repr=False)
    """Sentences aimed at the desk's people or machines rather than at the act."""
    clauses: ClauseCues = field(repr=False)
    needed: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Pieces, one of which every match of a topic or order contains, in any case: a test before a whole text is searched."""
    stands_for: Mapping[str, frozenset[str]]
    """Topics that a topic may also mean: to cancel "it" is to cancel an order."""
    by_telling: frozenset[str]
    """Topics that are wanted by telling of them: a lost card."""
    then_words: tuple[str, ...]
    """Pieces, one of which every match leading from a condition to a wish contains."""
    patterns: Patterns = field(repr=False)
    joined: re.Pattern[str] = field(repr=False)
    """Conjunctions of things."""
    not_to: CaselessPattern = field(repr=False)
    """Negated act, up to its end or the next order. ⚔ "Do not forget to cancel it" is an order."""
    denials: Mapping[str, CaselessPattern] = field(repr=False)
    """Ways to forbid each verb altogether; limits of how or when do not count. Found with an index of their own."""
    index: PatternIndex = field(repr=False)
    """Topics, orders and cues by how they begin."""

    def indexed(self, text: str) -> IndexedText:
        """Return a text that all patterns of the vocabulary are found in fast."""
        return text if isinstance(text, IndexedText) and text.patterns is self.index else IndexedText(text, self.index)

    def stems(self, text: str) -> frozenset[str]:
        """Return the stems of a text's content words."""
        return frozenset(word[:STEM] for word in tokens(text) if word not in self.filler)

    def says_verb(self, verb: str) -> CaselessPattern:
        """Return the pattern of a verb and its synonyms."""
        return _says(self.verbs.get(verb) or re.escape(verb))

    def topics_of(self, text: str, likely: Iterable[str] | None = None) -> frozenset[str]:
        """Return the topics a text touches; `likely` are those already known to occur in the text around it."""
        text = self.indexed(text)
        return frozenset(
            name
            for name in self._likely(text, self.topics, self.topics if likely is None else likely)
            if self.topics[name].search(text)
        )

    def likely_topics(self, text: str) -> tuple[str, ...]:
        """Return the topics that parts of a text may touch."""
        return tuple(self.indexed(text).likely(self.topics, self.topics))

    def orders_in(self, text: str, spoken: Collection[str] = ()) -> Iterator[tuple[str, re.Match[str]]]:
        """Yield orders to the desk's people or machines, by name; a password ask may mention "the password"."""
        text = self.indexed(text)
        sentences: dict[tuple[int, int], bool] = {}
        for name in self._likely(text, self.orders, self.orders):
            for found in self.orders[name].finditer(text):
                if not (name == FOR_THE_WORD and PASSWORD in spoken and self._is_told_of(text, found, sentences)):
                    yield name, found

    def _is_told_of(self, text: str, found: re.Match[str], sentences: dict[tuple[int, int], bool]) -> bool:
        """Return whether a sentence only reports on a password or requests another. ⚔ Never to tell, choose or lift it.

        `sentences` remembers each sentence: it is read once, however often it names a password.
        """
        start = max(text.rfind(mark, 0, found.start()) for mark in ".!?\n") + 1
        end = min((place for mark in ".!?\n" if (place := text.find(mark, found.end())) >= 0), default=len(text))
        if (start, end) not in sentences:
            sentence, patterns = text[start:end], self.patterns
            happened, taken = patterns.happened.search(sentence), patterns.taken.search(sentence)
            sentences[start, end] = happened is not None and taken is None
        return sentences[start, end]

    def _likely(
        self, text: IndexedText, patterns: Mapping[str, CaselessPattern], names: Iterable[str]
    ) -> Iterator[str]:
        small = text.small
        for name in text.likely(patterns, names):
            everywhere = text.places(patterns[name]) is None
            if small is None or not everywhere or any(map(small.__contains__, self.needed[name])):
                yield name


def tokens(text: str) -> list[str]:
    """Return the words of a text, in small letters."""
    return _TOKEN.findall(text.lower())


def plain_stem(stem: str) -> str:
    """Return a stem without the plural of short words."""
    return stem.removesuffix("s")


@lru_cache(256)
def _says(ways: str) -> CaselessPattern:
    return CaselessPattern(rf"\b(?:{ways})\b")
