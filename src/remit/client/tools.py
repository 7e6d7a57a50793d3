"""Tools for a model: the granted actions as tool definitions, and a model's tool call as the arguments of an ask.

Plain JSON, no SDK. A definition is no permission: the desk decides each ask, and what a definition cannot say (amounts,
sums, order of steps, owners, words) it refuses with a cure.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Literal, TypeAlias, TypedDict

from remit.client.agent import Mandate
from remit.client.errors import Miswritten, ProtocolError
from remit.client.json_fields import decode
from remit.client.values import Json
from remit.proof.granted_actions import GrantedAction, granted_actions, tool_names
from remit.proof.narrow_schema import Schema, members, texts, without_marks

Style: TypeAlias = Literal["openai", "openai-chat", "anthropic", "gemini", "mcp"]
"""`openai`: the Responses API; `openai-chat`: Chat Completions."""
_WORDS: Final = "words"
_WORDS_SCHEMA: Final[Schema] = {
    "type": "string",
    "description": (
        "Optional message to the desk's staff, in the customer's name. It must say no more than this call asks for: "
        "reasons and circumstances only."
    ),
}
_AT_TOP: Final = ("allOf", "anyOf", "not", "oneOf")
"""Keywords that several vendors refuse at the top of a tool's parameters."""
_STRICT: Final = frozenset({
    "additionalProperties", "anyOf", "const", "description", "enum", "exclusiveMaximum", "exclusiveMinimum", "format",
    "items", "maxItems", "maximum", "minItems", "minimum", "multipleOf", "pattern", "properties", "required", "title",
    "type",
})  # fmt: skip
"""Keywords of strict mode (structured outputs) at OpenAI."""
_DROPPED: Final = frozenset({"maxLength", "minLength", "uniqueItems"})
"""Keywords that strict mode does not take, and that can be left out: the desk checks them."""
_GEMINI: Final = frozenset({
    "additionalProperties", "anyOf", "description", "enum", "format", "items", "maxItems", "maximum", "minItems",
    "minimum", "oneOf", "prefixItems", "properties", "required", "title", "type",
})  # fmt: skip
"""Keywords of `parametersJsonSchema` that Gemini documents."""


class AskArguments(TypedDict):
    """Arguments of `task.ask`: `await task.ask(**ask_arguments(call, catalogue))`."""

    action: str
    params: dict[str, Json]
    words: str | None


def tools(mandate: Mandate | Mapping[str, Json], catalogue: Json, *, style: Style = "openai") -> list[dict[str, Json]]:
    """Return a tool definition for each action that a mandate grants, in the form that a model API takes.

    `mandate` is a granted mandate or its `remit_mandate` object, `catalogue` the answer of `agent.catalogue()`. Schemas
    are JSON Schema 2020-12, narrowed by the mandate's records and tests. `openai` and `openai-chat` are strict wherever
    a schema can be: every param is then required, and an optional one may be null.

    Raises:
        Miswritten: `mandate.invalid` for a mandate known only by its id, `request.malformed` for anything else that is
            no mandate, catalogue or style.
    """
    form = _FORMS.get(style)
    if form is None or not isinstance(catalogue, Mapping):
        raise _unreadable(f"a catalogue and a style of {', '.join(_FORMS)} are needed.")
    names = tool_names(catalogue)
    return [form(names[one.name], one, _schema(one, catalogue)) for one in granted_actions(_wire(mandate), catalogue)]


