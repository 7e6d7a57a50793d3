"""What a run found: figures by side, other measurements, and what became of each goal; kept as JSON, shown as tables."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

TABLE_BEGIN = "<!-- bench: begin -->"
TABLE_END = "<!-- bench: end -->"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One side at so many connections: medians over rounds, the server's CPU a request, its memory, the generator's share of a core."""

    part: str
    name: str
    label: str
    connections: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    pss_mb: float
    generator_share: float
    failed: int = 0


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What was aimed at and what came of it; `found` is None where it was not measured. `cpu` is the ratio of CPU, where there is one."""

    name: str
    what: str
    wanted: float
    found: float | None
    unit: str
    at_most: bool = False
    cpu: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether it was reached; None when it was not measured."""
        if self.found is None:
            return None
        return self.found <= self.wanted if self.at_most else self.found >= self.wanted


@dataclass(kw_only=True)
class Run:
    """Everything of one run. `machine` tells of what kind it was, `versions` what was compared."""

    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    sides: list[Measured] = field(default_factory=list)
    others: dict[str, float] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)

    def side(self, name: str, connections: int) -> Measured | None:
        """The figures of one side."""
        return next((one for one in self.sides if (one.name, one.connections) == (name, connections)), None)

    def save(self, path: Path) -> None:
        """Write it as JSON, rounded to what means something."""
        whole = asdict(self) | {"goals": [asdict(one) | {"reached": one.reached} for one in self.goals]}
        path.write_text(json.dumps(_rounded(whole), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Run":
        """What `save` wrote."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        goals = [Goal(**{name: value for name, value in one.items() if name != "reached"}) for one in raw["goals"]]
        sides = [Measured(**one) for one in raw["sides"]]
        return cls(machine=raw["machine"], versions=raw["versions"], sides=sides, others=raw["others"], goals=goals)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {name: _rounded(one) for name, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list) else value


def figure(value: float) -> str:
    """A figure with as many digits as mean something."""
    if abs(value) >= 999.5:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def said(goal: Goal) -> str:
    """Whether a goal was reached, in a word or two."""
    return {True: "reached", False: "not reached", None: "not measured"}[goal.reached]


def goal_row(goal: Goal) -> tuple[str, ...]:
    """What is aimed at, found, said, and the ratio of CPU."""
    found = "-" if goal.found is None else f"{figure(goal.found)}{goal.unit}"
    cpu = "" if goal.cpu is None else f"{goal.cpu:.2f}"
    return (
        goal.what,
        f"{'at most' if goal.at_most else 'at least'} {figure(goal.wanted)}{goal.unit}",
        found,
        said(goal),
        cpu,
    )


def side_row(one: Measured) -> tuple[str, ...]:
    """The figures of one side."""
    return (
        one.label,
        str(one.connections),
        figure(one.rate),
        figure(one.p50_ms),
        figure(one.p99_ms),
        figure(one.cpu_us),
        figure(one.pss_mb),
    )


SIDE_HEAD = ("server", "connections", "a second", "p50 ms", "p99 ms", "CPU us a request", "memory MB")
GOAL_HEAD = ("goal", "wanted", "found", "", "our CPU a request, times theirs")


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def report(run: Run) -> str:
    """The part of docs/performance.md that a run writes."""
    machine = run.machine
    kind = (
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gb']} GB, {machine['disk']}, Python {machine['python']}; "
        f"an ES256 check took {figure(machine['es256_us'])} us and a sync {figure(machine['sync_ms'])} ms; "
        f"medians over {machine['rounds']} rounds."
    )
    beside = [value for name, value in run.others.items() if name.startswith("other-work")]
    if beside:
        kind += f" Other work used {min(beside):.1f} to {max(beside):.1f} cores meanwhile."
    compared = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return "\n".join(
        [
            TABLE_BEGIN,
            f"Measured on {kind} Compared with {compared}.",
            "",
            markdown(SIDE_HEAD, [side_row(one) for one in run.sides]),
            "",
            markdown(GOAL_HEAD, [goal_row(one) for one in run.goals]),
            TABLE_END,
        ]
    )


def replaced(document: str, part: str) -> str:
    """A document with its generated part exchanged.

    Raises:
        ValueError: when it has no place for one.
    """
    before, begin, rest = document.partition(TABLE_BEGIN)
    _, end, after = rest.partition(TABLE_END)
    if not begin or not end:
        raise ValueError(f"the document has no {TABLE_BEGIN} … {TABLE_END}")
    return before + part + after
