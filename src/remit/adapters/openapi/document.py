"""Reading an OpenAPI document, tolerantly: many real ones break their own specification somewhere."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from remit.domain.errors import Code, Refused
from remit.domain.structs import struct

MAX_BYTES: Final = 32 * 1024 * 1024
_MAX_NODES: Final = 3_000_000
_MAX_DEPTH: Final = 100
_MAX_REFS: Final = 32
METHODS: Final = ("get", "post", "put", "patch", "delete")
Node = Mapping[str, Any]
_NOTHING: Final[Node] = {}


class _PlainLoader(yaml.CSafeLoader):  # type: ignore[misc]  # the library has no types
    """YAML with dates as texts, as JSON has them."""


_PlainLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@struct(frozen=True, kw_only=True)
class Operation:
    """One operation of a document: `name` is its method and path, such as "POST /orders/{id}/cancel"."""

    method: str
    path: str
    node: Node
    parameters: tuple[Node, ...]

    @property
    def name(self) -> str:
        """Method and path."""
        return f"{self.method.upper()} {self.path}"

    def placeholders(self) -> tuple[str, ...]:
        """Return the names in braces of the path."""
        return tuple(part.split("}")[0] for part in self.path.split("{")[1:])


class Document:
    """A decoded document. References are followed inside it alone: nothing is fetched or opened."""

    def __init__(self, root: Node) -> None:
        """Keep the root."""
        self.root = root
        self.unresolved: set[str] = set()
        paths = root.get("paths")
        self._paths: Node = paths if isinstance(paths, Mapping) else _NOTHING

    def operations(self) -> Iterator[Operation]:
        """Yield every operation, in the order of the document."""
        for path, found in self._paths.items():
            item = self.resolve(found)
            if not str(path).startswith("/"):
                continue
            for method in METHODS:
                node = item.get(method)
                if isinstance(node, Mapping):
                    given = [*_listed(item.get("parameters")), *_listed(node.get("parameters"))]
                    parameters = tuple(self.resolve(one) for one in given)
                    yield Operation(method=method, path=path, node=node, parameters=parameters)

    def resolve(self, node: object) -> Node:
        """Return the node behind local references; empty for one that is missing, remote, circular or no table."""
        for _ in range(_MAX_REFS):
            if not isinstance(node, Mapping):
                return _NOTHING
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self._at(reference)
        return _NOTHING

    def request_schema(self, operation: Operation) -> Node:
        """Return the schema of an operation's JSON body; empty without one."""
        return self._content(self.resolve(operation.node.get("requestBody")))

    def answer_schema(self, operation: Operation) -> Node:
        """Return the schema of an operation's first good JSON answer; empty without one."""
        answers = self.resolve(operation.node.get("responses"))
        good = sorted(str(code) for code in answers if str(code).startswith("2"))
        found = {str(code): answer for code, answer in answers.items()}
        return self._content(self.resolve(found[good[0]])) if good else _NOTHING

    def _content(self, body: Node) -> Node:
        content = self.resolve(body.get("content"))
        for kind, media in content.items():
            if "json" in str(kind):
                return self.resolve(self.resolve(media).get("schema"))
        return _NOTHING

    def _at(self, reference: str) -> object:
        """⚔ Only `#/…`: a document could name a file of this machine, or an address inside the company."""
        node: object = self.root
        if not reference.startswith("#/"):
            node = None
        for part in reference[2:].split("/") if node is not None else ():
            name = part.replace("~1", "/").replace("~0", "~")
            node = node.get(name) if isinstance(node, Mapping) else None
        if node is None:
            self.unresolved.add(reference[:200])
        return node


def read_document(file: Path) -> Document:
    """Read a document in YAML or JSON.

    Raises:
        Refused: `settings.invalid` for a file that cannot be read, is too large, or is no OpenAPI 3 document.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise _invalid(file, f"has more than {MAX_BYTES} bytes", "Cut it to the paths you need.")
        raw = file.read_bytes()
        text = raw.decode("utf-8-sig")
        root = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, Loader=_PlainLoader)  # noqa: S506  # a safe loader
    except OSError as broken:
        raise _invalid(file, f"cannot be read: {type(broken).__name__}", "Name an OpenAPI document.") from None
    except (ValueError, yaml.YAMLError, RecursionError) as broken:
        where = str(broken).splitlines()[0][:200] if str(broken) else type(broken).__name__
        raise _invalid(file, f"is neither JSON nor YAML: {where}", "Correct it there.") from None
    if not isinstance(root, Mapping) or not str(root.get("openapi", "")).startswith("3."):
        raise _invalid(file, "is no OpenAPI 3 document", "Convert it to OpenAPI 3.0 or 3.1 first.")
    _verify_size(file, root)
    return Document(root)


def document_json(document: Document) -> bytes:
    """Return the document as JSON, which starts faster than YAML."""
    return json.dumps(_plain(document.root), ensure_ascii=False, indent=1).encode()


def _plain(node: object) -> object:
    if isinstance(node, Mapping):
        return {str(name): _plain(one) for name, one in node.items()}
    if isinstance(node, list):
        return [_plain(one) for one in node]
    return node if node is None or isinstance(node, str | int | float | bool) else str(node)


def _verify_size(file: Path, root: object) -> None:
    """⚔ Count with repeated YAML aliases expanded: a page of them is a document without an end."""
    waiting: list[tuple[object, int]] = [(root, 0)]
    seen = 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if seen > _MAX_NODES or depth > _MAX_DEPTH:
            raise _invalid(file, "is too large or too deep", "Cut it to the paths you need, without YAML aliases.")
        members = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
        waiting.extend((one, depth + 1) for one in members)


def _listed(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def _invalid(file: Path, problem: str, cure: str) -> Refused:
    return Refused(Code.SETTINGS_INVALID, f"{file} {problem}", cure=cure)