def ask_arguments(call: Mapping[str, object], catalogue: Json) -> AskArguments:
    """Return the arguments of `task.ask` for a tool call of a model, in the form of any of the styles.

    Members that are null, as strict mode wants of an optional param, are left out where the action takes no null.

    Raises:
        Miswritten: `action.unknown` for a name that is no tool of this catalogue, `params.invalid` for arguments that
            are no JSON object. Answer the model with its `cure`; nothing was sent.
    """
    if not isinstance(catalogue, Mapping):
        raise _unreadable("a catalogue is needed.")
    name, given = _called(call)
    action = next((action for action, tool in tool_names(catalogue).items() if tool == name), None)
    if action is None:
        raise Miswritten(
            "action.unknown", detail=f"there is no tool {name[:80]!r}.", cure="Call one of the tools given."
        )
    schema = _object(_object(_object(catalogue.get("actions")).get(action)).get("params"))
    words = given.pop(_WORDS, None) if _WORDS not in members(schema) else None
    params = {key: value for key, value in given.items() if value is not None or _takes_null(schema, key)}
    return AskArguments(action=action, params=params, words=words if isinstance(words, str) and words else None)


def _wire(mandate: Mandate | Mapping[str, Json]) -> Mapping[str, Json]:
    if isinstance(mandate, Mandate):
        granted = [one for one in mandate.authorization_details if one.get("type") == "remit_mandate"]
        if not granted:
            raise Miswritten(
                "mandate.invalid",
                detail="only the id of this mandate is known.",
                cure="Keep `authorization_details` of the granted mandate, and give that.",
            )
        return granted[0]
    given: object = mandate  # whatever it is: callers are not all typed
    if not isinstance(given, Mapping) or given.get("type") != "remit_mandate":
        raise _unreadable("a `remit_mandate` object is needed.")
    return mandate


def _schema(action: GrantedAction, catalogue: Mapping[str, object]) -> Schema:
    """Return the parameters of a tool: the action's, and the words where they may go along."""
    records = {kind: str(_object(one).get("title", kind)) for kind, one in _object(catalogue.get("resources")).items()}
    schema = without_marks({"properties": {}, **action.schema}, records)
    if not action.may_speak or _WORDS in members(schema) or action.name.startswith("case."):
        return schema
    return {**schema, "properties": {**members(schema), _WORDS: _WORDS_SCHEMA}}


def _description(action: GrantedAction) -> str:
    parts = [f"{action.title}."]
    if action.told:
        parts.append(f"Returns {', '.join(action.told)}.")
    if action.confirmed_by:
        parts.append(
            "Persons confirm each call on the desk's own page before anything is done; never claim that they did."
        )
    if not action.reads and not action.reversible:
        parts.append("It cannot be undone.")
    return " ".join([*parts, *action.limits])


def _openai(name: str, action: GrantedAction, schema: Schema) -> dict[str, Json]:
    strict = _strict(_flat(schema))
    parameters = _flat(schema) if strict is None else strict
    return {
        "type": "function",
        "name": name,
        "description": _description(action),
        "parameters": _json(parameters),
        "strict": strict is not None,
    }


def _openai_chat(name: str, action: GrantedAction, schema: Schema) -> dict[str, Json]:
    made = _openai(name, action, schema)
    return {"type": made.pop("type"), "function": made}


def _anthropic(name: str, action: GrantedAction, schema: Schema) -> dict[str, Json]:
    return {"name": name, "description": _description(action), "input_schema": _json(_flat(schema))}


def _gemini(name: str, action: GrantedAction, schema: Schema) -> dict[str, Json]:
    return {
        "name": name,
        "description": _description(action),
        "parametersJsonSchema": _json(_only(_constants(_flat(schema)), _GEMINI)),
    }


def _mcp(name: str, action: GrantedAction, schema: Schema) -> dict[str, Json]:
    return {
        "name": name,
        "title": action.title,
        "description": _description(action),
        "inputSchema": _json(schema),
        "annotations": {
            "readOnlyHint": action.reads,
            "destructiveHint": not action.reads and not action.reversible,
            "openWorldHint": False,
        },
    }


_FORMS: Final[Mapping[str, Callable[[str, GrantedAction, Schema], dict[str, Json]]]] = {
    "openai": _openai,
    "openai-chat": _openai_chat,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "mcp": _mcp,
}


def _flat(schema: Schema) -> Schema:
    """Return the schema without combinations at the top, which several vendors refuse there: it then allows more."""
    return {name: value for name, value in schema.items() if name not in _AT_TOP}


