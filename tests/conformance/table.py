"""`docs/conformance.md`: made by the run of `tests/conformance`, and compared with every later run."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.harness import VectorSet, all_sets, reason_of
from conformance.standards import standards_section

PAGE: Final = Path(__file__).parents[2] / "docs" / "conformance.md"
_HEAD: Final = """# Conformance

Vectors, examples and check lists of others, and how far this version passes them. `make conformance-table` runs them and writes this page;
`make test-conformance` (part of `make test`) fails when it is no longer true.

*Passed*: the check gave the answer that its authors expect. *Excepted*: it was run and did not, for the reason below; one that starts
to pass fails the run. *Not offered*: nothing of ours could be asked, for the reason below.

| set | from | revision | checks | passed | excepted | not offered | door |
|---|---|---|---|---|---|---|---|
"""
_ROW: Final = re.compile(r"^\| \[?(?P<title>[^]|]+)(?:\]\(#[^)]*\))? \|.*$", re.MULTILINE)
_SECTION: Final = re.compile(r"^## (?P<title>.+)\n(?P<text>(?:(?!## ).*\n?)*)", re.MULTILINE)


class ConformanceTable:
    """A pytest plugin: gathers what the checks gave, and writes the page or compares with it."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._found: dict[str, dict[str, str]] = defaultdict(dict)
        self._declared: dict[str, set[str]] = defaultdict(set)
        self._wrong: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take one report, of this process or of another one."""
        if report.when != "call" and report.outcome == "passed":
            return
        outcome = "excepted" if hasattr(report, "wasxfail") else report.outcome
        for name, value in report.user_properties:
            if name == "conformance":
                set_name, check, told, declared = value  # type: ignore[misc,str-unpack]  # a property is any value; ours is this list
                self._found[set_name][check] = told or outcome
                self._declared[set_name].update(declared)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the page, or fail the run where it is not what came out."""
        if not self._found:
            return
        page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        rows, sections = _rows(page), _sections(page)
        sets = {one.name: one for one in all_sets()}
        stale = []
        for name in sorted(self._found):
            if (counted := self._counted(sets[name])) is not None:
                stale += [f"{name}.toml: no check is {key!r}" for key in _unused(sets[name], counted)]
                rows[sets[name].title] = row(sets[name], counted)
                sections[sets[name].title] = section(sets[name], counted)
        titles = sorted(one.title for one in sets.values())
        made = _page(titles, rows, sections)
        if self._config.getoption("conformance_table"):
            PAGE.write_text(made, encoding="utf-8")
        elif made != page:
            stale += [line for line in made.splitlines() if line not in page.splitlines()][:10] or ["a set is gone"]
        self._wrong = stale
        if stale:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what is not current."""
        if self._wrong:
            terminalreporter.write_line("remit: docs/conformance.md is not what this run gave; run make conformance-table:", red=True)
            for line in self._wrong:
                terminalreporter.write_line(f"  {line}")

    def _counted(self, one: VectorSet) -> Mapping[str, str] | None:
        """Each check of a set with its outcome; None where a filter, a skip or a failure left the set unfinished."""
        found = dict(self._found[one.name])
        for check in self._declared[one.name] - found.keys():
            found[check] = "not offered" if reason_of(check, one.not_offered) is not None else "not run"
        whole = not self._filtered() and set(found.values()) <= {"passed", "excepted", "not offered"}
        return found if whole else None

    def _filtered(self) -> bool:
        option = self._config.option
        chosen = (option.keyword, option.markexpr, getattr(option, "lf", False), option.deselect)
        return any(chosen) or any("::" in argument for argument in self._config.args)


def _unused(one: VectorSet, found: Mapping[str, str]) -> list[str]:
    """Give the reasons of a set's file that are no check's."""
    keys = (*one.excepted, *one.not_offered)
    excused = [check for check, outcome in found.items() if outcome != "passed"]
    return [key for key in keys if not any(reason_of(check, {key: ""}) is not None for check in excused)]


def row(one: VectorSet, found: Mapping[str, str]) -> str:
    """Write the set's row of the table."""
    many = Counter(found.values())
    title = f"[{one.title}](#{_anchor(one.title)})" if many["excepted"] or many["not offered"] else one.title
    counts = f"{len(found)} | {many['passed']} | {many['excepted']} | {many['not offered']}"
    return f"| {title} | {one.source} | {one.revision} | {counts} | {one.door} |"


def section(one: VectorSet, found: Mapping[str, str]) -> str:
    """Write the exceptions of a set, those of one reason together."""
    lines = []
    for outcome, reasons in (("excepted", one.excepted), ("not offered", one.not_offered)):
        told: dict[str, list[str]] = defaultdict(list)
        for check in sorted(check for check, what in found.items() if what == outcome):
            told[str(reason_of(check, reasons))].append(check)
        lines += [f"- *{outcome}*: {reason}: {_checks(checks, len(found))}" for reason, checks in told.items()]
    return "\n".join(lines)


def _checks(checks: list[str], of: int) -> str:
    return f"all {of}" if len(checks) == of else ", ".join(f"`{check}`" for check in checks)


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def _rows(page: str) -> dict[str, str]:
    table = page.partition("|---|")[2]
    return {found["title"]: found[0] for found in _ROW.finditer(table)}


def _sections(page: str) -> dict[str, str]:
    return {found["title"]: found["text"].strip() for found in _SECTION.finditer(page)}


def _page(titles: list[str], rows: Mapping[str, str], sections: Mapping[str, str]) -> str:
    table = "".join(f"{rows[title]}\n" for title in titles if title in rows)
    below = "".join(f"\n## {title}\n\n{sections[title]}\n" for title in titles if sections.get(title))
    return _HEAD + table + below + standards_section()


def mark_properties(items: list[Any]) -> None:
    """Give each test of a check what its report is to carry."""
    for item in items:
        for mark in item.iter_markers("conformance"):
            name, check, declared = mark.args
            item.user_properties.append(("conformance", [name, check, "", list(declared)]))
