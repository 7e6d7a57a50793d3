"""Vocabulary of a desk's languages: verbs with synonyms, high-impact topics, orders to the reader, cues."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from remit.domain.text.normalize import CaselessPattern, small_letters
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


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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
    more: CaselessPattern
    """Additions to what the ask declares."""
    negated: CaselessPattern
    """End of a text behind which a claim is denied."""
    not_report: CaselessPattern
    questions: CaselessPattern
    report: CaselessPattern
    """Report of the past."""
    splits: CaselessPattern
    begins: CaselessPattern
    """Beginning of a statement: what leads into it, somebody or something."""
    finite: CaselessPattern
    """Verb of a statement."""
    weighty: CaselessPattern
    """Sums, and words that stand for what was named before."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
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
    """Pieces, one of which every match of a topic or order contains, in any case: a quick test before searching."""
    stands_for: Mapping[str, frozenset[str]]
    """Topics that a topic may also mean: to cancel "it" is to cancel an order."""
    by_telling: frozenset[str]
    """Topics that are wanted by telling of them: a lost card."""
    then_words: tuple[str, ...]
    """Pieces, one of which every match leading from a condition to a wish contains."""
    patterns: Patterns = field(repr=False)
    joined: re.Pattern[str] = field(repr=False)
    """Conjunctions of things."""
    not_to: re.Pattern[str] = field(repr=False)
    """Negated act, up to its end or the next order. ⚔ "Do not forget to cancel it" is an order."""
    denials: Mapping[str, str] = field(repr=False)
    """Ways to forbid each verb altogether; limits of how or when do not count."""

    def stems(self, text: str) -> frozenset[str]:
        """Return the stems of a text's content words."""
        return frozenset(word[:STEM] for word in tokens(text) if word not in self.filler)

    def says_verb(self, verb: str) -> CaselessPattern:
        """Return the pattern of a verb and its synonyms."""
        return _says(self.verbs.get(verb) or re.escape(verb))

    def topics_of(self, text: str, likely: Iterable[str] | None = None) -> frozenset[str]:
        """Return the topics a text touches; `likely` are those already known to occur in the text around it."""
        return frozenset(
            name
            for name in self._likely(text, self.topics if likely is None else likely)
            if self.topics[name].search(text)
        )

    def likely_topics(self, text: str) -> tuple[str, ...]:
        """Return the topics that parts of a text may touch."""
        return tuple(self._likely(text, self.topics))

    def orders_in(self, text: str, spoken: Collection[str] = ()) -> Iterator[tuple[str, re.Match[str]]]:
        """Yield orders to the desk's people or machines, by name; a password ask may mention "the password"."""
        sentences: dict[tuple[int, int], bool] = {}
        for name in self._likely(text, self.orders):
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

    def _likely(self, text: str, names: Iterable[str]) -> Iterator[str]:
        small = small_letters(text)
        for name in names:
            if small is None or any(map(small.__contains__, self.needed[name])):
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
