"""Drafting the params of one action from an operation's path and body."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from remit.adapters.openapi import words
from remit.adapters.openapi.document import Document, Node, Operation

_LONGEST: Final = 200
_LONGEST_TEXT: Final = 2000
_MOST: Final = 24
_MOST_VALUES: Final = 100
_DEPTH: Final = 2
_REACHED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,40}", re.ASCII)
_PLAIN: Final = ("string", "number", "integer", "boolean")
_ID: Final = {"minLength": 1, "maxLength": 128}


@dataclass(slots=True, kw_only=True)
class Params:
    """The drafted params: their schema, what the title must show, and where they go in the request."""

    properties: dict[str, object] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    path: dict[str, str] = field(default_factory=dict)
    body: list[dict[str, object]] = field(default_factory=list)
    guesses: list[str] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    """Kinds of record by param."""


def draft_params(document: Document, operation: Operation, *, write: bool) -> Params:
    """Return the params of an operation: its placeholders as records, its body as far as it is plain."""
    made = Params()
    segments = operation.path.split("/")
    before = ""
    for segment in segments:
        if segment.startswith("{"):
            name = segment.split("}")[0][1:]
            _add_record(made, operation, name, words.singular(words.word_of(before or name)))
        else:
            before = segment
    if write:
        _add_body(made, document, document.request_schema(operation))
    return made


def _add_record(made: Params, operation: Operation, placeholder: str, kind: str) -> None:
    param = words.word_of(placeholder)
    if param in {"id", "n_id"} or param in made.properties:
        param = f"{kind}_id"
    while param in made.properties:
        param = f"{param}_2"
    made.properties[param] = {"x-resource": kind, **_ID}
    made.required.append(param)
    made.shown.append(param)
    made.kinds[param] = kind
    made.path[placeholder] = f"/{param}"
    if operation.path.count("{") > 1:
        made.guesses.append(f"{{{placeholder}}} is taken for a record of the kind {kind}")


def _add_body(made: Params, document: Document, schema: Node) -> None:
    members = dict(properties_of(document, schema))
    needed = required_of(document, schema)
    for name, found in members.items():
        node = document.resolve(found)
        must = name in needed
        if node.get("readOnly") is True:
            continue
        if len(made.properties) >= _MOST and not must:
            made.guesses.append(f"{name} is left out: more than {_MOST} params")
            continue
        if not _add_member(made, document, name, node):
            made.guesses.append(
                f"{name} is left out{', though the operation requires it' if must else ''}: {_why(name)}"
            )
        elif must and name in made.properties:
            made.required.append(name)


def _why(name: str) -> str:
    if words.never_leaves(name):
        return "it may be a secret, which no agent sends"
    return (
        "no path reaches its name"
        if not _REACHED.fullmatch(name)
        else "it is too deep, a list of tables, or not described"
    )


def _add_member(made: Params, document: Document, name: str, node: Node) -> bool:
    if not _REACHED.fullmatch(name) or words.never_leaves(name):
        return False
    param = name if name not in made.properties else f"new_{name}"
    pointer = f"/{name}"
    money = _money(document, name, node)
    if money is not None:
        made.properties[param] = {"x-money": True}
        made.body.append(
            {"from": f"/{param}", **{key: f"{pointer}{to}" if key != "as" else to for key, to in money.items()}}
        )
        made.guesses.append(f"{param} is taken for money in {'minor' if money['as'] == 'minor' else 'whole'} units")
        made.shown.append(param)
        return True
    schema = _schema(document, name, node, _DEPTH)
    if schema is None:
        return False
    if words.is_recipient(name):
        schema = {**{key: value for key, value in schema.items() if key != "x-free-text"}, "x-recipient": True}
        made.shown.append(param)
        made.guesses.append(f"{param} is marked as a recipient")
    elif schema.get("type") == "string" and re.search(r"_?id$", words.words_of(name)) and "enum" not in schema:
        kind = words.singular(re.sub(r"_?id$", "", words.word_of(name))) or "thing"
        schema = {"x-resource": kind, **_ID}
        made.kinds[param] = kind
        made.shown.append(param)
        made.guesses.append(f"{param} is taken for the id of a record of the kind {kind}")
    made.properties[param] = schema
    made.body.append({"to": pointer, "from": f"/{param}"})
    return True


def _money(document: Document, name: str, node: Node) -> dict[str, str] | None:
    """Return where amount and currency go; the unit is minor for whole numbers, which only an owner can confirm."""
    kind = _type(node)
    if kind in {"number", "integer"} and words.is_money(name):
        return {"to": "", "as": "minor" if kind == "integer" else "major"}
    members = properties_of(document, node)
    currency = next((one for one in members if words.words_of(one) in {"currency", "currency_code"}), None)
    amount = next((one for one in members if words.words_of(one) in {"value", "amount"}), None)
    if currency is None or amount is None:
        return None
    whole = _type(document.resolve(members[amount])) == "integer"
    return {"to": f"/{amount}", "currency": f"/{currency}", "as": "minor" if whole else "major"}


def _schema(document: Document, name: str, node: Node, depth: int) -> dict[str, object] | None:
    """Return a closed schema for plain values, lists of them, and tables of both; None for anything else."""
    kind = _type(node)
    if kind in _PLAIN:
        return _plain(name, node, kind)
    if kind == "array":
        items = document.resolve(node.get("items"))
        inside = _plain(name, items, _type(items)) if _type(items) in _PLAIN else None
        return None if inside is None else {"type": "array", "items": inside, "maxItems": 50}
    members = properties_of(document, node)
    if depth <= 0 or not members:
        return None
    made: dict[str, object] = {}
    for member, found in members.items():
        one = (
            None
            if not _REACHED.fullmatch(member) or words.never_leaves(member)
            else _schema(document, member, document.resolve(found), depth - 1)
        )
        if one is not None and len(made) < _MOST:
            made[member] = one
    needed = [one for one in required_of(document, node) if one in made]
    return {"type": "object", "properties": made, "required": needed, "additionalProperties": False} if made else None


def _plain(name: str, node: Node, kind: str) -> dict[str, object]:
    values = node.get("enum")
    if isinstance(values, list) and kind == "string":
        named = sorted({one for one in values if isinstance(one, str) and one.isprintable() and one})
        if 0 < len(named) <= _MOST_VALUES:
            return {"type": "string", "enum": named}
    if kind == "string":
        if words.is_free_text(name):
            return {"type": "string", "x-free-text": True, "maxLength": _LONGEST_TEXT}
        return {"type": "string", "maxLength": _LONGEST}
    return {"type": kind}


def _type(node: Node) -> str:
    kind = node.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "")
    if isinstance(kind, str):
        return kind
    return "object" if "properties" in node or "allOf" in node else ""


def properties_of(document: Document, schema: Node, depth: int = 3) -> Mapping[str, object]:
    """Return the properties of a schema, those of its branches included."""
    found: dict[str, object] = {}
    for part in _branches(document, schema, depth):
        members = part.get("properties")
        if isinstance(members, Mapping):
            for name, one in members.items():
                found.setdefault(str(name), one)
    return found


def required_of(document: Document, schema: Node) -> list[str]:
    """Return the required properties of a schema that every branch has to have."""
    found = []
    for part in _branches(document, schema, 3, every=True):
        names = part.get("required")
        found += [str(one) for one in names] if isinstance(names, list) else []
    return list(dict.fromkeys(found))


def _branches(document: Document, schema: object, depth: int, *, every: bool = False) -> Iterator[Node]:
    node = document.resolve(schema)
    yield node
    for name in ("allOf",) if every else ("allOf", "oneOf", "anyOf"):
        branches = node.get(name) if depth > 0 else None
        for branch in branches if isinstance(branches, list) else ():
            yield from _branches(document, branch, depth - 1, every=every)
