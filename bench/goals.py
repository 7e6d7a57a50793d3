"""Goals of the benchmark with their floors, judged on a run. A missed goal is printed and fails nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

from results import Goal, Load, Measured, Run

RATE, CPU, PER_CORE = "rate", "cpu", "per core"
UNITS = {RATE: " times", CPU: " times the CPU", PER_CORE: " times per core"}
READS, ACTS = "whole durable ask that reads", "whole durable ask that acts"
OPENS, RENEWS = "exchange that opens a task", "exchange that renews a token"


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """A side of ours against another, by rate, by CPU a request or by rate per core; without a goal it is only compared."""

    ours: str
    theirs: str
    by: str
    wanted: float | None = None
    floor: float | None = None
    what: str

    def found(self, ours: Measured, theirs: Measured) -> float:
        """The ratio of two sides."""
        if self.by == RATE:
            return ours.rate / theirs.rate
        return ours.cpu_us / theirs.cpu_us if self.by == CPU else ours.per_core / theirs.per_core


RATIOS = (
    Ratio(
        ours="reads",
        theirs="first-stack-reads",
        by=RATE,
        wanted=4.0,
        floor=3.0,
        what=f"{READS}, against the first stack",
    ),
    Ratio(
        ours="acts", theirs="first-stack-acts", by=RATE, wanted=3.0, floor=2.3, what=f"{ACTS}, against the first stack"
    ),
    Ratio(
        ours="reads",
        theirs="cerbos",
        by=PER_CORE,
        wanted=0.55,
        floor=0.43,
        what=f"{READS}, against only a decision of Cerbos with its log that is not synced",
    ),
    Ratio(ours="acts", theirs="cerbos", by=PER_CORE, wanted=0.38, floor=0.32, what=f"{ACTS}, against the same"),
    Ratio(
        ours="now-reads",
        theirs="before-reads",
        by=CPU,
        wanted=0.60,
        floor=0.80,
        what=f"CPU of a {READS}, of that of the tree at 99af086",
    ),
    Ratio(
        ours="now-acts",
        theirs="before-acts",
        by=CPU,
        wanted=0.60,
        floor=0.80,
        what=f"CPU of a {ACTS}, of that of the tree at 99af086",
    ),
    Ratio(
        ours="opens",
        theirs="oidc-provider",
        by=CPU,
        wanted=0.75,
        floor=0.9,
        what=f"CPU of an {OPENS}, with its durable entry, of that of a token of oidc-provider, which keeps no record",
    ),
    Ratio(
        ours="renews", theirs="oidc-provider", by=CPU, wanted=0.42, floor=0.47, what=f"CPU of an {RENEWS}, of the same"
    ),
)
COMPARED = (
    Ratio(
        ours="reads",
        theirs="first-stack-cerbos-reads",
        by=RATE,
        what=f"{READS}, against the first stack with Cerbos as its engine",
    ),
    Ratio(ours="acts", theirs="first-stack-cerbos-acts", by=RATE, what=f"{ACTS}, against the same"),
    Ratio(
        ours="mixed",
        theirs="first-stack-mixed",
        by=RATE,
        what="asks that read and that act mixed, against the first stack",
    ),
    Ratio(ours="words", theirs="acts", by=RATE, what=f"{ACTS} with a sentence of words, against one without"),
    Ratio(ours="postgres-reads", theirs="reads", by=RATE, what=f"{READS} on PostgreSQL, against one on SQLite"),
    Ratio(ours="postgres-acts", theirs="acts", by=RATE, what=f"{ACTS} on PostgreSQL, against one on SQLite"),
    Ratio(ours="opens", theirs="authgent", by=RATE, what=f"{OPENS}, against an exchange of authgent-server on SQLite"),
    Ratio(ours="renews", theirs="authgent", by=RATE, what=f"{RENEWS}, against the same"),
    Ratio(
        ours="evaluations",
        theirs="cerbos-evaluations",
        by=RATE,
        what="evaluation, 20 rules that read the same of many, against one of Cerbos",
    ),
    Ratio(
        ours="new-evaluations",
        theirs="cerbos-evaluations",
        by=RATE,
        what="evaluation, 20 rules that read something new of each, against the same",
    ),
)
P50_MS = {"reads": (0.8, 1.15), "acts": (1.5, 1.9)}
P99_MS = {"reads": (30.0, 40.0), "acts": (30.0, 50.0)}
PSS_MB = (95.0, 105.0)
VERIFIED = (260_000.0, 200_000.0)
NODES = (1.9, 1.6)
OTHERS = (
    (
        "slow-reads",
        "reads, 4 ms more a sync",
        (95.0, 90.0),
        "%",
        "asks that read, of their own rate with 4 ms added to every sync (64 connections)",
    ),
    ("slow-acts", "acts, 4 ms more a sync", (90.0, 75.0), "%", "asks that act, the same"),
    (
        "nodes-reads",
        "reads, two nodes",
        NODES,
        " times",
        "asks that read, at two nodes on PostgreSQL, against one node",
    ),
    ("nodes-acts", "acts, two nodes", NODES, " times", "asks that act, the same"),
    (
        "verify-published",
        "verify-log, published",
        VERIFIED,
        "",
        "entries of a published log that `remit verify-log` verifies, a second and core",
    ),
    ("verify-store", "verify-log, store", VERIFIED, "", "entries of a store with the record of each, the same"),
)
"""Measured by parts of their own: the key of the finding, the goal's name, goal and floor, unit, and what is compared."""


