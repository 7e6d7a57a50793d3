"""Run policy cases: ask the desk's policies and escalation rules what each case asks and compare.

Reading cases is in `domain/policy_cases`.
"""

from collections.abc import Iterable

from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Refused
from remit.domain.policy.cases import NO_RULE, CaseAnswer, CaseResult, Expect, PolicyCase, judge
from remit.domain.policy.escalation import fitting, wanted
from remit.domain.policy.floors import rungs
from remit.engine.ask.evaluate import climb_under
from remit.ports.params import Params
from remit.ports.policy import Policy, Question


def test_policies(
    cases: Iterable[PolicyCase],
    *,
    policy: Policy,
    params: Params,
    catalogue: Catalogue,
) -> tuple[CaseResult, ...]:
    """Run cases, in order; the ladder begins at who has confirmed already. Where a case names an escalation rule, those add to it."""
    return tuple(judge(case, _answer(case, policy, params, catalogue)) for case in cases)


def _answer(case: PolicyCase, policy: Policy, params: Params, catalogue: Catalogue) -> CaseAnswer:
    rules = () if case.escalation is None else catalogue.escalations
    rule = fitting(rules, catalogue.actions[case.action], case.params, tier=case.tier, risk=case.risk)
    if not wanted(rule, case.confirmed_by):
        rule = None
    try:
        params.verify(case.action, case.params)
        people, verdict = climb_under(
            policy, _question(case), rungs(case.confirmed_by, tuple(catalogue.roles)), rule, case.confirmed_by
        )
    except Refused as refused:
        # Policies that cannot be evaluated refuse, but that is never what a case means by `deny`.
        return CaseAnswer(expect=None, note=f"the case cannot be asked: {refused}")
    decided = frozenset(verdict.policies)
    name = NO_RULE if rule is None else rule.name
    if people is None:
        return CaseAnswer(expect=Expect.DENY, policies=decided, escalation=name)
    if people == case.confirmed_by:
        return CaseAnswer(expect=Expect.ALLOW, policies=decided, escalation=name)
    return CaseAnswer(expect=Expect.NEEDS, who=people, policies=decided, escalation=name)


def _question(case: PolicyCase) -> Question:
    return Question(
        action=case.action,
        params=case.params,
        agent=case.agent,
        operator=case.operator,
        tier=case.tier,
        customer=case.customer,
        objective=case.objective,
        task="case",
        risk=case.risk,
        confirmed_by=case.confirmed_by,
        confirmation_kind=case.confirmation_kind,
        resources=case.records,
        time_ms=case.time_ms,
    )
