"""Accepting an offer: the terms that the desk recorded, once, while whoever made it may still make it.

Source: docs/model/model.md#offers.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from typing import Final

from remit.domain.catalogue.model import CUSTOMER, OFFER_PARAMS, Action, Effect, Escalation, MarkKind, PowerKind
from remit.domain.confirm.offers import verify_offer_allowed
from remit.domain.errors import Code, Fault, Refused
from remit.domain.mandate.cover import ChargedPowers, choose_charges, counter_key, match_powers
from remit.domain.mandate.grant import verify_action_current
from remit.domain.param_paths import Absent, values_at
from remit.domain.policy.confirmers import OFFICER
from remit.domain.policy.decision import (
    Decision,
    NeedsHuman,
    Permit,
    PolicyVerdict,
    RecordFacts,
    Refuse,
    RiskThresholds,
)
from remit.domain.policy.escalation import candidate_sets, matching_rule, outstanding_confirmers
from remit.domain.policy.floors import confirmation_floor, ladder_rungs
from remit.domain.policy.risk import RiskScore, overall_risk
from remit.domain.records import NEVER, AskRecord, EndReason, OfferRecord, PersonRecord, Reservation
from remit.domain.values import Instant, JsonObject, decode_json, deep_equal
from remit.domain.words.excess import ExcessWords, WordsHandling, releasing_role, strip_texts
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.counters import COMPARED
from remit.engine.ask.facts import CaseReading, fetch_facts_and_case
from remit.engine.context import DeskContext
from remit.engine.people.accounts import desk_officer
from remit.engine.words.check import ExcessWordsRefused, check_words
from remit.ports.policy import Policy, PolicyQuestion
from remit.ports.store import Precondition, Put, RecordMissing
from remit.ports.tracing import SpanName
from remit.proof.canonical import b64url, canonical


async def apply_offer_terms(
    desk: DeskContext, state: AuthorizationState, action: Action, params: JsonObject, held: Collection[Reservation]
) -> tuple[JsonObject, list[tuple[Reservation, int | None]], tuple[Precondition, ...]]:
    """For an accepted offer, the mandate's tests apply to the terms the desk recorded, never to prose. It can be used once.

    `held` is what this very ask has reserved before. Returns the params with the terms, the offer's one use, and whom
    the record must find as they are now.

    Raises:
        Refused: `offer.unknown`, `offer.expired`.
    """
    offer_id = params.get("offer_id")
    if action.power is not PowerKind.ACCEPT or not isinstance(offer_id, str):
        return params, [], ()
    use = Reservation(scope=f"offer {offer_id}", key="used", amount=1)
    try:
        offer = (await desk.store.get(OfferRecord, offer_id)).record
    except RecordMissing:
        raise Refused(Code.OFFER_UNKNOWN, "no such offer") from None
    if offer.case != state.task.record.case or offer.action != action.name or offer.digest != params.get("digest"):
        raise Refused(Code.OFFER_UNKNOWN, "another case's offer, another action, or other terms")
    taken = (await desk.store.counters(use.scope)).get(use.key, 0) - (use in held)
    if taken or desk.world.now() >= offer.expires_at:
        raise Refused(Code.OFFER_EXPIRED, "the offer was used or has expired")
    terms = decode_json(offer.terms.encode())
    if not isinstance(terms, Mapping):
        raise Fault(Code.FAULT_STORE, "an offer's terms are damaged")
    preconditions = await _verify_still_made(desk, offer, action, terms)
    # ⚔ Nor does the agent add terms of its own: they were within nobody's limit, and the offer's digest says nothing of them.
    if params.keys() - OFFER_PARAMS - terms.keys() or any(
        name in params and not deep_equal(params[name], value) for name, value in terms.items()
    ):
        raise Refused(Code.OFFER_UNKNOWN, "the params say other terms than the offer")
    return {**params, **terms}, [(use, 1)], preconditions


async def _verify_still_made(
    desk: DeskContext, offer: OfferRecord, action: Action, terms: JsonObject
) -> tuple[Precondition, ...]:
    """Check that whoever made an offer may still make it, and say so for the record to compare.

    ⚔ What somebody offered counts for nothing once their role is gone, also when it goes between this and the record.

    Raises:
        Refused: `offer.expired`.
    """
    try:
        kept = await desk.store.get(PersonRecord, offer.by)
    except RecordMissing:
        raise _gone("whoever made the offer is not known any more") from None
    try:
        officer = desk_officer(desk, kept.record)
        verify_offer_allowed(desk.catalogue, officer.roles, action, terms)
    except Refused as refused:
        raise _gone(refused.detail) from None
    return (Precondition(PersonRecord.KIND, officer.id, kept.rev),)


def _gone(detail: str) -> Refused:
    return Refused(Code.OFFER_EXPIRED, detail, public="The offer stands no more.")


def climb_ladder(
    policy: Policy, question: PolicyQuestion, rungs: Iterable[frozenset[str]]
) -> tuple[frozenset[str] | None, PolicyVerdict]:
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
    verdict = PolicyVerdict(allowed=False)
    for rung in rungs:
        kind = "fresh" if rung and question.confirmation_kind == "none" else question.confirmation_kind
        seen = (rung if named is None else rung & named, kind)
        if seen in asked:
            continue
        asks_as_it_is = (rung, kind) == (question.confirmed_by, question.confirmation_kind)
        verdict = policy.decide(
            question if asks_as_it_is else replace(question, confirmed_by=rung, confirmation_kind=kind)
        )
        if verdict.allowed:
            return rung, verdict
        if not asked and not policy.depends_on_confirmation(question):
            break
        asked.add(seen)
    return None, verdict


def climb_with_escalation(
    policy: Policy,
    question: PolicyQuestion,
    rungs: Iterable[frozenset[str]],
    rule: Escalation | None,
    floor: frozenset[str],
) -> tuple[frozenset[str] | None, PolicyVerdict]:
    """Climb, and then ask the policies about those whom an escalation rule adds: they must be content with all of them together.

    Raises:
        Refused: `policy.error`.
    """
    who, verdict = climb_ladder(policy, question, rungs)
    if who is None or rule is None:
        return who, verdict
    return climb_ladder(policy, question, candidate_sets(rule, who, floor))


def policy_refusal(verdict: PolicyVerdict) -> Refuse:
    """Say no as the policies said it: a rule forbids it, or no rule allows it."""
    if verdict.policies:
        return Refuse(
            code=Code.POLICY_FORBIDDEN, detail=f"forbidden by {', '.join(verdict.policies)}", policies=verdict.policies
        )
    return Refuse(code=Code.POLICY_NO_RULE, detail="no policy allows this")


_TRIES: Final = 3


async def count_comparisons(
    desk: DeskContext, state: AuthorizationState, action: Action, params: JsonObject, held: tuple[Reservation, ...]
) -> list[tuple[Reservation, int | None]]:
    """Count what a customer's attributes are compared with: three different values each, over all agents.

    ⚔ Comparing a guessed value is disclosure. Reads compare, and so does whatever is told a sensitive attribute; saying
    the same value again tells nothing new. Only a keyed hash of the value is kept.

    Raises:
        Refused: `desk.refused` at the fourth value.

    Source: docs/model/model.md#guessing.
    """
    customer = state.task.record.customer
    scope = f"{COMPARED}{customer}"
    found: list[tuple[Reservation, int | None]] = []
    for mark in action.marked(MarkKind.ATTRIBUTE):
        if action.effect is not Effect.READ and not desk.catalogue.attributes[mark.of].sensitive:
            continue
        for value in values_at(params, mark.path):
            # ⚔ A date may be an object or a list of its parts: a guess is one in whatever shape.
            if value is not None and not isinstance(value, Absent):
                key = b64url(desk.signer.keyed("compared", canonical([customer, mark.of, value]))[:16])
                found.append((Reservation(scope=scope, key=f"{mark.of} {key}", amount=1), None))
    if not found:
        return []
    used = await desk.store.counters(scope)
    known = {key for key, count in used.items() if count}
    for one, _ in tuple(found):
        attribute = one.key.partition(" ")[0]
        # ⚔ Values that come at once do not see each other here: each new one takes a place, of which the store gives three.
        place = Reservation(scope=scope, key=f"tries/{attribute}", amount=1)
        if one in held:
            found.extend([(place, _TRIES)] if place in held else [])
            continue
        if one.key in known:
            continue
        found.append((place, _TRIES))
        known.add(one.key)
        if sum(key.partition(" ")[0] == attribute for key in known) > _TRIES:
            raise Refused(
                Code.DESK_REFUSED,
                f"{attribute} was compared with {_TRIES} values already",
                public="This was tried too often; the desk's staff must check it with the customer.",
            )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRequest:
    """What is asked: decoded params, `words` free of secrets, what this very ask has reserved before, what is known to be wrong with it.

    `released` says that an officer has passed its words on: they are not held against it again, and nothing else is let off.
    """

    action: str
    params: JsonObject
    words: str | None
    held: tuple[Reservation, ...] = ()
    wrong: Refused | None = None
    released: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmedBy:
    """Who has confirmed so far, as confirmer words, and how (`none`, `fresh`, `preapproved`)."""

    by: frozenset[str]
    kind: str


_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)
_NOTHING_ONCE: Final[Sequence[tuple[Reservation, int | None]]] = ()
_NOBODY_ELSE: Final[tuple[Precondition, ...]] = ()
_ONCE: Final = frozenset({"case.open"})
"""What is done once in a task (docs/model/model.md#task-opening)."""
NOBODY: Final = ConfirmedBy(by=frozenset(), kind="none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
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
    reserved: tuple[tuple[Reservation, int | None], ...] = ()
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
    preconditions: tuple[Precondition, ...] = ()
    """Records besides those of the standing that must be as they were when this is recorded."""
    judged: ExcessWords | None = None
    puts: tuple[Put, ...] = ()
    """What is kept along with this."""

    @property
    def takes(self) -> bool:
        """Whether a permit takes away what others could have. ⚔ Comparing a value does, also one that was tried before: it counts meanwhile."""
        return bool([one for one, limit in self.reserved if limit is not None or one.scope.startswith(COMPARED)])

    def stored_versions(self) -> dict[str, str]:
        """The fact versions as an ask keeps them: `kind:id` to version."""
        return {f"{kind}:{record_id}": version for (kind, record_id), version in self.versions.items()}

    def apply_to(self, ask: AskRecord) -> AskRecord:
        """An ask that stood there already, as this decision leaves it: what may be told, what is reserved, on which facts and waiver."""
        return replace(
            ask,
            covered=tuple(sorted(self.covered)),
            reserved=tuple(one for one, _ in self.reserved),
            versions=self.stored_versions(),
            waiver=-1 if self.waiver is None else self.waiver,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _RulesOutcome:
    """What the rules gave: the action, who covers it, the facts."""

    action: Action
    params: JsonObject
    chosen: Sequence[ChargedPowers]
    reserved: tuple[tuple[Reservation, int | None], ...]
    records: Sequence[tuple[str, str]]
    facts: Sequence[RecordFacts]
    case: CaseReading | None
    preconditions: tuple[Precondition, ...]


async def evaluate(
    desk: DeskContext,
    state: AuthorizationState,
    wish: EvaluationRequest,
    confirmed: ConfirmedBy = NOBODY,
    *,
    with_case: bool = False,
) -> Evaluation:
    """Decide a wish. Refusals come back as a decision; faults are raised and permit nothing.

    With `confirmed`, policy and floor are asked with the set that actually confirmed, and nobody else is invited. With
    `with_case`, the case of a write is read along with the facts, so that it can be sent on what was decided here.

    Raises:
        Fault: `fault.backoffice`, `fault.policy`, `fault.store`.
    """
    risky = overall_risk(state.trails, state.now)
    action: Action | None = None
    try:
        with desk.tracing.step(SpanName.RULES):
            action = _verify_step(desk, state, wish)  # 4. rules: its place, then params, mandate and facts
            ruled = await _rule(desk, state, action, wish, with_case=with_case and action.effect is Effect.WRITE)
            # 5. words
            judged = (
                await check_words(desk, state, action, params=wish.params, words=wish.words)
                if _speaks(action, wish)
                else None
            )
        with desk.tracing.step(SpanName.POLICY):
            evaluation = _settle(desk, state, ruled, confirmed, risky)  # 6. policy, 7. settle
    except Refused as refused:
        decision = Refuse(code=refused.code, detail=refused.detail, public=refused.public)
        found = refused.judged if isinstance(refused, ExcessWordsRefused) else None
        return Evaluation(
            decision=decision,
            params=wish.params,
            action=action,
            versions={},
            names={},
            risk=risky.highest,
            judged=found,
        )
    if judged is None:
        return evaluation
    if isinstance(
        evaluation.decision, Refuse
    ):  # ⚔ what is refused without its words stays so: nobody is asked to look at them
        return replace(evaluation, judged=judged)
    if judged.way is WordsHandling.HOLD:
        role = releasing_role(desk.catalogue, action, evaluation.rule, desk.terms.beyond.officer)
        needs = NeedsHuman(
            who=frozenset({f"{OFFICER}{role}"}), charges=evaluation.decision.charges, reasons=(judged.code,)
        )
        return replace(evaluation, decision=needs, judged=judged)
    left = strip_texts(action, wish.params, wish.words, judged.places)
    if left is not None:
        again = await evaluate(
            desk, state, replace(wish, params=left.params, words=left.words), confirmed, with_case=with_case
        )
        if again.judged is None:  # ⚔ what is left may say more too
            return replace(again, judged=judged)
    return replace(evaluation, decision=Refuse(code=judged.code, detail=judged.reason), judged=judged, reserved=())


def _speaks(action: Action, wish: EvaluationRequest) -> bool:
    """Whether there are words to check: none were passed on by an officer, and a message or a free text may be there."""
    return not wish.released and (wish.words is not None or action.speaks)


def _verify_step(desk: DeskContext, state: AuthorizationState, wish: EvaluationRequest) -> Action:
    """The action exists, belongs to the objective, and its turn has come."""
    action = desk.catalogue.action(wish.action)
    objective = desk.catalogue.objective(state.mandate.objective)
    if wish.action not in objective.actions:
        raise Refused(Code.OBJECTIVE_ACTION_OUTSIDE, f"{wish.action} is not part of {objective.name}")
    if action.builtin:
        if action.name in _ONCE and state.counters.get((state.task.record.id, _once(action))):
            raise Refused(
                Code.OBJECTIVE_STEP_ORDER,
                f"{action.name} was done",
                public="The case has its subject already; add to it with case.comment.",
            )
        return action
    done = {
        key.removeprefix("done:")
        for (scope, key), used in state.counters.items()
        if scope == state.task.record.id and used
    }
    if objective.done_when and all(name in done for name in objective.done_when):
        raise Refused(Code.OBJECTIVE_REACHED, f"{objective.name} is reached")
    missing = [name for name in objective.after.get(wish.action, ()) if name not in done]
    if missing:
        first = ", ".join(missing)
        raise Refused(Code.OBJECTIVE_STEP_ORDER, f"{first} comes first", public=f"First: {first}.")
    return action


def _once(action: Action) -> str:
    return f"once:{action.name}"


async def _rule(
    desk: DeskContext, state: AuthorizationState, action: Action, wish: EvaluationRequest, *, with_case: bool
) -> _RulesOutcome:
    """Params, mandate and facts, in this order: facts are never asked outside the mandate, nor is the case read for what it refuses."""
    if wish.wrong is not None:
        raise wish.wrong
    params, once, preconditions = wish.params, _NOTHING_ONCE, _NOBODY_ELSE
    if action.power is PowerKind.ACCEPT:
        params, once, preconditions = await apply_offer_terms(desk, state, action, wish.params, wish.held)
    desk.params.verify(action.name, params)
    chosen: list[ChargedPowers] = []
    reserved: list[tuple[Reservation, int | None]] = list(once)
    for kept, mandate in state.chain:
        found = match_powers(mandate, desk.catalogue, action, params, roots=kept.record.power_roots or None)
        verify_action_current(kept.record.action_digests, action, desk.catalogue)
        scope = kept.record.id
        one = choose_charges(found, {key: count for (of, key), count in state.counters.items() if of == scope})
        chosen.append(one)
        for charge in one.charges:
            reserved.append(
                (Reservation(scope=scope, key=counter_key(charge.power, charge.action), amount=1), charge.uses_room)
            )
            for total in charge.totals:
                key = counter_key(charge.power, total.path)
                reserved.append((Reservation(scope=scope, key=key, amount=total.amount_micro), total.limit_micro))
    if action.discloses:
        reserved.extend(await count_comparisons(desk, state, action, params, wish.held))
    if action.name in _ONCE:
        reserved.append((Reservation(scope=state.task.record.id, key=_once(action), amount=1), 1))
    records = _records(desk, action, params)
    facts, case = await fetch_facts_and_case(desk, state, records, with_case=with_case)
    return _RulesOutcome(
        action=action,
        params=params,
        chosen=chosen,
        reserved=tuple(reserved),
        records=records,
        facts=facts,
        case=case,
        preconditions=preconditions,
    )


def _records(desk: DeskContext, action: Action, params: JsonObject) -> list[tuple[str, str]]:
    """The owned records the params name, each once."""
    found: dict[tuple[str, str], None] = {}
    for mark in action.marked(MarkKind.RESOURCE):
        if desk.catalogue.resources[mark.of].public:
            continue
        for value in values_at(params, mark.path):
            for one in value if isinstance(value, list | tuple) else (value,):
                if isinstance(one, str):
                    found[mark.of, one] = None
    return list(found)


def _settle(
    desk: DeskContext, state: AuthorizationState, ruled: _RulesOutcome, confirmed: ConfirmedBy, risky: RiskScore
) -> Evaluation:
    """The strictest of floor, policy, trajectory and escalation. ⚔ A rule of escalation comes last and only adds: what is refused without it stays so."""
    base = confirmation_floor(desk.catalogue, ruled.action, ruled.params, ruled.chosen, day=_day(state.now // _DAY_MS))
    needed = base.who | {CUSTOMER} if risky.anywhere and risky.adds_confirmation(RiskThresholds()) else base.who
    question = _question(state, ruled, risky.highest, confirmed.kind)
    tier = str(state.agent.record.tier)
    rules = desk.catalogue.escalations
    rule = matching_rule(rules, ruled.action, ruled.params, tier=tier, risk=risky.highest) if rules else None
    if confirmed is NOBODY:
        who, verdict = climb_with_escalation(
            desk.policy, question, ladder_rungs(needed, tuple(desk.catalogue.roles)), rule, needed
        )
    else:
        who, verdict = climb_with_escalation(desk.policy, question, (confirmed.by,), None, needed)
    needed |= outstanding_confirmers(rule, confirmed.by) if rule is not None else frozenset()
    charges = tuple([charge for one in ruled.chosen for charge in one.charges])
    missing = frozenset() if who is None else (needed | who) - confirmed.by
    decision: Decision
    if who is None:
        decision = policy_refusal(verdict)
    elif missing:
        why = () if rule is None else (f"escalation.{rule.name}",)
        decision = NeedsHuman(who=missing, charges=charges, reasons=(*(base.reasons or verdict.policies), *why))
    else:
        decision = Permit(charges=charges, waiver=base.waiver)
    return Evaluation(
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
        preconditions=ruled.preconditions,
    )


@cache
def _day(number: int) -> date:
    """A day of the calendar, by its number since 1970."""
    return _EPOCH + timedelta(days=number)


def _question(state: AuthorizationState, ruled: _RulesOutcome, risky: int, kind: str) -> PolicyQuestion:
    task = state.task.record
    return PolicyQuestion(
        action=ruled.action.name,
        params=ruled.params,
        agent=task.client_id,
        operator=task.operator,
        tier=str(state.agent.record.tier),
        customer=task.customer,
        objective=task.objective,
        task=task.id,
        risk=risky,
        confirmed_by=frozenset(),
        confirmation_kind=kind,
        resources=ruled.records,
        time_ms=state.now,
    )
