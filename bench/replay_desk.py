"""One replay set as a desk: its tools become a catalogue, what its source knows becomes facts.

Only reads what a desk would know of itself: tools, facts, and which parameters of its own customers' calls name records.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

import jsonschema_rs

from shared_data import shared

SETS: Final = (
    "tau_retail",
    "tau_airline",
    "tau_banking",
    "agentdojo_banking",
    "agentdojo_slack",
    "agentdojo_travel",
    "agentdojo_workspace",
)
OBJECTIVE: Final = "support"
RECORD: Final = "record"
ACCOUNT: Final = "account"
CUSTOMER: Final = "customer"
FORMS: Final = ("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "^[0-9]{2}/[0-9]{2}/[0-9]{4}$", "^[0-9]{1,12}$")
"""Forms of texts that a desk declares: dates, and numbers that are names."""
_STRICTEST: Final = ("security", "identity", "payment", "disclosure")


@dataclass(frozen=True, kw_only=True)
class ReplaySet:
    """The files of one set and split."""

    name: str
    tools: list[dict[str, Any]]
    tasks: list[dict[str, Any]]
    attacks: list[dict[str, Any]]
    owners: Mapping[str, str]
    lookups: Mapping[str, str]
    principals: Mapping[str, Mapping[str, Any]]
    records: Mapping[str, Mapping[str, Any]]
    kinds: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def forms(self) -> Mapping[str, Mapping[str, str]]:
        """Each tool's params of a form."""
        return dict(_forms(self))

    @cached_property
    def suite(self) -> str:
        """The area of the set's actions."""
        return self.name.rpartition("_")[2]

    @cached_property
    def by_name(self) -> Mapping[str, dict[str, Any]]:
        """The tools by name."""
        return {tool["name"]: tool for tool in self.tools}

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """What each tool does, in the source's words."""
        return {name: tool.get("description", "") for name, tool in self.by_name.items()}

    def action(self, tool: str) -> str:
        """The catalogue's name of a tool."""
        return f"{self.suite}.{tool}"

    def reads(self, tool: str) -> bool:
        """Whether a tool changes nothing at the desk."""
        return self.by_name[tool]["effect"] != "write"


def load(name: str, split: str) -> ReplaySet:
    """Read one set."""

    def read(file: str) -> Any:
        return shared(f"{name}/{file}")

    facts = read(f"facts_{split}.json")
    found = ReplaySet(
        name=name,
        tools=read("tools.json"),
        tasks=read(f"tasks_{split}.json"),
        attacks=read(f"attacks_{split}.json"),
        owners=facts.get("owners", {}),
        lookups=facts.get("lookups", {}),
        principals=facts.get("principals", {}),
        records=facts.get("records", {}),
    )
    found.kinds.update(_kinds(found))  # type: ignore[attr-defined]  # a dict, made above
    return found


def catalogue(found: ReplaySet) -> dict[str, Any]:
    """The set's tools as a catalogue with one objective that has all of them."""
    actions = {found.action(tool["name"]): _action(found, tool) for tool in found.tools}
    return {
        "desk": {"name": f"Replay of {found.name}", "currency": "USD"},
        "resource": {kind: {"title": kind.replace("-", " ")} for kind in sorted(_declared(found))},
        "attribute": {name: {"title": name} for name, action in actions.items() if action["power"] == "receive"},
        "action": actions,
        "objective": {OBJECTIVE: {"title": "Support for one customer", "actions": list(actions)}},
    }


def facts(found: ReplaySet) -> dict[str, Any]:
    """Whose the records and the keys of look-ups are."""
    owners: dict[str, dict[str, set[str]]] = {}

    def own(kind: str, record: str, customer: str) -> None:
        owners.setdefault(kind, {}).setdefault(record, set()).add(customer_id(customer))

    sent = _sent(found)

    for record, customer in found.owners.items():
        own(RECORD, record, customer)
    for customer in found.principals:
        own(CUSTOMER, customer, customer)
    for key, customer in found.lookups.items():
        parts = key.split("|")
        for place, part in enumerate(parts):
            kind = ACCOUNT if len(parts) == 1 else f"{ACCOUNT}-{place + 1}"
            for spelling in (part, part.upper(), part.title(), *_spellings(found, customer, part), *sent.get(part, ())):
                own(kind, spelling, customer)
    known = {kind: owners[kind] for kind in owners if kind in _declared(found)}
    return {"owners": {kind: {record: sorted(whose) for record, whose in ids.items()} for kind, ids in known.items()}}


