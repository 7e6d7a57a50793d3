"""Words of a catalogue, learnt once, and a clause's similarity to each purpose. It only makes verdicts stricter."""

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final, Protocol

from remit.domain.catalogue.actions import builtin_attributes
from remit.domain.catalogue.model import Action, Attribute, Catalogue, Effect, Objective
from remit.domain.errors import Code, Refused
from remit.domain.structs import replace, struct
from remit.domain.text.normalize import CaselessPattern
from remit.domain.words.languages import languages_of
from remit.domain.words.vocabulary import STEM, Vocabulary, plain_stem, tokens

PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")


class OffTopicListener(Protocol):
    """Model that hears pieces of a message."""

    def __call__(self, pieces: Sequence[str], *, purpose: str, action: str, asking: Collection[int]) -> Collection[int]:
        """Return the indexes of the pieces that sound like anything but this purpose and action.

        Of pieces not in `asking`, which request and ask nothing, those that sound like another purpose.
        """
        ...


@struct(frozen=True, kw_only=True)
class CatalogueAct:
    """Write action as people request it: its verb with synonyms, and its nouns."""

    name: str
    verb: str
    asked: CaselessPattern
    nouns: frozenset[str]


@struct(frozen=True, kw_only=True)
class ActionWords:
    """Words of an action: text and topics of name and title, all stems, verb and nouns, stems of param names.

    `does` is the vocabulary's verb that its own is a synonym of.
    """

    text: str
    topics: frozenset[str]
    stems: frozenset[str]
    verb: str
    does: str
    nouns: frozenset[str]
    params: frozenset[str]


@struct(frozen=True, kw_only=True)
class ObjectiveWords:
    """Words of an objective's title, name and examples."""

    text: str
    topics: frozenset[str]
    stems: frozenset[str]


@struct(frozen=True, kw_only=True)
class AttributeWords:
    """Attribute as people request it: the words of its title."""

    name: str
    title: frozenset[str]
    stems: frozenset[str]


class LanguageLexicon:
    """The lexicon in one of a desk's languages, built at its first use."""

    def __init__(self, build: "Callable[[], Lexicon]") -> None:
        """Take the function that builds it."""
        self._build = build
        self._built: Lexicon | None = None

    @property
    def is_built(self) -> bool:
        """Whether it is built."""
        return self._built is not None

    def get(self) -> "Lexicon":
        """Return it, built once."""
        if self._built is None:
            self._built = self._build()
        return self._built


@struct(frozen=True, kw_only=True)
class Lexicon:
    """Words learnt from one catalogue: weight of each stem per purpose, acts by verb.

    `actions` and `objectives` hold their own words, `told` the attributes to request, `languages` those configured.
    `kinds` are the words that the catalogue calls its records by.
    """

    shares: Mapping[str, Sequence[tuple[str, float]]]
    rare: Mapping[str, float]
    acts: tuple[CatalogueAct, ...]
    actions: Mapping[str, ActionWords]
    objectives: Mapping[str, ObjectiveWords]
    told: tuple[AttributeWords, ...]
    kinds: frozenset[str]
    concerns: frozenset[str]
    """Stems of what the desk keeps, tells and acts upon, without plural."""
    languages: frozenset[str]
    vocabulary: Vocabulary
    off_topic: OffTopicListener | None = None
    """Model trained on the same catalogue, where configured."""
    alone: Mapping[str, LanguageLexicon] = field(default_factory=dict)
    """The lexicon in each of several languages: texts in one of them are read in it alone."""

    @property
    def is_prepared(self) -> bool:
        """Whether the lexicon of each language is built."""
        return all(one.is_built for one in self.alone.values())

    def prepare(self) -> None:
        """Build the lexicon of each language: its patterns take some 0.2 s to compile, so never on the event loop."""
        for one in self.alone.values():
            one.get()

    def reading(self, text: str, neutral: Collection[str]) -> "Lexicon":
        """Return the lexicon to read a text with: in the one language it is in, or in all."""
        if not self.alone:
            return self
        found = languages_of(text, {name: self.vocabulary.words[name] for name in self.alone}, neutral)
        return self.alone[found[0]].get() if found else self


