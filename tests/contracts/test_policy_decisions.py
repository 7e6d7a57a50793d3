"""The decision point's policies: slices, pruned attributes and remembered answers say what Cedar says of everything at once."""

import json
import random
from typing import Any

import cedarpy
import pytest

from remit.adapters.policy.decision_rules import CedarDecisionRules
from remit.domain.decision_point.question import Entity, NamedAction, Question
from remit.domain.errors import Refused

POLICIES = """
permit(principal == user::"u1", action == Action::"read", resource);
permit(principal in team::"t1", action in [Action::"read", Action::"write"], resource is doc) when { resource.owner == principal };
permit(principal == user::"x1", action == Action::"mine", resource);
permit(principal, action == Action::"that", resource == doc::"x2");
permit(principal is user, action == Action::"open", resource) when { resource has level && principal has level && principal.level >= resource.level };
permit(principal, action == Action::"own", resource) when { resource has owner && resource.owner has level && resource.owner.level > 2 };
permit(principal, action == Action::"same", resource) when { principal == resource };
permit(principal, action, resource) when { context has sudo && context.sudo };
permit(principal, action == Action::"tag", resource) when { context.action has tags && context.action.tags.contains("x") };
forbid(principal, action == Action::"write", resource == doc::"d3");
forbid(principal, action == Action::"open", resource) when { principal.banned };
permit(principal, action == Action::"whole", resource) when { context == {"sudo": false, "action": {}} };
"""
ENTITIES: list[Any] = [
    {"type": "team", "id": "t1"},
    {"type": "user", "id": "u1", "properties": {"level": 3, "banned": False}, "parents": [{"type": "team", "id": "t1"}]},
    {"type": "user", "id": "u2", "properties": {"level": 1, "banned": False}, "parents": [{"type": "team", "id": "t1"}]},
    {"uid": {"type": "doc", "id": "d1"}, "attrs": {"owner": {"__entity": {"type": "user", "id": "u1"}}, "level": 2}, "parents": []},
    {"uid": {"type": "doc", "id": "d2"}, "attrs": {"owner": {"__entity": {"type": "user", "id": "u2"}}}, "parents": []},
    {"type": "doc", "id": "d3", "properties": {"level": 0}},
]
SCHEMA = 'entity user; entity doc; action "all"; action "read", "write" in ["all"] appliesTo {principal: user, resource: doc};'
ACTIONS = ["read", "write", "open", "own", "same", "tag", "whole", "mine", "that", "unheard-of"]


def whole(question: Question) -> bool:
    """What Cedar says with all policies and all entities, each request's own over the known ones."""
    known: dict[tuple[str, str], dict[str, Any]] = {}
    for one in ENTITIES:
        uid = one.get("uid") or {"type": one["type"], "id": one["id"]}
        attrs = one.get("attrs", one.get("properties", {}))
        known[uid["type"], uid["id"]] = {"uid": uid, "attrs": dict(attrs), "parents": one.get("parents", [])}
    for one in (question.subject, question.resource):
        uid = {"type": one.type, "id": one.id}
        entity = known.setdefault((one.type, one.id), {"uid": uid, "attrs": {}, "parents": []})
        entity["attrs"] |= dict(one.properties)
    request = {
        "principal": {"type": question.subject.type, "id": question.subject.id},
        "action": {"type": "Action", "id": question.action.name},
        "resource": {"type": question.resource.type, "id": question.resource.id},
        "context": {**question.context, "action": dict(question.action.properties)},
    }
    answer = cedarpy.is_authorized(request, POLICIES, list(known.values()))
    return answer.decision is cedarpy.Decision.Allow and not answer.diagnostics.errors


def some(chance: random.Random) -> Question:
    def entity() -> Entity:
        properties = {name: chance.choice(values) for name, values in SENT.items() if chance.random() < 0.3}
        return Entity(chance.choice(["user", "doc"]), chance.choice(["u1", "u2", "d1", "d2", "d3", "x1", "x2"]), properties)

    subject = entity()
    resource = subject if chance.random() < 0.1 else entity()
    context = {"sudo": chance.choice([True, False])} if chance.random() < 0.2 else {}
    action = NamedAction(chance.choice(ACTIONS), {"tags": chance.choice([["x"], ["y"]])} if chance.random() < 0.5 else {})
    return Question(subject, action, resource, context)


SENT: dict[str, list[Any]] = {"level": [0, 1, 2, 3], "banned": [True, False], "unread": ["a", "b", None]}


def test_every_shortcut_answers_as_the_whole_does() -> None:
    rules, chance = CedarDecisionRules([("p.cedar", POLICIES)], ENTITIES), random.Random(7)
    asked = [some(chance) for _ in range(4000)]
    answered = [rules.decide(one).allowed for one in asked]
    assert 0.05 < sum(answered) / len(answered) < 0.95
    wrong = [one for one, given in zip(asked, answered, strict=True) if given != whole(_without_null(one))]
    assert wrong == []
    again = CedarDecisionRules([("p.cedar", POLICIES)], ENTITIES, remember=0)
    assert [again.decide(one).allowed for one in asked] == answered


def _without_null(question: Question) -> Question:
    """A question without the members that are null, which are absent to policies."""

    def entity(one: Entity) -> Entity:
        return Entity(one.type, one.id, {name: value for name, value in one.properties.items() if value is not None})

    return Question(entity(question.subject), question.action, entity(question.resource), question.context)


@pytest.mark.parametrize(
    ("policies", "entities", "schema", "says"),
    [
        ("permit(principal, action, resource) when { x };", [], "", "p.cedar:1"),
        ("permit(principal == ?principal, action, resource);", [], "", "templates"),
        ('@obligation_properties("{}") permit(principal, action, resource);', [], "", "@obligation"),
        ('@obligation("x") @obligation_properties("[]") permit(principal, action, resource);', [], "", "@obligation"),
        ("permit(principal, action, resource);", [{"type": "user"}], "", "entity 1"),
        ("permit(principal, action, resource);", [{"type": "a-b", "id": "x"}], "", "entity 1"),
        ("permit(principal, action, resource);", [{"type": "u", "id": "x", "attrs": {}}], "", "knows no attrs"),
        ("permit(principal, action, resource);", [{"type": "u", "id": "x"}, {"type": "u", "id": "x"}], "", "stands twice"),
        ("permit(principal, action, resource);", [], "entity", "schema"),
        ('permit(principal == nobody::"x", action, resource);', [], "entity user;", "policy"),
        ("permit(principal, action, resource);", [{"type": "user", "id": "x", "properties": {"a": 1}}], SCHEMA, "do not fit"),
    ],
)
def test_what_is_wrong_stops_the_start_and_is_named(policies: str, entities: list[Any], schema: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        CedarDecisionRules([("p.cedar", policies)], entities, schema)
    assert (refused.value.code, says in refused.value.detail) == ("policy.invalid", True), refused.value.detail


def test_groups_of_a_schema_hold_and_are_no_actions() -> None:
    policies = 'permit(principal, action in Action::"all", resource); forbid(principal, action == Action::"write", resource);'
    rules = CedarDecisionRules([("p.cedar", policies)], [{"type": "user", "id": "a"}, {"type": "doc", "id": "d"}], SCHEMA)
    asked = [Question(Entity("user", "a"), NamedAction(name), Entity("doc", "d")) for name in ("read", "write", "other")]
    assert [rules.decide(one).allowed for one in asked] == [True, False, False]
    assert sorted(rules.actions) == ["read", "write"]
    assert json.dumps(rules.ids("user")) == '["a"]'
