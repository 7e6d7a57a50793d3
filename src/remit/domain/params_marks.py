"""The annotations of params: which type they imply, what they may stand on, and what they mark.

What a marked value may be in an ask is for the params plug; whose it is, is for the backoffice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from remit.domain.catalogue import Mark, MarkKind
from remit.domain.catalogue_tables import wrong
from remit.domain.paths import Path
from remit.domain.values import Json, JsonObject

_MONEY_PATTERN: Final = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,3})? [A-Z]{3}$"
_SHAPE_WORDS: Final = ("type", "anyOf", "oneOf", "allOf", "enum", "const")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What annotations may refer to: the declared kinds of record and attributes."""

    resources: frozenset[str]
    attributes: frozenset[str]


def imply(node: JsonObject, key: str) -> JsonObject:
    """The schema with the types its annotations imply.

    Raises:
        Refused: `catalogue.invalid` for an annotation with a wrong value.

    Source: docs/model/model.md#params.
    """
    kinds = [kind for kind in MarkKind if kind.value in node]
    if not kinds:
        return node
    for kind in kinds:
        _verify_mark_value(node[kind.value], kind, f"{key}.{kind}")
    out = dict(node)
    if not any(word in node for word in _SHAPE_WORDS):
        out = {"type": "array" if "items" in node else "string", **out}
    if out.get("type") == "array" and "items" not in out and "prefixItems" not in out:
        out["items"] = {"type": "string"}
    if MarkKind.MONEY in kinds:
        if len(kinds) > 1 or out.get("type") != "string":
            raise wrong(
                f"{key}.x-money", "money is one text such as '40.00 EUR'", "give it no other type; optional money is left out, not null"
            )
        out.setdefault("pattern", _MONEY_PATTERN)
    return out


def _verify_mark_value(value: Json, kind: MarkKind, key: str) -> None:
    if kind in {MarkKind.ATTRIBUTE, MarkKind.PART, MarkKind.RESOURCE}:
        if not isinstance(value, str):
            raise wrong(key, "must name what it is", "write the declared name in quotes")
    elif value is not True:
        raise wrong(key, "must be true", "write true or leave it out")


def read_mark(node: JsonObject, path: Path, key: str, names: Names) -> Iterator[Mark]:
    """The marks one schema carries. A marked array marks each of its elements.

    Raises:
        Refused: `catalogue.invalid` for an undeclared kind or attribute, or a type the annotation cannot stand on.
    """
    for kind in MarkKind:
        if kind.value not in node:
            continue
        if not path.steps:
            raise wrong(f"{key}.{kind}", "stands on the params as a whole", "put it on one of them")
        of = _of(node[kind.value], kind, f"{key}.{kind}", names)
        shapes = set(_shapes(node))
        if kind in {MarkKind.PART, MarkKind.RESOURCE, MarkKind.FREE_TEXT} and not shapes <= {"string", "strings", "null"}:
            raise wrong(f"{key}.{kind}", "stands on a text or a list of texts", 'write type = "string", or an array of them')
        many = bool(shapes & {"strings", "array"})
        if many and shapes & {"string", "number", "boolean", "object"}:
            raise wrong(f"{key}.{kind}", "stands on one value or a list", "choose one of both")
        yield Mark(path=path.then(None) if many else path, kind=kind, of=of)


def _of(value: Json, kind: MarkKind, key: str, names: Names) -> str:
    if kind is MarkKind.RESOURCE and value not in names.resources:
        raise wrong(key, f"no resource {value!r} is declared", f"add [resource.{value}] with a title")
    if kind is MarkKind.ATTRIBUTE and value not in names.attributes:
        raise wrong(key, f"no attribute {value!r} is declared", f'add [attribute."{value}"] with a title')
    return value if isinstance(value, str) else ""


def _shapes(node: JsonObject) -> Iterator[str]:
    """The shapes a marked value can take: JSON types, with `strings` for an array of strings only."""
    kind = node.get("type")
    kinds = [kind] if isinstance(kind, str) else kind if isinstance(kind, Sequence) else []
    for one in kinds:
        yield _list_shape(node) if one == "array" else "number" if one == "integer" else str(one)
    if kinds:
        return
    for name in ("anyOf", "oneOf", "allOf"):
        branches = node.get(name)
        if isinstance(branches, Sequence):
            for branch in branches:
                if isinstance(branch, Mapping):
                    yield from _shapes(branch)
    values = [*_listed(node.get("enum")), *([node["const"]] if "const" in node else [])]
    for value in values:
        yield "string" if isinstance(value, str) else "null" if value is None else "other"


def _list_shape(node: JsonObject) -> str:
    items = node.get("items")
    return "strings" if isinstance(items, Mapping) and set(_shapes(items)) == {"string"} and "prefixItems" not in node else "array"


def _listed(value: Json) -> Sequence[Json]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else []