def build_lexicon(catalogue: Catalogue, vocabulary: Vocabulary, *, languages: Collection[str] = ()) -> Lexicon:
    """Learn a catalogue's words for a desk that reads these languages (those of the vocabulary by default).

    Raises:
        Refused: `settings.invalid` for an unsupported language. ⚔ An unread language would carry any wish.
    """
    languages = frozenset(languages) or frozenset(vocabulary.words)
    if not languages <= vocabulary.words.keys():
        public = "A configured language cannot be read."
        known = ", ".join(vocabulary.words)
        raise Refused(Code.SETTINGS_INVALID, f"words are read in {known} only", public=public)
    told = _wordings(catalogue, languages)
    counted: dict[str, Counter[str]] = {}
    for name in catalogue.objectives:
        titles = [one.objectives[name] for one in told]
        texts = [example for one in titles for example in one.examples]
        texts += [f"{one.title} {re.sub(r'[-_]', ' ', one.name)}" for one in titles] * 3
        counted[titles[0].name] = Counter(stem for text in texts for stem in vocabulary.stems(text))
    spread = Counter(stem for words in counted.values() for stem in words)
    rare = {stem: math.log((1 + len(counted)) / count) for stem, count in spread.items()}
    shares: dict[str, list[tuple[str, float]]] = {}
    for name, words in counted.items():
        for stem, weight in _normalized({stem: math.sqrt(count) * rare[stem] for stem, count in words.items()}).items():
            shares.setdefault(stem, []).append((name, weight))
    actions = {
        name: _joined(action_words(one.actions[name], one.attributes, vocabulary) for one in told)
        for name in catalogue.actions
    }
    acts = tuple(
        act
        for action in catalogue.actions.values()
        if action.effect is Effect.WRITE and not action.builtin
        for act in _catalogue_acts(action.name, actions[action.name], vocabulary)
    )
    attributes = tuple(words for one in told for words in _attribute_words(one, vocabulary))
    kinds = frozenset(
        word
        for one in told
        for name, resource in one.resources.items()
        for word in (*tokens(resource.title), *tokens(name.replace("_", " ")), initials(name))
    )
    concerns = (
        *(stem for act in acts for stem in act.nouns),
        *(stem for one in attributes for stem in one.stems),
        *kinds,
    )
    return Lexicon(
        shares=shares,
        rare=rare,
        acts=acts,
        actions=actions,
        objectives={
            name: objective_words([one.objectives[name] for one in told], vocabulary) for name in catalogue.objectives
        },
        told=attributes,
        kinds=kinds,
        concerns=frozenset(plain_stem(word[:STEM]) for word in concerns),
        languages=languages,
        vocabulary=vocabulary,
    )


def _wordings(catalogue: Catalogue, languages: Collection[str]) -> Sequence[Catalogue]:
    """Return the catalogue as it is, and in each further language that is read."""
    return (catalogue, *(one for name, one in catalogue.spoken.items() if name in languages))


def _joined(wordings: Iterable[ActionWords]) -> ActionWords:
    """Return an action's words in several languages as one."""
    first, *others = wordings
    for other in others:
        first = replace(
            first,
            text=f"{first.text} . {other.text}",
            topics=first.topics | other.topics,
            stems=first.stems | other.stems,
            nouns=first.nouns | other.nouns,
        )
    return first


def action_words(action: Action, attributes: Mapping[str, Attribute], vocabulary: Vocabulary) -> ActionWords:
    """Return an action's words."""
    verb, nouns = verb_and_nouns(action.name, action.title, vocabulary)
    name = re.sub(r"[._-]", " ", action.name)
    own = " . ".join((PLACEHOLDER.sub(" ", action.title), name, *_verb_first(action.name, verb)))
    returned = " . ".join(attributes[name].title for name in action.returns if name in attributes)
    params = vocabulary.stems(re.sub(r"[._-]", " ", " ".join(action.declared)))
    about = vocabulary.about.get(verb or _first_word(action.name), frozenset())
    return ActionWords(
        text=own,
        topics=vocabulary.topics_of(own) | about,
        stems=vocabulary.stems(f"{own} {returned}"),
        verb=verb,
        does=verb or _does(action.name, vocabulary),
        nouns=nouns,
        params=params,
    )