def customer_id(principal: str) -> str:
    """The desk's id of a customer: the source's own, with what no id may hold (blanks, letters that cannot be seen) escaped."""
    return quote(principal, safe="@:+,;=!*'()$&")


def unknown_to_desk(found: ReplaySet, call: Mapping[str, Any]) -> bool:
    """Whether a call names a record nobody has, or looks up an account that does not exist: the desk would not find it.

    A record of another customer is known, so it is not this.
    """
    marked = [(path, kind) for path, kind in found.kinds.items() if _belongs(found, call["tool"], path)]
    values = dict(_grouped(call["arguments"]))
    named = [(kind, value) for path, kind in marked for value in values.get(path, ()) if isinstance(value, str)]
    lookups = [value.lower() for kind, value in named if kind.startswith(ACCOUNT)]
    if lookups:
        return "|".join(lookups) not in found.lookups
    known: dict[str, Mapping[str, Any]] = {RECORD: found.owners, CUSTOMER: found.principals}
    return any(value not in known[kind] for kind, value in named)


def breaks_schema(found: ReplaySet, task: Mapping[str, Any]) -> bool:
    """Whether one of the task's own calls does not fit its tool's schema as the source wrote it, or is of a tool that has none."""
    own = [call for call in task["calls"] if not call.get("desk")]
    return any(
        call["tool"] not in found.by_name or not _fits(found.by_name[call["tool"]]["parameters"], call["arguments"])
        for call in own
    )


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value of a call's arguments with its path."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, f"{path}[*]")
    else:
        yield path, value


def _fits(schema: Mapping[str, Any], arguments: Any) -> bool:
    """Like the attacks' labels, this takes a tool to have the arguments it names and no others."""
    return jsonschema_rs.is_valid(dict(schema), arguments) and arguments.keys() <= schema.get("properties", {}).keys()


def _declared(found: ReplaySet) -> set[str]:
    """The kinds of the catalogue: what no parameter names is none, and the desk is told nothing of it."""
    return {RECORD, CUSTOMER, *found.kinds.values()}


def _grouped(arguments: Any) -> dict[str, list[Any]]:
    out: dict[str, list[Any]] = {}
    for path, value in leaves(arguments):
        out.setdefault(path, []).append(value)
    return out


def _spellings(found: ReplaySet, customer: str, part: str) -> list[str]:
    """The part of a key as the customer's own profile writes it."""
    told = found.principals.get(customer, {})
    texts = [text for _, text in leaves(told) if isinstance(text, str)]
    return [one for text in texts for one in (text, *text.split()) if one.lower() == part]


def _sent(found: ReplaySet) -> dict[str, set[str]]:
    """Every text of the customers' own calls, by its small letters: the desks of the sources look accounts up without regard to case."""
    out: dict[str, set[str]] = {}
    for task in found.tasks:
        for call in task["calls"]:
            for _, text in leaves(call["arguments"]):
                if isinstance(text, str):
                    out.setdefault(text.lower(), set()).add(text)
    return out


def _kinds(found: ReplaySet) -> dict[str, str]:
    """Which parameter paths name what: records, customers, keys of look-ups. A path that means one for one tool does so for every tool.

    Told by the desk's own records and profiles, by the look-ups' shape, and by the customers' own calls; never by an attack.
    """
    records: Counter[str] = Counter()
    customers: Counter[str] = Counter()
    for record in (*found.records.values(), *(call["arguments"] for task in found.tasks for call in task["calls"])):
        for path, value in leaves(record):
            if isinstance(value, str) and path.removesuffix("s[*]").endswith("id"):
                records[path] += value in found.owners
                customers[path] += value in found.principals
    kinds = {
        path: RECORD if count >= customers[path] else CUSTOMER
        for path, count in records.items()
        if count or customers[path]
    }
    for tool in found.tools:
        if found.reads(tool["name"]):
            kinds.update(
                _keys(found, tool["parameters"].get("properties", {}), tool["parameters"].get("required", ()), kinds)
            )
    return kinds


