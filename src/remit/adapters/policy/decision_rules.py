"""The port to the decision point's policies on Cedar: default deny, a `forbid` wins, an error denies.

A subject is `<type>::"<id>"`, an action `Action::"<name>"`, a resource `<type>::"<id>"`. Their properties are attributes,
those sent over those stored. `context` is the request's, with the action's properties as `context.action`.
"""

import json
import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import cedarpy
import msgspec

from remit.adapters.policy.cedar_check import Node, PolicyStatement, entity_literals, policy_error, read_statements
from remit.adapters.policy.cedar_slices import policy_set
from remit.adapters.policy.decision_entities import (
    Uid,
    entity_json,
    is_type_name,
    overlaid,
    read_entities,
    uid_json,
    uid_of,
    unfit,
    write_members,
)
from remit.domain.decision_point.question import Question
from remit.domain.errors import Refused
from remit.domain.structs import struct
from remit.domain.values import Json, decode_json
from remit.ports.policy import Obligation, Ruling
from remit.proof.canonical import digest

_LOG: Final = logging.getLogger("remit.decisions")
_ACTION: Final = "Action"
_OBLIGATION: Final = "obligation"
_PROPERTIES: Final = "obligation_properties"
_REMEMBERED: Final = 4096
_SHORT: Final = 2048
_BASES: Final = 32
_DENIED: Final = Ruling(allowed=False)


@struct(frozen=True, kw_only=True)
class _Reading:
    """Names in policies: attributes read, entities looked into, actions named; `whole`: the context as a value."""

    names: frozenset[str]
    entities: frozenset[Uid]
    actions: tuple[str, ...]
    whole: bool
    principal: bool
    resource: bool
    """Whether policies tell subjects, or resources, apart by more than type and attributes."""


@struct(frozen=True, kw_only=True)
class _Slice:
    """The policies that may apply to one action, prepared, and the names they read."""

    policies: cedarpy.PolicySet
    reading: _Reading


