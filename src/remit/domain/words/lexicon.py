"""What the words check learns from a catalogue, once, and which purpose a clause sounds like by its words alone.

No model: shared words, weighed by how few purposes use them. It only ever makes a verdict stricter.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from remit.domain.catalogue.actions import builtin_attributes
from remit.domain.catalogue.model import Action, Attribute, Catalogue, Effect, Objective
from remit.domain.errors import Code, Refused
from remit.domain.text.normalize import CaselessPattern
from remit.domain.words.vocabulary import STEM, Vocabulary, tokens

PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")


class OffTopicListener(Protocol):
    """Hears pieces of a message."""

    def __call__(self, pieces: Sequence[str], *, purpose: str, action: str) -> Collection[int]:
        """The places of the pieces that sound like something else than a purpose and one of its actions."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueAct:
    """A write of the catalogue as people ask for it: its verb with synonyms, and its nouns."""

    name: str
    verb: str
    asked: CaselessPattern
    nouns: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionWords:
    """What an action's name, title and results say: the words of name and title, their topics, all stems, its verb and nouns, and those of its params' names.

    `does` is the verb it is another way to say, where its name has none of ours.
    """

    text: str
    topics: frozenset[str]
    stems: frozenset[str]
    verb: str
    does: str
    nouns: frozenset[str]
    params: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveWords:
    """What an objective's title, name and examples say."""

    text: str
    topics: frozenset[str]
    stems: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeWords:
    """An attribute as people ask to be told it: the words of its title."""

    name: str
    title: frozenset[str]
    stems: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """What the words check learns from one catalogue, once: for each stem its weight in each purpose, and the acts by verb.

    `actions` and `objectives` are what each of them says by itself, `told` the attributes somebody may ask to be told.
    `languages` are those the desk has configured.
    """

    shares: Mapping[str, Sequence[tuple[str, float]]]
    rare: Mapping[str, float]
    acts: tuple[CatalogueAct, ...]
    actions: Mapping[str, ActionWords]
    objectives: Mapping[str, ObjectiveWords]
    told: tuple[AttributeWords, ...]
    languages: frozenset[str]
    vocabulary: Vocabulary
    off_topic: OffTopicListener | None = None
    """A model that learnt the same catalogue, where the desk has one: the places of those pieces that sound like something else."""


def build_lexicon(catalogue: Catalogue, vocabulary: Vocabulary, *, languages: Collection[str] = ("en",)) -> Lexicon:
    """Learn a catalogue's words, for a desk that reads these languages. Build it once for each catalogue and hand it to `judge_words`.

    Raises:
        Refused: `settings.invalid` for a language the rules do not read. ⚔ A language let in unread would carry any wish.
    """
    if not frozenset(languages) <= {vocabulary.language}:
        raise Refused(
            Code.SETTINGS_INVALID,
            f"words are read in {vocabulary.language} only",
            public="A language is configured that cannot be read.",
        )
    counted: dict[str, Counter[str]] = {}
    for objective in catalogue.objectives.values():
        texts = [*objective.examples, *[f"{objective.title} {re.sub(r'[-_]', ' ', objective.name)}"] * 3]
        counted[objective.name] = Counter(stem for text in texts for stem in vocabulary.stems(text))
    spread = Counter(stem for words in counted.values() for stem in words)
    rare = {stem: math.log((1 + len(counted)) / count) for stem, count in spread.items()}
    shares: dict[str, list[tuple[str, float]]] = {}
    for name, words in counted.items():
        for stem, weight in _unit({stem: math.sqrt(count) * rare[stem] for stem, count in words.items()}).items():
            shares.setdefault(stem, []).append((name, weight))
    actions = {
        action.name: action_words(action, catalogue.attributes, vocabulary) for action in catalogue.actions.values()
    }
    acts = tuple(
        act
        for action in catalogue.actions.values()
        if action.effect is Effect.WRITE and not action.builtin
        for act in _act(action.name, actions[action.name], vocabulary)
    )
    return Lexicon(
        shares=shares,
        rare=rare,
        acts=acts,
        actions=actions,
        objectives={
            objective.name: objective_words(objective, vocabulary) for objective in catalogue.objectives.values()
        },
        told=_told(catalogue, vocabulary),
        languages=frozenset(languages),
        vocabulary=vocabulary,
    )


