"""Drafting a catalogue, a mapping, a policy and a report from an OpenAPI document. Drafts, never rules in force."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from remit.adapters.openapi import words
from remit.adapters.openapi.document import Document, Node, Operation
from remit.adapters.openapi.params import Params, draft_params, properties_of
from remit.adapters.openapi.toml import table_text
from remit.domain.structs import struct

_LONGEST_TITLE: Final = 80
_MOST_VALUES: Final = 20
_MOST_LINES: Final = 4000
_REFUSALS: Final = (400, 404, 422)
_VERBS: Final = {"get": "read", "post": "create", "put": "update", "patch": "update", "delete": "delete"}
_SENSITIVE: Final = "shared only with the customer's approval until an owner decides otherwise"

POLICY: Final = """\
// A draft: everything but the case itself needs the customer and an officer. Loosen it action by action,
// with a policy case for each.

@id("the-case-itself")
permit (principal, action in Action::"case.*", resource);

@id("nothing-without-people")
permit (principal, action, resource)
when { context.confirmed_by.containsAll(["customer", "officer:desk"]) };
"""


@dataclass(slots=True, kw_only=True)
class _Kind:
    """A kind of record: how one is read, and how a customer's own are listed."""

    name: str
    read: dict[str, object] = field(default_factory=dict)
    listed: dict[str, object] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)


@struct(frozen=True, kw_only=True)
class Draft:
    """The drafted files' texts, and its numbers."""

    catalogue: str
    mapping: str
    policy: str
    report: str
    actions: int
    writes: int
    kinds: int
    guesses: int


def draft_rules(document: Document, *, name: str, currency: str) -> Draft:
    """Draft everything. `name` is the desk's, `currency` its own, which no document says."""
    return _Drafting(document, name, currency).draft()


