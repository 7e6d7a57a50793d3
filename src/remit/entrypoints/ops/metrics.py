"""Counts and measurements of one process for Prometheus: no names, ids or amounts, and no reads.

Kept in memory; begins anew with the process. docs/operating.md says how to add up processes.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, product
from typing import ClassVar, Final

from prometheus_client import Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from remit import __version__
from remit.domain.catalogue.model import Area
from remit.domain.errors import Code
from remit.domain.records import AskState
from remit.ports.world import UsageMeter, World

OTHER: Final = "other"
Labels = Mapping[str, Iterable[str]]
"""Names of labels, each with its possible values."""


class Instrument(ABC):
    """A name, its help text, and labels with their possible values."""

    def __init__(self, name: str, says: str, labels: Labels | None = None) -> None:
        self.name = name
        self.labels = {label: frozenset(values) for label, values in (labels or {}).items()}
        self._says = says

    @abstractmethod
    def family(self) -> Metric:
        """Return all series of this instrument."""

    def _key(self, values: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            value if value in known else OTHER for value, known in zip(values, self.labels.values(), strict=True)
        )

    def _every(self) -> Iterable[tuple[str, ...]]:
        return product(*(sorted(known) for known in self.labels.values()))


class _Numbers(Instrument):
    """One number for each series."""

    FAMILY: ClassVar[type[CounterMetricFamily | GaugeMetricFamily]]

    def __init__(self, name: str, says: str, labels: Labels | None = None) -> None:
        super().__init__(name, says, labels)
        self._values: dict[tuple[str, ...], float] = {}

    def family(self) -> Metric:
        """Return all series of this instrument."""
        family = self.FAMILY(self.name, self._says, labels=tuple(self.labels))
        for key, value in sorted(self._values.items()):
            family.add_metric(key, value)
        return family


class Counter(_Numbers):
    """A number that only grows. With `zeros` every series exists from the start, so that its first growth shows too."""

    FAMILY = CounterMetricFamily

    def __init__(self, name: str, says: str, labels: Labels | None = None, *, zeros: bool = True) -> None:
        super().__init__(name, says, labels)
        if zeros:
            self._values = dict.fromkeys(self._every(), 0)

    def add(self, *labels: str, by: float = 1) -> None:
        """Add to a series."""
        key = labels if labels in self._values else self._key(labels)  # known series were checked before
        self._values[key] = self._values.get(key, 0) + by

    def reach(self, value: float, *labels: str) -> None:
        """Set a total that is counted elsewhere."""
        self._values[self._key(labels)] = value


class Gauge(_Numbers):
    """A number as last seen. A series never seen, or unknown, is not shown."""

    FAMILY = GaugeMetricFamily

    def set(self, value: float | None, *labels: str) -> None:
        """Set the present value; None where it is unknown."""
        key = labels if labels in self._values else self._key(labels)
        if value is None:
            self._values.pop(key, None)
        else:
            self._values[key] = value


class Histogram(Instrument):
    """The number of measurements at or below each bound, in seconds."""

    def __init__(self, name: str, says: str, bounds: Sequence[float], labels: Labels | None = None) -> None:
        super().__init__(name, says, labels)
        self._bounds = tuple(bounds)
        self._edges = [*(f"{bound:g}" for bound in bounds), "+Inf"]
        self._counts = {key: [0] * len(self._edges) for key in self._every()}
        self._sums = dict.fromkeys(self._counts, 0.0)

    def observe(self, value: float, *labels: str) -> None:
        """Record one measurement."""
        key = labels if labels in self._counts else self._key(labels)
        if key not in self._counts:
            self._counts[key] = [0] * len(self._edges)
        self._counts[key][bisect_left(self._bounds, value)] += 1
        self._sums[key] = self._sums.get(key, 0.0) + value

    def family(self) -> Metric:
        """Return all series of this instrument."""
        family = HistogramMetricFamily(self.name, self._says, labels=tuple(self.labels))
        for key, counts in sorted(self._counts.items()):
            family.add_metric(key, list(zip(self._edges, accumulate(counts), strict=True)), self._sums[key])
        return family


MEDIA_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
_DOORS: Final = (
    ("agents", ("/v1/tasks/", "/v1/asks/")),
    ("mcp", ("/mcp",)),
    ("a2a", ("/a2a",)),
    ("pages", ("/oauth/authorize",)),
    ("oauth", ("/oauth/",)),
    ("decisions", ("/access/v1/",)),
    ("people", ("/me/v1", "/desk/v1", "/security/v1", "/audit/v1", "/staff/v1", "/login/v1")),
    ("log", ("/log/",)),
    ("public", ("/.well-known/", "/v1/", "/openapi.json", "/healthz", "/readyz", "/metrics")),
    ("sandbox", ("/sandbox/",)),
)
"""Route groups by prefix of the address; everything else is a page. ⚔ A closed list: no caller makes up a label."""
DECISIONS: Final = ("needs_human", "permit", "refuse")
ANSWERS: Final = ("less", "no", "no_and_end", "silence", "yes")
STOPPED: Final = ("agent", "customer", "mandate", "objective", "operator")
EFFECTS: Final = ("ended", "refused")
JOBS: Final = ("acts", "due", "events", "fetches", "keys", "leaks", "look", "notices", "pings", "rows", "signals")
CARRIERS: Final = ("events", "leak_hook", "smtp", "webhook")
CARRIED: Final = ("failed", "put_off", "sent", "unaddressed")
LIMITED: Final = ("bodies", "caller", "client", "connections", "long", "registrations", "session", "unproved")
AGES: Final[Mapping[str, float]] = {"under_1m": 60, "under_10m": 600, "under_1h": 3600, "older": float("inf")}
"""Age classes: the upper bound of each, in seconds."""
OPEN_STATES: Final = (AskState.ACTING, AskState.PERMITTED, AskState.UNKNOWN, AskState.WAITING)
COMMITTED: Final = ("conflict", "fault", "no_room", "ok", "replayed")
NO_AREA: Final = "none"
_FAST: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_HUMAN: Final = (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400)


class _EventMetrics:
    """Metrics of events: requests, decisions, commits, confirmations, revocations, notices."""

    def __init__(self) -> None:
        doors = [*(door for door, _ in _DOORS), "pages"]
        # Every possible status: a closed table too (entrypoints/http/replies).
        statuses = [str(status) for status in range(100, 600)]
        self.requests = Counter(
            "remit_requests_total", "Requests answered.", {"door": doors, "status": statuses}, zeros=False
        )
        self.request_seconds = Counter(
            "remit_request_seconds_total", "Seconds spent on answering, long polls included.", {"door": doors}
        )
        self.decisions = Counter(
            "remit_decisions_total",
            "Decisions on the record, by the code of a refusal and the area of the action.",
            {
                "decision": DECISIONS,
                "code": ["", *(code.value for code in Code)],
                "area": [NO_AREA, *(area.value for area in Area)],
            },
            zeros=False,
        )
        self.limited = Counter(
            "remit_limited_total", "Requests refused as too many, before anything was looked up.", {"limit": LIMITED}
        )
        self.commits = Counter(
            "remit_store_commits_total", "Commits of the store, by what came of them.", {"result": COMMITTED}
        )
        self.commit_seconds = Histogram(
            "remit_store_commit_seconds", "From handing a commit over until it is durable.", _FAST
        )
        self.last_commit = Gauge(
            "remit_store_last_commit_timestamp_seconds", "When this process last committed something."
        )
        self.confirmations = Histogram(
            "remit_confirmation_seconds",
            "From an invitation to each person's answer to it.",
            _HUMAN,
            {"answer": ANSWERS},
        )
        self.revocations = Histogram(
            "remit_revocation_effect_seconds",
            "From the record of a revocation or suspension to its first effect: a refusal because of it, or the end of its last task.",
            _FAST,
            {"what": STOPPED, "effect": EFFECTS},
        )
        self.orphans = Counter(
            "remit_orphans_total", "Decisions other than refusals behind the end of their task. Must stay 0."
        )
        self.notices = Counter(
            "remit_notices_total",
            "Notices handed to a carrier, by what came of each try.",
            {"carrier": CARRIERS, "result": CARRIED},
        )


class Metrics(_EventMetrics, Collector):
    """The metrics of one process. `node` is its name, `usage` gives its use of the machine."""

    def __init__(self, world: World, *, node: str, usage: UsageMeter) -> None:
        super().__init__()
        self._world = world
        self._began_s = world.ticks()
        self._usage = usage
        self._node = node
        self.notices_waiting = Gauge("remit_notices_waiting", "Notices that have not left the desk yet.")
        self.notices_oldest = Gauge("remit_notices_oldest_seconds", "Age of the oldest of these.")
        self.asks = Gauge("remit_asks", "Open asks of the desk, by state.", {"state": OPEN_STATES})
        self.unknown_acts = Gauge(
            "remit_acts_unknown", "Acts that were sent and whose outcome is not known, by age.", {"age": AGES}
        )
        self.outbox = Gauge(
            "remit_outbox_oldest_seconds", "Age of the oldest act that waits.", {"state": ["queued", "sent"]}
        )
        self.full = Gauge(
            "remit_sample_full", "1 when there is more than is counted: what is shown is then the least there is."
        )
        self.entries = Gauge("remit_log_entries", "Entries of the log that the newest checkpoint signs.")
        self.newest_entry = Gauge(
            "remit_log_newest_entry_timestamp_seconds", "When the newest entry of the log was written."
        )
        self.unpublished = Gauge(
            "remit_log_unpublished_entries", "Entries that the checkpoint kept outside the store does not cover yet."
        )
        self.unpublished_seconds = Gauge("remit_log_unpublished_seconds", "Age of the oldest of these.")
        self.outside = Gauge(
            "remit_high_water_writable", "1 while the place of the checkpoint outside the store takes writes."
        )
        self.rounds = Gauge(
            "remit_job_last_success_timestamp_seconds", "When a round of a job last went well.", {"round": JOBS}
        )
        self.failed_rounds = Counter("remit_job_failures_total", "Rounds of a job that failed.", {"round": JOBS})
        self.late = Gauge("remit_loop_late_seconds", "How late the event loop last woke a job that slept.")
        self.started = world.ticks
        """Returns the start time of a request."""
        self._answered: dict[tuple[str, int], tuple[int, float]] = {}
        """Answered requests and their seconds, by door and status; made into series when the page is read."""

    def answered(self, door: str, status: int, started_s: float) -> None:
        """Count an answered request."""
        requests, seconds = self._answered.get((door, status), (0, 0.0))
        self._answered[door, status] = requests + 1, seconds + (self.started() - started_s)

    def instruments(self) -> Iterator[Instrument]:
        """Return every instrument, in the order of the page."""
        yield from (one for one in vars(self).values() if isinstance(one, Instrument))

    def text(self, *, limited: Mapping[str, int]) -> bytes:
        """Render the page; `limited` are the rate-limited requests, by limit."""
        for limit, count in limited.items():
            self.limited.reach(count, limit)
        return generate_latest(self)

    def _sum_requests(self) -> None:
        spent_s: dict[str, float] = {}
        for (door, status), (requests, seconds) in self._answered.items():
            self.requests.reach(requests, door, str(status))
            spent_s[door] = spent_s.get(door, 0.0) + seconds
        for door, seconds in spent_s.items():
            self.request_seconds.reach(seconds, door)

    def collect(self) -> Iterator[Metric]:
        """Return every metric with its series, then those of the process."""
        self._sum_requests()
        yield from (one.family() for one in self.instruments())
        node = GaugeMetricFamily(
            "remit_node_info", "The name of this process and the version it runs.", labels=("node", "version")
        )
        node.add_metric((self._node, __version__), 1)
        yield node
        used = self._usage()
        uptime_s = self._world.ticks() - self._began_s
        yield GaugeMetricFamily("remit_uptime_seconds", "Seconds since this process began.", uptime_s)
        yield CounterMetricFamily("process_cpu_seconds_total", "Processor time of this process.", used.cpu_s)
        yield GaugeMetricFamily(
            "process_resident_memory_bytes", "Memory of this process that is in use.", used.memory_bytes
        )


def route_group(path: str) -> str:
    """Return the route group of an address."""
    for door, begins in _DOORS:
        if path.startswith(begins):
            return door
    return "pages"
