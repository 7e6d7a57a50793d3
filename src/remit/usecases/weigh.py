"""Deciding one wish on one standing: rules, words, policy, settle. Nothing is recorded or done here.

The order of the stages is docs/model/model.md#ask; the first that fails gives the one public code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import Final

from remit.domain.catalogue import CUSTOMER, Action, Effect, Escalation, MarkKind, PowerKind
from remit.domain.confirmers import OFFICER
from remit.domain.consequences import Thresholds
from remit.domain.decision import Decision, Facts, NeedsHuman, Permit, Refuse
from remit.domain.errors import Code, Refused
from remit.domain.escalation import floor, rungs
from remit.domain.escalation_rules import fitting, wanted
from remit.domain.grant import verify_action_current
from remit.domain.mandate_covering import Chosen, choose, counter_key, cover
from remit.domain.paths import values_at
from remit.domain.records import NEVER, AskRecord, EndReason, Reserved
from remit.domain.trajectory import Risk, risk
from remit.domain.values import Instant, JsonObject
from remit.domain.words_beyond import Judged, Way, releasing_role, without_texts
from remit.ports.policy import Question
from remit.ports.store import Expect, Put
from remit.ports.tracing import Step
from remit.usecases.accept_offer import with_terms
from remit.usecases.climb_ladder import climb_under, refusal
from remit.usecases.compare import compared
from remit.usecases.hold_words import SaysMore, hold_words
from remit.usecases.look_up import CaseRead, facts_and_case
from remit.usecases.parts import Parts
from remit.usecases.reserving import COMPARED
from remit.usecases.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked: decoded params, `words` free of secrets, what this very ask has reserved before, what is known to be wrong with it.

    `released` says that an officer has passed its words on: they are not held against it again, and nothing else is let off.
    """

    action: str
    params: JsonObject
    words: str | None
    held: tuple[Reserved, ...] = ()
    wrong: Refused | None = None
    released: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """Who has confirmed so far, as confirmer words, and how (`none`, `fresh`, `preapproved`)."""

    by: frozenset[str]
    kind: str


