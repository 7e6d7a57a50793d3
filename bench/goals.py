"""What is aimed at, and what a run found of it. A goal that is not reached fails nothing: it is said."""

from collections.abc import Iterator

from results import Goal, Run

TASKS = "exchange that opens a task, each with its durable entry"
READS, ACTS = "whole durable ask that reads", "whole durable ask that acts"
RATIOS = (
    ("opens", "oidc-provider", 2.5, f"{TASKS}, against a token of oidc-provider, which keeps no record"),
    ("opens", "authgent", 20.0, f"{TASKS}, against an exchange of authgent-server on SQLite"),
    (
        "renews",
        "oidc-provider",
        2.5,
        "exchange that renews a token, recorded by what may not be used again, against oidc-provider",
    ),
    ("renews", "authgent", 20.0, "the same against authgent-server"),
    ("reads", "cerbos", 1.0, f"{READS}, against only a decision of Cerbos with its log that is not synced"),
    ("acts", "cerbos", 1.0, f"{ACTS}, against the same"),
    (
        "evaluations",
        "cerbos-evaluations",
        2.2,
        "evaluation, 20 rules that read the same of many, against one of Cerbos",
    ),
    (
        "new-evaluations",
        "cerbos-evaluations",
        2.2,
        "evaluation, 20 rules that read something new of each, against the same",
    ),
    ("reads", "first-stack-reads", 3.0, f"{READS}, against the first stack"),
    ("acts", "first-stack-acts", 3.0, f"{ACTS}, against the first stack"),
)
P50_MS, P99_MS, PSS_MB, SLOWED, VERIFIED = 1.0, 15.0, 80.0, 90.0, 200_000.0
OTHERS = (
    (
        "slow-reads",
        "reads, 4 ms more a sync",
        SLOWED,
        "%",
        "asks that read, of their own rate with 4 ms added to every sync (64 connections)",
    ),
    ("slow-acts", "acts, 4 ms more a sync", SLOWED, "%", "asks that act, the same"),
    (
        "verify-published",
        "verify-log, published",
        VERIFIED,
        "",
        "entries of a published log that `remit verify-log` verifies, a second and core",
    ),
    ("verify-store", "verify-log, store", VERIFIED, "", "entries of a store with the record of each, the same"),
)


def judged(run: Run) -> Iterator[Goal]:
    """Every goal with what the run found; those of parts that did not run are not measured."""
    for ours, theirs, wanted, what in RATIOS:
        one, other = run.side(ours, 32), run.side(theirs, 32)
        both = one is not None and other is not None
        yield Goal(
            name=f"{ours} against {theirs.removesuffix(f'-{ours}')}",
            what=what,
            wanted=wanted,
            found=one.rate / other.rate if both else None,
            unit=" times",
            cpu=one.cpu_us / other.cpu_us if both else None,
        )
    for name, what in (("reads", READS), ("acts", ACTS)):
        alone, among = run.side(name, 1), run.side(name, 32)
        yield Goal(
            name=f"{name} p50",
            what=f"p50 of a {what}, alone",
            wanted=P50_MS,
            found=alone and alone.p50_ms,
            unit=" ms",
            at_most=True,
        )
        yield Goal(
            name=f"{name} p99",
            what=f"p99 of a {what}, among 32",
            wanted=P99_MS,
            found=among and among.p99_ms,
            unit=" ms",
            at_most=True,
        )
    memory = [one.pss_mb for one in run.sides if one.name in {"opens", "renews", "reads", "acts"}]
    yield Goal(
        name="memory",
        what="memory of a worker after all rounds",
        wanted=PSS_MB,
        found=max(memory, default=None),
        unit=" MB",
        at_most=True,
    )
    for key, name, wanted, unit, what in OTHERS:
        yield Goal(name=name, what=what, wanted=wanted, found=run.others.get(key), unit=unit)
