"""Ground-truth replay: the steps of public benchmark tasks under delegations, and attacks on them, through a sandbox desk.

Usage: python bench/replay.py [--set NAME] [--level broad|scoped|exact] [--split dev|heldout] [--limit N] [--no-attacks] [--words acts] [--beyond strip]
[--json]
Reads the sets under REMIT_SHARED. The figures are those of data/REPLAYS.md there; none of them means anything alone.
"""

import argparse
import json
import sys
from dataclasses import replace
from typing import Any

from replay_desk import SETS, load
from replay_run import replay

LEVELS = ("broad", "scoped", "exact")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--set", action="append", choices=SETS, dest="sets", help="may be given several times; all without it"
    )
    parser.add_argument(
        "--level", action="append", choices=LEVELS, dest="levels", help="may be given several times; all without it"
    )
    parser.add_argument("--split", default="dev", choices=("dev", "heldout"))
    parser.add_argument("--limit", type=int, default=0, help="the first N tasks and the attacks on them")
    parser.add_argument("--no-attacks", action="store_true", help="the tasks alone")
    parser.add_argument(
        "--words",
        default="none",
        choices=("none", "acts", "all", "whole"),
        help="which legitimate calls carry their user's own sentence: those that change something, all, or each of the former the whole story",
    )
    parser.add_argument(
        "--beyond", default="refuse", choices=("refuse", "strip"), help="the desk's setting for words that say more"
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--show", type=int, default=0, help="show so many cases that went wrong")
    given = parser.parse_args()
    reports = []
    for name in given.sets or SETS:
        found = load(name, given.split)
        found = replace(found, attacks=[]) if given.no_attacks else found
        for level in given.levels or LEVELS:
            report = replay(found, level, limit=given.limit, words=given.words, beyond=given.beyond)
            reports.append(report)
            if not given.json:
                _print(report, given.show)
                sys.stdout.flush()
    if given.json:
        print(json.dumps(reports, indent=1))


def _print(report: dict[str, Any], show: int) -> None:
    left_out = (
        f", {report['left_out']} left out: their own calls break their tool's schema" if report["left_out"] else ""
    )
    unfit = (
        f", {report['attacks_not_granted']} on delegations no mandate can hold" if report["attacks_not_granted"] else ""
    )
    print(
        f"\n{report['set']} {report['level']} ({report['tasks']} tasks{left_out}; {report['attacks']} attacks{unfit})"
    )
    _line(
        "tasks done",
        f"{_share(report['tasks_done'])}; {report['calls_not_found']} calls about what the desk does not know",
    )
    if report["with_words"]:
        _line(
            "calls with words",
            f"{report['with_words']}; refused for what they say: {_share(report['words_lost'])}; "
            f"done without them: {_share(report['words_left_out'])}; refused for a secret in them: {report['words_secret']}",
        )
    _line("silent high", report["silent_high"])
    _line("asks a task", f"{report['asks_a_task']:.2f} (reference {report['reference_asks_a_task']:.2f})")
    for name in ("ran_silently", "ran_or_held", "should_deny_denied", "ran_of_all"):
        _line(name.replace("_", " "), _share(report[name]))
    _line(
        "speed",
        f"{report['calls_a_second']:.0f} calls a second; {report['case_ms']:.1f} ms a case with grant and opening",
    )
    for kind, row in report["by_kind"].items():
        print(
            f"    {kind:<24} " + "  ".join(f"{what} {count}" for what, count in row.items() if count or what == "all")
        )
    for wrong in report["wrong"][:show]:
        print("   !", json.dumps(wrong)[:900])


def _line(name: str, value: object) -> None:
    print(f"  {name:<20} {value}")


def _share(share: dict[str, Any]) -> str:
    return f"{share['percent']:.1f} % ({share['count']}/{share['of']})" if share["of"] else "none"


if __name__ == "__main__":
    main()
