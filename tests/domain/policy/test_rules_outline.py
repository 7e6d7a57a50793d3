"""Whether new rules only tighten those in force."""

from typing import Any

import pytest

from desks.example import desk
from remit.adapters.policy.cedar import CedarPolicy
from remit.domain.policy.rules_outline import RulesOutline, only_tightens, outline_of, read_outline

PERMIT = '@id("p") permit (principal, action, resource) when { context.confirmed_by.contains("customer") };'
OTHER_PERMIT = '@id("q") permit (principal, action, resource) when { context.confirmed_by.contains("officer:billing") };'
FORBID = '@id("f") forbid (principal, action, resource) when { context.risk >= 90 };'
STOP = '@id("stop") forbid (principal, action == Action::"payment.refund", resource);'
SEES = (
    '@id("s") forbid (principal, action, resource) when { context.confirmed_by.contains("customer") };',
    '@id("s") forbid (principal, action, resource) unless { context.confirmed_by.contains("officer:billing") };',
    '@id("s") forbid (principal, action, resource) when { context.confirmation.kind == "fresh" };',
    '@id("s") forbid (principal, action, resource) when { context has confirmed_by && context.confirmed_by.isEmpty() };',
)
RULES = (PERMIT, OTHER_PERMIT, FORBID)
SETTINGS = {"catalogue": "sha-256:c", "secrets": "refuse"}


def rules(*policies: str, rest: Any = None) -> RulesOutline:
    plug = CedarPolicy([("rules.cedar", "\n".join(policies or RULES))], desk())
    return outline_of(plug.statements, SETTINGS if rest is None else rest)


@pytest.mark.parametrize(
    "after",
    [RULES, (*RULES, STOP), (STOP, *RULES), (PERMIT, OTHER_PERMIT, STOP, FORBID, STOP.replace('"stop"', '"again"'))],
    ids=["nothing", "one", "one before", "two"],
)
def test_policies_that_forbid_whoever_has_confirmed_only_tighten(after: tuple[str, ...]) -> None:
    assert only_tightens(rules(), rules(*after))


@pytest.mark.parametrize("seeing", SEES)
def test_a_policy_that_looks_at_who_has_confirmed_may_bring_in_another_confirmer(seeing: str) -> None:
    """⚔ Where customer or officer sufficed, forbidding the customer's yes leaves the officer's alone."""
    assert not only_tightens(rules(), rules(*RULES, seeing))
    assert not only_tightens(rules(*RULES, seeing), rules())


OTHER = {
    "a permit comes": (*RULES, OTHER_PERMIT.replace('"q"', '"r"')),
    "a permit goes": (PERMIT, FORBID),
    "a permit is another": (PERMIT.replace("customer", "officer:billing"), OTHER_PERMIT, FORBID),
    "a forbid goes": (PERMIT, OTHER_PERMIT),
    "a forbid is narrower": (PERMIT, OTHER_PERMIT, FORBID.replace("90", "91")),
    "what forbade permits": (PERMIT, OTHER_PERMIT, FORBID.replace("forbid", "permit")),
    "permits change places": (OTHER_PERMIT, PERMIT, FORBID),
}


@pytest.mark.parametrize("name", OTHER)
def test_anything_else_needs_two(name: str) -> None:
    assert not only_tightens(rules(), rules(*OTHER[name]))


@pytest.mark.parametrize("number", [9007199254740993, 9007199254740991])
def test_large_numbers_are_told_apart(number: int) -> None:
    before, after = (FORBID.replace("90", str(one)) for one in (9007199254740992, number))
    assert not only_tightens(rules(PERMIT, before), rules(PERMIT, after))


def test_another_catalogue_or_setting_needs_two() -> None:
    assert not only_tightens(rules(), rules(rest={**SETTINGS, "secrets": "redact"}))
    assert not only_tightens(rules(), rules(rest={**SETTINGS, "catalogue": "sha-256:d"}))


def test_an_outline_is_kept_and_read_again() -> None:
    for one in (rules(), rules(*RULES, STOP)):
        assert read_outline(one.text()) == one


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "nonsense", '{"rest":"x"}', '{"rest":1,"forbids":[]}', '{"rest":"x","forbids":"y"}', '{"rest":"x","forbids":[1]}'],
)
def test_an_outline_that_was_not_kept_is_none(text: str) -> None:
    assert read_outline(text) is None
