"""The closed JSON Schema of params: keywords, annotations and the types they imply, references, marks and paths.

Checking a marked value of an ask is for the params plug, its ownership for the backoffice.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from remit.domain.catalogue.model import MarkKind, ParamMark
from remit.domain.catalogue.tables import Table, catalogue_error, plain_json, plain_object
from remit.domain.param_paths import ParamPath, parse_path
from remit.domain.structs import struct
from remit.domain.text.nearest import did_you_mean
from remit.domain.values import Json, JsonObject, is_list

_MONEY_PATTERN: Final = r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,3})? [A-Z]{3}$"
_TEXT_SHAPES: Final = frozenset({"string", "strings", "null"})
_SHAPE_WORDS: Final = ("type", "anyOf", "oneOf", "allOf", "enum", "const")


@struct(frozen=True, kw_only=True)
class DeclaredNames:
    """The names annotations may refer to: declared kinds of record, those without owners, and attributes."""

    resources: frozenset[str]
    attributes: frozenset[str]
    public: frozenset[str] = frozenset()


def apply_annotations(node: JsonObject, key: str) -> JsonObject:
    """Return the schema with the types its annotations imply.

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
            raise catalogue_error(
                f"{key}.x-money",
                "money is one text such as '40.00 EUR'",
                "give it no other type; optional money is left out, not null",
            )
        out.setdefault("pattern", _MONEY_PATTERN)
    return out


def _verify_mark_value(value: Json, kind: MarkKind, key: str) -> None:
    if kind in {MarkKind.ATTRIBUTE, MarkKind.PART, MarkKind.RESOURCE}:
        if not isinstance(value, str):
            raise catalogue_error(key, "must name what it is", "write the declared name in quotes")
    elif value is not True:
        raise catalogue_error(key, "must be true", "write true or leave it out")


def read_mark(node: JsonObject, path: ParamPath, key: str, names: DeclaredNames) -> Iterator[ParamMark]:
    """Yield the marks of one schema. A marked array marks each of its elements.

    Raises:
        Refused: `catalogue.invalid` for an undeclared kind or attribute, or a type the annotation cannot stand on.
    """
    for kind in MarkKind:
        if kind.value not in node:
            continue
        if not path.steps:
            raise catalogue_error(f"{key}.{kind}", "belongs to the params as a whole", "put it on one of them")
        of = _of(node[kind.value], kind, f"{key}.{kind}", names)
        shapes = set(_shapes(node))
        if kind in {MarkKind.PART, MarkKind.RESOURCE, MarkKind.FREE_TEXT} and not shapes <= _TEXT_SHAPES:
            raise catalogue_error(
                f"{key}.{kind}", "belongs to a text or a list of texts", 'write type = "string", or an array of them'
            )
        many = bool(shapes & {"strings", "array"})
        if many and shapes & {"string", "number", "boolean", "object"}:
            raise catalogue_error(f"{key}.{kind}", "belongs to one value or a list", "choose one of both")
        public = kind is MarkKind.RESOURCE and of in names.public
        yield ParamMark(path=path.child(None) if many else path, kind=kind, of=of, public=public)


def _of(value: Json, kind: MarkKind, key: str, names: DeclaredNames) -> str:
    if kind is MarkKind.RESOURCE and value not in names.resources:
        raise catalogue_error(
            key,
            f"no resource {value!r} is declared{did_you_mean(str(value), names.resources)}",
            f"add [resource.{value}] with a title",
        )
    if kind is MarkKind.ATTRIBUTE and value not in names.attributes:
        raise catalogue_error(
            key,
            f"no attribute {value!r} is declared{did_you_mean(str(value), names.attributes)}",
            f'add [attribute."{value}"] with a title',
        )
    return value if isinstance(value, str) else ""


