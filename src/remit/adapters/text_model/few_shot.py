"""Telling from a few examples which class a vector belongs to: softmax regression, and a bar that the examples themselves set.

What the vectors and the classes are is not known here.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]
Reads: TypeAlias = Callable[[Sequence[str]], Vectors]

_ROUNDS: Final = 60
_STEP: Final = 4.0
_SHIFT_STEP: Final = 0.1
_MOMENTUM: Final = 0.9
_DECAY: Final = 3e-3
_SHARPNESS: Final = 8.0
"""Vectors have length 1; so many times as long the classes come apart."""
_FOLDS: Final = 3
_LIKENESS_WEIGHS: Final = 6.0
"""How much it counts how near the nearest example is, against the logarithm of how much likelier another class is."""
_MISSED: Final = 0.01
"""The bar lets all but so many of the examples through that were not learnt from."""
_BAR: Final = (-1.25, 2.0)
"""⚔ However the examples are, the bar stays between these: a catalogue whose purposes overlap sets a low one."""
_ROOM: Final = 0.6
"""How much lower the bar is set: those who write are not the ones who thought of the examples."""
_ALIKE: Final = 0.45
"""Vectors so near are of like texts."""
_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleClass:
    """One class by its examples: whether they set the bar, and whether a text that is of it is idle (wants nothing)."""

    said: tuple[str, ...]
    judged: bool = False
    idle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledExamples:
    """Texts and the class of each, by its place among `names`."""

    texts: tuple[str, ...]
    classes: NDArray[np.int64]
    names: tuple[str, ...]
    judged: frozenset[int]
    idle: frozenset[str]

    @classmethod
    def of(cls, classes: Mapping[str, ExampleClass]) -> "LabelledExamples":
        """The examples of classes by their names."""
        texts = [(text, place) for place, one in enumerate(classes.values()) for text in one.said]
        return cls(
            texts=tuple(text for text, _ in texts),
            classes=np.array([place for _, place in texts], np.int64),
            names=tuple(classes),
            judged=frozenset(place for place, one in enumerate(classes.values()) if one.judged),
            idle=frozenset(name for name, one in classes.items() if one.idle),
        )

    def without(self, left_out: NDArray[np.bool_]) -> "LabelledExamples":
        """The same classes without some of the texts."""
        kept = tuple(text for text, out in zip(self.texts, left_out, strict=True) if not out)
        return replace(self, texts=kept, classes=self.classes[~left_out])


class FewShotClassifier:
    """Classes learnt from examples. Asked, it gives for each text how much likelier it is of one group of classes than of any other."""

    def __init__(self, reads: Reads, examples: LabelledExamples, *, bar: float = 0.0) -> None:
        self.bar = bar
        self._reads = reads
        self._examples = examples
        self._vectors = reads(examples.texts)
        self._weights, self._shift = _regression(self._vectors, examples.classes, len(examples.names))
        self._places = {name: place for place, name in enumerate(examples.names)}

    @classmethod
    def learn(cls, reads: Reads, examples: LabelledExamples) -> "FewShotClassifier":
        """Learn, and find the bar: a class's own examples, some left out at a time, come over it."""
        told: list[float] = []
        judged = np.isin(examples.classes, list(examples.judged))
        turn = np.array([int(np.sum(examples.classes[:at] == one)) % _FOLDS for at, one in enumerate(examples.classes)])
        for fold in range(_FOLDS):
            out = judged & (turn == fold)
            part = cls(reads, examples.without(out))
            for place in np.unique(examples.classes[out]):
                texts = [
                    text for text, one in zip(examples.texts, out & (examples.classes == place), strict=True) if one
                ]
                told += part.scores(texts, own={examples.names[place]}).tolist()
        finite = [score for score in told if np.isfinite(score)]
        bar = float(np.clip(np.quantile(finite, _MISSED) - _ROOM, *_BAR)) if finite else _BAR[1]
        return cls(reads, examples, bar=bar)

    def scores(
        self, texts: Sequence[str], *, own: Collection[str], besides: Collection[str] = ()
    ) -> NDArray[np.float64]:
        """How well each text fits the classes `own`, against all others: over the bar it does.

        Classes `besides` say nothing against it. A text that an idle class or one of these fits best is as good as can be: infinity.
        ⚔ It has to be like one of its examples: what is like nothing fits an idle class as well as any.
        """
        if not texts:
            return np.zeros(0)
        vectors = self._reads(texts)
        chances = _softmax(np.asarray(vectors @ self._weights + self._shift, np.float32))
        mine = np.array([name in own for name in self._examples.names])
        none = np.array([name in besides or name in self._examples.idle for name in self._examples.names]) & ~mine
        here, most = chances[:, mine].sum(1), chances[:, ~none].max(1)
        near, idly = (self._nearest(vectors, one) for one in (mine, none))
        score = np.log(here / np.maximum(np.maximum(here, most), _TINY) + _TINY) + _LIKENESS_WEIGHS * near
        wants_nothing = (chances[:, none].max(1, initial=0.0) > most) & (idly >= _ALIKE)
        return np.where(wants_nothing, np.inf, np.asarray(score, np.float64))

    def _nearest(self, vectors: Vectors, classes: NDArray[np.bool_]) -> Vectors:
        """How near the nearest example of some classes is to each vector."""
        return np.asarray((vectors @ self._vectors[classes[self._examples.classes]].T).max(1, initial=0.0), np.float32)

    def known(self, name: str) -> bool:
        """Whether there is a class of that name."""
        return name in self._places


def _regression(vectors: Vectors, classes: NDArray[np.int64], count: int) -> tuple[Vectors, Vectors]:
    """Weights and shifts of the classes, by gradient descent with momentum from nothing: the same examples give the same."""
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
