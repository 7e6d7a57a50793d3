"""Every requirement has a test, every mark names a requirement, and every attack is shown to fail without its rule."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest

from mutation_list import Mutation, read_list, resolved
from mutations import meaningless
from requirements import REQUIREMENTS

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
pytestmark = pytest.mark.xdist_group("requirements")  # they read the same, once


@cache
def _mutations() -> tuple[Sequence[Mutation], Sequence[str]]:
    return resolved(read_list(), ROOT / "src")


def _marks(path: Path) -> Iterator[tuple[str, str]]:
    """(test name, requirement id) of every `proves` mark in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        for one in node.decorator_list:
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "proves":
                yield from ((node.name, str(arg.value)) for arg in one.args if isinstance(arg, ast.Constant))


@cache
def _proving() -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, requirement in _marks(path):
            found[requirement].add(f"{path.relative_to(ROOT)}::{name}")
    return found


def test_every_requirement_has_a_test() -> None:
    assert sorted(set(REQUIREMENTS) - set(_proving())) == []


def test_every_mark_names_a_requirement() -> None:
    assert sorted(set(_proving()) - set(REQUIREMENTS)) == []


def test_the_list_of_mutations_fits_the_source() -> None:
    mutations, stale = _mutations()
    assert stale == []
    assert meaningless(mutations, ROOT / "src") == []


def test_the_rule_of_every_attack_is_switched_off_somewhere() -> None:
    mutated = {one.test.partition("[")[0] for one in _mutations()[0]}
    proving = _proving()
    lacking = [name for name, one in REQUIREMENTS.items() if one.mutated and not proving[name] & mutated]
    assert lacking == []


def test_every_attack_test_says_what_it_proves() -> None:
    marked = {test for tests in _proving().values() for test in tests}
    for path in sorted([*(TESTS / "attacks").glob("test_p[0-9]*.py"), *(TESTS / "attacks").glob("test_r_*.py")]):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert f"{path.relative_to(ROOT)}::{node.name}" in marked
