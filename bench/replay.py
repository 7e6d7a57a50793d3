"""Ground-truth replay: the steps of public benchmark tasks under delegations, and attacks on them, through a sandbox desk.

Usage: python bench/replay.py [--set NAME] [--level broad|scoped|exact] [--split dev|heldout] [--limit N] [--json]
Reads the sets under REMIT_SHARED. The figures are those of data/REPLAYS.md there; none of them means anything alone.
"""

import argparse
import json
import sys

from replay_desk import SETS, load
from replay_run import replay

LEVELS = ("broad", "scoped", "exact")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", action="append", choices=SETS, dest="sets", help="may be given several times; all without it")
    parser.add_argument("--level", action="append", choices=LEVELS, dest="levels", help="may be given several times; all without it")
    parser.add_argument("--split", default="dev", choices=("dev", "heldout"))
    parser.add_argument("--limit", type=int, default=0, help="the first N tasks and the attacks on them")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--show", type=int, default=0, help="show so many cases that went wrong")
    given = parser.parse_args()
    reports = []
    for name in given.sets or SETS:
        found = load(name, given.split)
        for level in given.levels or LEVELS:
            report = replay(found, level, limit=given.limit)
            reports.append(report)
            if not given.json:
                _print(report, given.show)
                sys.stdout.flush()
    if given.json:
        print(json.dumps(reports, indent=1))


def _print(report: dict, show: int) -> None:
    print(f"\n{report['set']} {report['level']} ({report['split_size']})")
    for name in ("tasks_done", "silent_high", "asks_a_task", "ran_silently", "ran_or_held", "should_deny_denied", "ran_of_all"):
        print(f"  {name.replace('_', ' '):<20} {report[name]}")
    print(f"  {'speed':<20} {report['speed']}")
    for kind, row in report["by_kind"].items():
        print(f"    {kind:<24} " + "  ".join(f"{what} {count}" for what, count in row.items() if count or what == "all"))
    for wrong in report["wrong"][:show]:
        print("   !", json.dumps(wrong)[:900])


if __name__ == "__main__":
    main()
