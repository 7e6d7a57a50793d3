"""Run policy cases: ask the desk's policies what each case asks and compare.

Reading cases is in `domain/policy_cases`.
"""

from collections.abc import Iterable, Sequence

from remit.domain.errors import Refused
from remit.domain.escalation import rungs
from remit.domain.policy_cases import CaseAnswer, CaseResult, Expect, PolicyCase, judge
from remit.ports.params import Params
from remit.ports.policy import Policy, Question
from remit.usecases.climb_ladder import climb


def test_policies(
    cases: Iterable[PolicyCase],
    *,
    policy: Policy,
    params: Params,
    roles: Sequence[str],
) -> tuple[CaseResult, ...]:
    """Run cases, in order. `roles` are the role names in catalogue order; the ladder begins at who has confirmed already."""
    return tuple(judge(case, _answer(case, policy, params, roles)) for case in cases)


def _answer(case: PolicyCase, policy: Policy, params: Params, roles: Sequence[str]) -> CaseAnswer:
    try:
        params.verify(case.action, case.params)
        people, verdict = climb(policy, _question(case), rungs(case.confirmed_by, roles))
    except Refused as refused:
        # Policies that cannot be evaluated refuse, but that is never what a case means by `deny`.
        return CaseAnswer(expect=None, note=f"the case cannot be asked: {refused}")
    decided = frozenset(verdict.policies)
    if people is None:
        return CaseAnswer(expect=Expect.DENY, policies=decided)
    if people == case.confirmed_by:
        return CaseAnswer(expect=Expect.ALLOW, policies=decided)
    return CaseAnswer(expect=Expect.NEEDS, who=people, policies=decided)


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
