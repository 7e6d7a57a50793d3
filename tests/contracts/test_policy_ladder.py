"""The confirmation ladder finds the first rung that policy allows, and asks no more than it must."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desks.policies import DESK, question
from remit.adapters.policy.cedar import CedarPolicy
from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Code, Refused
from remit.domain.policy.decision import PolicyVerdict
from remit.engine.ask.evaluate import climb_ladder, policy_refusal
from remit.ports.policy import Policy, PolicyQuestion

PEOPLE = ("customer", "officer:billing", "officer:security")
RUNGS = [frozenset(some) for size in range(3) for some in combinations(PEOPLE, size)]


class Counting:
    """A policy plug that remembers what it was asked."""

    def __init__(self, *texts: str) -> None:
        self.plug: Policy = CedarPolicy([(f"{n}", text) for n, text in enumerate(texts)], DESK)
        self.asked: list[PolicyQuestion] = []

    @property
    def digest(self) -> str:
        return self.plug.digest

    def decide(self, question: PolicyQuestion) -> PolicyVerdict:
        self.asked.append(question)
        return self.plug.decide(question)

    def depends_on_confirmation(self, question: PolicyQuestion) -> bool:
        return self.plug.depends_on_confirmation(question)

    def confirmers_named(self, question: PolicyQuestion) -> frozenset[str] | None:
        return self.plug.confirmers_named(question)

    def schema_text(self, catalogue: Catalogue) -> str:
        return self.plug.schema_text(catalogue)


def permit(when: str) -> str:
    return f'@id("p") permit(principal, action == Action::"payment.refund", resource) when {{ {when} }};'


def test_an_allowed_floor_is_asked_once() -> None:
    policy = Counting(permit("true"))
    people, verdict = climb_ladder(policy, question(), RUNGS)
    assert (people, verdict.allowed, len(policy.asked)) == (frozenset(), True, 1)


def test_the_first_sufficient_rung_wins() -> None:
    policy = Counting(permit('context.confirmed_by.containsAll(["customer", "officer:security"])'))
    people, verdict = climb_ladder(policy, question(), RUNGS)
    assert people == {"customer", "officer:security"}
    assert verdict.policies == ("p",)


def test_a_denial_that_no_confirmation_changes_is_not_climbed() -> None:
    policy = Counting(permit("context.risk > 50"))
    people, verdict = climb_ladder(policy, question(), RUNGS)
    assert (people, len(policy.asked)) == (None, 1)
    assert policy_refusal(verdict).code is Code.POLICY_NO_RULE


def test_a_forbid_that_stays_is_named() -> None:
    policy = Counting(permit('context.confirmed_by.contains("customer")'), '@id("no") forbid(principal, action, resource);')
    people, verdict = climb_ladder(policy, question(), RUNGS)
    refused = policy_refusal(verdict)
    assert (people, refused.code, refused.policies) == (None, Code.POLICY_FORBIDDEN, ("no",))
    assert refused.public is None


def test_rungs_that_no_policy_tells_apart_are_not_asked() -> None:
    policy = Counting(permit('context.confirmed_by.contains("officer:billing") && context.risk > 50'))
    assert climb_ladder(policy, question(), RUNGS)[0] is None
    assert len(policy.asked) == 3  # nobody; nobody the rules know, confirmed freshly; the billing officer


def test_people_on_a_rung_are_assumed_to_confirm_freshly() -> None:
    people, _ = climb_ladder(Counting(permit('context.confirmation.kind == "fresh"')), question(), RUNGS)
    assert people == {"customer"}


def test_a_preapproval_stays_one() -> None:
    policy = Counting(permit('context.confirmation.kind == "fresh"'))
    assert climb_ladder(policy, question(confirmation_kind="preapproved"), [frozenset({"customer"})])[0] is None


def test_an_evaluation_error_ends_the_climb() -> None:
    policy = Counting(permit('context.risk * 9223372036854775807 > 1 || context.confirmed_by.contains("customer")'))
    with pytest.raises(Refused) as caught:
        climb_ladder(policy, question(risk=9), RUNGS)
    assert caught.value.code is Code.POLICY_ERROR
    assert len(policy.asked) == 1


def test_without_rungs_nothing_is_allowed() -> None:
    people, verdict = climb_ladder(Counting(permit("true")), question(), [])
    assert (people, verdict.allowed) == (None, False)


CONDITIONS = [
    'context.confirmed_by.contains("customer")',
    'context.confirmed_by.containsAny(["officer:billing", "officer:security"])',
    '!context.confirmed_by.contains("officer:billing")',
    "context.confirmed_by.isEmpty()",
    'context.confirmed_by == ["customer", "officer:security"]',
    'context.confirmation.kind == "fresh"',
    'principal.tier == "known"',
]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["permit", "forbid"]), st.sampled_from(CONDITIONS)), min_size=1, max_size=4), st.permutations(RUNGS)
)
def test_skipping_rungs_never_changes_the_answer(rules: list[tuple[str, str]], rungs: list[frozenset[str]]) -> None:
    text = "\n".join(f'@id("p{n}") {effect}(principal, action, resource) when {{ {when} }};' for n, (effect, when) in enumerate(rules))
    plug = CedarPolicy([("p", text)], DESK)
    verdicts = [plug.decide(question(confirmed_by=rung, confirmation_kind="fresh" if rung else "none")).allowed for rung in rungs]
    expected = next((rung for rung, allowed in zip(rungs, verdicts, strict=True) if allowed), None)
    assert climb_ladder(plug, question(), rungs)[0] == expected
