"""How people say things to a desk in one language: verbs with their synonyms, high-impact topics, orders to the reader, cues.

Which words these are is data (`vocabulary/en.toml`), of which `words_vocabulary_reading` makes one. How clauses are judged with them is in `words_asks`.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from remit.domain.text.normalize import CaselessPattern, small_letters

CHANGE: Final = "change"
UPGRADE: Final = "upgrade"
WHOLE: Final = "order-change"
PASSWORD: Final = "password"  # noqa: S105  # a topic
FORGET: Final = "an order to forget the rules"
NEW_ROLE: Final = "a new role for the reader"
KEEP_OUT: Final = "an order to keep people out"
FOR_THE_WORD: Final = "a question for a password"
_TOKEN: Final = re.compile(r"[a-z]{3,}")
STEM: Final = 5
"""Letters of a word that its stem has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """What is looked for by the cues of a vocabulary. How each is used is said where it is."""

    added: CaselessPattern
    called: CaselessPattern
    condition: CaselessPattern
    condition_word: CaselessPattern
    contrast: CaselessPattern
    cut: CaselessPattern
    denial_word: CaselessPattern
    happened: CaselessPattern
    imperative: CaselessPattern
    """A clause tells somebody to do something. ⚔ Also in quotes, in brackets or behind dots: whoever reads it reads over these."""
    name_order: CaselessPattern
    """Somebody is told to do something with something. A name may have a verb in it: "return label", "refund_2"."""
    negation: CaselessPattern
    of_whole: CaselessPattern
    order: CaselessPattern
    others: CaselessPattern
    same_as: CaselessPattern
    taken: CaselessPattern
    tell: CaselessPattern
    """A clause wants to be told something."""
    then: CaselessPattern
    there: CaselessPattern
    to_value: CaselessPattern
    wish: CaselessPattern
    """A clause wants something."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vocabulary:
    """How people say things in one language. Its patterns are made once; two vocabularies are never the same."""

    language: str
    common: Mapping[str, frozenset[str]] = field(repr=False)
    """Common words of every language that is known, by which a sentence in another one is told apart."""
    filler: frozenset[str] = field(repr=False)
    disguised: frozenset[str] = field(repr=False)
    """The verbs, and other words that nobody writes with digits in them for a good reason."""
    about: Mapping[str, frozenset[str]]
    """The topics that an act is always about which is called this."""
    verbs: Mapping[str, str] = field(repr=False)
    """A verb and how people say it."""
    topics: Mapping[str, CaselessPattern] = field(repr=False)
    """What a clause is about, when it is about one of the things that hurt."""
    orders: Mapping[str, CaselessPattern] = field(repr=False)
    """Sentences aimed at the desk's people or machines rather than at the act."""
    needed: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Each topic and order has one of these pieces wherever it is found, in whatever letters: where none is there, nobody needs to look for it."""
    stands_for: Mapping[str, frozenset[str]]
    """What a topic may mean as well: to cancel "it" is to cancel an order."""
    then_words: tuple[str, ...]
    """Letters of which one stands wherever what leads from a condition to a wish is found."""
    patterns: Patterns = field(repr=False)
    joined: re.Pattern[str] = field(repr=False)
    """What joins one thing on to another."""
    not_to: re.Pattern[str] = field(repr=False)
    """What is said not to be wanted, up to where it ends or somebody is told to do something. ⚔ "Do not forget to cancel it" is an order."""
    denials: Mapping[str, str] = field(repr=False)
    """How it is said, for each verb, not to do it, and nothing of how or when it should not be done."""

    def stems(self, text: str) -> frozenset[str]:
        """The content words of a text, cut to their beginnings."""
        return frozenset(word[:STEM] for word in tokens(text) if word not in self.filler)

    def says_verb(self, verb: str) -> CaselessPattern:
        """What says a verb, in whatever way people do."""
        return _says(self.verbs.get(verb) or re.escape(verb))

    def topics_of(self, text: str, likely: Iterable[str] | None = None) -> frozenset[str]:
        """The topics a text touches. `likely` are those that may stand in what it is a part of, where somebody looked."""
        return frozenset(
            name
            for name in self._likely(text, self.topics if likely is None else likely)
            if self.topics[name].search(text)
        )

    def likely_topics(self, text: str) -> tuple[str, ...]:
        """The topics that parts of a text may touch."""
        return tuple(self._likely(text, self.topics))

    def orders_in(self, text: str, spoken: Collection[str] = ()) -> Iterator[tuple[str, re.Match[str]]]:
        """Every sentence aimed at the desk's people or machines, and what it is. With an ask about a password, "the password" is none."""
        told: dict[tuple[int, int], bool] = {}
        for name in self._likely(text, self.orders):
            for found in self.orders[name].finditer(text):
                if not (name == FOR_THE_WORD and PASSWORD in spoken and self._is_told_of(text, found, told)):
                    yield name, found

    def _is_told_of(self, text: str, found: re.Match[str], told: dict[tuple[int, int], bool]) -> bool:
        """Whether a sentence only tells of a password that something happened to it, or asks for another one. ⚔ Nobody is to tell, choose or lift it.

        `told` remembers each sentence: it is read once, however often it names a password.
        """
        start = max(text.rfind(mark, 0, found.start()) for mark in ".!?\n") + 1
        end = min((place for mark in ".!?\n" if (place := text.find(mark, found.end())) >= 0), default=len(text))
        if (start, end) not in told:
            happened, taken = (
                self.patterns.happened.search(text[start:end]),
                self.patterns.taken.search(text[start:end]),
            )
            told[start, end] = happened is not None and taken is None
        return told[start, end]

    def _likely(self, text: str, names: Iterable[str]) -> Iterator[str]:
        """The names of those that may be found in a text."""
        small = small_letters(text)
        for name in names:
            if small is None or any(map(small.__contains__, self.needed[name])):
                yield name


def tokens(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return _TOKEN.findall(text.lower())


@lru_cache(256)
def _says(ways: str) -> CaselessPattern:
    return CaselessPattern(rf"\b(?:{ways})\b")