def _shapes(node: JsonObject) -> Iterator[str]:
    """Yield the shapes a marked value can take: JSON types, with `strings` for an array of strings only."""
    kind = node.get("type")
    kinds = [kind] if isinstance(kind, str) else kind if isinstance(kind, Sequence) else []
    for name in kinds:
        yield _list_shape(node) if name == "array" else "number" if name == "integer" else str(name)
    if kinds:
        return
    for combiner in ("allOf", "anyOf", "oneOf"):
        for branch in _listed(node.get(combiner)):
            if isinstance(branch, Mapping):
                yield from _shapes(branch)
    values = [*_listed(node.get("enum")), *([node["const"]] if "const" in node else [])]
    for value in values:
        yield "string" if isinstance(value, str) else "null" if value is None else "other"


def _list_shape(node: JsonObject) -> str:
    items = node.get("items")
    plain = isinstance(items, Mapping) and set(_shapes(items)) == {"string"} and "prefixItems" not in node
    return "strings" if plain else "array"


def _listed(value: Json) -> Sequence[Json]:
    return value if is_list(value) else []


DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

ONE: Final = frozenset({
    "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "then",
    "unevaluatedItems", "unevaluatedProperties",
})  # fmt: skip
"""Keywords that hold one schema."""

SEVERAL: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
"""Keywords that hold a list of schemas."""

NAMED: Final = frozenset({"dependentSchemas", "patternProperties", "properties"})
"""Keywords that hold schemas by name (`$defs` is resolved before)."""

IN_PLACE: Final = ("allOf", "anyOf", "oneOf", "then", "else", "dependentSchemas")
"""Keywords whose schemas describe the same value."""

NEGATIVE: Final = frozenset({"contains", "contentSchema", "if", "not", "propertyNames"})
"""Keywords whose schemas see no object, or where a stricter schema can let more through."""

_PLAIN: Final = frozenset({
    "const", "contentEncoding", "contentMediaType", "dependentRequired", "enum", "exclusiveMaximum",
    "exclusiveMinimum", "maxContains", "maxItems", "maxLength", "maxProperties", "maximum", "minContains", "minItems",
    "minLength", "minProperties", "minimum", "multipleOf", "pattern", "required", "type", "uniqueItems",
})  # fmt: skip
_ANNOTATIONS: Final = frozenset(
    {"$comment", "default", "deprecated", "description", "examples", "format", "readOnly", "title", "writeOnly"}
)
_REFERENCES: Final = frozenset({"$defs", "$ref", "$schema"})
_NOT_HERE: Final = frozenset({"$anchor", "$dynamicAnchor", "$dynamicRef", "$id", "$vocabulary"})
_MARKS: Final = frozenset(kind.value for kind in MarkKind)
_KNOWN: Final = ONE | SEVERAL | NAMED | _PLAIN | _ANNOTATIONS | _REFERENCES | _MARKS
_TYPES: Final = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})


def verify_keywords(node: JsonObject, key: str, *, root: bool) -> None:
    """Verify that a schema uses known words in their right places.

    Raises:
        Refused: `catalogue.invalid`.

    Source: docs/model/model.md#params.
    """
    for name in node:
        if name in _NOT_HERE:
            raise catalogue_error(f"{key}.{name}", "is not used here", "refer to definitions by #/$defs/name only")
        if name not in _KNOWN:
            raise catalogue_error(
                f"{key}.{name}",
                "is no keyword of JSON Schema 2020-12 and no annotation of ours",
                "correct or remove it",
            )
    if not root and ("$defs" in node or "$schema" in node):
        raise catalogue_error(key, "$defs and $schema belong at the top of the params only", "move them there")
    if node.get("$schema", DIALECT) != DIALECT:
        raise catalogue_error(f"{key}.$schema", "is another dialect", f'remove it or write "{DIALECT}"')
    _verify_type(node.get("type", "object"), f"{key}.type")
    required = node.get("required", [])
    if not is_list(required) or not all(isinstance(name, str) for name in required):
        raise catalogue_error(f"{key}.required", "must be a list of names", 'write it as ["order_id"]')
    _verify_required(node, required, key)


def _verify_type(kind: Json, key: str) -> None:
    kinds = [kind] if isinstance(kind, str) else kind
    if not isinstance(kinds, Sequence) or not kinds or not all(isinstance(one, str) and one in _TYPES for one in kinds):
        raise catalogue_error(key, "is no JSON type", f"write one of {', '.join(sorted(_TYPES))}")