def _strict(schema: Schema) -> Schema | None:
    """Return the schema by the rules of strict mode; None where it cannot be said that way.

    Each object is closed and requires each of its members; an optional one may be null.
    """
    node = {name: value for name, value in schema.items() if name not in _DROPPED}
    if not node.keys() <= _STRICT:
        return None
    if "type" not in node and all(isinstance(one, str) for one in _list(node.get("enum")) or [None]):
        node["type"] = "string"
    if isinstance(node.get("items"), Mapping):
        node["items"] = _strict(_object(node["items"]))
    if "anyOf" in node:
        node["anyOf"] = [_strict(_object(one)) for one in _list(node["anyOf"])]
    if node.get("type") == "object" or "properties" in node:
        if node.get("additionalProperties") is not False:
            return None
        required = texts(node.get("required"))
        described = {name: _strict(_object(item)) for name, item in members(node).items()}
        if None in described.values():
            return None
        node["properties"] = {
            name: item if name in required else _nullable(item) for name, item in described.items() if item is not None
        }
        node["required"] = list(described)
    return None if node.get("items", {}) is None or None in _list(node.get("anyOf")) else node


def _nullable(schema: Schema) -> Schema:
    kind = schema.get("type")
    if isinstance(kind, str) and not {"const", "enum"} & schema.keys():
        return {**schema, "type": [kind, "null"]}
    return schema if "null" in texts(kind) else {"anyOf": [schema, {"type": "null"}]}


def _constants(node: object) -> Schema:
    """Return a schema with each constant as a list of one value."""

    def changed(value: object) -> object:
        if isinstance(value, Mapping):
            plain = {name: changed(item) for name, item in value.items() if name != "const"}
            return {**plain, "enum": [value["const"]]} if "const" in value else plain
        return [changed(item) for item in value] if isinstance(value, (list, tuple)) else value

    return _object(changed(node))


def _only(node: Schema, known: frozenset[str]) -> Schema:
    """Return a schema with known keywords alone: it then allows more."""
    out: dict[str, object] = {}
    for name, value in node.items():
        if name not in known:
            continue
        if name == "properties":
            out[name] = {member: _only(_object(item), known) for member, item in members(node).items()}
        elif name in {"anyOf", "oneOf", "prefixItems"}:
            out[name] = [_only(_object(item), known) for item in _list(value)]
        else:
            out[name] = _only(value, known) if isinstance(value, Mapping) else value
    return out


def _called(call: Mapping[str, object]) -> tuple[str, dict[str, Json]]:
    """Return the name and the arguments of a tool call in the form of any style.

    Raises:
        Miswritten: `params.invalid`.
    """
    inner = next(_inner(call), call)
    name = inner.get("name")
    given = next((inner[member] for member in ("arguments", "input", "args") if member in inner), {})
    if isinstance(given, str):
        try:
            given = decode((given or "{}").encode())
        except (ProtocolError, UnicodeEncodeError):
            given = None
    if not isinstance(name, str) or not isinstance(given, Mapping):
        raise Miswritten(
            "params.invalid",
            detail="the tool call has no arguments that are a JSON object.",
            cure="Call the tool again.",
        )
    return name, {str(key): value for key, value in given.items()}


def _inner(call: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for member in ("function", "functionCall", "function_call"):
        found = call.get(member)
        if isinstance(found, Mapping):
            yield found


def _takes_null(schema: Mapping[str, object], name: str) -> bool:
    node = _object(members(schema).get(name))
    kinds = node.get("type")
    return kinds == "null" or "null" in texts(kinds) or not ({"type", "enum", "const"} & node.keys())


def _json(schema: Schema) -> dict[str, Json]:
    return {name: _plain(value) for name, value in schema.items()}


def _plain(value: object) -> Json:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str) or value is None else str(value)


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, (list, tuple)) else ()


def _unreadable(detail: str) -> Miswritten:
    cure = "Give a granted mandate, what `agent.catalogue()` returned, and one of the styles."
    return Miswritten("request.malformed", detail=detail, cure=cure)
