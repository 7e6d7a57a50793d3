"""The confirmation ladder asked of the policies: the smallest set of people whose yes would be enough.

Which rungs there are is in `domain/escalation`; who really confirmed is asked again when they have.
"""

from collections.abc import Iterable
from dataclasses import replace

from remit.domain.catalogue import Escalation
from remit.domain.decision import Refuse, Verdict
from remit.domain.errors import Code
from remit.domain.escalation_rules import candidates
from remit.ports.policy import Policy, Question


def climb(policy: Policy, question: Question, rungs: Iterable[frozenset[str]]) -> tuple[frozenset[str] | None, Verdict]:
    """Find the first rung that policy allows.

    The first rung is the floor and is always asked; the others only where a denial depends on who confirms. A rung
    that adds nobody the policies tell apart is skipped: its answer is known. A rung with people on it is asked with
    `fresh` confirmations, unless the question brings a kind of its own.

    Returns:
        The people who must all confirm, or None when no rung is enough, with the last verdict.

    Raises:
        Refused: `policy.error`; an evaluation error ends the climb.

    Source: docs/model/model.md#ladder.
    """
    named = policy.confirmers_named(question)
    asked: set[tuple[frozenset[str], str]] = set()
    verdict = Verdict(allowed=False)
    for rung in rungs:
        kind = "fresh" if rung and question.confirmation_kind == "none" else question.confirmation_kind
        seen = (rung if named is None else rung & named, kind)
        if seen in asked:
            continue
        asks_as_it_is = (rung, kind) == (question.confirmed_by, question.confirmation_kind)
        verdict = policy.decide(question if asks_as_it_is else replace(question, confirmed_by=rung, confirmation_kind=kind))
        if verdict.allowed:
            return rung, verdict
        if not asked and not policy.depends_on_confirmation(question):
            break
        asked.add(seen)
    return None, verdict


def climb_under(
    policy: Policy, question: Question, rungs: Iterable[frozenset[str]], rule: Escalation | None, floor: frozenset[str]
) -> tuple[frozenset[str] | None, Verdict]:
    """Climb, and then ask the policies about those whom an escalation rule adds: they must be content with all of them together.

    Raises:
        Refused: `policy.error`.
    """
    who, verdict = climb(policy, question, rungs)
    if who is None or rule is None:
        return who, verdict
    return climb(policy, question, candidates(rule, who, floor))


def refusal(verdict: Verdict) -> Refuse:
    """Say no as the policies said it: a rule forbids it, or no rule allows it."""
    if verdict.policies:
        return Refuse(code=Code.POLICY_FORBIDDEN, detail=f"forbidden by {', '.join(verdict.policies)}", policies=verdict.policies)
    return Refuse(code=Code.POLICY_NO_RULE, detail="no policy allows this")
