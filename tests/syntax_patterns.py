"""Patterns over Python's syntax trees: find code by its shape, whatever its layout, and say what is to stand in its place.

A pattern is Python. In it `_` fits anything, `_1` to `_9` anything that the replacement repeats, `...` any run of arguments, elements or
statements, and `~"text"` a string with that text in it. In a replacement `_0` is all that was found. ` ;; ` ends a line.
"""

import ast
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Held: TypeAlias = dict[str, list[ast.AST]]
_WHOLE: Final = "_0"
_KEPT: Final = frozenset(f"_{number}" for number in range(1, 10))
_RUN: Final = "..."
_TEXT: Final = "~"
_IGNORED: Final = frozenset({"ctx", "kind", "type_comment", "type_ignores", "type_params", "simple"})


@dataclass(frozen=True, slots=True)
class Place:
    """A node, or a run of nodes (`start` to `stop`), in a field of another."""

    owner: ast.AST
    field: str
    start: int = 0
    stop: int = 0

    @property
    def nodes(self) -> list[ast.AST]:
        """The nodes that stand there."""
        value = getattr(self.owner, self.field)
        return value[self.start : self.stop] if isinstance(value, list) else [value]

    def put(self, nodes: Sequence[ast.AST]) -> "Place":
        """Put other nodes there. Returns where they stand, for putting back what was there."""
        value = getattr(self.owner, self.field)
        if not isinstance(value, list):
            setattr(self.owner, self.field, nodes[0])
            return self
        value[self.start : self.stop] = nodes
        return Place(self.owner, self.field, self.start, self.start + len(nodes))


def parsed(text: str) -> list[list[ast.AST]]:
    """The sequences of nodes that a pattern or a replacement may mean: `a = b` is an assignment or an argument."""
    body: list[ast.AST] = list(_Numbering().visit(ast.parse(text.replace(" ;; ", "\n"))).body)
    match body:
        case [ast.Expr(value=value)]:
            return [[value]]
        case [ast.Assign(targets=[ast.Name(id=name)], value=value)]:
            return [body, [ast.keyword(arg=name, value=value)]]
        case _:
            return [body]


def found(pattern: Sequence[ast.AST], scope: ast.AST) -> Iterator[tuple[Place, Held]]:
    """Every place in a scope that a pattern fits, and what its holes hold there."""
    for place in places(scope):
        held = _run(pattern, place.nodes, {}, whole=False)
        if held is not None:
            count = len(held.pop(_RUN))
            at = Place(place.owner, place.field, place.start, place.start + count) if place.stop else place
            yield at, {**held, _WHOLE: at.nodes}


def places(scope: ast.AST) -> Iterator[Place]:
    """Every node below a scope, in a list with all that follow it there, in the order of the source."""
    for name, value in ast.iter_fields(scope):
        if isinstance(value, list):
            for start, one in enumerate(value):
                if isinstance(one, ast.AST):
                    yield Place(scope, name, start, len(value))
                    yield from places(one)
        elif isinstance(value, ast.AST):
            yield Place(scope, name)
            yield from places(value)


def filled(replacement: Sequence[ast.AST], held: Held) -> list[ast.AST]:
    """A replacement with what the holes of its pattern hold."""
    visited = [_Filling(held).visit(copy.deepcopy(one)) for one in replacement]
    return [node for one in visited for node in (one if isinstance(one, list) else [one])]


def _run(patterns: Sequence[ast.AST], nodes: Sequence[ast.AST], held: Held, *, whole: bool) -> Held | None:
    """Fit patterns to nodes one by one; not `whole`: to the first nodes, which `_RUN` then holds."""
    if not patterns:
        return held if whole and not nodes else None if whole else {**held, _RUN: []}
    first, rest = patterns[0], patterns[1:]
    if _run_name(first):
        for count in range(len(nodes) + 1):
            after = _run(rest, nodes[count:], {**held, _run_name(first): list(nodes[:count])}, whole=whole)
            if after is not None:
                return after if whole else {**after, _RUN: [*nodes[:count], *after[_RUN]]}
        return None
    after = _fit(first, nodes[0], held) if nodes else None
    after = None if after is None else _run(rest, nodes[1:], after, whole=whole)
    return after if whole or after is None else {**after, _RUN: [nodes[0], *after[_RUN]]}


