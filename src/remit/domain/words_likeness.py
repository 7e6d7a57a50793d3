"""Which purpose a clause sounds like, by the words of the catalogue's titles and examples alone.

No model and no learning: shared words, weighed by how few purposes use them. It only ever makes a verdict stricter.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from remit.domain.catalogue import Catalogue, Effect
from remit.domain.errors import Code, Refused
from remit.domain.words_topics import VERBS

_TOKEN: Final = re.compile(r"[a-z]{3,}")
_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}")
_STEM: Final = 5
READ: Final = frozenset({"en"})
"""The languages these rules can read."""
GENERIC: Final = frozenset(
    [
        *"able about after also and any are assistance because been before being but can could customer desk does for from get going got had has have hello help".split(),  # noqa: SIM905  # reads better in lines
        *"how into just know like may mine more need not onto please really should some still support thank thanks that the them there they thing this trying".split(),  # noqa: SIM905  # reads better in lines
        *"user want was what when where which while who why will with would you your".split(),  # noqa: SIM905  # reads better in lines
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherAct:
    """A write of the catalogue as people ask for it: its verb with synonyms, and its nouns."""

    name: str
    verb: str
    asked: re.Pattern[str]
    nouns: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """What the words check learns from one catalogue, once: weights of stems for each purpose, and the acts by verb.

    `languages` are those the desk has configured.
    """

    purposes: Mapping[str, Mapping[str, float]]
    rare: Mapping[str, float]
    acts: tuple[OtherAct, ...]
    languages: frozenset[str]


def stems(text: str) -> frozenset[str]:
    """The content words of a text, cut to their beginnings."""
    return frozenset(word[:_STEM] for word in _TOKEN.findall(text.lower()) if word not in GENERIC)


def lexicon_of(catalogue: Catalogue, *, languages: Collection[str] = ("en",)) -> Lexicon:
    """Learn a catalogue's words, for a desk that reads these languages. Build it once for each catalogue and hand it to `check_words`.

    Raises:
        Refused: `settings.invalid` for a language the rules do not read. ⚔ A language let in unread would carry any wish.
    """
    if not frozenset(languages) <= READ:
        raise Refused(
            Code.SETTINGS_INVALID,
            f"words are read in {', '.join(sorted(READ))} only",
            public="A language is configured that cannot be read.",
        )
    counted: dict[str, Counter[str]] = {}
    for objective in catalogue.objectives.values():
        texts = [*objective.examples, *[f"{objective.title} {re.sub(r'[-_]', ' ', objective.name)}"] * 3]
        counted[objective.name] = Counter(stem for text in texts for stem in stems(text))
    spread = Counter(stem for words in counted.values() for stem in words)
    rare = {stem: math.log((1 + len(counted)) / count) for stem, count in spread.items()}
    purposes = {name: _unit({stem: math.sqrt(count) * rare[stem] for stem, count in words.items()}) for name, words in counted.items()}
    acts = tuple(
        act
        for action in catalogue.actions.values()
        if action.effect is Effect.WRITE and not action.builtin
        for act in _act(action.name, action.title)
    )
    return Lexicon(purposes=purposes, rare=rare, acts=acts, languages=frozenset(languages))


def _unit(weights: Mapping[str, float]) -> dict[str, float]:
    length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
    return {stem: weight / length for stem, weight in weights.items()}


def likeness(clause: str, lexicon: Lexicon) -> Mapping[str, float]:
    """How much a clause sounds like each purpose, 0 to 1; purposes that share no word are left out."""
    said = _unit({stem: lexicon.rare[stem] for stem in stems(clause) if stem in lexicon.rare})
    scores = {name: sum(weight * words[stem] for stem, weight in said.items() if stem in words) for name, words in lexicon.purposes.items()}
    return {name: score for name, score in scores.items() if score > 0}


def _act(name: str, title: str) -> list[OtherAct]:
    verb, nouns = verb_and_nouns(name, title)
    if not verb or not nouns:
        return []
    return [OtherAct(name=name, verb=verb, asked=re.compile(rf"\b(?:{VERBS.get(verb, re.escape(verb))})\b", re.IGNORECASE), nouns=nouns)]


def verb_and_nouns(name: str, title: str) -> tuple[str, frozenset[str]]:
    """An action's verb and nouns; the verb is empty when the name does not tell it."""
    area, _, rest = name.partition(".")
    parts = re.split(r"[_.-]", rest)
    verb = next((part for part in parts if part in VERBS), parts[0] if len(parts) == 1 else "")
    words = [*_TOKEN.findall(_PLACEHOLDER.sub(" ", title).lower()), *parts, *re.split(r"[_-]", area)]
    said = re.compile(VERBS.get(verb, re.escape(verb)), re.IGNORECASE)
    return verb, frozenset(word[:_STEM] for word in words if len(word) > 2 and word not in GENERIC and not said.fullmatch(word))  # noqa: PLR2004  # short words are no nouns
