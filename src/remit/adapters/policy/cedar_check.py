"""Analysis of one policy: finds every name and literal that is unknown at this desk.

⚔ Cedar's validator accepts `x has mistyped_name`; the condition is then never true and a `forbid` never fires.
Type errors are left to Cedar's own validator.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

import cedarpy

from remit.adapters.policy.cedar_schema import (
    ENTITIES,
    MONEY_RECORD,
    ActionModel,
    DeskModel,
    EntityShape,
    MoneyShape,
    RecordShape,
    SetShape,
    Shape,
)
from remit.domain.errors import Code, Refused
from remit.domain.structs import struct
from remit.domain.text.nearest import did_you_mean

Node: TypeAlias = bool | int | str | Sequence["Node"] | Mapping[str, "Node"] | None

_COMPARES: Final = frozenset({"==", "!=", "contains", "containsAll", "containsAny", "in"})
_PLAIN_SET_USES: Final = frozenset({"contains", "containsAll", "containsAny"})
_CONFIRMED_BY: Final = "context.confirmed_by"
_PARAMS: Final = "context.params"


@struct(frozen=True)
class ExpressionInfo:
    """Meaning of an expression: its possible shapes over all actions, its path, and its literal texts."""

    shapes: tuple[Shape, ...] = ()
    path: str = ""
    texts: tuple[str, ...] | None = None


@dataclass(slots=True)
class PolicyFindings:
    """Findings in one policy.

    `confirmers` are the words compared with `context.confirmed_by`; None when any word could matter. `confirmation` is
    whether confirmers are read at all. `parts` are the context members read, `params` the params; None when the
    context, or the params, are used as a value.
    """

    problems: list[str] = field(default_factory=list)
    confirmation: bool = False
    confirmers: frozenset[str] | None = frozenset()
    parts: frozenset[str] | None = frozenset()
    params: frozenset[str] | None = frozenset()


def read_policy(policy: Mapping[str, Node], model: DeskModel, applicable: Iterable[ActionModel]) -> PolicyFindings:
    """Read one policy in Cedar's JSON format, as it applies to these actions."""
    walk = _PolicyWalk(model, tuple(applicable))
    for part in ("principal", "action", "resource"):
        for kind, name in entity_literals(policy.get(part)):
            walk.verify_entity(kind, name)
    conditions = policy.get("conditions", ())
    if isinstance(conditions, Sequence):
        for condition in conditions:
            if isinstance(condition, Mapping):
                walk.see(condition.get("body"))
    return walk.reading


def entity_literals(scope: Node) -> Iterator[tuple[str, str]]:
    """Yield type and id of every entity a scope clause names."""
    if isinstance(scope, Mapping):
        kind, name = scope.get("type"), scope.get("id")
        if isinstance(kind, str) and isinstance(name, str):
            yield kind, name
            return
        for part in scope.values():
            yield from entity_literals(part)
    elif isinstance(scope, Sequence) and not isinstance(scope, str):
        for part in scope:
            yield from entity_literals(part)


