"""Forty tasks, ten a role, walked in a real browser; counts what each takes, before and after.

    PYTHONPATH=src:tests python tests/browser/usability.py --out docs/usability-after.json --table docs/usability.md

walks the pages of this tree and brings the table in docs/usability.md up to date, with docs/usability-before.json as "before". Another tree is
walked with its own sources first on the path: `PYTHONPATH=/that/tree/src:tests`. `--role customer` and `--task c1` walk a part, `--size 390`
and `--language de` one window or language; what `--out` has of other walks stays. It ends with 1 if a task could not be done.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error

from browser.usability_scene import Scene, arrive, scene
from browser.usability_tasks import TASKS, Task
from browser.visits import CHROMIUM, chromium
from browser.walker import NotFoundError, Walker

ROOT = Path(__file__).resolve().parents[2]
BEFORE = ROOT / "docs" / "usability-before.json"
SIZES = {"390": {"width": 390, "height": 844}, "1440": {"width": 1440, "height": 900}}
LANGUAGES = ("en", "de")
_MARKS = ("<!-- usability -->\n", "<!-- /usability -->")
_ROLES = {"customer": "Customer", "officer": "Officer", "security": "Security", "auditor": "Auditor"}


def walk(task: Task, at: Scene, language: str) -> dict[str, Any]:
    """One task, in the window and language that the scene has."""
    person = at.people[task.role]
    walker = Walker(person.page, language)
    try:
        arrive(person, task.start(at))
        task.steps(at, walker)
        why = ""
    except (NotFoundError, Error, AssertionError, LookupError) as problem:
        why = f"{str(problem).splitlines()[0][:200]} {' '.join(person.errors[-1:])}".rstrip()
    counts = walker.counts
    return {
        "interactions": counts["clicks"] + counts["keys"],
        "scrolls": counts["scrolls"],
        "seconds": walker.seconds(),
        "first_view": bool(walker.first_view),
        **({"not_done": why} if why else {}),
    }


def measure(
    browser: Browser, tasks: Sequence[Task], sizes: Sequence[str], languages: Sequence[str], keep: Callable[[str, str, Any], None]
) -> bool:
    """Every task in every window and language, each pair at a desk of its own; whether all could be done."""
    done = True
    for size in sizes:
        for language in languages:
            with tempfile.TemporaryDirectory(prefix="remit-usable-") as room, scene(browser, Path(room), SIZES[size], language) as at:
                for task in tasks:
                    result = walk(task, at, language)
                    keep(task.id, f"{size}-{language}", result)
                    done = done and "not_done" not in result
                    told = result.get("not_done") or f"{result['interactions']} interactions, {result['scrolls']} scrolls"
                    print(f"  {size} {language} {task.id:4} {told}", flush=True)  # noqa: T201  # a command tells
    return done


def table(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """The table of docs/usability.md: of both languages the larger figure."""
    return "\n".join(_lines(before.get("tasks", {}), after.get("tasks", {}))) + "\n"


def _lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for role, title in _ROLES.items():
        yield f"### {title}\n"
        yield "| task | interactions, 390 px | scrolls | seconds | interactions, 1440 px | scrolls | seconds |"
        yield "|---|---|---|---|---|---|---|"
        tasks = [task for task in TASKS if task.role == role]
        for task in tasks:
            cells = [
                _cell([before.get(task.id, {})], [after.get(task.id, {})], size, what)
                for size in SIZES
                for what in ("interactions", "scrolls", "seconds")
            ]
            yield f"| {task.title} | {' | '.join(cells)} |"
        sums = [
            _cell([before.get(task.id, {}) for task in tasks], [after.get(task.id, {}) for task in tasks], size, what)
            for size in SIZES
            for what in ("interactions", "scrolls", "seconds")
        ]
        yield f"| **all ten** | {' | '.join(sums)} |\n"


def _cell(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], size: str, what: str) -> str:
    old = _figure(before, size, what)
    return f"{old} → {_figure(after, size, what)}" if any(after) else old


def _figure(tasks: Sequence[Mapping[str, Any]], size: str, what: str) -> str:
    """The sum over tasks of the larger figure of the languages; a dash for what was not walked or not done."""
    total = 0.0
    for task in tasks:
        walked = [task[f"{size}-{language}"] for language in LANGUAGES if f"{size}-{language}" in task]
        done = [one[what] for one in walked if "not_done" not in one]
        if not done or len(done) < len(walked):
            return "—"
        total += max(done)
    return f"{total:.0f}" if tasks else "—"


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found


def _write_table(page: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    text = page.read_text(encoding="utf-8")
    head, _, rest = text.partition(_MARKS[0])
    tail = rest.partition(_MARKS[1])[2]
    page.write_text(f"{head}{_MARKS[0]}{table(before, after)}{_MARKS[1]}{tail}", encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    """Walk the tasks, and write what they took."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--out", type=Path, help="write the counts here, as JSON")
    parser.add_argument("--table", type=Path, help="bring the table in this page up to date, with the counts as after")
    parser.add_argument("--before", type=Path, default=BEFORE, help="the counts of before (default: docs/usability-before.json)")
    parser.add_argument("--tree", default="", help="the name of the tree that is walked, for the JSON")
    parser.add_argument("--role", choices=_ROLES)
    parser.add_argument("--task", action="append", help="walk this task alone; may be repeated")
    parser.add_argument("--size", choices=SIZES)
    parser.add_argument("--language", choices=LANGUAGES)
    args = parser.parse_args(argv)
    if CHROMIUM is None:
        print("remit: there is no chromium here. Cure: apt-get install chromium", file=sys.stderr)  # noqa: T201  # a command tells
        return 1
    tasks = [task for task in TASKS if args.role in {None, task.role} and (not args.task or task.id in args.task)]
    known = _read(args.out) if args.out else {}
    result = {"tree": args.tree or known.get("tree", ""), "tasks": {task.id: known.get("tasks", {}).get(task.id, {}) for task in TASKS}}

    def keep(name: str, where: str, walked: dict[str, Any]) -> None:
        result["tasks"][name][where] = walked
        if args.out:  # after each walk: a run that is cut off is gone on with
            args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")

    with chromium() as browser:
        done = measure(browser, tasks, [args.size] if args.size else list(SIZES), [args.language] if args.language else LANGUAGES, keep)
    if args.table:
        _write_table(args.table, _read(args.before), result if args.out != args.before else {})
    return int(not done)


if __name__ == "__main__":
    sys.exit(main())
