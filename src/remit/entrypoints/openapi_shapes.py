"""The pieces an OpenAPI description is put together from: parameters, bodies, and what every kind of door may refuse with."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

import msgspec

Shape: TypeAlias = Mapping[str, Any]

TEXT: Final[Shape] = {"type": "string"}
INTEGER: Final[Shape] = {"type": "integer"}
FLAG: Final[Shape] = {"type": "boolean"}
TEXTS: Final[Shape] = {"type": "array", "items": TEXT}
ANYTHING: Final[Shape] = {"type": "object"}
ANYTHINGS: Final[Shape] = {"type": "array", "items": ANYTHING}

JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"
FORM: Final = "application/x-www-form-urlencoded"
PLAIN: Final = "text/plain"
HTML: Final = "text/html"
BYTES: Final = "application/octet-stream"

_PLACEHOLDER: Final = re.compile(r"\{([a-z]+)\}")
_PROBLEM: Final[Shape] = {
    "description": "Refused, with what would cure it",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_OAUTH_ERROR: Final[Shape] = {
    "description": "OAuth's own error JSON, with `code` and `cure` beside it",
    "content": {JSON: {"schema": {"$ref": "#/components/schemas/OAuthError"}}},
}


def operation(path: str, summary: str, responses: Shape, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # OpenAPI's own members
    """One operation; the placeholders of its path become parameters before those in `more`."""
    parameters = [
        *({"name": name, "in": "path", "required": True, "schema": TEXT} for name in _PLACEHOLDER.findall(path)),
        *more.pop("parameters", ()),
    ]
    return {"summary": summary, **({"parameters": parameters} if parameters else {}), **more, "responses": dict(responses)}


def asked(name: str, schema: Shape = TEXT) -> Shape:
    """A query parameter."""
    return {"name": name, "in": "query", "schema": schema}


def header(name: str, description: str, *, required: bool) -> Shape:
    """A header parameter."""
    return {"name": name, "in": "header", "required": required, "schema": TEXT, "description": description}


def body(media_type: str, schema: Shape, *, required: bool = True) -> Shape:
    """A request body."""
    return {"required": required, "content": {media_type: {"schema": schema}}}


def members(properties: Shape, required: Iterable[str] = ()) -> Shape:
    """An object with these members."""
    needed = list(required)
    return {"type": "object", "properties": properties, **({"required": needed} if needed else {})}


def told(description: str, schema: Shape | None = None, media_type: str = JSON) -> Shape:
    """An answer that is no refusal."""
    return {
        "description": description,
        "content": {media_type: {"schema": TEXT if schema is None and media_type != JSON else schema or {}}},
    }


def problems(*statuses: int) -> dict[str, Shape]:
    """Problem details (RFC 9457) under each of these statuses."""
    return {str(status): _PROBLEM for status in statuses}


def oauth_errors(*statuses: int) -> dict[str, Shape]:
    """OAuth errors (RFC 6749 §5.2) under each of these statuses."""
    return {str(status): _OAUTH_ERROR for status in statuses}


def struct(kind: type[msgspec.Struct]) -> Shape:
    """The schema of a body as the door itself reads it. Bodies of people's doors hold no other structs."""
    named: dict[str, Any] = msgspec.json.schema(kind)["$defs"]
    found: Shape = named[kind.__name__]
    return {name: value for name, value in found.items() if name != "title"}