def _verify_required(node: JsonObject, required: Sequence[Json], key: str) -> None:
    """Refuse a required name without a description: the object is closed, so it could never be given."""
    properties = node.get("properties")
    if not isinstance(properties, Mapping) or node.get("additionalProperties", False) is not False:
        return
    if any(name in node for name in (*IN_PLACE, "patternProperties", "unevaluatedProperties", "$ref")):
        return
    for name in required:
        if name not in properties:
            raise catalogue_error(
                f"{key}.required",
                f"names {name!r}, which is not described",
                "describe it under properties or remove it",
            )


def subschemas(name: str, value: Json, change: Callable[[JsonObject], JsonObject]) -> Json:
    """Return the value of a keyword with every schema in it changed."""
    if name in ONE:
        opening = name in {"additionalProperties", "unevaluatedProperties", "unevaluatedItems"}
        return _changed(value, change, opening=opening)
    if name in SEVERAL and isinstance(value, Sequence):
        return [_changed(item, change) for item in value]
    if name in NAMED and isinstance(value, Mapping):
        return {member: _changed(item, change) for member, item in value.items()}
    return value


def _changed(node: Json, change: Callable[[JsonObject], JsonObject], *, opening: bool = False) -> Json:
    """Change one schema; `true` means "anything" and is closed like it, except where it opens explicitly."""
    if node is True and not opening:
        return change({})
    return change(node) if isinstance(node, Mapping) else node


_HARMLESS_BESIDE_REF: Final = frozenset({"title", "description", "$comment", "default", "examples", "type"})
_MAX_NODES: Final = 4000
_DEEPEST: Final = 24
_SAYS_PROPERTIES: Final = frozenset(
    {"properties", "patternProperties", "additionalProperties", "unevaluatedProperties"}
)
_CLOSERS: Final = ("additionalProperties", "unevaluatedProperties")


@struct(frozen=True, kw_only=True)
class ParamsSchema:
    """A closed schema without references, its marks, and all its parameter paths as texts."""

    schema: JsonObject
    marks: tuple[ParamMark, ...]
    declared: frozenset[str]


def read_params(raw: object, *, key: str, names: DeclaredNames) -> ParamsSchema:
    """Read the params of one action.

    Raises:
        Refused: `catalogue.invalid` for unknown keywords or annotations, undeclared kinds or attributes, names that no
            path can reach, references that are not local or go in circles.

    Source: docs/model/model.md#params.
    """
    given = plain_object(raw, key)
    if given.get("type", "object") != "object":
        raise catalogue_error(f"{key}.type", "params are an object", 'remove it or write "object"')
    given = {"type": "object", **given}
    inlined = _Inliner(given, key).schema()
    shut = _close(inlined)
    found = list(_nodes(shut, ParamPath(()), key))
    marks = tuple(mark for path, node, place in found for mark in read_mark(node, path, place, names))
    _verify_parts(marks, key)
    return ParamsSchema(
        schema=shut,
        marks=tuple(dict.fromkeys(marks)),
        declared=frozenset(str(path) for path, _, _ in found if path.steps),
    )


def _verify_parts(marks: Sequence[ParamMark], key: str) -> None:
    """Verify that each part of a record stands beside a param naming that one record."""
    records = {str(mark.path) for mark in marks if mark.kind is MarkKind.RESOURCE and not mark.path.has_wildcard}
    for mark in marks:
        if mark.kind is MarkKind.PART and mark.of not in records:
            problem = f"{mark.of!r} is no param that names one record"
            raise catalogue_error(
                f"{key}.{mark.path.steps[0]}.{mark.kind}",
                problem,
                "name a param of this action that has x-resource and is no list",
            )


