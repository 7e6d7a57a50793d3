"""Rules of the source found by function and shape, and the text that switches one off. `attacks/mutations.txt` says how a line reads.

A function is found by its name over all of the source, whatever file it stands in; what stands in it is found in its syntax tree. A file
that is not Python is found by its path, and the text in it as it stands.
"""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from syntax_patterns import Place, filled, found, parsed, places

MODULE: Final = "<module>"
_OFF: Final = ast.Constant(False)
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_CALL: Final = re.compile(r"([\w.]+)\(\)")
_IF: Final = re.compile(r"if( [\w.-]+)+")
_NTH: Final = re.compile(r"(.*\S)\s*#(\d+)", re.DOTALL)


class NotFound(Exception):  # noqa: N818  # an answer, no error
    """A line names nothing, or more than one thing. It says which, and how to mend the line."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a file's text: what stands from `start` to `stop` becomes `put`."""

    file: str
    start: int
    stop: int
    put: str

    def applied(self, text: str) -> str:
        """The text of the file with the change."""
        return text[: self.start] + self.put + text[self.stop :]

    def meets(self, other: "Edit") -> bool:
        """Whether two changes touch each other's text."""
        return self.file == other.file and self.start < other.stop and other.start < self.stop


@dataclass(frozen=True, slots=True)
class Change:
    """Nodes to put at a place."""

    place: Place
    put: Sequence[ast.AST]


class File:
    """A source file: its text, its tree, and its definitions by their names."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.tree = ast.parse(text)
        self.parts = frozenset(Path(name).with_suffix("").parts)

    @cached_property
    def parents(self) -> Mapping[ast.AST, ast.AST]:
        """The parent of each node."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def scopes(self) -> Iterator[tuple[str, ast.AST]]:
        """Every function, class and constant by its qualified name, and the module itself."""
        yield MODULE, self.tree
        yield from _scopes(self.tree, "")

    def place_of(self, node: ast.AST) -> Place:
        """Where a node stands."""
        owner = self.parents[node]
        for name, value in ast.iter_fields(owner):
            if value is node:
                return Place(owner, name)
            if isinstance(value, list) and node in value:
                start = value.index(node)
                return Place(owner, name, start, start + 1)
        raise LookupError(ast.dump(node))

    def statement(self, node: ast.AST) -> Place | None:
        """Where the statement stands that is nothing but a (perhaps awaited) expression."""
        while isinstance(self.parents[node], ast.Await):
            node = self.parents[node]
        return self.place_of(self.parents[node]) if isinstance(self.parents[node], ast.Expr) else None

    def edit(self, change: Change) -> Edit:
        """The change of the text that makes a change of the tree. Nothing moves but what stands behind an inserted block."""
        place, put = change.place, change.put or [ast.Pass()]
        old, new = place.nodes, put[0]
        if isinstance(old[0], ast.stmt) and not self._is_elif(old[0]):
            return self._edit(old[0], old[-1], _lines(put, old[0]))
        if len(put) == 1 == len(old) and _stands_alone(old[0]) and _stands_alone(new) and self.shown(old[0]) is old[0]:
            return self._edit(old[0], old[0], f"({ast.unparse(new)})")
        around = self.shown(place.owner)
        before = place.put(change.put)
        try:
            text = _lines([around], around) if isinstance(around, ast.stmt) else ast.unparse(around)
        finally:
            before.put(old)
        return self._edit(around, around, f"({text})" if isinstance(around, ast.expr) else text)

    def _edit(self, first: ast.AST, last: ast.AST, put: str) -> Edit:
        start = self._offset(*_start(first))
        stop = self._offset(*_stop(last))
        left = "\n" * (self.text.count("\n", start, stop) - put.count("\n"))
        return Edit(self.name, start, stop, f"{put[:-1]}{left})" if put.endswith(")") and left else put + left)

    def _offset(self, line: int, column: int) -> int:
        """The place in the text of a line and a column, which counts bytes."""
        lines = self.text.split("\n")
        return sum(len(one) + 1 for one in lines[: line - 1]) + len(lines[line - 1].encode()[:column].decode())

    def _is_elif(self, node: ast.AST) -> bool:
        return isinstance(node, ast.If) and self.text.startswith("elif", self._offset(*_start(node)))

    def shown(self, node: ast.AST) -> ast.AST:
        """The node itself, or the smallest around it that stands in the text as a whole: no part of an f-string does before 3.12."""
        shown: ast.AST | None = None
        at: ast.AST | None = node
        while at is not None and not (shown is not None and isinstance(at, ast.stmt)):
            if isinstance(at, ast.JoinedStr) or (shown is None and hasattr(at, "lineno") and not self._is_elif(at)):
                shown = at
            at = self.parents.get(at)
        if shown is None:
            raise LookupError(ast.dump(node))
        return shown