class CedarDecisionRules:
    """Policies and entities of the decision point, parsed and validated once."""

    def __init__(
        self,
        texts: Sequence[tuple[str, str]],
        entities: Sequence[Json] = (),
        schema: str = "",
        *,
        remember: int = _REMEMBERED,
    ) -> None:
        """Prepare policy files, given as (file name, text); `schema` is a Cedar schema, "" without one.

        Raises:
            Refused: `policy.invalid` with every problem found.
        """
        self._statements = read_statements(texts, allow_unnamed=True)
        self._reading = _read(self._statements)
        self._stored = read_entities(entities)
        self._schema = _schema(schema)
        _validate(self._statements, self._schema)
        self._digest = digest({"policies": [text for _, text in texts], "entities": entities, "schema": schema})
        self._base_uids = self._looked_into()
        self._base = self._parse([one.as_json() for uid, one in self._stored.items() if uid in self._base_uids])
        if self._schema is not None:  # all of them, though only a part is needed in every request
            self._parse([one.as_json() for one in self._stored.values()])
        self._grouped = self._schema is not None or any(kind == _ACTION for kind, _ in self._stored)
        self._other = self._slice(None)
        self._slices = {name: self._slice(name) for name in self._reading.actions}
        self._obligations = {one.id: _obligation(one) for one in self._statements}
        self._ids: dict[str, list[str]] = {}
        for kind, name in self._stored:
            self._ids.setdefault(kind, []).append(name)
        self._actions = _actions(self._reading.actions, str(self._base))
        self._bases: OrderedDict[frozenset[Uid], cedarpy.Entities] = OrderedDict()
        self._answers: OrderedDict[bytes, Ruling] = OrderedDict()
        self._remember = remember

    @property
    def digest(self) -> str:
        """Return `sha-256:…` over policies, entities and schema."""
        return self._digest

    @property
    def obligation_types(self) -> Sequence[str]:
        """Return the types of obligations that the policies can impose."""
        return sorted({one.type for one in self._obligations.values() if one is not None})

    @property
    def actions(self) -> Sequence[str]:
        """Return the actions that policies, schema or entities name, without their groups."""
        return self._actions

    def ids(self, entity_type: str) -> Sequence[str]:
        """Return the ids of the known entities of a type, in order."""
        return self._ids.get(entity_type, ())

    def decide(self, question: Question) -> Ruling:
        """Answer one question; never an exception."""
        action, subject, resource = question.action.name, question.subject, question.resource
        if not (is_type_name(subject.type) and is_type_name(resource.type)):
            return _DENIED
        of = self._slices.get(action, self._other)
        try:
            attributes, over = self._attributes(question, of.reading)
            context = self._context(question, of.reading)
            # The engine is a function of what the policies of the action read, and of entities that never change here:
            # where none tells two subjects apart, an answer about one holds for the other.
            told: list[object] = [action, context]
            for one, matters in ((subject, of.reading.principal), (resource, of.reading.resource)):
                uid = uid_of(one)
                told += [one.type, one.id if matters or uid in self._base_uids else None, attributes.get(uid)]
            key = msgspec.json.encode(told)
        except (ValueError, TypeError, ArithmeticError) as wrong:
            return _broken(question, unfit(wrong))
        known = self._answers.get(key)
        if known is None:
            known = self._ask(question, of, attributes, context, over=over)
            if len(key) <= _SHORT:
                self._answers[key] = known
            if len(self._answers) > self._remember:
                self._answers.popitem(last=False)
        return known

    def _ask(
        self,
        question: Question,
        of: _Slice,
        attributes: Mapping[Uid, Mapping[str, object]],
        context: Mapping[str, object],
        *,
        over: frozenset[Uid],
    ) -> Ruling:
        try:
            about = [entity_json(uid, attrs, self._parents(uid)) for uid, attrs in attributes.items()]
            request = {
                "principal": uid_json(uid_of(question.subject)),
                "action": {"type": _ACTION, "id": question.action.name},
                "resource": uid_json(uid_of(question.resource)),
                "context": msgspec.json.encode(context).decode(),
            }
            base = self._base if not over else self._without(over)
            entities = base.with_added_json_str(msgspec.json.encode(about).decode()) if about else base
            answer = cedarpy.is_authorized(request, of.policies, entities)
        except (ValueError, TypeError, OverflowError) as wrong:
            return _broken(question, unfit(wrong))
        errors, decision = answer.diagnostics.errors, answer.decision
        if errors or (decision is not cedarpy.Decision.Allow and decision is not cedarpy.Decision.Deny):
            # ⚔ Cedar skips a policy whose condition errs, a `forbid` too, and may still say Allow.
            return _broken(question, "; ".join(errors) or decision.value)
        found = [self._obligations[name] for name in sorted(answer.diagnostics.reasons)]
        return Ruling(decision is cedarpy.Decision.Allow, tuple([one for one in found if one is not None]))

    def _attributes(
        self, question: Question, reading: _Reading
    ) -> tuple[dict[Uid, Mapping[str, object]], frozenset[Uid]]:
        """Return the attributes of subject and resource beside the base, and which of them replace one of the base."""
        sent: dict[Uid, dict[str, object]] = {}
        for one in (question.subject, question.resource):
            members = write_members(one.properties, names=reading.names) if one.properties else {}
            sent[uid_of(one)] = {**sent.get(uid_of(one), {}), **members}
        found: dict[Uid, Mapping[str, object]] = {}
        over = []
        for uid, members in sent.items():
            stored = self._stored.get(uid)
            if uid in self._base_uids:
                if not members:
                    continue
                over.append(uid)
            if stored is not None or members:
                found[uid] = overlaid(stored, members)
        return found, frozenset(over)

    def _parents(self, uid: Uid) -> tuple[Uid, ...]:
        stored = self._stored.get(uid)
        return () if stored is None else stored.parents

    def _context(self, question: Question, reading: _Reading) -> Mapping[str, object]:
        names = None if reading.whole else reading.names
        context = write_members(question.context, names=names) if question.context else {}
        if names is None or _ACTION.lower() in names:
            context["action"] = write_members(question.action.properties, names=names)
        return context

    def _slice(self, action: str | None) -> _Slice:
        """Prepare the policies that may apply to an action (None: one that no policy names)."""
        chosen = [one for one in self._statements if self._may_apply(one, action)]
        return _Slice(policies=policy_set(chosen), reading=_read(chosen))

    def _without(self, uids: frozenset[Uid]) -> cedarpy.Entities:
        """Return the base without some entities: it cannot hold an entity twice. ⚔ A few are kept: parsing takes long."""
        known = self._bases.get(uids)
        if known is None:
            left = [one.as_json() for uid, one in self._stored.items() if uid in self._base_uids and uid not in uids]
            known = self._bases[uids] = self._parse(left)
            if len(self._bases) > _BASES:
                self._bases.popitem(last=False)
        return known

    def _looked_into(self) -> frozenset[Uid]:
        """Return the entities that a request can reach beyond its own two: parents, and those referred to."""
        found = set(self._reading.entities)
        for one in self._stored.values():
            found.update(one.parents)
            found.update(_references(one.attrs))
            if one.uid[0] == _ACTION:
                found.add(one.uid)
        return frozenset(found & self._stored.keys())

    def _parse(self, entities: Sequence[Mapping[str, object]]) -> cedarpy.Entities:
        """Parse entities. ⚔ With the schema: without it no action is in any group, and no `forbid` on one fires."""
        try:
            return cedarpy.Entities.from_json_str(msgspec.json.encode(entities).decode(), self._schema)
        except ValueError as wrong:
            raise policy_error([f"the entities do not fit: {wrong}"], "Correct the entities, or the schema.") from None

    def _may_apply(self, statement: PolicyStatement, action: str | None) -> bool:
        """Return whether a policy's scope can match an action (None: one that no policy names)."""
        scope = statement.policy.get("action")
        op = scope.get("op") if isinstance(scope, Mapping) else None
        named = {name for _, name in entity_literals(scope)}
        return not (op == "==" or (op == "in" and not self._grouped)) or action in named