def action_words(action: Action, attributes: Mapping[str, Attribute], vocabulary: Vocabulary) -> ActionWords:
    """What an action says by itself."""
    verb, nouns = verb_and_nouns(action.name, action.title, vocabulary)
    own = " . ".join(
        (PLACEHOLDER.sub(" ", action.title), re.sub(r"[._-]", " ", action.name), *_verb_first(action.name, verb))
    )
    returned = " . ".join(attributes[name].title for name in action.returns if name in attributes)
    params = vocabulary.stems(re.sub(r"[._-]", " ", " ".join(action.declared)))
    return ActionWords(
        text=own,
        topics=vocabulary.topics_of(own)
        | vocabulary.about.get(verb or re.split(r"[_-]", action.name.partition(".")[2])[0], frozenset()),
        stems=vocabulary.stems(f"{own} {returned}"),
        verb=verb,
        does=verb or _does(action.name, vocabulary),
        nouns=nouns,
        params=params,
    )


def objective_words(objective: Objective, vocabulary: Vocabulary) -> ObjectiveWords:
    """What an objective says by itself."""
    text = " . ".join((objective.title, re.sub(r"[-_]", " ", objective.name), *objective.examples))
    return ObjectiveWords(text=text, topics=vocabulary.topics_of(text), stems=vocabulary.stems(text))


def _told(catalogue: Catalogue, vocabulary: Vocabulary) -> tuple[AttributeWords, ...]:
    """The attributes with a title of their own. Every agent may be told of its own case: asking a person about it asks for nothing more."""
    own = builtin_attributes()
    return tuple(
        AttributeWords(name=attribute.name, title=title, stems=vocabulary.stems(attribute.title))
        for attribute in catalogue.attributes.values()
        if own.get(attribute.name) != attribute and (title := frozenset(tokens(attribute.title)) - vocabulary.filler)
    )


def _unit(weights: Mapping[str, float]) -> dict[str, float]:
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {stem: weight / length for stem, weight in weights.items()}


def purpose_similarity(said_stems: Collection[str], lexicon: Lexicon) -> Mapping[str, float]:
    """How much a clause of these stems sounds like each purpose, 0 to 1; purposes that share no word are left out."""
    said = _unit({stem: lexicon.rare[stem] for stem in said_stems if stem in lexicon.rare})
    scores: dict[str, float] = {}
    for stem, weight in said.items():
        for name, share in lexicon.shares.get(stem, ()):
            scores[name] = scores.get(name, 0.0) + weight * share
    return {name: score for name, score in scores.items() if score > 0}


def _act(name: str, said: ActionWords, vocabulary: Vocabulary) -> list[CatalogueAct]:
    if not said.verb or not said.nouns:
        return []
    return [CatalogueAct(name=name, verb=said.verb, asked=vocabulary.says_verb(said.verb), nouns=said.nouns)]


def _verb_first(name: str, verb: str) -> Iterator[str]:
    """A name as one would say it, where its verb comes last: "change address" for `profile.address_change`."""
    *nouns, last = re.split(r"[_-]", name.partition(".")[2])
    if nouns and last == verb:
        yield " ".join((verb, *nouns))


def _does(name: str, vocabulary: Vocabulary) -> str:
    """The verb that an action's first word is another way to say: `change` for `profile.update_phone`."""
    first = re.split(r"[_-]", name.partition(".")[2])[0]
    return next((verb for verb, ways in vocabulary.verbs.items() if re.fullmatch(ways, first, re.IGNORECASE)), "")


def verb_and_nouns(name: str, title: str, vocabulary: Vocabulary) -> tuple[str, frozenset[str]]:
    """An action's verb and nouns; the verb is empty when the name does not tell it."""
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