class _PolicyWalk:
    """Walk through the conditions of one policy."""

    def __init__(self, model: DeskModel, applicable: tuple[ActionModel, ...]) -> None:
        self.model = model
        self.contexts = tuple(action.context for action in applicable)
        self.reading = PolicyFindings()
        self._forms: Mapping[str, Callable[[Node], ExpressionInfo]] = {
            "Record": self._record,
            "Set": self._set,
            "Value": self._literal,
            "Var": self._variable,
            "if-then-else": self._branches,
        }

    def see(self, node: Node) -> ExpressionInfo:
        """Read one expression with all its parts."""
        if not isinstance(node, Mapping) or len(node) != 1:
            self.reading.problems.append("has an expression of a form this version does not know")
            return ExpressionInfo()
        ((op, body),) = node.items()
        if op in {".", "has"}:
            return self._attribute(op, body)
        return self._forms.get(op, partial(self._operation, op))(body)

    def verify_entity(self, kind: str, name: str) -> None:
        """Note an action, group or objective unknown at this desk."""
        unknown_action = kind == "Action" and name not in self.model.actions and name not in self.model.groups
        if unknown_action or (kind == "Objective" and name not in self.model.objectives):
            known = {*self.model.actions, *self.model.groups} if kind == "Action" else self.model.objectives
            near = did_you_mean(name, known)
            self.reading.problems.append(f'names {kind}::"{name}", which does not exist here{near}')

    def _variable(self, body: Node) -> ExpressionInfo:
        name = str(body)
        shapes: Mapping[str, tuple[Shape, ...]] = {
            "principal": (EntityShape("Agent"),),
            "resource": (EntityShape("Task"),),
            "context": self.contexts,
        }
        return ExpressionInfo(shapes.get(name, ()), name)

    def _literal(self, body: Node) -> ExpressionInfo:
        if isinstance(body, str):
            return ExpressionInfo(texts=(body,))
        if isinstance(body, Mapping):
            for kind, name in entity_literals(body):
                self.verify_entity(kind, name)
                return ExpressionInfo((EntityShape(kind),))
        return ExpressionInfo()

    def _attribute(self, op: str, body: Node) -> ExpressionInfo:
        left, name = self._parts(body, "left", "attr")
        if not isinstance(name, str):
            self.reading.problems.append(f"has a `{op}` of a form this version does not know")
            return ExpressionInfo()
        seen = self.see(left)
        found = [shape for shape in map(_attributes, seen.shapes) if name in shape]
        path = f"{seen.path}.{name}" if seen.path else ""
        if not found and (seen.shapes or (op == "has" and self.contexts)):
            near = did_you_mean(name, {one for shape in map(_attributes, seen.shapes) for one in shape})
            self.reading.problems.append(f"names `{path or name}`, which nothing it applies to has{near}")
        if seen.path == "context" and self.reading.parts is not None:
            self.reading.parts |= {name}
        if seen.path == _PARAMS and self.reading.params is not None:
            self.reading.params |= {name}
        if path.startswith((_CONFIRMED_BY, "context.confirmation")):
            self.reading.confirmation = True
        return ExpressionInfo() if op == "has" else ExpressionInfo(tuple(shape[name] for shape in found), path)

    def _set(self, body: Node) -> ExpressionInfo:
        items = [self.see(item) for item in body] if isinstance(body, Sequence) and not isinstance(body, str) else []
        texts = [text for item in items for text in item.texts or ()]
        literal = all(item.texts is not None for item in items)
        self._loose(*items)
        return ExpressionInfo(texts=tuple(texts) if literal else None)

    def _record(self, body: Node) -> ExpressionInfo:
        members = body if isinstance(body, Mapping) else {}
        seen = {str(name): self.see(member) for name, member in members.items()}
        self._loose(*seen.values())
        most = max((len(info.shapes) for info in seen.values()), default=0)
        # One record for each shape a member can have; a member without parts counts as an empty record.
        alternatives = [
            {name: (info.shapes or (RecordShape({}),))[min(n, len(info.shapes) - 1)] for name, info in seen.items()}
            for n in range(most or 1)
        ]
        return ExpressionInfo(tuple(map(RecordShape, alternatives)))

    def _branches(self, body: Node) -> ExpressionInfo:
        condition, then, other = self._parts(body, "if", "then", "else")
        self.see(condition)
        left, right = self.see(then), self.see(other)
        self._loose(left, right)
        return ExpressionInfo((*left.shapes, *right.shapes))

    def _operation(self, op: str, body: Node) -> ExpressionInfo:
        if isinstance(body, Mapping):
            operands = [self.see(part) for name, part in body.items() if name in {"left", "right", "arg", "in"}]
        elif isinstance(body, Sequence) and not isinstance(body, str):
            operands = [self.see(part) for part in body]
        else:
            operands = []
        if not operands:
            self.reading.problems.append(f"uses `{op}` in a form this version does not know")
        if op in _COMPARES:
            self._words(operands)
        self._confirmers(op, operands)
        return ExpressionInfo()

    def _words(self, operands: Sequence[ExpressionInfo]) -> None:
        """Note a literal that the compared value can never equal."""
        texts = [text for operand in operands for text in operand.texts or ()]
        for path in (operand.path for operand in operands if operand.path in self.model.vocabulary):
            known = self.model.vocabulary[path]
            self.reading.problems.extend(
                f'compares `{path}` with "{text}", which it can never be ({", ".join(sorted(known))})'
                for text in texts
                if text not in known
            )

    def _confirmers(self, op: str, operands: Sequence[ExpressionInfo]) -> None:
        """Collect the confirmers that a policy distinguishes."""
        words = operands[-1].texts if operands else None
        plain = op in _PLAIN_SET_USES and words is not None and operands[0].path == _CONFIRMED_BY
        if not plain or words is None:
            self._loose(*operands)
        elif self.reading.confirmers is not None:
            self.reading.confirmers |= frozenset(words)

    def _loose(self, *seen: ExpressionInfo) -> None:
        """Stop distinguishing parts where the whole set, the params or the context are used as a value."""
        paths = {info.path for info in seen}
        if not paths.isdisjoint({_CONFIRMED_BY, "context"}):
            self.reading.confirmation = True
            self.reading.confirmers = None
        if "context" in paths:
            self.reading.parts = None
        if not paths.isdisjoint({_PARAMS, "context"}):
            self.reading.params = None

    def _parts(self, body: Node, *names: str) -> tuple[Node, ...]:
        return tuple(body.get(name) for name in names) if isinstance(body, Mapping) else (None,) * len(names)


def _attributes(shape: Shape) -> Mapping[str, Shape]:
    match shape:
        case RecordShape(attributes, _):
            return attributes
        case MoneyShape():
            return MONEY_RECORD.attributes
        case EntityShape(name):
            return ENTITIES[name].attributes if name in ENTITIES else {}
        case SetShape() | _:
            return {}


MAX_STATEMENT: Final = 16_384
MAX_NESTING: Final = 50
_MAX_ID_LENGTH: Final = 100