def _actions(named: Sequence[str], base: str) -> tuple[str, ...]:
    """Return the actions named by policies, and by the schema, which `base` was parsed with."""
    found, groups = dict.fromkeys(named), set[str]()
    for entity in json.loads(base):
        if entity["uid"]["type"] == _ACTION:
            found[entity["uid"]["id"]] = None
            groups.update(parent["id"] for parent in entity["parents"])
    return tuple(name for name in found if name not in groups)


def _broken(question: Question, why: str) -> Ruling:
    _LOG.warning("action %.80s was denied: %.300s", question.action.name, why, extra={"event": "decision.error"})
    return Ruling(allowed=False, error=why)


def _schema(text: str) -> cedarpy.Schema | None:
    if not text.strip():
        return None
    try:
        return cedarpy.Schema.from_json_str(text) if text.lstrip().startswith("{") else cedarpy.Schema.from_str(text)
    except ValueError as wrong:
        raise policy_error(
            [f"the schema cannot be read: {wrong}"], "Write it in Cedar's own or its JSON form."
        ) from None


def _validate(statements: Sequence[PolicyStatement], schema: cedarpy.Schema | None) -> None:
    if schema is None or not statements:
        return
    result = cedarpy.validate_policies("\n".join(statement.text for statement in statements), schema)
    if not result.validation_passed or result.errors:
        raise policy_error([str(error) for error in result.errors] or ["the policies do not fit the schema"])


def _obligation(statement: PolicyStatement) -> Obligation | None:
    """Return the obligation that a policy's annotations impose where it decides."""
    notes = statement.annotations
    kind = notes.get(_OBLIGATION)
    if kind is None and _PROPERTIES not in notes:
        return None
    try:
        properties = decode_json(notes.get(_PROPERTIES, "{}").encode())
    except Refused:
        properties = None
    if not kind or not isinstance(properties, Mapping):
        problem = (
            f'{statement.place}: write @obligation("a-type") and, with it, @{_PROPERTIES}("{{}}") with a JSON object'
        )
        raise policy_error([problem])
    return Obligation(statement.id, kind, properties)


def _read(statements: Sequence[PolicyStatement]) -> _Reading:
    names: set[str] = set()
    entities: set[Uid] = set()
    actions: dict[str, None] = {}
    whole = principal = resource = False
    for statement in statements:
        principal |= _by_id(statement.policy.get("principal"))
        resource |= _by_id(statement.policy.get("resource"))
        actions.update(
            dict.fromkeys(name for kind, name in entity_literals(statement.policy.get("action")) if kind == _ACTION)
        )
        for node, parent in _nodes(statement.policy.get("conditions"), ""):
            if parent in {".", "has"} and isinstance(attribute := node.get("attr"), str):
                names.add(attribute)
            used = node.get("Var") if parent != "left of ." else None
            whole |= used == "context"
            principal |= used == "principal"
            resource |= used == "resource"
            if isinstance(literal := node.get("__entity"), Mapping):
                (uid,) = entity_literals(literal)
                entities.add(uid)
                actions.update({uid[1]: None} if uid[0] == _ACTION else {})
    return _Reading(
        names=frozenset(names),
        entities=frozenset(entities),
        actions=tuple(actions),
        whole=whole,
        principal=principal,
        resource=resource,
    )


def _by_id(scope: Node) -> bool:
    """Return whether a scope clause names an entity, or its ancestors."""
    return any(True for _ in entity_literals(scope))


def _nodes(node: Node, parent: str) -> Iterator[tuple[Mapping[str, Node], str]]:
    """Yield every object of an expression with the operator that it is the operand of."""
    if isinstance(node, Mapping):
        yield node, parent
        for name, part in node.items():
            inside = "left of ." if name == "left" and parent in {".", "has"} else name
            yield from _nodes(part, inside)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for part in node:
            yield from _nodes(part, parent)


def _references(value: object) -> Iterator[Uid]:
    if isinstance(value, Mapping):
        literal = value.get("__entity")
        if isinstance(literal, Mapping):
            yield str(literal.get("type")), str(literal.get("id"))
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)
