"""Running of policy cases: ask policies and escalation rules, and compare."""

from collections.abc import Iterable

from remit.domain.catalogue.model import Catalogue
from remit.domain.errors import Refused
from remit.domain.policy.cases import NO_RULE, CaseAnswer, CaseResult, ExpectedDecision, PolicyCase, compare_case
from remit.domain.policy.escalation import matching_rule, outstanding_confirmers
from remit.domain.policy.floors import ladder_rungs
from remit.engine.ask.evaluate import climb_with_escalation
from remit.ports.params import ParamsValidator
from remit.ports.policy import Policy, PolicyQuestion


def run_policy_cases(
    cases: Iterable[PolicyCase], *, policy: Policy, params: ParamsValidator, catalogue: Catalogue
) -> tuple[CaseResult, ...]:
    """Run cases in order; the ladder begins at given confirmations, and a named escalation rule adds its confirmers."""
    return tuple(compare_case(case, _answer(case, policy, params, catalogue)) for case in cases)


def _answer(case: PolicyCase, policy: Policy, params: ParamsValidator, catalogue: Catalogue) -> CaseAnswer:
    rules = () if case.escalation is None else catalogue.escalations
    rule = matching_rule(rules, catalogue.actions[case.action], case.params, tier=case.tier, risk=case.risk)
    if not outstanding_confirmers(rule, case.confirmed_by):
        rule = None
    try:
        params.verify(case.action, case.params)
        people, verdict = climb_with_escalation(
            policy, _question(case), ladder_rungs(case.confirmed_by, tuple(catalogue.roles)), rule, case.confirmed_by
        )
    except Refused as refused:
        # Policies that cannot be evaluated refuse, but that is never what a case means by `deny`.
        return CaseAnswer(expect=None, note=f"the case cannot be asked: {refused}")
    decided = frozenset(verdict.policies)
    name = NO_RULE if rule is None else rule.name
    if people is None:
        return CaseAnswer(expect=ExpectedDecision.DENY, policies=decided, escalation=name)
    if people == case.confirmed_by:
        return CaseAnswer(expect=ExpectedDecision.ALLOW, policies=decided, escalation=name)
    return CaseAnswer(expect=ExpectedDecision.NEEDS, who=people, policies=decided, escalation=name)


def _question(case: PolicyCase) -> PolicyQuestion:
    return PolicyQuestion(
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