def objective_words(wordings: Sequence[Objective], vocabulary: Vocabulary) -> ObjectiveWords:
    """Return an objective's words, in each language it is worded in."""
    texts = [(one.title, re.sub(r"[-_]", " ", one.name), *one.examples) for one in wordings]
    text = " . ".join(piece for texts_of_one in texts for piece in texts_of_one)
    return ObjectiveWords(text=text, topics=vocabulary.topics_of(text), stems=vocabulary.stems(text))


def initials(name: str) -> str:
    """Return the first letters of a name's words: `pm` of `payment_method`."""
    return "".join(word[:1] for word in re.split(r"[_-]", name))


def _attribute_words(catalogue: Catalogue, vocabulary: Vocabulary) -> tuple[AttributeWords, ...]:
    """Return the attributes with titles of their own; built-in ones describe the agent's case, free to ask about."""
    own = builtin_attributes()
    return tuple(
        AttributeWords(name=attribute.name, title=title, stems=vocabulary.stems(attribute.title))
        for attribute in catalogue.attributes.values()
        if own.get(attribute.name) != attribute and (title := frozenset(tokens(attribute.title)) - vocabulary.filler)
    )


def _normalized(weights: Mapping[str, float]) -> dict[str, float]:
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {stem: weight / length for stem, weight in weights.items()}


def purpose_similarity(said_stems: Collection[str], lexicon: Lexicon) -> Mapping[str, float]:
    """Return how similar a clause of these stems is to each purpose that shares a word with it, 0 to 1."""
    rare, shares = lexicon.rare, lexicon.shares
    said = [(stem, weight) for stem in said_stems if (weight := rare.get(stem)) is not None]
    length = math.sqrt(sum(weight * weight for _, weight in said)) or 1.0
    scores: dict[str, float] = {}
    for stem, weight in said:
        part = weight / length
        for name, share in shares.get(stem, ()):
            scores[name] = scores.get(name, 0.0) + part * share
    return {name: score for name, score in scores.items() if score > 0}


def _catalogue_acts(name: str, said: ActionWords, vocabulary: Vocabulary) -> list[CatalogueAct]:
    if not said.verb or not said.nouns:
        return []
    return [CatalogueAct(name=name, verb=said.verb, asked=vocabulary.says_verb(said.verb), nouns=said.nouns)]


def _verb_first(name: str, verb: str) -> Iterator[str]:
    """Yield a name in spoken order where its verb comes last: "change address" for `profile.address_change`."""
    area, _, rest = name.partition(".")
    *nouns, last = re.split(r"[_-]", rest)
    nouns = nouns or re.split(r"[_-]", area)
    if last == verb:
        yield " ".join((verb, *nouns))


def _first_word(name: str) -> str:
    return re.split(r"[_-]", name.partition(".")[2])[0]


def _does(name: str, vocabulary: Vocabulary) -> str:
    """Return the verb that an action's first word is a synonym of: `change` for `profile.update_phone`."""
    first = _first_word(name)
    return next((verb for verb, ways in vocabulary.verbs.items() if re.fullmatch(ways, first, re.IGNORECASE)), "")


def verb_and_nouns(name: str, title: str, vocabulary: Vocabulary) -> tuple[str, frozenset[str]]:
    """Return an action's verb and nouns; the verb is empty when the name does not show it."""
    area, _, rest = name.partition(".")
    parts = re.split(r"[_.-]", rest)
    verb = next((part for part in parts if part in vocabulary.verbs), parts[0] if len(parts) == 1 else "")
    words = [*tokens(PLACEHOLDER.sub(" ", title)), *parts, *re.split(r"[_-]", area)]
    said = re.compile(vocabulary.verbs.get(verb) or re.escape(verb), re.IGNORECASE)
    return verb, frozenset(
        word[:STEM]
        for word in words
        if len(word) > 2 and word not in vocabulary.filler and not said.fullmatch(word)  # noqa: PLR2004  # short words are no nouns
    )
