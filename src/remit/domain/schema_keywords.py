"""The words of JSON Schema 2020-12 that the desk may use, and which of them hold schemas.

Not what they validate: that is for the params plug.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from remit.domain.catalogue import MarkKind
from remit.domain.catalogue_tables import wrong
from remit.domain.values import Json, JsonObject

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

ONE: Final = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
"""Keywords that hold one schema."""

SEVERAL: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
"""Keywords that hold a list of schemas."""

NAMED: Final = frozenset({"dependentSchemas", "patternProperties", "properties"})
"""Keywords that hold schemas by name (`$defs` is resolved before)."""

IN_PLACE: Final = ("allOf", "anyOf", "oneOf", "then", "else", "dependentSchemas")
"""Keywords whose schemas describe the same value."""

NEGATIVE: Final = frozenset({"contains", "contentSchema", "if", "not", "propertyNames"})
"""Keywords under which a stricter schema can let more through, or that see no object."""

_PLAIN: Final = frozenset(
    {
        "const",
        "contentEncoding",
        "contentMediaType",
        "dependentRequired",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxContains",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minContains",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "pattern",
        "required",
        "type",
        "uniqueItems",
    }
)
_ANNOTATIONS: Final = frozenset(
    {"$comment", "default", "deprecated", "description", "examples", "format", "readOnly", "title", "writeOnly"}
)
_REFERENCES: Final = frozenset({"$defs", "$ref", "$schema"})
_NOT_HERE: Final = frozenset({"$anchor", "$dynamicAnchor", "$dynamicRef", "$id", "$vocabulary"})
_MARKS: Final = frozenset(kind.value for kind in MarkKind)
_KNOWN: Final = ONE | SEVERAL | NAMED | _PLAIN | _ANNOTATIONS | _REFERENCES | _MARKS
_TYPES: Final = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})


def verify_keywords(node: JsonObject, key: str, *, root: bool) -> None:
    """Check that a schema uses known words in their right places.

    Raises:
        Refused: `catalogue.invalid`.

    Source: docs/model/model.md#params.
    """
    for name in node:
        if name in _NOT_HERE:
            raise wrong(f"{key}.{name}", "is not used here", "refer to definitions by #/$defs/name only")
        if name not in _KNOWN:
            raise wrong(f"{key}.{name}", "is no keyword of JSON Schema 2020-12 and no annotation of ours", "correct or remove it")
    if not root and ("$defs" in node or "$schema" in node):
        raise wrong(key, "$defs and $schema stand at the top of the params only", "move them there")
    if node.get("$schema", DIALECT) != DIALECT:
        raise wrong(f"{key}.$schema", "is another dialect", f'remove it or write "{DIALECT}"')
    _verify_type(node.get("type", "object"), f"{key}.type")
    required = node.get("required", [])
    if not isinstance(required, Sequence) or isinstance(required, str) or not all(isinstance(name, str) for name in required):
        raise wrong(f"{key}.required", "must be a list of names", 'write it as ["order_id"]')
    _verify_required(node, required, key)


def _verify_type(kind: Json, key: str) -> None:
    kinds = [kind] if isinstance(kind, str) else kind
    if not isinstance(kinds, Sequence) or not kinds or not all(isinstance(one, str) and one in _TYPES for one in kinds):
        raise wrong(key, "is no JSON type", f"write one of {', '.join(sorted(_TYPES))}")


def _verify_required(node: JsonObject, required: Sequence[Json], key: str) -> None:
    """A required name that is not described could never be given: the object is closed."""
    properties = node.get("properties")
    if not isinstance(properties, Mapping) or node.get("additionalProperties", False) is not False:
        return
    if any(name in node for name in (*IN_PLACE, "patternProperties", "unevaluatedProperties", "$ref")):
        return
    for name in required:
        if name not in properties:
            raise wrong(f"{key}.required", f"names {name!r}, which is not described", "describe it under properties or remove it")


def subschemas(name: str, value: Json, change: Callable[[JsonObject], JsonObject]) -> Json:
    """The value of a keyword with every schema in it changed."""
    if name in ONE:
        return _changed(value, change, opening=name in {"additionalProperties", "unevaluatedProperties", "unevaluatedItems"})
    if name in SEVERAL and isinstance(value, Sequence):
        return [_changed(item, change) for item in value]
    if name in NAMED and isinstance(value, Mapping):
        return {one: _changed(item, change) for one, item in value.items()}
    return value


def _changed(node: Json, change: Callable[[JsonObject], JsonObject], *, opening: bool = False) -> Json:
    """One schema changed; `true` means "anything" and is closed like it, except where it says "open" itself."""
    if node is True and not opening:
        return change({})
    return change(node) if isinstance(node, Mapping) else node
