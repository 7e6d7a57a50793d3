"""Topics of a catalogue by a text model: message pieces that sound like another purpose.

Every piece is rated quickly, word by word; the one that fits worst is read closely.
"""

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
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
_RESEMBLES: Final = 0.6
"""Similarity from which a piece that asks nothing resembles a request of another purpose.

Rules account for each clause before: reasons and reports are unlike the purpose's examples, and need not be like them.
"""
_SLACK: Final = 2.0
"""Slack below the threshold for pieces that are only rated quickly: the worst of them is read closely."""


@cache
def common_sentences() -> Mapping[str, Sequence[str]]:
    """Return sentences common to all desks: further requests (`asked`), and those that request nothing (`idle`).

    `reports` are words that a report begins with.
    """
    sentences: Mapping[str, Sequence[str]] = tomllib.loads((files(__package__) / "common.toml").read_text("utf-8"))
    return sentences


def build_classes(catalogue: Catalogue) -> Mapping[str, ExampleClass]:
    """Build the classes of a catalogue: its purposes, its acts, common requests, and idle sentences."""
    classes: dict[str, ExampleClass] = {}
    for objective in catalogue.objectives.values():
        said = (objective.title, re.sub(r"[-_]", " ", objective.name), *objective.examples)
        texts = tuple(dict.fromkeys(map(strip_numbers, said)))
        classes[f"purpose {objective.name}"] = ExampleClass(said=texts, judged=True)
    for action in catalogue.actions.values():
        if not action.builtin:
            classes[f"action {action.name}"] = ExampleClass(said=(strip_numbers(PLACEHOLDER.sub(" ", action.title)),))
    classes.update({f"{ASKED}{said}": ExampleClass(said=(said,)) for said in common_sentences()["asked"]})
    classes.update({f"idle {said}": ExampleClass(said=(said,), idle=True) for said in common_sentences()["idle"]})
    return classes


def strip_numbers(text: str) -> str:
    """Remove words with digits: other rules check which order is meant. ⚔ Each word is scanned once, however long."""
    return " ".join(word for word in text.split() if _DIGIT.search(word) is None)


def _is_report(text: str) -> bool:
    """⚔ An order may have a verb that no vocabulary has: a piece reports only if it begins as reports do."""
    first = WORD.search(text.lower())
    return first is not None and first[0].partition("'")[0] in common_sentences()["reports"]


class CatalogueTopicDetector:
    """Detector for one catalogue, with a quick and a close classifier."""

    def __init__(self, catalogue: Catalogue, *, quick: FewShotClassifier, close: FewShotClassifier) -> None:
        self._catalogue = catalogue
        self._quick = quick
        self._close = close

    @property
    def thresholds(self) -> tuple[float, float]:
        """Thresholds set by the catalogue's own examples: quick and close."""
        return self._quick.bar, self._close.bar

    def off_topic(self, pieces: Sequence[str], *, purpose: str, action: str, asking: Collection[int]) -> Sequence[int]:
        """Return the indexes of pieces that sound like anything but this purpose and this action.

        Of pieces that ask nothing, those that resemble a request of another.
        """
        own = f"purpose {purpose}"
        if not self._quick.known(own):
            return range(len(pieces))
        texts = [(place, strip_numbers(piece)) for place, piece in enumerate(pieces)]
        texts = [(place, text) for place, text in texts if _LETTERS.search(text)]
        if not texts:
            return ()
        mine, besides = {own, f"action {action}"}, self._neutral(purpose, action)
        quick = self._quick.scores([text for _, text in texts], own=mine, besides=besides)
        if np.isinf(quick).all():
            return ()  # nothing is requested
        worst = int(np.argmin(quick))
        (close,) = self._close.scores([texts[worst][1]], own=mine, besides=besides)
        strange = {place for (place, _), score in zip(texts, quick, strict=True) if score < self._quick.bar - _SLACK}
        strange.discard(texts[worst][0])
        if close < self._close.bar:
            strange.add(texts[worst][0])
        meant = close >= self._close.bar or any(
            score >= self._quick.bar for place, score in enumerate(quick) if place != worst and not np.isinf(score)
        )
        found = strange if meant or strange else {texts[worst][0]}

        def counts(place: int, text: str) -> bool:
            """⚔ Only the text that was read closely is read so again: its vector is known."""
            if place in asking or not _is_report(text):
                return True
            reader = self._close if place == texts[worst][0] else self._quick
            return reader.other_likeness(text, own=mine, besides=besides) >= _RESEMBLES

        return [place for place, text in texts if place in found and counts(place, text)]

    def _neutral(self, purpose: str, action: str) -> frozenset[str]:
        """Return the neutral classes: the purpose's other actions, and reads, which sound like the act they precede."""
        reads = {action.name for action in self._catalogue.actions.values() if action.effect is Effect.READ}
        return frozenset(f"action {name}" for name in {*self._catalogue.objectives[purpose].actions, *reads} - {action})
