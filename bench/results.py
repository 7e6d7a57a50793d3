"""What a run found: figures by side, other measurements, and what became of each goal; kept as JSON, shown as tables."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

TABLE_BEGIN = "<!-- bench: begin -->"
TABLE_END = "<!-- bench: end -->"
REACHED: Final = "goal reached"
FLOOR_REACHED: Final = "floor reached"
MISSED: Final = "missed"
NOT_MEASURED: Final = "not measured"
NO_GOAL: Final = "no goal"


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

    @property
    def cores(self) -> float:
        """How many cores its processes used."""
        return self.rate * self.cpu_us / 1e6

    @property
    def per_core(self) -> float:
        """Requests a second and core."""
        return 1e6 / self.cpu_us if self.cpu_us else 0.0


@dataclass(frozen=True, kw_only=True)
class Load:
    """CPU of one side: microseconds a request, and how many cores it used."""

    cpu_us: float
    cores: float

    @classmethod
    def of(cls, side: Measured | None) -> "Load | None":
        """Of a side that was measured."""
        return None if side is None else cls(cpu_us=side.cpu_us, cores=side.cores)


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A goal, its floor and the finding, with the CPU of both sides; `wanted` is None for a comparison without a goal, `found` where nothing was measured."""

    name: str
    what: str
    wanted: float | None
    floor: float | None
    found: float | None
    unit: str
    at_most: bool = False
    ours: Load | None = None
    theirs: Load | None = None

    @property
    def verdict(self) -> str:
        """`goal reached`, `floor reached`, `missed`, `not measured` or `no goal`."""
        if self.found is None:
            return NOT_MEASURED
        if self.wanted is None:
            return NO_GOAL
        if self._passes(self.wanted):
            return REACHED
        return FLOOR_REACHED if self.floor is not None and self._passes(self.floor) else MISSED

    @property
    def per_core(self) -> float | None:
        """Our requests a second and core, times theirs."""
        if self.ours is None or self.theirs is None or not self.ours.cpu_us:
            return None
        return self.theirs.cpu_us / self.ours.cpu_us

    def _passes(self, bar: float) -> bool:
        if self.found is None:
            return False
        return self.found <= bar if self.at_most else self.found >= bar


@dataclass(kw_only=True)
class Run:
    """Everything of one run. `machine` tells of what kind it was, `versions` what was compared, `left` why a part was left out."""

    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    sides: list[Measured] = field(default_factory=list)
    others: dict[str, float] = field(default_factory=dict)
    goals: list[Goal] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)

    def side(self, name: str, connections: int) -> Measured | None:
        """The figures of one side."""
        return next((one for one in self.sides if (one.name, one.connections) == (name, connections)), None)

    def save(self, path: Path) -> None:
        """Write it as JSON, rounded to what means something."""
        sides = [asdict(one) | {name: getattr(one, name) for name in _OF_SIDES} for one in self.sides]
        goals = [asdict(one) | {name: getattr(one, name) for name in _OF_GOALS} for one in self.goals]
        whole = asdict(self) | {"sides": sides, "goals": goals}
        path.write_text(json.dumps(_rounded(whole), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Run":
        """What `save` wrote."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        sides = [Measured(**_without(one, _OF_SIDES)) for one in raw["sides"]]
        goals = [_goal(_without(one, _OF_GOALS)) for one in raw["goals"]]
        left = raw.get("left", {})
        return cls(
            machine=raw["machine"],
            versions=raw["versions"],
            sides=sides,
            others=raw["others"],
            goals=goals,
            left=left,
        )


_OF_SIDES: Final = ("cores", "per_core")
_OF_GOALS: Final = ("verdict", "per_core")
"""Members of the JSON that follow from others."""


def _without(members: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name not in names}


def _goal(members: Mapping[str, Any]) -> Goal:
    loads = {name: members[name] and Load(**members[name]) for name in ("ours", "theirs")}
    return Goal(**{**members, **loads})


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


def goal_row(goal: Goal) -> tuple[str, ...]:
    """Goal, floor, finding and verdict, then CPU and cores of both sides, and the ratio per core."""
    return (
        goal.what,
        _bar(goal, goal.wanted),
        _bar(goal, goal.floor),
        "-" if goal.found is None else f"{figure(goal.found)}{goal.unit}",
        goal.verdict,
        _both(goal, "cpu_us"),
        _both(goal, "cores"),
        "" if goal.per_core is None else f"{goal.per_core:.2f}",
    )


def _bar(goal: Goal, bar: float | None) -> str:
    return "-" if bar is None else f"{'at most' if goal.at_most else 'at least'} {figure(bar)}{goal.unit}"


def _both(goal: Goal, name: str) -> str:
    return " / ".join(figure(getattr(one, name)) for one in (goal.ours, goal.theirs) if one is not None)


def side_row(one: Measured) -> tuple[str, ...]:
    """The figures of one side."""
    return (
        one.label,
        str(one.connections),
        figure(one.rate),
        figure(one.cores),
        figure(one.per_core),
        figure(one.p50_ms),
        figure(one.p99_ms),
        figure(one.cpu_us),
        figure(one.pss_mb),
    )


SIDE_HEAD = (
    "server",
    "connections",
    "a second",
    "cores used",
    "a second and core",
    "p50 ms",
    "p99 ms",
    "CPU us a request",
    "memory MB",
)
GOAL_HEAD = (
    "compared",
    "goal",
    "floor",
    "found",
    "verdict",
    "CPU us a request, ours / theirs",
    "cores used, ours / theirs",
    "ratio per core",
)


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
    left = "".join(f" Left out: {part} ({why})." for part, why in run.left.items())
    return "\n".join(
        [
            TABLE_BEGIN,
            f"Measured on {kind} Compared with {compared}.{left}",
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