class _Drafting:
    """One draft on its way."""

    def __init__(self, document: Document, name: str, currency: str) -> None:
        self._document = document
        self._desk = name
        self._currency = currency
        self._kinds: dict[str, _Kind] = {}
        self._catalogue: list[str] = []
        self._mapping: list[str] = []
        self._guesses: list[str] = []
        self._by_kind: dict[str, list[str]] = {}
        self._names: set[str] = set()
        self._writes = 0

    def draft(self) -> Draft:
        """Draft everything."""
        operations = list(self._document.operations())
        for operation in operations:
            if operation.method == "get":
                self._read_kind(operation)
        for operation in operations:
            self._action(operation)
        return Draft(
            catalogue=self._catalogue_text(),
            mapping=self._mapping_text(),
            policy=POLICY,
            report=self._report(len(operations)),
            actions=len(self._names),
            writes=self._writes,
            kinds=len(self._kinds),
            guesses=len(self._guesses),
        )

    def _guess(self, where: str, text: str) -> None:
        self._guesses.append(f"`{where}`: {text}")

    def _kind(self, name: str) -> _Kind:
        return self._kinds.setdefault(name, _Kind(name=name))

    def _read_kind(self, operation: Operation) -> None:
        """Learn from a GET how a record is read, or how records are listed."""
        subject = _subject(operation)
        kind = self._kind(words.singular(subject))
        schema = self._document.answer_schema(operation)
        if operation.path.endswith("}"):
            if not kind.read and len(operation.placeholders()) == 1:
                kind.read = self._record(operation, kind, schema)
        elif not operation.placeholders() and not kind.listed:
            kind.listed = self._listing(operation, schema)

    def _record(self, operation: Operation, kind: _Kind, schema: Node) -> dict[str, object]:
        base, members = self._inside(schema, kind.name)
        plain = {one: node for one, node in members.items() if self._is_plain(node)}
        read: dict[str, object] = {"operation": operation.name, "placeholder": operation.placeholders()[0]}
        ids = [one for one in plain if words.words_of(one) in {"id", f"{kind.name}_id", "code", "identifier"}]
        if ids:
            read["id"] = f"{base}/{ids[0]}"
        else:
            self._guess(
                operation.name, f"no id of the {kind.name} was found in the answer; name it, or no record is read"
            )
        owners = [one for one in plain if words.is_owner(one)]
        if owners:
            read["owner"] = f"{base}/{owners[0]}"
            self._guess(operation.name, f"{base}/{owners[0]} is taken for the owner of the {kind.name}")
        else:
            self._guess(operation.name, f"no owner of the {kind.name} was found: no one's, until you name one")
        versions = [f"{base}/{one}" for one in plain if words.is_version(one)]
        read["version"] = versions
        how = f"{', '.join(versions)} taken for the version" if versions else "no version: the whole answer is compared"
        self._guess(operation.name, f"{how}; whether every act moves it, no document says")
        names = [one for one in plain if words.is_name(one)]
        if names:
            read["name"] = f"{base}/{names[0]}"
        kind.values = self._values(operation, kind.name, base, plain)
        return read

    def _values(self, operation: Operation, kind: str, base: str, plain: Mapping[str, object]) -> dict[str, str]:
        found: dict[str, str] = {}
        for member in plain:
            if words.never_leaves(member):
                self._guess(operation.name, f"{member} may be a secret and is not mapped")
            elif len(found) < _MOST_VALUES:
                found[f"{kind}.{words.word_of(member)}"] = f"{base}/{member.replace('~', '~0').replace('/', '~1')}"
        return found

    def _listing(self, operation: Operation, schema: Node) -> dict[str, object]:
        """Return how a customer's own records are listed: only where a query parameter names the owner."""
        queries = [str(one.get("name")) for one in operation.parameters if one.get("in") == "query"]
        owner = next((one for one in queries if words.is_owner(one)), None)
        members = properties_of(self._document, schema)
        lists = [one for one, node in members.items() if self._document.resolve(node).get("type") == "array"]
        if owner is None or (not lists and schema.get("type") != "array"):
            self._guess(
                operation.name, "lists records of everybody and is left out: no query parameter names the owner"
            )
            return {}
        self._guess(operation.name, f"lists a customer's own records by the query parameter {owner}")
        return {
            "operation": operation.name,
            "query": {owner: "{customer}"},
            "items": f"/{lists[0]}" if lists else "",
            "id": "/id",
        }

    def _inside(self, schema: Node, kind: str) -> tuple[str, Mapping[str, object]]:
        """Return the pointer and members of the record in an answer, which may stand in an envelope."""
        members = properties_of(self._document, schema)
        for wrapper in (kind, "data", "result", "item"):
            if wrapper in members and len(members) <= 3:  # noqa: PLR2004  # an envelope has little else
                inner = properties_of(self._document, self._document.resolve(members[wrapper]))
                if inner:
                    return f"/{wrapper}", inner
        return "", members

    def _is_plain(self, node: object) -> bool:
        kind = self._document.resolve(node).get("type")
        kinds = kind if isinstance(kind, list) else [kind]
        return bool({"string", "integer", "number", "boolean"} & {one for one in kinds if isinstance(one, str)})

    def _action(self, operation: Operation) -> None:
        write = operation.method != "get"
        if not write and not operation.path.endswith("}"):
            if operation.placeholders():
                self._guess(operation.name, "is left out: a list inside a record")
            return
        params = draft_params(self._document, operation, write=write)
        kind = words.singular(_subject(operation))
        for of in params.kinds.values():
            self._kind(of)
        name = self._name(operation, kind)
        self._by_kind.setdefault(kind, []).append(name)
        self._writes += write
        values = self._kinds[kind].values if not write and kind in self._kinds else {}
        self._catalogue.append(self._action_text(operation, name, kind, params, values))
        self._mapping.append(_mapping_table(operation, name, params, values, write=write))
        for guess in params.guesses:
            self._guess(operation.name, guess)

    def _name(self, operation: Operation, kind: str) -> str:
        last = operation.path.rstrip("/").rpartition("/")[2]
        verb = _VERBS[operation.method]
        if operation.method == "post" and operation.path.endswith("}"):
            verb = "update"
        elif operation.method == "post" and operation.placeholders() and words.singular(last) == last:
            verb = words.word_of(last)
        elif operation.placeholders() and not last.startswith("{"):
            verb = f"{verb}_{words.singular(words.word_of(last))}"
        stem = f"{'desk_' if kind == 'case' else ''}{kind}.{verb}"
        name, number = stem, 1
        while name in self._names:
            number += 1
            name = f"{stem}_{number}"
        self._names.add(name)
        return name

    def _action_text(
        self, operation: Operation, name: str, kind: str, params: Params, values: Mapping[str, str]
    ) -> str:
        write = operation.method != "get"
        area, known = (
            words.area_of(f"{operation.path} {operation.node.get('operationId', '')}")
            if write
            else ("disclosure", True)
        )
        if write:
            basis = "by its words" if known else "as nothing says what it is about"
            self._guess(operation.name, f"{name} is put into the area {area}, {basis}")
        title = _title(str(operation.node.get("summary") or name.replace(".", " ").replace("_", " ")))
        shown = "".join(f" {{{one}}}" for one in dict.fromkeys(params.shown))
        members: dict[str, object] = {
            "title": f"{title}:{shown}" if shown else title,
            "power": "request" if write else "receive",
            "area": area,
            "effect": "write" if write else "read",
        }
        if write:
            members["reversible"] = False
        else:
            members["returns"] = list(values)
        if params.properties:
            members["params"] = {"properties": params.properties, "required": list(dict.fromkeys(params.required))}
        note = f"{operation.name} ({kind})"
        hint = next((str(one) for one in operation.node if str(one).startswith("x-agentic")), None)
        if hint is not None:
            self._guess(operation.name, f"{hint} is only a hint of its author, and changes nothing here")
        return table_text(("action", name), members, note=note)

    def _catalogue_text(self) -> str:
        parts = [
            "# A draft by `remit import openapi`. Nothing here is in force until you adopt it; read REPORT.md first.\n\n",
            table_text(("desk",), {"name": self._desk, "currency": self._currency}),
            table_text(("role", "desk"), {"title": "Support officer"}),
            table_text(("role", "security"), {"title": "Security officer"}),
            table_text(
                ("floor",),
                {area: ["customer", "officer:desk"] for area in ("identity", "payment", "security", "commitment")},
            ),
        ]
        parts += [table_text(("resource", kind), {"title": kind.replace("_", " ")}) for kind in self._kinds]
        told = {name: kind for kind in self._kinds.values() for name in kind.values}
        for name in told:
            title = name.replace(".", " ").replace("_", " ")
            parts.append(table_text(("attribute", name), {"title": title, "sensitive": True}))
        parts += self._catalogue
        for kind, names in self._by_kind.items():
            objective: dict[str, object] = {"title": f"Something about a {kind.replace('_', ' ')}", "actions": names}
            if kind in self._kinds:
                objective["target"] = kind
            parts.append(table_text(("objective", kind), objective))
        return "".join(parts)

    def _mapping_text(self) -> str:
        parts = ["# A draft by `remit import openapi`. docs/mapping.md explains every key.\n\nversion = 1\n\n"]
        for kind in self._kinds.values():
            if kind.read and "id" in kind.read:
                parts.append(table_text(("kind", kind.name, "read"), kind.read))
            if kind.listed:
                parts.append(table_text(("kind", kind.name, "list"), kind.listed))
        return "".join([*parts, *self._mapping])

    def _report(self, operations: int) -> str:
        unread = [kind.name for kind in self._kinds.values() if "id" not in kind.read]
        lines = [
            f"# Draft for {self._desk}",
            "",
            f"{operations} operations: {len(self._names)} actions, of which {self._writes} write; {len(self._kinds)} kinds of record.",
            "",
            "Nothing of this is in force. Every action needs the customer and an officer until you edit it; every write is",
            'irreversible with `promise = "none"`: it is sent once, and an unclear outcome goes to an officer.',
            "",
            "## Not known from any document",
            "",
            "- what a repeated request does: declare a `promise` for each write you keep (docs/mapping.md)",
            "- whether an answer of 2xx means done: add a `success` test where the body can say no",
            f"- the currency: {self._currency} was assumed, and whether amounts are in minor units",
            "- which attributes may be shared: all are sensitive, " + _SENSITIVE,
            f"- kinds without a read operation, whose records have no owner, so every ask for them is refused: {', '.join(unread) or 'none'}",
            f"- references that lead nowhere: {', '.join(sorted(self._document.unresolved)) or 'none'}",
            "",
            f"## Guesses ({len(self._guesses)})",
            "",
            *[f"- {one}" for one in self._guesses],
        ]
        return "\n".join(_readable(line) for line in lines) + "\n"


def _mapping_table(operation: Operation, name: str, params: Params, values: Mapping[str, str], *, write: bool) -> str:
    members: dict[str, object] = {"operation": operation.name}
    if params.path:
        members["path"] = params.path
    if params.body:
        members["body"] = params.body
    if values:
        members["values"] = dict(values)
    if write:
        members["refusals"] = list(_REFUSALS)
        members["promise"] = "none"
    return table_text(("action", name), members)


def _subject(operation: Operation) -> str:
    """Return the collection that an operation is about: the last segment before a placeholder, else the first word."""
    segments = [one for one in operation.path.split("/") if one]
    before = [segments[place - 1] for place, one in enumerate(segments) if one.startswith("{") and place]
    static = [one for one in before if not one.startswith("{") and not words.is_plumbing(one)]
    if static:
        return words.word_of(static[-1])
    plain = [one for one in segments if not one.startswith("{") and not words.is_plumbing(one)]
    return words.word_of(plain[0]) if plain else "thing"


def _title(text: str) -> str:
    return _readable(re.sub(r"[{}`*]", "", text)).strip(" .")[:_LONGEST_TITLE].strip() or "Do something"


def _readable(text: str) -> str:
    return " ".join("".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in text).split(" ")).rstrip()
