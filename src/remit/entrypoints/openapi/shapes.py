"""The pieces of an OpenAPI description: parameters, bodies, and the refusals of every kind of endpoint."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from remit.domain.errors import MEANINGS, Code
from remit.entrypoints.http import wire_answers as answers
from remit.entrypoints.http.replies import STATUS
from remit.entrypoints.http.wire import AskBody

Shape: TypeAlias = Mapping[str, Any]
Struct: TypeAlias = type[msgspec.Struct]

TEXT: Final[Shape] = {"type": "string"}
OBJECT: Final[Shape] = {"type": "object"}
PROOF: Final = "A fresh RFC 9449 proof of this very request"
JSON: Final = "application/json"
EVENTS: Final = "text/event-stream"
FORM: Final = "application/x-www-form-urlencoded"
PLAIN: Final = "text/plain"
HTML: Final = "text/html"
BYTES: Final = "application/octet-stream"

_PLACEHOLDER: Final = re.compile(r"\{([a-z]+)\}")
_CODES: Final = {
    "enum": [code.value for code in Code],
    "x-meanings": {
        code.value: {"status": STATUS[code], "title": MEANINGS[code].title, "cure": MEANINGS[code].cure}
        for code in Code
    },
}


class Problem(msgspec.Struct, frozen=True):
    """A refusal or fault with its cure (RFC 9457)."""

    type: str
    code: Annotated[str, Meta(extra_json_schema=_CODES)]
    title: str
    status: int
    detail: str
    cure: str
    retry_after_s: int | UnsetType = UNSET
    decision: answers.Text = UNSET
    codes: answers.Texts = UNSET
    ask: answers.Text = UNSET
    receipt: answers.Receipt | UnsetType = UNSET
    transaction_challenge: answers.Text = UNSET


_REF: Final = "#/components/schemas/{name}"
_NAMED: Final = (
    *(AskBody, answers.Reply, answers.Task, answers.Ended, answers.Inbox, answers.Pushed, answers.TokenResponse),
    *(
        answers.BackchannelStarted,
        answers.TransactionPending,
        answers.TransactionToken,
        answers.Introspected,
        answers.OAuthError,
        Problem,
    ),
)
_, SCHEMAS = msgspec.json.schema_components(_NAMED, ref_template=_REF)


def operation(path: str, summary: str, responses: Shape, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # OpenAPI's own members
    """Build an operation; the placeholders of its path become parameters before those in `more`."""
    parameters = [
        *({"name": name, "in": "path", "required": True, "schema": TEXT} for name in _PLACEHOLDER.findall(path)),
        *more.pop("parameters", ()),
    ]
    return {
        "summary": summary,
        **({"parameters": parameters} if parameters else {}),
        **more,
        "responses": dict(responses),
    }


def query_parameter(name: str, schema: Shape = TEXT) -> Shape:
    """Build a query parameter."""
    return {"name": name, "in": "query", "schema": schema}


def header_parameter(name: str, description: str, *, required: bool) -> Shape:
    """Build a header parameter."""
    return {"name": name, "in": "header", "required": required, "schema": TEXT, "description": description}


DPOP: Final = header_parameter("DPoP", PROOF, required=True)


def request_body(media_type: str, schema: Shape | Struct, *, required: bool = True) -> Shape:
    """Build a request body."""
    return {"required": required, "content": {media_type: {"schema": _schema(schema)}}}


def form(required: Iterable[str], optional: Iterable[str] = (), **known: Shape) -> Shape:
    """Build a form of texts; `known` describes single members."""
    needed = list(required)
    return {"type": "object", "properties": {**dict.fromkeys((*needed, *optional), TEXT), **known}, "required": needed}


def response(description: str, schema: Shape | Struct | None = None, media_type: str = JSON) -> Shape:
    """Build an answer that is no refusal."""
    plain: Shape = {} if media_type in {JSON, EVENTS} else TEXT  # a schema of events describes each, not the stream
    return {
        "description": description,
        "content": {media_type: {"schema": plain if schema is None else _schema(schema)}},
    }


def problems(*statuses: int) -> dict[str, Shape]:
    """Build problem details (RFC 9457) under each of these statuses."""
    return dict.fromkeys(
        map(str, statuses), response("Refused, with what would cure it", Problem, "application/problem+json")
    )


def oauth_errors(*statuses: int) -> dict[str, Shape]:
    """Build OAuth errors (RFC 6749 §5.2) under each of these statuses."""
    return dict.fromkeys(
        map(str, statuses), response("OAuth's own error JSON, with `code` and `cure` beside it", answers.OAuthError)
    )


def pages(*statuses: int) -> dict[str, Shape]:
    """Build refusals as pages under each of these statuses."""
    return dict.fromkeys(map(str, statuses), response("A refusal in plain words", None, HTML))


def inlined(kind: Struct) -> Shape:
    """Return the schema of a body with the structs in it, as its endpoint reads it."""
    return _untitled(kind.__name__, msgspec.json.schema(kind)["$defs"])


def _untitled(name: str, known: Mapping[str, Shape]) -> dict[str, Any]:
    return {member: _resolved(value, known) for member, value in known[name].items() if member != "title"}


def _resolved(value: Any, known: Mapping[str, Shape]) -> Any:  # noqa: ANN401  # JSON Schema
    if isinstance(value, list):
        return [_resolved(one, known) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _untitled(value["$ref"].rpartition("/")[2], known)
    return {name: _resolved(one, known) for name, one in value.items()}


def _schema(schema: Shape | Struct) -> Shape:
    return {"$ref": _REF.format(name=schema.__name__)} if isinstance(schema, type) else schema