def _stands_alone(node: ast.AST) -> bool:
    return isinstance(node, ast.expr) and not isinstance(node, ast.Starred | ast.Slice)


def _start(node: ast.AST) -> tuple[int, int]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.decorator_list:
        return node.decorator_list[0].lineno, node.col_offset
    return node.lineno, node.col_offset  # type: ignore[attr-defined]  # only nodes that stand in the text


def _stop(node: ast.AST) -> tuple[int, int]:
    return node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]  # only nodes that stand in the text


def _lines(nodes: Sequence[ast.AST], at: ast.AST) -> str:
    """Statements as text, to stand where another does."""
    if not any(hasattr(one, "body") or isinstance(one, ast.Match) for one in nodes):
        return "; ".join(ast.unparse(one) for one in nodes)
    block, depth = list(nodes), _start(at)[1] // 4
    for _ in range(depth):  # indented by `unparse`: it leaves the lines inside of strings alone
        block = [ast.If(_OFF, block, [])]
    return ast.unparse(ast.Module(block, [])).split("\n", depth)[depth].lstrip(" ")


def _scopes(node: ast.AST, within: str) -> Iterator[tuple[str, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield f"{within}{child.name}", child
            yield from _scopes(child, f"{within}{child.name}.")
        elif isinstance(child, ast.Assign | ast.AnnAssign) and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            targets = child.targets if isinstance(child, ast.Assign) else [child.target]
            yield from ((f"{within}{one.id}", child) for one in targets if isinstance(one, ast.Name))
        elif isinstance(child, ast.stmt):
            yield from _scopes(child, within)


class Source:
    """All files of a source, and what its rules stand in."""

    def __init__(self, folder: Path) -> None:
        every = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
        names = [name for name in every if name.endswith(".py")]
        self.files = [File(name, (folder / name).read_text(encoding="utf-8")) for name in names]
        self._folder = folder
        self._data = [name for name in every if not name.endswith(".py")]
        self._scopes: dict[str, list[tuple[File, ast.AST]]] = {}
        for file in self.files:
            for name, scope in file.scopes():
                self._scopes.setdefault(name, []).append((file, scope))

    def edit(self, where: str, anchor: str) -> Edit:
        """What switches a rule off.

        Raises:
            NotFound: not exactly one place is meant.
        """
        files = [name for name in self._data if f"/{name}".endswith(f"/{where}")]
        if files:
            return self._edit_of_data(where, files, anchor)
        *path, name = where.split("/")
        scopes = [(file, scope) for file, scope in self._scopes.get(name, []) if file.parts >= set(path)]
        if not scopes:
            raise NotFound(f"there is no {where} in the source; write its new name")
        try:
            changes = [(file, one) for file, scope in scopes for one in changes_of(anchor, file, scope)]
        except SyntaxError as error:
            raise NotFound(f"{anchor} is no anchor: {error.msg}") from None
        if len(changes) != 1:
            said = ", ".join(f"{file.name}:{_start(_seen(file, one))[0]}" for file, one in changes[:4])
            cure = f"{said}; add #1, a word, or a folder before the name" if changes else "write it as it stands now"
            raise NotFound(f"{where}: {anchor} stands {len(changes)} times: {cure}")
        file, change = changes[0]
        return file.edit(change)

    def _edit_of_data(self, where: str, files: Sequence[str], anchor: str) -> Edit:
        """The change of a file that is not Python: one text in it, which stands there once, becomes another."""
        if len(files) != 1:
            raise NotFound(f"{where} are {len(files)} files: {', '.join(files)}; write more of the path")
        what, _, put = (part.strip() for part in anchor.partition(" => "))
        try:
            old, new = str(ast.literal_eval(what)), str(ast.literal_eval(put))
        except (SyntaxError, ValueError):
            raise NotFound(f"{where}: {anchor} is no anchor in data; write 'old text' => 'new text'") from None
        text = (self._folder / files[0]).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise NotFound(f"{where}: {anchor} stands {text.count(old)} times: write it as it stands there once")
        start = text.index(old)
        return Edit(files[0], start, start + len(old), new)


def _seen(file: File, change: Change) -> ast.AST:
    return file.shown(change.place.nodes[0] if change.place.nodes else change.place.owner)


def changes_of(anchor: str, file: File, scope: ast.AST) -> list[Change]:
    """What an anchor changes in a scope: one change for each place it fits, or the one that its number says."""
    what, arrow, put = anchor.partition(" => ")
    numbered = _NTH.fullmatch(what.strip())
    what, number = (numbered[1], int(numbered[2])) if numbered else (what.strip(), 0)
    if _IF.fullmatch(what):
        changes = list(_ifs(what.split()[1:], put if arrow else "False", scope))
    elif arrow:
        changes = list(_replaced(what, put, file, scope))
    elif _CODE.fullmatch(what):
        changes = list(_refusals(what, file, scope))
    elif call := _CALL.fullmatch(what):
        changes = list(_calls(call[1], file, scope))
    else:
        changes = list(_dropped(what.removeprefix("drop "), file, scope))
    return changes[number - 1 : number] if number else changes


def _nodes(scope: ast.AST) -> Iterator[ast.AST]:
    return (place.nodes[0] for place in places(scope))


def _names(*nodes: ast.AST) -> set[str]:
    """The words that stand in code."""
    every = [one for node in nodes for one in ast.walk(node)]
    values = [getattr(one, field, None) for one in every for field in ("id", "attr", "arg", "value")]
    return {one for one in values if isinstance(one, str)}


def _ifs(words: Sequence[str], put: str, scope: ast.AST) -> Iterator[Change]:
    """Conditions that have all of these words in them, or where none has: in them and in what is done on them."""
    ifs = [one for one in _nodes(scope) if isinstance(one, ast.If | ast.IfExp)]
    meant = [one for one in ifs if _names(one.test) >= set(words)] or [one for one in ifs if _names(one.test, *_done(one)) >= set(words)]
    for one in meant:
        yield Change(Place(one, "test"), filled(parsed(put)[0], {"_0": [one.test]}))


def _done(node: ast.If | ast.IfExp) -> list[ast.AST]:
    if isinstance(node, ast.IfExp):
        return [node.body]
    return [
        one for one in node.body if not isinstance(one, ast.If | ast.For | ast.AsyncFor | ast.While | ast.With | ast.AsyncWith | ast.Try)
    ]


def _refusals(code: str, file: File, scope: ast.AST) -> Iterator[Change]:
    """Statements with a code: the condition they stand under is switched off, or they themselves where they stand under none."""
    for one in _nodes(scope):
        if isinstance(one, ast.Raise | ast.Return | ast.Expr) and any(
            isinstance(at, ast.Attribute) and at.attr == code for at in ast.walk(one)
        ):
            place = file.place_of(one)
            under = isinstance(place.owner, ast.If) and place.field == "body"
            yield Change(Place(place.owner, "test"), [_OFF]) if under else Change(place, [ast.Pass()])


def _calls(name: str, file: File, scope: ast.AST) -> Iterator[Change]:
    """Statements that are nothing but a call."""
    for one in _nodes(scope):
        place = file.statement(one) if isinstance(one, ast.Call) and f".{ast.unparse(one.func)}".endswith(f".{name}") else None
        if place is not None:
            yield Change(place, [ast.Pass()])


def _dropped(what: str, file: File, scope: ast.AST) -> Iterator[Change]:
    """Statements, operands, elements and arguments left out."""
    for pattern in parsed(what):
        for place, _ in found(pattern, scope):
            meant = file.statement(place.nodes[0]) or place
            if isinstance(meant.nodes[0], ast.stmt):
                yield Change(meant, [ast.Pass()])
            elif meant.stop and not isinstance(meant.owner, ast.Compare | ast.JoinedStr | ast.Dict):
                yield Change(meant, [])


def _replaced(what: str, put: str, file: File, scope: ast.AST) -> Iterator[Change]:
    """Code that becomes other code."""
    for pattern, replacement in zip(parsed(what), parsed(put) * 2, strict=False):
        for place, held in found(pattern, scope):
            nodes = filled(replacement, held)
            as_statement = file.statement(place.nodes[0]) if isinstance(nodes[0], ast.stmt) else None
            if as_statement is not None or isinstance(place.nodes[0], ast.stmt):
                yield Change(as_statement or place, [ast.Expr(one) if isinstance(one, ast.expr) else one for one in nodes])
            elif isinstance(place.nodes[0], ast.keyword) is isinstance(nodes[0], ast.keyword):
                yield Change(place, nodes)


def sites(file: File) -> Iterator[tuple[str, Edit]]:
    """Where a file has a rule by the look of it: a refusal, a `verify_…` called, a condition on which a function or a turn ends."""
    for name, scope in file.scopes():
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from ((f"{name}: {anchor}", file.edit(change)) for anchor, change in _likely(file, scope))


def _likely(file: File, scope: ast.AST) -> Iterator[tuple[str, Change]]:
    for node in _nodes(scope):
        match node:
            case ast.If(test=test, body=[ast.Return() | ast.Raise() | ast.Continue() | ast.Break() as ends]):
                yield _code(ends) or f"if {ast.unparse(test)}", Change(Place(node, "test"), [_OFF])
            case ast.Raise() if _code(node) and not isinstance(file.parents[node], ast.If):
                yield _code(node), Change(file.place_of(node), [ast.Pass()])
            case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called)) if called.lstrip("_").startswith("verify_"):
                place = file.statement(node)
                if place is not None:
                    yield f"{called}()", Change(place, [ast.Pass()])


def _code(node: ast.AST) -> str:
    """The code of a refusal ("" where there is none)."""
    codes = (one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute) and ast.unparse(one.value) == "Code")
    return next(codes, "")
