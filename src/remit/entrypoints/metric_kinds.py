"""Counters, gauges and histograms with closed labels, handed to `prometheus_client` when the page is asked for.

⚔ A label takes values of a closed list alone; every other one becomes `other`, so that no caller can make up a series.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, product
from typing import ClassVar, Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

OTHER: Final = "other"
Labels = Mapping[str, Iterable[str]]
"""Names of labels, each with the values it may take."""


class Instrument(ABC):
    """A name, its help text, and labels with the values they may take."""

    def __init__(self, name: str, says: str, labels: Labels | None = None) -> None:
        self.name = name
        self.labels = {label: frozenset(values) for label, values in (labels or {}).items()}
        self._says = says

    @abstractmethod
    def family(self) -> Metric:
        """All series of this instrument as they stand now."""

    def _key(self, values: Sequence[str]) -> tuple[str, ...]:
        return tuple(value if value in known else OTHER for value, known in zip(values, self.labels.values(), strict=True))

    def _every(self) -> Iterable[tuple[str, ...]]:
        return product(*(sorted(known) for known in self.labels.values()))


class _Numbers(Instrument):
    """One number for each series."""

    FAMILY: ClassVar[type[CounterMetricFamily | GaugeMetricFamily]]

    def __init__(self, name: str, says: str, labels: Labels | None = None) -> None:
        super().__init__(name, says, labels)
        self._values: dict[tuple[str, ...], float] = {}

    def family(self) -> Metric:
        """All series of this instrument as they stand now."""
        family = self.FAMILY(self.name, self._says, labels=tuple(self.labels))
        for key, value in sorted(self._values.items()):
            family.add_metric(key, value)
        return family


class Counter(_Numbers):
    """A number that only grows. With `zeros` every series is there from the start, so that its first growth is seen too."""

    FAMILY = CounterMetricFamily

    def __init__(self, name: str, says: str, labels: Labels | None = None, *, zeros: bool = True) -> None:
        super().__init__(name, says, labels)
        if zeros:
            self._values = dict.fromkeys(self._every(), 0)

    def add(self, *labels: str, by: float = 1) -> None:
        """Count something more."""
        key = labels if labels in self._values else self._key(labels)  # known series were looked through before
        self._values[key] = self._values.get(key, 0) + by

    def reach(self, value: float, *labels: str) -> None:
        """Show a total that is counted elsewhere."""
        self._values[self._key(labels)] = value


class Gauge(_Numbers):
    """A number as last seen. A series that was never seen, or cannot be told, is not shown."""

    FAMILY = GaugeMetricFamily

    def set(self, value: float | None, *labels: str) -> None:
        """Show the present value; None where it cannot be told."""
        key = labels if labels in self._values else self._key(labels)
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value


class Histogram(Instrument):
    """How many measurements lay at or below each bound, in seconds."""

    def __init__(self, name: str, says: str, bounds: Sequence[float], labels: Labels | None = None) -> None:
        super().__init__(name, says, labels)
        self._bounds = tuple(bounds)
        self._edges = [*(f"{bound:g}" for bound in bounds), "+Inf"]
        self._counts = {key: [0] * len(self._edges) for key in self._every()}
        self._sums = dict.fromkeys(self._counts, 0.0)

    def observe(self, value: float, *labels: str) -> None:
        """Take one measurement."""
        key = labels if labels in self._counts else self._key(labels)
        if key not in self._counts:
            self._counts[key] = [0] * len(self._edges)
        self._counts[key][bisect_left(self._bounds, value)] += 1
        self._sums[key] = self._sums.get(key, 0.0) + value

    def family(self) -> Metric:
        """All series of this instrument as they stand now."""
        family = HistogramMetricFamily(self.name, self._says, labels=tuple(self.labels))
        for key, counts in sorted(self._counts.items()):
            family.add_metric(key, list(zip(self._edges, accumulate(counts), strict=True)), self._sums[key])
        return family
