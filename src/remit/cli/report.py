"""`remit report`: the evidence in this desk's log for controls of known frameworks, even while it is served."""

import argparse
from collections.abc import Mapping, Sequence

from remit.cli.output import AdvisedError, CommandOutput, ExitCode, table
from remit.cli.shared import desk_options, own_high_water, settings_of, verify_desk_exists
from remit.domain.errors import Refused
from remit.domain.evidence.facts import TITLES, EvidenceFact
from remit.domain.evidence.report import (
    MEANING,
    SUMS,
    ControlEvidence,
    ControlState,
    Evidence,
    FactCount,
    Figures,
    frameworks_named,
    period_json,
    read_period,
)
from remit.usecases.transcript.report import Report, report_json, report_stored
from remit.wiring import framework_names, log_key, open_stored_log, read_frameworks, store_location, verify_ed25519


def add_parser(sub: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    report = sub.add_parser(
        "report",
        parents=[desk_options()],
        help="Report what the log shows about the controls of known frameworks",
        description="Count the log's evidence for each control. It is no score: a control without entries counts as not exercised.",
    )
    report.add_argument("--since", default="", metavar="TIME", help="Count entries from this day or RFC 3339 time on")
    report.add_argument("--until", default="", metavar="TIME", help="Count entries before this day or RFC 3339 time")
    report.add_argument(
        "--framework",
        action="append",
        default=[],
        choices=framework_names(),
        help="Report this framework only; repeatable (default: all)",
    )
    report.set_defaults(run=_report)


def _report(args: argparse.Namespace, out: CommandOutput) -> int:
    try:
        period = read_period(args.since, args.until)
    except Refused as refused:
        cure = "Write a day such as 2026-11-25 (midnight UTC), or a time such as 2026-11-25T08:00:00Z."
        raise AdvisedError(refused, cure) from None
    settings = settings_of(args)
    verify_desk_exists(settings)
    key = log_key(settings)
    high_water = own_high_water(settings, key)
    with open_stored_log(store_location(settings)) as log:
        report = report_stored(
            log,
            log,
            vkey=key,
            high_water=high_water,
            verify_ed25519=verify_ed25519,
            period=period,
            frameworks=frameworks_named(args.framework, read_frameworks()),
            progress=out.progress,
        )
    frameworks = (line for evidence in report.evidence for line in _framework(evidence))
    out.tell(report_json(report), *_head(report), *_totals(report.figures), *frameworks)
    return ExitCode.OK


def _head(report: Report) -> list[str]:
    when = period_json(report.period)
    ends = [f"{word} {when[word]}" for word in ("since", "until") if when[word]]
    figures = report.figures
    return [
        f"{report.origin}: {report.size:,} entries, read whole; they give the root its checkpoint was signed over.",
        f"Counted: {figures.entries:,} entries{' ' if ends else ''}{', '.join(ends)}; {figures.set_up:,} of them only set up the desk.",
        MEANING,
        "",
    ]


def _totals(figures: Figures) -> list[str]:
    """Return the totals most asked for; each line adds up."""

    def line(whole: EvidenceFact, shares: Sequence[EvidenceFact]) -> str:
        parts = "; ".join(f"{TITLES[one]}: {figures.of(one).total:,}" for one in shares)
        return f"{TITLES[whole]}: {figures.of(whole).total:,} ({parts})"

    return [line(whole, shares) for whole, shares in SUMS.items()]


def _framework(evidence: Evidence) -> list[str]:
    rows = [(each.control.id, each.control.title, each.state.value) for each in evidence.controls]
    lines = ["", evidence.framework.title]
    for each, row in zip(evidence.controls, table(("", "control", "state"), rows)[1:], strict=True):
        lines += [f"  {row}", f"      {each.control.does}", *_counts(each)]
    lines.append("  Nothing is said about:")
    lines += [f"      {each.id} {each.title}: {each.why}" for each in evidence.framework.silent]
    return [*lines, f"      {evidence.framework.rest}"] if evidence.framework.rest else lines


def _counts(each: ControlEvidence) -> list[str]:
    shown, beside = _facts(each.shown), _facts(each.beside)
    lines = [f"      shown by: {'; '.join(shown)}"] if each.state is ControlState.EXERCISED else []
    return [*lines, f"      beside: {'; '.join(beside)}"] if beside else lines


def _facts(counts: Mapping[EvidenceFact, FactCount]) -> Sequence[str]:
    return [f"{TITLES[fact]}: {found.total:,} ({_places(found)})" for fact, found in counts.items() if found.total]


def _places(found: FactCount) -> str:
    more = ", …" if found.total > len(found.places) else ""
    return f"{'entry' if found.total == 1 else 'entries'} {', '.join(str(one) for one in found.places)}{more}"