def _keys(
    found: ReplaySet, properties: Mapping[str, Any], required: Sequence[str], kinds: Mapping[str, str]
) -> dict[str, str]:
    """The params of a read that look up an account: one that is a key by itself, or all of them joined."""
    shapes = {len(key.split("|")) for key in found.lookups}
    if len(required) > 1 and len(required) in shapes and not any(name in kinds for name in required):
        return {name: f"{ACCOUNT}-{place + 1}" for place, name in enumerate(required)}
    profile = {
        name
        for told in found.principals.values()
        for name, value in told.items()
        if isinstance(value, str) and value.lower() in found.lookups
    }
    by_itself = [name for name in properties if name not in kinds and list(required) == [name]]
    return {name: ACCOUNT for name in by_itself if name in profile or name.rpartition("_")[2] in profile}


def _belongs(found: ReplaySet, tool: str, path: str) -> bool:
    """Whether a learned path is one of this tool's, and means the same there."""
    if path.partition("[")[0].partition(".")[0] not in found.by_name[tool]["parameters"].get("properties", {}):
        return False
    return not found.kinds[path].startswith(ACCOUNT) or found.reads(tool)


def _action(found: ReplaySet, tool: Mapping[str, Any]) -> dict[str, Any]:
    name = found.action(tool["name"])
    marked = {path: kind for path, kind in found.kinds.items() if _belongs(found, tool["name"], path)}
    forms = {path: form for path, form in found.forms.get(tool["name"], {}).items() if path not in marked}
    title = tool["name"].replace("_", " ") + "".join(
        f" {{{top}}}" for top in sorted({path.partition("[")[0] for path in marked})
    )
    reads = found.reads(tool["name"])
    return {
        "title": title,
        "power": "receive" if reads else "request",
        "area": _area(tool),
        "effect": "read" if reads else "write",
        **({"returns": [name]} if reads else {}),
        "params": _params(tool["parameters"], marked, forms),
    }


def _area(tool: Mapping[str, Any]) -> str:
    """The strictest of what it touches. What must be confirmed for no named impact binds the customer."""
    for area in _STRICTEST:
        if area in tool["impact"]:
            return area
    return "commitment" if tool["confirm"] == "required" else "routine"


def _params(schema: Mapping[str, Any], marked: Mapping[str, str], forms: Mapping[str, str]) -> dict[str, Any]:
    """The tool's own schema, with the marks put where its parameters name records, and a pattern where they have a form."""
    params: dict[str, Any] = json.loads(json.dumps(dict(schema)))
    said = [(path, "x-resource", kind) for path, kind in marked.items()]
    for path, key, value in (*said, *((path, "pattern", form) for path, form in forms.items())):
        _mark(params, path.replace("[*]", ".[*]").split("."), {"type": "string", key: value})
    return params


def _mark(node: dict[str, Any], steps: Sequence[str], mark: Mapping[str, str]) -> None:
    """Follow the path, describing what the schema leaves open on the way; one way to be null stays one."""
    if not steps:
        texts = [one for one in node.get("anyOf", ()) if one.get("type") == "string"]
        for one in texts or [node]:
            one.update(mark)
        return
    step, further = steps[0], steps[1:]
    if step == "[*]":
        _mark(node.setdefault("items", _open(further)), further, mark)
    else:
        _mark(node.setdefault("properties", {}).setdefault(step, _open(further)), further, mark)


def _forms(found: ReplaySet) -> Iterator[tuple[str, dict[str, str]]]:
    """By tool: the form of each param that is a date or a number in text, as a desk would declare it.

    Told by the customers' own calls alone: every value of theirs has it.
    """
    values: dict[str, dict[str, list[Any]]] = {}
    for call in (call for task in found.tasks for call in task["calls"] if not call.get("desk")):
        for path, value in leaves(call["arguments"]):
            values.setdefault(call["tool"], {}).setdefault(path, []).append(value)
    for tool, paths in values.items():
        forms = {path: _form(seen) for path, seen in paths.items()}
        yield tool, {path: form for path, form in forms.items() if form}


def _form(values: Sequence[Any]) -> str:
    texts = [one for one in values if isinstance(one, str)]
    fitting = (form for form in FORMS if texts and all(re.fullmatch(form, one) for one in texts))
    return next(fitting, "") if len(texts) == len(values) else ""


def _open(further: Sequence[str]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": True} if further and further[0] != "[*]" else {}
