"""The source files of the package, parsed once, for the tests of its shape."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "remit"
Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file: its path inside the package, its text and its tree."""

    name: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def room(self) -> str:
        return self.name.partition("/")[0]


@cache
def modules() -> tuple[Module, ...]:
    files = sorted(SOURCE.rglob("*.py"))
    texts = {str(file.relative_to(SOURCE)): file.read_text(encoding="utf-8") for file in files}
    return tuple(Module(name=name, text=text, tree=ast.parse(text)) for name, text in texts.items())


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Every function and method that can be named from outside: `name` or `ExampleClass.name`. What stands inside functions cannot."""
    for node in tree.body:
        if isinstance(node, Function):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from ((f"{node.name}.{inner.name}", inner) for inner in node.body if isinstance(inner, Function))


def is_public(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


def raised_here(function: Function) -> set[str]:
    """Which of our own errors a function raises itself, not through what it calls or what stands inside it."""
    found: set[str] = set()
    left: list[ast.AST] = list(function.body)
    while left:
        node = left.pop()
        if isinstance(node, Function | ast.Lambda | ast.ClassDef):
            continue
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            found |= {node.exc.func.id} & {"Fault", "InvalidSetting", "Refused"}
        left.extend(ast.iter_child_nodes(node))
    return found


def imports(tree: ast.Module) -> set[str]:
    """Every module a file imports, wherever the import stands."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found |= {f"{node.module}.{one.name}" for one in node.names}
    return found