def judged(run: Run) -> Iterator[Goal]:
    """Every goal with what the run found; those of parts that did not run are not measured."""
    for ratio in RATIOS:
        yield _compared(run, ratio)
    yield from _of_our_own(run)
    for key, name, (wanted, floor), unit, what in OTHERS:
        yield Goal(name=name, what=what, wanted=wanted, floor=floor, found=run.others.get(key), unit=unit)
    for ratio in COMPARED:
        if run.side(ratio.ours, 32) and run.side(ratio.theirs, 32):
            yield _compared(run, ratio)


def _compared(run: Run, ratio: Ratio) -> Goal:
    ours, theirs = run.side(ratio.ours, 32), run.side(ratio.theirs, 32)
    return Goal(
        name=f"{ratio.ours} against {ratio.theirs.removesuffix(f'-{ratio.ours}')}",
        what=ratio.what,
        wanted=ratio.wanted,
        floor=ratio.floor,
        found=ratio.found(ours, theirs) if ours and theirs else None,
        unit=UNITS[ratio.by],
        at_most=ratio.by == CPU,
        ours=Load.of(ours),
        theirs=Load.of(theirs),
    )


def _of_our_own(run: Run) -> Iterator[Goal]:
    """Latencies and memory."""
    for name, what in (("reads", READS), ("acts", ACTS)):
        alone, among = run.side(name, 1), run.side(name, 32)
        yield _latency(f"{name} p50", f"p50 of a {what}, alone", P50_MS[name], alone, alone.p50_ms if alone else None)
        yield _latency(
            f"{name} p99", f"p99 of a {what}, among 32", P99_MS[name], among, among.p99_ms if among else None
        )
    memory = [one.pss_mb for one in run.sides if one.name in {"opens", "renews", "reads", "acts"}]
    yield Goal(
        name="memory",
        what="memory of a worker after all rounds",
        wanted=PSS_MB[0],
        floor=PSS_MB[1],
        found=max(memory, default=None),
        unit=" MB",
        at_most=True,
    )


def _latency(name: str, what: str, bars: tuple[float, float], side: Measured | None, found: float | None) -> Goal:
    wanted, floor = bars
    return Goal(
        name=name, what=what, wanted=wanted, floor=floor, found=found, unit=" ms", at_most=True, ours=Load.of(side)
    )
