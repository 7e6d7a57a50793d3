"""Sizes, names, docstrings and exceptions to the tools: each exception is listed here with its reason."""

import ast
import re
from collections.abc import Iterator

import pytest

from architecture.sources import ROOT, Module, functions, is_public, modules, raised_here

MODULE_LINES, FUNCTION_LINES, COLUMNS = 600, 60, 120
LONG_MODULES = {
    "domain/records.py": (1060, "one record for each aggregate, nothing else"),
}
LONG_FUNCTIONS = {}
FORBIDDEN = {"base", "common", "helper", "helpers", "manager", "misc", "service", "util", "utils"}


def all_functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for one in modules():
        for node in ast.walk(one.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{one.name}: {node.name}", node


def test_modules_stay_short_or_stand_in_the_list_with_a_reason() -> None:
    long = {one.name: one.lines for one in modules() if one.lines > LONG_MODULES.get(one.name, (MODULE_LINES,))[0]}
    assert long == {}, "split by meaning, or say here why it is one thing"


def test_functions_stay_short_or_stand_in_the_list_with_a_reason() -> None:
    sizes = {name: (node.end_lineno or 0) - node.lineno + 1 for name, node in all_functions()}
    assert {name: size for name, size in sizes.items() if size > LONG_FUNCTIONS.get(name, (FUNCTION_LINES,))[0]} == {}


def test_the_lists_of_exceptions_name_nothing_that_is_gone_or_short() -> None:
    names = {one.name: one.lines for one in modules()}
    sizes = {name: (node.end_lineno or 0) - node.lineno + 1 for name, node in all_functions()}
    assert {name for name in LONG_MODULES if names.get(name, 0) <= MODULE_LINES} == set()
    assert {name for name in LONG_FUNCTIONS if sizes.get(name, 0) <= FUNCTION_LINES} == set()


def test_no_module_is_named_for_nothing() -> None:
    # `service_desk` is the product's word for a kind of desk; the words are compared whole.
    assert {one.name for one in modules() if FORBIDDEN & set(re.split(r"[/.]", one.name))} == set()


@pytest.mark.parametrize("one", modules(), ids=lambda one: one.name)
def test_a_module_says_in_five_lines_what_belongs_here(one: Module) -> None:
    said = ast.get_docstring(one.tree)
    assert said
    assert len(said.splitlines()) <= 5


@pytest.mark.parametrize("one", modules(), ids=lambda one: one.name)
def test_every_public_function_and_class_says_what_it_does(one: Module) -> None:
    classes = {node.name for node in one.tree.body if isinstance(node, ast.ClassDef) and not ast.get_docstring(node)}
    silent = {name for name, node in functions(one.tree) if is_public(name) and not ast.get_docstring(node)}
    assert {name for name in classes | silent if is_public(name)} == set()


def promised() -> set[str]:
    """Methods whose codes a port states: a plug's own docstring need not say them again."""
    return {
        name.rpartition(".")[2]
        for one in modules()
        if one.room == "ports"
        for name, node in functions(one.tree)
        if "Raises:" in (ast.get_docstring(node) or "")
    }


@pytest.mark.parametrize("one", modules(), ids=lambda one: one.name)
def test_every_public_function_that_refuses_says_with_which_codes(one: Module) -> None:
    of_the_port = promised() if one.room == "adapters" else set()
    silent = {
        name
        for name, node in functions(one.tree)
        if is_public(name) and raised_here(node) and "Raises:" not in (ast.get_docstring(node) or "") and node.name not in of_the_port
    }
    assert silent == set()


MARK = re.compile(r"#\s*(noqa|pragma: no|type: ignore)(?P<rest>[^#]*)(?P<why>#\s*\S.*)?$")


def unexplained(text: str) -> list[tuple[int, str]]:
    """Lines that silence a tool without saying why."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        mark = MARK.search(line)
        if mark is not None and (not mark["why"] or (mark[1] == "noqa" and not mark["rest"].strip(": "))):
            found.append((number, line.strip()))
    return found


def test_whoever_silences_a_tool_says_why() -> None:
    assert {one.name: lines for one in modules() if (lines := unexplained(one.text))} == {}


def test_silencing_without_a_reason_is_noticed() -> None:
    for line in ("x = 1  # noqa", "x = 1  # noqa: E501", "x = 1  # pragma: no cover", "x = f()  # type: ignore[misc]"):
        assert unexplained(line), line
        assert not unexplained(f"{line.replace('noqa: E501', 'noqa').replace('noqa', 'noqa: E501')}  # because"), line


def test_nothing_is_caught_bare_and_nothing_is_left_to_do() -> None:
    for one in modules():
        assert not re.search(r"except\s*:|\bTODO\b|\bFIXME\b|\bXXX\b", one.text), one.name


@pytest.mark.parametrize("where", ["src", "tests", "docs", "bench"])
def test_no_committed_text_names_a_place_on_somebodys_machine_or_a_registry(where: str) -> None:
    # Put together here, so that this file does not hold them itself.
    places = re.compile("|".join(["/ho" + "me/[a-z]", "/wo" + "rk/", "/Us" + "ers/[a-z]", "index" + "-url", "pypi" + r"\.org/simple"]))
    suffixes = {".py", ".md", ".toml", ".cedar", ".json", ".html", ".js", ".css", ".txt"}
    files = [file for file in (ROOT / where).rglob("*") if file.suffix in suffixes and file.is_file()]
    assert files
    assert {str(file.relative_to(ROOT)) for file in files if places.search(file.read_text(encoding="utf-8"))} == set()


def test_no_group_of_tests_is_without_a_name(request: pytest.FixtureRequest) -> None:
    """Of the tests collected beside this one: a group named "" once put nearly all of them on one worker."""
    nameless = [
        one.nodeid for one in request.session.items for mark in one.iter_markers("xdist_group") if "" in (*mark.args, *mark.kwargs.values())
    ]
    assert nameless == []
