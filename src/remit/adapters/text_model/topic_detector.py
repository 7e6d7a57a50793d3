"""What a catalogue's purposes and actions sound like, and which pieces of a message sound like something else.

Every piece is heard quickly, word by word; the one that fits worst is read closely.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from remit.adapters.text_model.few_shot import ExampleClass, FewShotClassifier
from remit.domain.catalogue.model import Catalogue, Effect
from remit.domain.words.lexicon import PLACEHOLDER

WORD: Final = re.compile(r"[a-z']+|[?!]")
_LETTERS: Final = re.compile(r"[A-Za-z]{2}")
_DIGIT: Final = re.compile(r"\d")
ASKED: Final = "asked "
_SLACK: Final = 2.0
"""Pieces that are heard quickly alone may lie so far below the bar: the worst of them is read closely."""


@cache
def common_sentences() -> Mapping[str, Sequence[str]]:
    """Sentences that any desk hears: what people also ask for (`asked`), and what wants nothing (`idle`)."""
    told: Mapping[str, Sequence[str]] = tomllib.loads((files(__package__) / "common.toml").read_text("utf-8"))
    return told


def build_classes(catalogue: Catalogue) -> Mapping[str, ExampleClass]:
    """The classes of a catalogue: its purposes, its own acts, what people also ask desks for, and what wants nothing."""
    classes: dict[str, ExampleClass] = {}
    for objective in catalogue.objectives.values():
        said = (objective.title, re.sub(r"[-_]", " ", objective.name), *objective.examples)
        classes[f"purpose {objective.name}"] = ExampleClass(
            said=tuple(dict.fromkeys(map(strip_numbers, said))), judged=True
        )
    for action in catalogue.actions.values():
        if not action.builtin:
            classes[f"action {action.name}"] = ExampleClass(said=(strip_numbers(PLACEHOLDER.sub(" ", action.title)),))
    classes.update({f"{ASKED}{said}": ExampleClass(said=(said,)) for said in common_sentences()["asked"]})
    classes.update({f"idle {said}": ExampleClass(said=(said,), idle=True) for said in common_sentences()["idle"]})
    return classes


def strip_numbers(text: str) -> str:
    """A text without what has a digit in it: which order is meant is for other rules. ⚔ Each word is looked at once, however long it is."""
    return " ".join(word for word in text.split() if _DIGIT.search(word) is None)


class CatalogueTopicDetector:
    """A catalogue as it was learnt, word by word and closely."""

    def __init__(self, catalogue: Catalogue, *, quick: FewShotClassifier, close: FewShotClassifier) -> None:
        self._catalogue = catalogue
        self._quick = quick
        self._close = close

    @property
    def thresholds(self) -> tuple[float, float]:
        """The bars the catalogue's own examples set: heard quickly, and read closely."""
        return self._quick.bar, self._close.bar

    def off_topic(self, pieces: Sequence[str], *, purpose: str, action: str) -> Sequence[int]:
        """Which pieces sound like something else than this purpose and this action."""
        own = f"purpose {purpose}"
        if not self._quick.known(own):
            return range(len(pieces))
        texts = [(place, strip_numbers(piece)) for place, piece in enumerate(pieces)]
        texts = [(place, text) for place, text in texts if _LETTERS.search(text)]
        if not texts:
            return ()
        mine, besides = {own, f"action {action}"}, self._besides(purpose, action)
        quick = self._quick.scores([text for _, text in texts], own=mine, besides=besides)
        if np.isinf(quick).all():
            return ()  # nobody wants anything
        worst = int(np.argmin(quick))
        (close,) = self._close.scores([texts[worst][1]], own=mine, besides=besides)
        strange = {place for (place, _), score in zip(texts, quick, strict=True) if score < self._quick.bar - _SLACK}
        strange.discard(texts[worst][0])
        if close < self._close.bar:
            strange.add(texts[worst][0])
        meant = close >= self._close.bar or any(
            score >= self._quick.bar for place, score in enumerate(quick) if place != worst and not np.isinf(score)
        )
        return sorted(strange) if meant or strange else [texts[worst][0]]

    def _besides(self, purpose: str, action: str) -> frozenset[str]:
        """The classes that say nothing against a piece: what else belongs to the purpose, and looking, which is said like what is done then."""
        reads = {one.name for one in self._catalogue.actions.values() if one.effect is Effect.READ}
        return frozenset(f"action {name}" for name in {*self._catalogue.objectives[purpose].actions, *reads} - {action})