_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)
_NOTHING_ONCE: Final[Sequence[tuple[Reserved, int | None]]] = ()
_NOBODY_ELSE: Final[tuple[Expect, ...]] = ()
_ONCE: Final = frozenset({"case.open"})
"""What is done once in a task (docs/model/model.md#task-opening)."""
NOBODY: Final = Confirmed(by=frozenset(), kind="none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """A decision with everything that must be recorded with it.

    `params` are the ask's with the terms of an accepted offer in them. `covered` are the attributes the agent may be told; `reserved` what must be reserved with the record; `versions` the
    fact versions the act carries; `names` what records are called; `policies` the deciding policy ids, for the desk.
    `case_read` says that the case was read along with the facts, `ending` why it ends the task, if it does. `rule` is the escalation
    rule the ask falls under, `due_at` until when those it asks first may answer. `judged` is where its words say more than it: with
    it, the decision is the one for an officer to look at them, or the one of the ask without them.
    """

    decision: Decision
    params: JsonObject
    action: Action | None = None
    covered: frozenset[str] = frozenset()
    reserved: tuple[tuple[Reserved, int | None], ...] = ()
    versions: Mapping[tuple[str, str], str]
    names: Mapping[tuple[str, str], str]
    policies: tuple[str, ...] = ()
    risk: int = 0
    waiver: int | None = None
    secrets: tuple[JsonObject, ...] = ()
    case_read: bool = False
    ending: EndReason | None = None
    rule: Escalation | None = None
    due_at: Instant = NEVER
    expects: tuple[Expect, ...] = ()
    """Records besides those of the standing that must be as they were when this is recorded."""
    judged: Judged | None = None
    puts: tuple[Put, ...] = ()
    """What is kept along with this."""

    @property
    def takes(self) -> bool:
        """Whether a permit takes away what others could have. ⚔ Comparing a value does, also one that was tried before: it counts meanwhile."""
        return bool([one for one, limit in self.reserved if limit is not None or one.scope.startswith(COMPARED)])

    def kept_versions(self) -> dict[str, str]:
        """The fact versions as an ask keeps them: `kind:id` to version."""
        return {f"{kind}:{record_id}": version for (kind, record_id), version in self.versions.items()}

    def on(self, ask: AskRecord) -> AskRecord:
        """An ask that stood there already, as this decision leaves it: what may be told, what is reserved, on which facts and waiver."""
        return replace(
            ask,
            covered=tuple(sorted(self.covered)),
            reserved=tuple(one for one, _ in self.reserved),
            versions=self.kept_versions(),
            waiver=-1 if self.waiver is None else self.waiver,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ruled:
    """What the rules gave: the action, who covers it, the facts."""

    action: Action
    params: JsonObject
    chosen: Sequence[Chosen]
    reserved: tuple[tuple[Reserved, int | None], ...]
    records: Sequence[tuple[str, str]]
    facts: Sequence[Facts]
    case: CaseRead | None
    expects: tuple[Expect, ...]


async def weigh(parts: Parts, standing: Standing, wish: Wish, confirmed: Confirmed = NOBODY, *, with_case: bool = False) -> Weighed:
    """Decide a wish. Refusals come back as a decision; faults are raised and permit nothing.

    With `confirmed`, policy and floor are asked with the set that actually confirmed, and nobody else is invited. With
    `with_case`, the case of a write is read along with the facts, so that it can be sent on what was decided here.

    Raises:
        Fault: `fault.backoffice`, `fault.policy`, `fault.store`.
    """
    risky = risk(standing.trails, standing.now)
    action: Action | None = None
    try:
        with parts.tracing.step(Step.RULES):
            action = _verify_step(parts, standing, wish)  # 4. rules: its place, then params, mandate and facts
            ruled = await _rule(parts, standing, action, wish, with_case=with_case and action.effect is Effect.WRITE)
            # 5. words
            judged = await hold_words(parts, standing, action, params=wish.params, words=wish.words) if _speaks(action, wish) else None
        with parts.tracing.step(Step.POLICY):
            weighed = _settle(parts, standing, ruled, confirmed, risky)  # 6. policy, 7. settle
    except Refused as refused:
        decision = Refuse(code=refused.code, detail=refused.detail, public=refused.public)
        found = refused.judged if isinstance(refused, SaysMore) else None
        return Weighed(decision=decision, params=wish.params, action=action, versions={}, names={}, risk=risky.highest, judged=found)
    if judged is None:
        return weighed
    if isinstance(weighed.decision, Refuse):  # ⚔ what is refused without its words stays so: nobody is asked to look at them
        return replace(weighed, judged=judged)
    if judged.way is Way.HOLD:
        role = releasing_role(parts.catalogue, action, weighed.rule, parts.terms.beyond.officer)
        needs = NeedsHuman(who=frozenset({f"{OFFICER}{role}"}), charges=weighed.decision.charges, reasons=(judged.code,))
        return replace(weighed, decision=needs, judged=judged)
    left = without_texts(action, wish.params, wish.words, judged.places)
    if left is not None:
        again = await weigh(parts, standing, replace(wish, params=left.params, words=left.words), confirmed, with_case=with_case)
        if again.judged is None:  # ⚔ what is left may say more too
            return replace(again, judged=judged)
    return replace(weighed, decision=Refuse(code=judged.code, detail=judged.reason), judged=judged, reserved=())


def _speaks(action: Action, wish: Wish) -> bool:
    """Whether there are words to check: none were passed on by an officer, and a message or a free text may be there."""
    return not wish.released and (wish.words is not None or action.speaks)


def _verify_step(parts: Parts, standing: Standing, wish: Wish) -> Action:
    """The action exists, belongs to the objective, and its turn has come."""
    action = parts.catalogue.action(wish.action)
    objective = parts.catalogue.objective(standing.mandate.objective)
    if wish.action not in objective.actions:
        raise Refused(Code.OBJECTIVE_ACTION_OUTSIDE, f"{wish.action} is not part of {objective.name}")
    if action.builtin:
        if action.name in _ONCE and standing.counters.get((standing.task.record.id, _once(action))):
            raise Refused(
                Code.OBJECTIVE_STEP_ORDER,
                f"{action.name} was done",
                public="The case has its subject already; add to it with case.comment.",
            )
        return action
    done = {key.removeprefix("done:") for (scope, key), used in standing.counters.items() if scope == standing.task.record.id and used}
    if objective.done_when and all(name in done for name in objective.done_when):
        raise Refused(Code.OBJECTIVE_REACHED, f"{objective.name} is reached")
    missing = [name for name in objective.after.get(wish.action, ()) if name not in done]
    if missing:
        first = ", ".join(missing)
        raise Refused(Code.OBJECTIVE_STEP_ORDER, f"{first} comes first", public=f"First: {first}.")
    return action


def _once(action: Action) -> str:
    return f"once:{action.name}"


async def _rule(parts: Parts, standing: Standing, action: Action, wish: Wish, *, with_case: bool) -> _Ruled:
    """Params, mandate and facts, in this order: facts are never asked outside the mandate, nor is the case read for what it refuses."""
    if wish.wrong is not None:
        raise wish.wrong
    params, once, expects = wish.params, _NOTHING_ONCE, _NOBODY_ELSE
    if action.power is PowerKind.ACCEPT:
        params, once, expects = await with_terms(parts, standing, action, wish.params, wish.held)
    parts.params.verify(action.name, params)
    chosen: list[Chosen] = []
    reserved: list[tuple[Reserved, int | None]] = list(once)
    for kept, mandate in standing.chain:
        found = cover(mandate, parts.catalogue, action, params, roots=kept.record.power_roots or None)
        verify_action_current(kept.record.action_digests, action, parts.catalogue)
        scope = kept.record.id
        one = choose(found, {key: count for (of, key), count in standing.counters.items() if of == scope})
        chosen.append(one)
        for charge in one.charges:
            reserved.append((Reserved(scope=scope, key=counter_key(charge.power, charge.action), amount=1), charge.uses_room))
            for total in charge.totals:
                key = counter_key(charge.power, total.path)
                reserved.append((Reserved(scope=scope, key=key, amount=total.amount_micro), total.limit_micro))
    if action.discloses:
        reserved.extend(await compared(parts, standing, action, params, wish.held))
    if action.name in _ONCE:
        reserved.append((Reserved(scope=standing.task.record.id, key=_once(action), amount=1), 1))
    records = _records(parts, action, params)
    facts, case = await facts_and_case(parts, standing, records, with_case=with_case)
    return _Ruled(
        action=action,
        params=params,
        chosen=chosen,
        reserved=tuple(reserved),
        records=records,
        facts=facts,
        case=case,
        expects=expects,
    )


def _records(parts: Parts, action: Action, params: JsonObject) -> list[tuple[str, str]]:
    """The owned records the params name, each once."""
    found: dict[tuple[str, str], None] = {}
    for mark in action.marked(MarkKind.RESOURCE):
        if parts.catalogue.resources[mark.of].public:
            continue
        for value in values_at(params, mark.path):
            for one in value if isinstance(value, list | tuple) else (value,):
                if isinstance(one, str):
                    found[mark.of, one] = None
    return list(found)


def _settle(parts: Parts, standing: Standing, ruled: _Ruled, confirmed: Confirmed, risky: Risk) -> Weighed:
    """The strictest of floor, policy, trajectory and escalation. ⚔ A rule of escalation comes last and only adds: what is refused without it stays so."""
    base = floor(parts.catalogue, ruled.action, ruled.params, ruled.chosen, day=_day(standing.now // _DAY_MS))
    needed = base.who | {CUSTOMER} if risky.anywhere and risky.adds_confirmation(Thresholds()) else base.who
    question = _question(standing, ruled, risky.highest, confirmed.kind)
    tier = str(standing.agent.record.tier)
    rules = parts.catalogue.escalations
    rule = fitting(rules, ruled.action, ruled.params, tier=tier, risk=risky.highest) if rules else None
    if confirmed is NOBODY:
        who, verdict = climb_under(parts.policy, question, rungs(needed, tuple(parts.catalogue.roles)), rule, needed)
    else:
        who, verdict = climb_under(parts.policy, question, (confirmed.by,), None, needed)
    needed |= wanted(rule, confirmed.by) if rule is not None else frozenset()
    charges = tuple([charge for one in ruled.chosen for charge in one.charges])
    missing = frozenset() if who is None else (needed | who) - confirmed.by
    decision: Decision
    if who is None:
        decision = refusal(verdict)
    elif missing:
        why = () if rule is None else (f"escalation.{rule.name}",)
        decision = NeedsHuman(who=missing, charges=charges, reasons=(*(base.reasons or verdict.policies), *why))
    else:
        decision = Permit(charges=charges, waiver=base.waiver)
    return Weighed(
        decision=decision,
        params=ruled.params,
        action=ruled.action,
        covered=frozenset.intersection(*[one.attributes for one in ruled.chosen]),
        reserved=ruled.reserved,
        versions={record: fact.version for record, fact in zip(ruled.records, ruled.facts, strict=True)},
        names={record: fact.name or record[1] for record, fact in zip(ruled.records, ruled.facts, strict=True)},
        policies=verdict.policies,
        risk=risky.highest,
        waiver=base.waiver,
        rule=rule,
        case_read=ruled.case is not None,
        ending=None if ruled.case is None else ruled.case.ending,
        expects=ruled.expects,
    )


@cache
def _day(number: int) -> date:
    """A day of the calendar, by its number since 1970."""
    return _EPOCH + timedelta(days=number)


def _question(standing: Standing, ruled: _Ruled, risky: int, kind: str) -> Question:
    task = standing.task.record
    return Question(
        action=ruled.action.name,
        params=ruled.params,
        agent=task.client_id,
        operator=task.operator,
        tier=str(standing.agent.record.tier),
        customer=task.customer,
        objective=task.objective,
        task=task.id,
        risk=risky,
        confirmed_by=frozenset(),
        confirmation_kind=kind,
        resources=ruled.records,
        time_ms=standing.now,
    )