@struct(frozen=True, kw_only=True)
class PolicyStatement:
    """One policy: place, id, text, and form in Cedar's JSON format."""

    file: str
    line: int
    id: str
    text: str
    policy: Mapping[str, Node]

    @property
    def place(self) -> str:
        """Location for messages."""
        return f"{self.file}:{self.line}: policy {self.id!r}"

    @property
    def annotations(self) -> Mapping[str, str]:
        """Annotations other than `@id`."""
        found = self.policy.get("annotations")
        if not isinstance(found, Mapping):
            return {}
        return {key: str(value or "") for key, value in found.items() if key != "id"}


def policy_error(problems: Sequence[str], cure: str = "") -> Refused:
    """Build the refusal that names every problem, one a line, with a cure beyond correcting them."""
    return Refused(Code.POLICY_INVALID, "\n".join(problems), cure=cure)


def read_statements(texts: Sequence[tuple[str, str]], *, allow_unnamed: bool) -> tuple[PolicyStatement, ...]:
    """Read policy files, in order.

    Raises:
        Refused: `policy.invalid` with file and line for unreadable text, templates, a missing or doubled `@id`.
    """
    statements: list[PolicyStatement] = []
    problems: list[str] = []
    for file, text in texts:
        for n, (line, piece) in enumerate(split(file, text), 1):
            try:
                statements.append(_statement(file, line, piece, f"{file}#{n}" if allow_unnamed else ""))
            except Refused as refused:
                problems.append(refused.detail)
    first: dict[str, PolicyStatement] = {}
    problems.extend(
        f"{again.place}: this @id is used at {first[again.id].file}:{first[again.id].line} already"
        for again in statements
        if first.setdefault(again.id, again) is not again
    )
    if problems:
        raise policy_error(problems)
    _verify_split(texts, statements)
    return tuple(statements)


def split(file: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement with the line it starts on, text after the last semicolon included.

    Raises:
        Refused: `policy.invalid` for a statement too long or nested too deep. ⚔ Deep nesting overflows the stack of
            Cedar's parser, which ends the whole process.
    """
    start = place = 0
    depth = 0
    while place < len(text):
        letter = text[place]
        if text.startswith("//", place):
            place = _after(text, "\n", place)
            continue
        if letter == '"':
            place = _after_string(text, place)
            continue
        depth += (letter in "([{") - (letter in ")]}")
        if depth > MAX_NESTING or place - start > MAX_STATEMENT:
            raise policy_error(
                [f"{file}:{_line(text, start)}: a policy is too long or nested too deep"],
                "Split it into several policies.",
            )
        place += 1
        if letter == ";":
            yield _line(text, start), text[start:place]
            start, depth = place, 0
    if _code(text[start:]):
        yield _line(text, start), text[start:]


def _after(text: str, mark: str, place: int) -> int:
    found = text.find(mark, place)
    return len(text) if found < 0 else found + 1


def _after_string(text: str, place: int) -> int:
    place += 1
    while place < len(text) and text[place] != '"':
        place += 2 if text[place] == "\\" else 1
    return place + 1


def _code(piece: str) -> str:
    """Strip comments and white space from the start of a piece."""
    rest = piece.lstrip()
    while rest.startswith("//"):
        rest = rest[_after(rest, "\n", 0) :].lstrip()
    return rest


def _line(text: str, start: int) -> int:
    begin = len(text) - len(_code(text[start:]))
    return text.count("\n", 0, begin) + 1


def _statement(file: str, line: int, piece: str, unnamed: str) -> PolicyStatement:
    try:
        written = cedarpy.policies_to_json_str(piece)
        # Slices are made from this form, which allows less nesting than the text.
        cedarpy.PolicySet.from_json_str(written)
        parsed = json.loads(written)
    except (ValueError, RecursionError) as error:
        reason = "nested too deep; split it into several policies" if "serializ" in str(error) else str(error)
        raise policy_error([f"{file}:{line}: {reason}"]) from None
    if parsed["templates"] or len(parsed["staticPolicies"]) != 1:
        raise policy_error(
            [f"{file}:{line}: templates (?principal, ?resource) are not used here; name the principal or resource"]
        )
    (policy,) = parsed["staticPolicies"].values()
    annotations = policy.get("annotations") or {}
    name = annotations.get("id") or unnamed
    near = [key for key in annotations if key.lower() == "id" and key != "id"]
    if near or not name:
        raise policy_error([f'{file}:{line}: this policy has no @id; begin it with @id("a-name-of-its-own")'])
    if len(name) > _MAX_ID_LENGTH or not name.isprintable() or name != name.strip():
        raise policy_error([f"{file}:{line}: an @id is 1 to {_MAX_ID_LENGTH} printable characters"])
    return PolicyStatement(file=file, line=line, id=name, text=piece, policy=policy)


def _verify_split(texts: Sequence[tuple[str, str]], statements: Sequence[PolicyStatement]) -> None:
    """Verify that Cedar, reading the files as a whole, sees the same statements."""
    whole = json.loads(cedarpy.policies_to_json_str("\n".join(text for _, text in texts)))["staticPolicies"]
    if [whole[f"policy{n}"] for n in range(len(whole))] != [statement.policy for statement in statements]:
        raise policy_error(
            ["the policy files read as a whole mean something else than policy by policy"],
            "Put each policy on lines of its own.",
        )