class _Inliner:
    """Copies a schema, verifies keywords and inlines each local `$ref`, so that each use is closed in place."""

    def __init__(self, root: JsonObject, key: str) -> None:
        self._root = root
        self._key = key
        self._left = _MAX_NODES

    def schema(self) -> JsonObject:
        out = self._read(self._root, self._key, ())
        if not isinstance(out, Mapping):
            raise catalogue_error(self._key, "must be an object schema", "describe the params")
        return {name: value for name, value in out.items() if name not in {"$defs", "$schema"}}

    def _read(self, node: Json, key: str, refs: tuple[str, ...]) -> Json:
        self._left -= 1
        if self._left < 0 or key.count(".") > _DEEPEST * 2:
            raise catalogue_error(key, "the schema is too large or too deep", "describe fewer or flatter params")
        if isinstance(node, bool):
            return node
        if not isinstance(node, Mapping):
            raise catalogue_error(key, "must be a schema", "write a table such as { type = 'string' }")
        verify_keywords(node, key, root=not refs and node is self._root)
        if "$ref" in node:
            return self._resolved(node, key, refs)
        out: dict[str, Json] = {}
        for name, value in node.items():
            if name != "$defs":
                out[name] = self._keyword(name, value, f"{key}.{name}", refs)
        return apply_annotations(out, key)

    def _keyword(self, name: str, value: Json, key: str, refs: tuple[str, ...]) -> Json:
        if name in ONE:
            return self._read(value, key, refs)
        if name in SEVERAL:
            if not is_list(value) or not value:
                raise catalogue_error(key, "must be a list of schemas", "write at least one")
            return [self._read(item, f"{key}[{place}]", refs) for place, item in enumerate(value)]
        if name in {"properties", "patternProperties", "dependentSchemas"}:
            if not isinstance(value, Mapping):
                raise catalogue_error(key, "must be a table of schemas", "write name = schema")
            return {member: self._read(item, f"{key}.{member}", refs) for member, item in value.items()}
        return plain_json(value, key)

    def _resolved(self, node: JsonObject, key: str, refs: tuple[str, ...]) -> Json:
        ref = node["$ref"]
        definitions = self._root.get("$defs")
        local = isinstance(ref, str) and ref.startswith("#/$defs/")
        name = ref.removeprefix("#/$defs/") if isinstance(ref, str) else ""
        if not local or not isinstance(definitions, Mapping) or name not in definitions:
            raise catalogue_error(
                f"{key}.$ref",
                "points nowhere in these params",
                "refer to an entry of this schema's own $defs: #/$defs/name",
            )
        if name in refs:
            raise catalogue_error(f"{key}.$ref", "goes in a circle", "describe params of bounded depth")
        target = self._read(definitions[name], f"{key}.$defs.{name}", (*refs, name))
        rest = {keyword: value for keyword, value in node.items() if keyword not in {"$ref", "$defs"}}
        if not rest:
            return target
        beside = self._read(rest, key, (*refs, name))
        if not isinstance(target, Mapping) or not isinstance(beside, Mapping):
            return target
        shared = target.keys() & beside.keys()
        if shared <= _HARMLESS_BESIDE_REF and not ("type" in target and "type" in rest):
            return {**beside, **target, **{keyword: value for keyword, value in rest.items() if keyword != "type"}}
        return {"allOf": [target, beside]}


