"""The params of an action: from the desk's JSON Schema to a closed one, with its marks and every declared path.

Only reading. Validating params is for the params plug; what marks mean is for covering, words and rendering.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from remit.domain.catalogue import Mark, MarkKind
from remit.domain.catalogue_tables import Table, plain, plain_object, wrong
from remit.domain.params_marks import Names, imply, read_mark
from remit.domain.paths import Path, parse_path
from remit.domain.schema_keywords import IN_PLACE, NEGATIVE, ONE, SEVERAL, subschemas, verify_keywords
from remit.domain.values import Json, JsonObject

_MOST_NODES: Final = 4000
_DEEPEST: Final = 24
_SAYS_PROPERTIES: Final = frozenset({"properties", "patternProperties", "additionalProperties", "unevaluatedProperties"})
_CLOSERS: Final = ("additionalProperties", "unevaluatedProperties")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamsSchema:
    """A closed schema without references, the marks in it, and all its parameter paths as texts."""

    schema: JsonObject
    marks: tuple[Mark, ...]
    declared: frozenset[str]


def read_params(raw: object, *, key: str, names: Names) -> ParamsSchema:
    """Read the params of one action.

    Raises:
        Refused: `catalogue.invalid` for unknown keywords or annotations, undeclared kinds or attributes, names that no
            path can reach, references that are not local or go in circles.

    Source: docs/model/model.md#params.
    """
    given = plain_object(raw, key)
    if given.get("type", "object") != "object":
        raise wrong(f"{key}.type", "params are an object", 'remove it or write "object"')
    given = {"type": "object", **given}
    inlined = _Inliner(given, key).schema()
    shut = _close(inlined)
    found = list(_nodes(shut, Path(()), key))
    marks = tuple(mark for path, node, place in found for mark in read_mark(node, path, place, names))
    _verify_parts(marks, key)
    return ParamsSchema(
        schema=shut,
        marks=tuple(dict.fromkeys(marks)),
        declared=frozenset(str(path) for path, _, _ in found if path.steps),
    )


def _verify_parts(marks: Sequence[Mark], key: str) -> None:
    """What is part of a record can only be named where the same params name the one record."""
    records = {str(mark.path) for mark in marks if mark.kind is MarkKind.RESOURCE and not mark.path.many}
    for mark in marks:
        if mark.kind is MarkKind.PART and mark.of not in records:
            problem = f"{mark.of!r} is no param that names one record"
            raise wrong(
                f"{key}.{mark.path.steps[0]}.{mark.kind}", problem, "name a param of this action that has x-resource and is no list"
            )


class _Inliner:
    """Copies a schema, verifying its keywords and putting each local `$ref` in its place.

    References are gone afterwards, so that every use is closed, marked and walked where it stands.
    """

    def __init__(self, root: JsonObject, key: str) -> None:
        self._root = root
        self._key = key
        self._left = _MOST_NODES

    def schema(self) -> JsonObject:
        out = self._read(self._root, self._key, ())
        if not isinstance(out, Mapping):
            raise wrong(self._key, "must be an object schema", "describe the params")
        return {name: value for name, value in out.items() if name not in {"$defs", "$schema"}}

    def _read(self, node: Json, key: str, refs: tuple[str, ...]) -> Json:
        self._left -= 1
        if self._left < 0 or key.count(".") > _DEEPEST * 2:
            raise wrong(key, "the schema is too large or too deep", "describe fewer or flatter params")
        if isinstance(node, bool):
            return node
        if not isinstance(node, Mapping):
            raise wrong(key, "must be a schema", "write a table such as { type = 'string' }")
        verify_keywords(node, key, root=not refs and node is self._root)
        if "$ref" in node:
            return self._resolved(node, key, refs)
        out: dict[str, Json] = {}
        for name, value in node.items():
            if name != "$defs":
                out[name] = self._keyword(name, value, f"{key}.{name}", refs)
        return imply(out, key)

    def _keyword(self, name: str, value: Json, key: str, refs: tuple[str, ...]) -> Json:
        if name in ONE:
            return self._read(value, key, refs)
        if name in SEVERAL:
            if not isinstance(value, Sequence) or isinstance(value, str) or not value:
                raise wrong(key, "must be a list of schemas", "write at least one")
            return [self._read(item, f"{key}[{place}]", refs) for place, item in enumerate(value)]
        if name in {"properties", "patternProperties", "dependentSchemas"}:
            if not isinstance(value, Mapping):
                raise wrong(key, "must be a table of schemas", "write name = schema")
            return {one: self._read(item, f"{key}.{one}", refs) for one, item in value.items()}
        return plain(value, key)

    def _resolved(self, node: JsonObject, key: str, refs: tuple[str, ...]) -> Json:
        ref = node["$ref"]
        definitions = self._root.get("$defs")
        name = ref.removeprefix("#/$defs/") if isinstance(ref, str) else ""
        if not isinstance(ref, str) or not ref.startswith("#/$defs/") or not isinstance(definitions, Mapping) or name not in definitions:
            raise wrong(f"{key}.$ref", "points nowhere in these params", "refer to an entry of this schema's own $defs: #/$defs/name")
        if name in refs:
            raise wrong(f"{key}.$ref", "goes in a circle", "describe params of bounded depth")
        target = self._read(definitions[name], f"{key}.$defs.{name}", (*refs, name))
        rest = {one: value for one, value in node.items() if one not in {"$ref", "$defs"}}
        if not rest:
            return target
        beside = self._read(rest, key, (*refs, name))
        if not isinstance(target, Mapping) or not isinstance(beside, Mapping):
            return target
        if target.keys() & beside.keys() <= {"title", "description", "$comment", "default", "examples", "type"} and not (
            "type" in target and "type" in rest
        ):
            return {**beside, **target, **{one: value for one, value in rest.items() if one != "type"}}
        return {"allOf": [target, beside]}


def _close(node: JsonObject) -> JsonObject:
    """Close every object that does not say otherwise, where closing it can only refuse more.

    Nothing is closed under `not`, `if` or `contains`: ⚔ a stricter schema there would let more through. Where
    branches describe the same object together, the outer object is closed by `unevaluatedProperties`.
    """
    out = _closed_parts(node, _joins(node))
    if _may_be_open(node):
        if not _branches_say(node):
            out["additionalProperties"] = False
        elif _joins(node):
            out["unevaluatedProperties"] = False
    return out


def _closed_parts(node: JsonObject, joined: bool) -> dict[str, Json]:  # noqa: FBT001  # private, used twice
    out: dict[str, Json] = {}
    for name, value in node.items():
        if name in NEGATIVE:
            out[name] = value
        elif name in IN_PLACE and joined:
            out[name] = subschemas(name, value, lambda branch: _closed_parts(branch, joined=True))
        else:
            out[name] = subschemas(name, value, _close_any)
    return out


def _close_any(node: JsonObject) -> JsonObject:
    return _close(node)


def _may_be_open(node: JsonObject) -> bool:
    if any(name in node for name in _CLOSERS) or "enum" in node or "const" in node:
        return False
    kind = node.get("type")
    return kind is None or kind == "object" or (isinstance(kind, Sequence) and "object" in kind and not isinstance(kind, str))


def _branches_say(node: JsonObject) -> bool:
    """Whether a branch that applies to the same value describes properties or the value itself."""
    return any(
        _SAYS_PROPERTIES & branch.keys() or "type" in branch or "enum" in branch or "const" in branch or _branches_say(branch)
        for name in IN_PLACE
        if name in node
        for branch in _branches(name, node[name])
    )


def _joins(node: JsonObject) -> bool:
    """Whether an object is described by several schemas together, so that none of them may close it alone."""
    if any(name in node for name in ("allOf", "then", "else", "dependentSchemas")):
        return True
    return any(name in node for name in ("anyOf", "oneOf")) and bool(_SAYS_PROPERTIES & node.keys())


def _branches(name: str, value: Json) -> Iterator[JsonObject]:
    found: Sequence[Json]
    if name == "dependentSchemas" and isinstance(value, Mapping):
        found = list(value.values())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        found = value
    else:
        found = [value]
    for one in found:
        if isinstance(one, Mapping):
            yield one


def _nodes(node: Json, path: Path, key: str) -> Iterator[tuple[Path, JsonObject, str]]:
    """Every schema that speaks of a value a path can reach, with that path."""
    if not isinstance(node, Mapping):
        if path.steps and node is not False:
            yield path, {}, key
        return
    yield path, node, key
    for name, value in node.items():
        for further, one, place in _parts(name, value, path, f"{key}.{name}"):
            yield from _nodes(one, further, place)


def _parts(name: str, value: Json, path: Path, key: str) -> Iterator[tuple[Path, Json, str]]:
    """The schemas one keyword holds of values a path can reach, with their paths."""
    if name == "properties" and isinstance(value, Mapping):
        for one, item in value.items():
            yield _step(path, one, f"{key}.{one}"), item, f"{key}.{one}"
    elif name == "items":
        yield path.then(None), value, key
    elif name == "prefixItems" and isinstance(value, Sequence):
        for place, item in enumerate(value):
            yield path.then(None), item, f"{key}[{place}]"
    elif name in IN_PLACE:
        for branch in _branches(name, value):
            yield path, branch, key
    elif name in ONE or name == "patternProperties":
        _verify_unmarked(value, key)


def _step(path: Path, name: str, key: str) -> Path:
    try:
        parsed = parse_path(name)
    except ValueError:
        parsed = Path(())
    if parsed.steps != (name,):
        raise wrong(key, "is a name that no path can reach", "use letters, digits, _ and -, beginning with a letter or _")
    return path.then(name)


def _verify_unmarked(value: Json, key: str) -> None:
    """⚔ A mark where no path leads would look like protection and protect nothing."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name in set(MarkKind):
                raise wrong(f"{key}.{name}", "stands where no path leads", "put it on a property or on items")
            _verify_unmarked(item, f"{key}.{name}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for item in value:
            _verify_unmarked(item, key)


def types_at(schema: JsonObject, path: Path) -> frozenset[str] | None:
    """The JSON types a value at the path may have; None where the schema does not say."""
    found: set[str] = set()
    for at, node, _ in _nodes(schema, Path(()), ""):
        if at == path:
            said = types_of(node)
            if said is not None:
                found |= said
    return frozenset(found) or None


def is_open_at(schema: JsonObject, path: Path) -> bool:
    """Tell whether the path leads into a place the desk left open: an array of anything, an object with any member.

    Tests may reach there; where nothing is they fail like anywhere else.
    """
    steps = path.steps
    for at, node, _ in _nodes(schema, Path(()), ""):
        if len(at.steps) < len(steps) and steps[: len(at.steps)] == at.steps and _is_open(node, steps[len(at.steps)]):
            return True
    return False


def _is_open(node: JsonObject, step: str | None) -> bool:
    if step is not None:
        return node.get("additionalProperties") is True
    described = any(word in node for word in ("items", "prefixItems", "enum", "const", *IN_PLACE))
    types = types_of(node)
    return not described and (types is None or "array" in types)


def types_of(node: Table) -> frozenset[str] | None:
    """The JSON types one schema names itself (`integer` counts as `number`)."""
    kind = node.get("type")
    if isinstance(kind, str):
        return frozenset({"number" if kind == "integer" else kind})
    if isinstance(kind, Sequence):
        return frozenset("number" if one == "integer" else str(one) for one in kind)
    return None
