"""Counters, gauges and histograms as Prometheus reads them (text format 0.0.4). What is counted is in `metrics`.

⚔ A label takes values of a closed list alone; every other one becomes `other`, so that no caller can make up a series.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Final, Protocol

OTHER: Final = "other"
Labels = Mapping[str, Iterable[str]]
"""Names of labels, each with the values it may take."""


class Instrument(Protocol):
    """Something that is counted or measured."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def lines(self) -> Iterator[str]:
        """It, as the page shows it."""
        ...


class _Labelled:
    """A name, what it says, and labels with the values they may take."""

    KIND = ""

    def __init__(self, name: str, says: str, labels: Labels) -> None:
        self.name = name
        self._says = says
        self._labels = {label: frozenset(values) for label, values in labels.items()}

    def _key(self, values: Sequence[str]) -> tuple[str, ...]:
        return tuple(value if value in known else OTHER for value, known in zip(values, self._labels.values(), strict=True))

    def _every(self) -> Iterator[tuple[str, ...]]:
        return product(*(sorted(known) for known in self._labels.values()))

    def _head(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self._says}"
        yield f"# TYPE {self.name} {self.KIND}"

    def _shown(self, key: Sequence[str], *, edge: str = "") -> str:
        pairs = [f'{label}="{value}"' for label, value in zip(self._labels, key, strict=True)]
        if edge:
            pairs.append(f'le="{edge}"')
        return f"{{{','.join(pairs)}}}" if pairs else ""


class Counter(_Labelled):
    """A number that only grows. With `zeros` every series is there from the start, so that its first growth is seen too."""

    KIND = "counter"

    def __init__(self, name: str, says: str, labels: Labels | None = None, *, zeros: bool = True) -> None:
        super().__init__(name, says, labels or {})
        self._values: dict[tuple[str, ...], float] = dict.fromkeys(self._every(), 0) if zeros else {}

    def add(self, *labels: str, by: float = 1) -> None:
        """Count something more."""
        key = labels if labels in self._values else self._key(labels)  # what is there already was looked through before
        self._values[key] = self._values.get(key, 0) + by

    def reach(self, value: float, *labels: str) -> None:
        """Show what somebody else has counted."""
        self._values[self._key(labels)] = value

    def lines(self) -> Iterator[str]:
        """The counter."""
        yield from self._head()
        yield from (f"{self.name}{self._shown(key)} {_number(value)}" for key, value in sorted(self._values.items()))


class Gauge(_Labelled):
    """A number that is what it was last seen to be. What was never seen, or cannot be told, is not shown."""

    KIND = "gauge"

    def __init__(self, name: str, says: str, labels: Labels | None = None) -> None:
        super().__init__(name, says, labels or {})
        self._values: dict[tuple[str, ...], float] = {}

    def set(self, value: float | None, *labels: str) -> None:
        """Show what is seen now; None where it cannot be told."""
        key = labels if labels in self._values else self._key(labels)
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value

    def lines(self) -> Iterator[str]:
        """The gauge."""
        yield from self._head()
        yield from (f"{self.name}{self._shown(key)} {_number(value)}" for key, value in sorted(self._values.items()))


class Histogram(_Labelled):
    """How many of what was measured lay below each bound, in seconds."""

    KIND = "histogram"

    def __init__(self, name: str, says: str, bounds: Sequence[float], labels: Labels | None = None) -> None:
        super().__init__(name, says, labels or {})
        self._bounds = tuple(bounds)
        self._counts: dict[tuple[str, ...], list[int]] = {key: [0] * (len(bounds) + 1) for key in self._every()}
        self._sums: dict[tuple[str, ...], float] = dict.fromkeys(self._counts, 0.0)

    def observe(self, value: float, *labels: str) -> None:
        """Take one measurement."""
        key = labels if labels in self._counts else self._key(labels)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0] * (len(self._bounds) + 1)
        counts[bisect_left(self._bounds, value)] += 1
        self._sums[key] = self._sums.get(key, 0.0) + value

    def lines(self) -> Iterator[str]:
        """The histogram."""
        yield from self._head()
        for key, counts in sorted(self._counts.items()):
            below = 0
            for bound, count in zip((*self._bounds, None), counts, strict=True):
                below += count
                edge = "+Inf" if bound is None else _number(bound)
                yield f"{self.name}_bucket{self._shown(key, edge=edge)} {below}"
            yield f"{self.name}_sum{self._shown(key)} {self._sums[key]:.6f}"
            yield f"{self.name}_count{self._shown(key)} {below}"


def escaped(text: str) -> str:
    """A text as the value of a label."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.6f}".rstrip("0").rstrip(".")