def _close(node: JsonObject) -> JsonObject:
    """Close every object that does not say otherwise, where closing it can only refuse more.

    Nothing is closed under `not`, `if` or `contains`: ⚔ a stricter schema there would let more through. Where
    branches describe one object together, the outer object is closed by `unevaluatedProperties`.
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
            out[name] = subschemas(name, value, _close)
    return out


def _may_be_open(node: JsonObject) -> bool:
    if any(name in node for name in _CLOSERS) or "enum" in node or "const" in node:
        return False
    kind = node.get("type")
    return kind is None or kind == "object" or (is_list(kind) and "object" in kind)


def _branches_say(node: JsonObject) -> bool:
    """Return whether a branch on the same value describes properties or the value itself."""
    return any(
        _SAYS_PROPERTIES & branch.keys()
        or "type" in branch
        or "enum" in branch
        or "const" in branch
        or _branches_say(branch)
        for name in IN_PLACE
        if name in node
        for branch in _branches(name, node[name])
    )


def _joins(node: JsonObject) -> bool:
    """Return whether several schemas describe the object together, so that none of them may close it alone."""
    if any(name in node for name in ("allOf", "then", "else", "dependentSchemas")):
        return True
    return any(name in node for name in ("anyOf", "oneOf")) and bool(_SAYS_PROPERTIES & node.keys())


def _branches(name: str, value: Json) -> Iterator[JsonObject]:
    many = list(value.values()) if name == "dependentSchemas" and isinstance(value, Mapping) else value
    for branch in many if is_list(many) else [many]:
        if isinstance(branch, Mapping):
            yield branch


def _nodes(node: Json, path: ParamPath, key: str) -> Iterator[tuple[ParamPath, JsonObject, str]]:
    """Yield every schema of a value that a path can reach, with that path."""
    if not isinstance(node, Mapping):
        if path.steps and node is not False:
            yield path, {}, key
        return
    yield path, node, key
    for name, value in node.items():
        for further, schema, place in _parts(name, value, path, f"{key}.{name}"):
            yield from _nodes(schema, further, place)


def _parts(name: str, value: Json, path: ParamPath, key: str) -> Iterator[tuple[ParamPath, Json, str]]:
    """Yield one keyword's schemas of values that a path can reach, with their paths."""
    if name == "properties" and isinstance(value, Mapping):
        for member, item in value.items():
            yield _step(path, member, f"{key}.{member}"), item, f"{key}.{member}"
    elif name == "items":
        yield path.child(None), value, key
    elif name == "prefixItems" and isinstance(value, Sequence):
        for place, item in enumerate(value):
            yield path.child(None), item, f"{key}[{place}]"
    elif name in IN_PLACE:
        for branch in _branches(name, value):
            yield path, branch, key
    elif name in ONE or name == "patternProperties":
        _verify_unmarked(value, key)


def _step(path: ParamPath, name: str, key: str) -> ParamPath:
    try:
        parsed = parse_path(name)
    except ValueError:
        parsed = ParamPath(())
    if parsed.steps != (name,):
        raise catalogue_error(
            key, "is a name that no path can reach", "use letters, digits, _ and -, beginning with a letter or _"
        )
    return path.child(name)


def _verify_unmarked(value: Json, key: str) -> None:
    """Refuse marks where no path leads. ⚔ They would look like protection and protect nothing."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if name in set(MarkKind):
                raise catalogue_error(
                    f"{key}.{name}", "is at a place that no path reaches", "put it on a property or on items"
                )
            _verify_unmarked(item, f"{key}.{name}")
    elif is_list(value):
        for item in value:
            _verify_unmarked(item, key)


def types_at(schema: JsonObject, path: ParamPath) -> frozenset[str] | None:
    """Return the JSON types a value at the path may have; None where the schema does not say."""
    found: set[str] = set()
    for at, node, _ in _nodes(schema, ParamPath(()), ""):
        if at == path:
            found |= types_of(node) or set()
    return frozenset(found) or None


def is_open_at(schema: JsonObject, path: ParamPath) -> bool:
    """Return whether the path leads into a place left open: an array of anything, an object with any member.

    Conditions may reach there; where no value is they fail like anywhere else.
    """
    steps = path.steps
    return any(
        len(at.steps) < len(steps) and steps[: len(at.steps)] == at.steps and _is_open(node, steps[len(at.steps)])
        for at, node, _ in _nodes(schema, ParamPath(()), "")
    )


def _is_open(node: JsonObject, step: str | None) -> bool:
    if step is not None:
        return node.get("additionalProperties") is True
    described = any(word in node for word in ("items", "prefixItems", "enum", "const", *IN_PLACE))
    types = types_of(node)
    return not described and (types is None or "array" in types)


def types_of(node: Table) -> frozenset[str] | None:
    """Return the JSON types one schema names itself (`integer` counts as `number`)."""
    kind = node.get("type")
    if isinstance(kind, str):
        return frozenset({"number" if kind == "integer" else kind})
    if isinstance(kind, Sequence):
        return frozenset("number" if name == "integer" else str(name) for name in kind)
    return None