def _fit(pattern: ast.AST, node: ast.AST, held: Held) -> Held | None:
    match pattern:
        case ast.Name(id="_"):
            return held if isinstance(node, ast.expr) else None
        case ast.Name(id=name) if name in _KEPT:
            same = name not in held or ast.unparse(held[name][0]) == ast.unparse(node)
            return {**held, name: [node]} if same else None
        case ast.UnaryOp(op=ast.Invert(), operand=ast.Constant(value=str() | bytes() as text)):
            inside = isinstance(node, ast.Constant) and isinstance(node.value, type(text)) and text in node.value
            return {**held, _TEXT: [node, pattern.operand]} if inside else None
    if type(pattern) is not type(node):
        return None
    if isinstance(pattern, ast.Call) and isinstance(node, ast.Call):
        return _call(pattern, node, held)
    return _fields(pattern, node, held)


def _fields(pattern: ast.AST, node: ast.AST, held: Held) -> Held | None:
    after: Held | None = held
    for name, value in ast.iter_fields(pattern):
        other = getattr(node, name)
        if name in _IGNORED or after is None:
            continue
        if isinstance(value, list) and isinstance(other, list) and not {type(one) for one in (*value, *other)} & {str, type(None)}:
            after = _run(value, other, after, whole=True)
        elif isinstance(value, ast.AST) and isinstance(other, ast.AST):
            after = _fit(value, other, after)
        elif type(value) is not type(other) or value != other:
            return None
    return after


def _call(pattern: ast.Call, node: ast.Call, held: Held) -> Held | None:
    """A call: behind a run of arguments other named ones may stand too."""
    runs = [one for one in pattern.args if _run_name(one)]
    if not runs:
        return _fields(pattern, node, held)
    after = _fit(pattern.func, node.func, held)
    after = None if after is None else _run(pattern.args, node.args, after, whole=True)
    left = list(node.keywords)
    for named in pattern.keywords:
        same = next((one for one in left if one.arg == named.arg), None)
        after = _fit(named.value, same.value, after) if same is not None and after is not None else None
        left = [one for one in left if one is not same]
    return None if after is None else {**after, f"{_run_name(runs[0])}=": list(left)}


def _run_name(node: ast.AST) -> str:
    """The name of a run ("" for what is none)."""
    inner = node.value if isinstance(node, ast.Expr) else node
    return inner.id if isinstance(inner, ast.Name) and inner.id.startswith(_RUN) else ""


class _Numbering(ast.NodeTransformer):
    """Makes a name of every `...`, one of its own."""

    def __init__(self) -> None:
        self._count = 0

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if node.value is not ...:
            return node
        self._count += 1
        return ast.copy_location(ast.Name(f"{_RUN}{self._count}", ast.Load()), node)


class _Filling(ast.NodeTransformer):
    """Puts what is held into a replacement."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def visit_Name(self, node: ast.Name) -> ast.AST | list[ast.AST]:
        if node.id not in self._held:
            return node
        nodes = copy.deepcopy(self._held[node.id])
        return nodes if node.id.startswith(_RUN) else nodes[0]

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.AST]:
        if isinstance(node.value, ast.Name) and node.value.id in self._held:
            nodes = copy.deepcopy(self._held[node.value.id])
            if node.value.id.startswith(_RUN) or isinstance(nodes[0], ast.stmt):
                return nodes
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        more = [one for argument in node.args for one in self._held.get(f"{_run_name(argument)}=", [])]
        filled_in = self.generic_visit(node)
        if isinstance(filled_in, ast.Call):
            filled_in.keywords += copy.deepcopy(more)
        return filled_in

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        if _TEXT not in self._held or not isinstance(node.op, ast.Invert) or not isinstance(node.operand, ast.Constant):
            return self.generic_visit(node)
        whole, part = (one.value for one in self._held[_TEXT] if isinstance(one, ast.Constant))
        return ast.Constant(whole.replace(part, node.operand.value))
