"""The list of rules to switch off, `attacks/mutations.txt`: its lines, and what each of them means in the source and in the tests."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mutation_sites import Edit, NotFound, Source

TESTS: Final = Path(__file__).parent
LIST: Final = TESTS / "attacks" / "mutations.txt"
_TEST: Final = re.compile(r"^(?:async )?def (test_\w+)\(", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line: a place in the source, what is switched off there, the test that then fails; the heading above, and a note."""

    where: str
    anchor: str
    test: str
    heading: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        """The line without its test and note."""
        return f"{self.where}: {self.anchor}"

    def has(self, word: str) -> bool:
        """Whether a word stands in the line or in its heading."""
        return word in f"{self.heading} {self.name} {self.test} {self.note}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """One rule switched off: with `edit` made, `test` must fail."""

    rule: str
    test: str
    edit: Edit

    @property
    def file(self) -> str:
        """The file that is changed, below the source's folder."""
        return self.edit.file


def read_list(text: str | None = None) -> tuple[Rule, ...]:
    """The lines of the list, or of a text."""
    return tuple(_rules((LIST.read_text(encoding="utf-8") if text is None else text).splitlines()))


def _rules(lines: Sequence[str]) -> Iterator[Rule]:
    heading = ""
    for line in lines:
        if line.startswith("#"):
            heading = line.removeprefix("#").strip()
        elif line:
            rule, _, told = line.rpartition(" -> ")
            where, _, anchor = rule.partition(": ")
            test, _, note = told.partition("  # ")
            yield Rule(where=where, anchor=anchor, test=test, heading=heading, note=note)


def resolved(rules: Sequence[Rule], folder: Path) -> tuple[list[Mutation], list[str]]:
    """What the lines mean in a source, and what is wrong with those that mean nothing, or several things."""
    source, tests = Source(folder), _tests()
    mutations: list[Mutation] = []
    wrong: list[str] = []
    for one in rules:
        try:
            mutations.append(Mutation(rule=one.name, test=_test(one, tests), edit=source.edit(one.where, one.anchor)))
        except NotFound as error:
            wrong.append(str(error))
    return mutations, wrong


def stale(rules: Sequence[Rule], folder: Path) -> list[str]:
    """What in the list does not fit the source or the tests any more."""
    return resolved(rules, folder)[1]


def _tests() -> Mapping[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name in _TEST.findall(path.read_text(encoding="utf-8")):
            found.setdefault(name, []).append(path)
    return found


def _test(rule: Rule, tests: Mapping[str, Sequence[Path]]) -> str:
    """The test as pytest names it."""
    called, bracket, case = rule.test.partition("[")
    stem, _, name = called.rpartition("::")
    paths = [path for path in tests.get(name, ()) if stem in {"", path.stem}]
    if len(paths) != 1:
        cure = "write its file's name before it, as in test_file::test_name" if paths else "write its new name"
        raise NotFound(f"{rule.name}: {len(paths)} tests are called {called or 'nothing'}; {cure}")
    return f"{paths[0].relative_to(TESTS.parent)}::{name}{bracket}{case}"
