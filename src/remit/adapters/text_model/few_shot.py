"""Classification of vectors from a few examples: softmax regression, with a threshold set by the examples."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from remit.domain.structs import replace, struct

Vectors: TypeAlias = NDArray[np.float32]
Reads: TypeAlias = Callable[[Sequence[str]], Vectors]

_ROUNDS: Final = 60
_STEP: Final = 4.0
_SHIFT_STEP: Final = 0.1
_MOMENTUM: Final = 0.9
_DECAY: Final = 3e-3
_SHARPNESS: Final = 8.0
"""Scale of the unit vectors, by which the classes separate."""
_FOLDS: Final = 3
_LIKENESS_WEIGHS: Final = 6.0
"""Weight of the similarity to the nearest example, against the log odds of another class."""
_MISSED: Final = 0.01
"""Share of held-out examples that the threshold may miss."""
_BAR: Final = (-1.25, 2.0)
"""⚔ Bounds of the threshold: a catalogue with overlapping purposes would set a low one."""
_ROOM: Final = 0.6
"""Slack below the threshold: customers phrase things unlike the examples' authors."""
_ALIKE: Final = 0.45
"""Similarity from which texts count as alike."""
_TINY: Final = 1e-9


@struct(frozen=True, kw_only=True)
class ExampleClass:
    """Class by its examples: whether they set the threshold, and whether its texts are idle (request nothing)."""

    said: tuple[str, ...]
    judged: bool = False
    idle: bool = False


@struct(frozen=True, kw_only=True)
class LabelledExamples:
    """Texts and the class of each, by its index in `names`."""

    texts: tuple[str, ...]
    classes: NDArray[np.int64]
    names: tuple[str, ...]
    judged: frozenset[int]
    idle: frozenset[str]

    @classmethod
    def of(cls, classes: Mapping[str, ExampleClass]) -> "LabelledExamples":
        """Collect the examples of classes by name."""
        texts = [(text, place) for place, each in enumerate(classes.values()) for text in each.said]
        return cls(
            texts=tuple(text for text, _ in texts),
            classes=np.array([place for _, place in texts], np.int64),
            names=tuple(classes),
            judged=frozenset(place for place, each in enumerate(classes.values()) if each.judged),
            idle=frozenset(name for name, each in classes.items() if each.idle),
        )

    def without(self, left_out: NDArray[np.bool_]) -> "LabelledExamples":
        """Return the same classes without some of the texts."""
        kept = tuple(text for text, out in zip(self.texts, left_out, strict=True) if not out)
        return replace(self, texts=kept, classes=self.classes[~left_out])


class FewShotClassifier:
    """Classes learnt from examples, which rate each text for one group of classes against all others."""

    def __init__(self, reads: Reads, examples: LabelledExamples, *, bar: float = 0.0) -> None:
        self.bar = bar
        self._reads = reads
        self._examples = examples
        self._vectors = reads(examples.texts)
        self._weights, self._shift = _regression(self._vectors, examples.classes, len(examples.names))
        self._places = {name: place for place, name in enumerate(examples.names)}

    @classmethod
    def learn(cls, reads: Reads, examples: LabelledExamples) -> "FewShotClassifier":
        """Learn the classes, and set the threshold so that held-out examples of a class pass it."""
        held_out: list[float] = []
        judged = np.isin(examples.classes, list(examples.judged))
        turn = np.array([int(np.sum(examples.classes[:at] == own)) % _FOLDS for at, own in enumerate(examples.classes)])
        for fold in range(_FOLDS):
            out = judged & (turn == fold)
            part = cls(reads, examples.without(out))
            for place in np.unique(examples.classes[out]):
                chosen = out & (examples.classes == place)
                texts = [text for text, wanted in zip(examples.texts, chosen, strict=True) if wanted]
                held_out += part.scores(texts, own={examples.names[place]}).tolist()
        finite = [score for score in held_out if np.isfinite(score)]
        bar = float(np.clip(np.quantile(finite, _MISSED) - _ROOM, *_BAR)) if finite else _BAR[1]
        return cls(reads, examples, bar=bar)

    def scores(
        self, texts: Sequence[str], *, own: Collection[str], besides: Collection[str] = ()
    ) -> NDArray[np.float64]:
        """Rate how well each text fits the classes `own`, against all others: it passes from the threshold up.

        Classes `besides` do not count against it. A text that fits an idle class or one of these best rates infinite.
        ⚔ It must resemble one of its examples: a text like no other fits an idle class as well as any.
        """
        if not texts:
            return np.zeros(0)
        vectors = self._reads(texts)
        chances = _softmax(np.asarray(vectors @ self._weights + self._shift, np.float32))
        mine = np.array([name in own for name in self._examples.names])
        none = np.array([name in besides or name in self._examples.idle for name in self._examples.names]) & ~mine
        here, most = chances[:, mine].sum(1), chances[:, ~none].max(1)
        near, idly = (self._nearest(vectors, group) for group in (mine, none))
        score = np.log(here / np.maximum(np.maximum(here, most), _TINY) + _TINY) + _LIKENESS_WEIGHS * near
        wants_nothing = (chances[:, none].max(1, initial=0.0) > most) & (idly >= _ALIKE)
        return np.where(wants_nothing, np.inf, np.asarray(score, np.float64))

    def other_likeness(self, text: str, *, own: Collection[str], besides: Collection[str] = ()) -> float:
        """Return the similarity of a text to the nearest example of a class outside `own`, `besides` and idle ones."""
        spared = {*own, *besides, *self._examples.idle}
        others = np.array([name not in spared for name in self._examples.names])
        return float(self._nearest(self._reads([text]), others)[0])

    def _nearest(self, vectors: Vectors, classes: NDArray[np.bool_]) -> Vectors:
        return np.asarray((vectors @ self._vectors[classes[self._examples.classes]].T).max(1, initial=0.0), np.float32)

    def known(self, name: str) -> bool:
        """Return whether a class has that name."""
        return name in self._places


def _regression(vectors: Vectors, classes: NDArray[np.int64], count: int) -> tuple[Vectors, Vectors]:
    """Compute weights and shifts of the classes by gradient descent with momentum, deterministically."""
    middle = vectors.mean(0)
    scaled = (vectors - middle) * _SHARPNESS
    wanted = np.eye(count, dtype=np.float32)[classes]
    weights: Vectors = np.zeros((vectors.shape[1], count), np.float32)
    speed, shift = np.zeros_like(weights), np.zeros(count, np.float32)
    for _ in range(_ROUNDS):
        off = _softmax(np.asarray(scaled @ weights + shift, np.float32)) - wanted
        speed *= _MOMENTUM
        speed -= _STEP * (scaled.T @ off / len(vectors) + _DECAY * weights)
        weights += speed
        shift -= _SHIFT_STEP * off.mean(0)
    weights *= _SHARPNESS
    return weights, shift - middle @ weights


def _softmax(rows: Vectors) -> Vectors:
    risen = np.exp(rows - rows.max(1, keepdims=True))
    return np.asarray(risen / risen.sum(1, keepdims=True), np.float32)
