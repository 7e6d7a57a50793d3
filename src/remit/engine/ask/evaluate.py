"""Evaluation of an ask: offer terms, rules, words, policy and escalation.

Source: docs/model/model.md#offers.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import date, timedelta
from functools import cache
from typing import Final

from remit.domain.catalogue.model import CUSTOMER, OFFER_PARAMS, Action, Effect, Escalation, MarkKind, PowerKind
from remit.domain.confirm.offers import single_use_scope, verify_offer_allowed
from remit.domain.errors import Code, Fault, Refused
from remit.domain.mandate.cover import ChargedPowers, choose_charges, may_speak
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
from remit.domain.policy.floors import Floor, confirmation_floor, ladder_rungs
from remit.domain.policy.risk import RiskScore, overall_risk
from remit.domain.policy.visitors import verify_visitor_action, visitor_floor
from remit.domain.records import NEVER, AskRecord, EndReason, OfferRecord, PersonRecord, Reservation
from remit.domain.structs import replace, struct
from remit.domain.values import Instant, JsonObject, decode_json, deep_equal
from remit.domain.words.excess import (
    ExcessWords,
    WordsHandling,
    judge_forbidden_speech,
    releasing_role,
    spoken_texts,
    strip_texts,
)
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.counters import COMPARED
from remit.engine.ask.facts import CaseReading, fetch_facts_and_case, fetch_owned
from remit.engine.ask.plan import AskPlan
from remit.engine.ask.step_up import verify_fresh_grant
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
    """Apply the recorded terms of an accepted offer to the params: the mandate is tested on them, never on prose.

    `held` are this ask's earlier reservations. Returns the params with the terms, the offer's single use, and the
    preconditions.

    Raises:
        Refused: `offer.unknown`, `offer.expired`.
    """
    offer_id = params.get("offer_id")
    if action.power is not PowerKind.ACCEPT or not isinstance(offer_id, str):
        return params, [], ()
    try:
        offer = (await desk.store.get(OfferRecord, offer_id)).record
    except RecordMissing:
        raise Refused(Code.OFFER_UNKNOWN, "no such offer") from None
    if offer.case != state.task.record.case or offer.action != action.name or offer.digest != params.get("digest"):
        raise Refused(Code.OFFER_UNKNOWN, "another case's offer, another action, or other terms")
    use = Reservation(scope=single_use_scope(offer), key="used", amount=1)
    taken = (await desk.store.counters(use.scope)).get(use.key, 0) - (use in held)
    if taken or desk.world.now() >= offer.expires_at:
        raise Refused(Code.OFFER_EXPIRED, "the offer was used or has expired")
    terms = decode_json(offer.terms.encode())
    if not isinstance(terms, Mapping):
        raise Fault(Code.FAULT_STORE, "an offer's terms are damaged")
    preconditions = await _verify_offer_current(desk, offer, action, terms)
    # ⚔ The agent must not add terms: no limit and no offer digest would cover them.
    if params.keys() - OFFER_PARAMS - terms.keys() or any(
        name in params and not deep_equal(params[name], value) for name, value in terms.items()
    ):
        raise Refused(Code.OFFER_UNKNOWN, "the params differ from the offer's terms")
    return {**params, **terms}, [(use, 1)], preconditions


async def _verify_offer_current(
    desk: DeskContext, offer: OfferRecord, action: Action, terms: JsonObject
) -> tuple[Precondition, ...]:
    """Verify that the officer may still make this offer, and return the precondition for the record.

    ⚔ An offer lapses with its officer's role, also when the role goes between this check and the commit.
    """
    try:
        kept = await desk.store.get(PersonRecord, offer.by)
    except RecordMissing:
        raise _gone("the officer who made the offer no longer exists") from None
    try:
        officer = desk_officer(desk, kept.record)
        verify_offer_allowed(desk.catalogue, officer.roles, action, terms)
    except Refused as refused:
        raise _gone(refused.detail) from None
    return (Precondition(PersonRecord.KIND, officer.id, kept.rev),)


def _gone(detail: str) -> Refused:
    return Refused(Code.OFFER_EXPIRED, detail, public="The offer is no longer valid.")


def climb_ladder(
    policy: Policy, question: PolicyQuestion, rungs: Iterable[frozenset[str]]
) -> tuple[frozenset[str] | None, PolicyVerdict]:
    """Find the first rung that policy allows.

    The first rung is the floor and always asked; others only where a denial depends on confirmers. A rung that adds no
    confirmer the policies distinguish is skipped. A rung with people is asked with `fresh` confirmations, unless the
    question brings its own kind.

    Returns:
        The people who must all confirm, or None when no rung suffices, with the last verdict.

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
    """Climb, then ask the policies again with the confirmers an escalation rule adds.

    Raises:
        Refused: `policy.error`.
    """
    who, verdict = climb_ladder(policy, question, rungs)
    if who is None or rule is None:
        return who, verdict
    return climb_ladder(policy, question, candidate_sets(rule, who, floor))


def policy_refusal(verdict: PolicyVerdict) -> Refuse:
    """Build the refusal of a policy verdict: a rule forbids it, or none allows it."""
    if verdict.policies:
        return Refuse(
            code=Code.POLICY_FORBIDDEN, detail=f"forbidden by {', '.join(verdict.policies)}", policies=verdict.policies
        )
    return Refuse(code=Code.POLICY_NO_RULE, detail="no policy allows this")


_TRIES: Final = 3


async def count_comparisons(
    desk: DeskContext, state: AuthorizationState, action: Action, params: JsonObject, held: tuple[Reservation, ...]
) -> list[tuple[Reservation, int | None]]:
    """Count values compared with a customer's attributes: three different ones each, over all agents.

    ⚔ Comparing a guessed value is disclosure. Reads count, and so do writes with a sensitive attribute; repeating a
    value discloses nothing new. Only a keyed hash of the value is kept.

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
            # ⚔ A date may be an object or a list of parts: a guess counts in any shape.
            if value is not None and not isinstance(value, Absent):
                key = b64url(desk.signer.keyed("compared", canonical([customer, mark.of, value]))[:16])
                found.append((Reservation(scope=scope, key=f"{mark.of} {key}", amount=1), None))
    if not found:
        return []
    used = await desk.store.counters(scope)
    known = {key for key, count in used.items() if count}
    for reservation, _ in tuple(found):
        attribute = reservation.key.partition(" ")[0]
        # ⚔ Concurrent values do not see each other here: each new one takes one of three slots in the store.
        place = Reservation(scope=scope, key=f"tries/{attribute}", amount=1)
        if reservation in held:
            found.extend([(place, _TRIES)] if place in held else [])
            continue
        if reservation.key in known:
            continue
        found.append((place, _TRIES))
        known.add(reservation.key)
        if sum(key.partition(" ")[0] == attribute for key in known) > _TRIES:
            public = "This was tried too often; the support team must check it with the customer."
            raise Refused(Code.DESK_REFUSED, f"{attribute} was compared with {_TRIES} values already", public=public)
    return found


@struct(frozen=True, kw_only=True)
class EvaluationRequest:
    """An ask to evaluate: decoded params, `words` without secrets, earlier reservations, known defects.

    `ask` is its id where it was recorded before. `released`: an officer released its words, so they do not count again;
    every other check still applies. `files`: it carries attachments.
    """

    action: str
    params: JsonObject
    words: str | None
    ask: str = ""
    held: tuple[Reservation, ...] = ()
    wrong: Refused | None = None
    released: bool = False
    files: bool = False


@struct(frozen=True, kw_only=True)
class ConfirmedBy:
    """The confirmers so far, as confirmer words, and the kind (`none`, `fresh`, `preapproved`)."""

    by: frozenset[str]
    kind: str


_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1)
_NOTHING_ONCE: Final[Sequence[tuple[Reservation, int | None]]] = ()
_NOBODY_ELSE: Final[tuple[Precondition, ...]] = ()
_ONCE: Final = frozenset({"case.open"})
"""Actions done once per task (docs/model/model.md#task-opening)."""
NOBODY: Final = ConfirmedBy(by=frozenset(), kind="none")


@struct(frozen=True, kw_only=True)
class Evaluation:
    """A decision with everything that must be recorded with it.

    `params` include the terms of an accepted offer; `covered` are the disclosable attributes; `reserved` the
    reservations; `versions` the fact versions the act carries; `names` the records' display names; `policies` the
    deciding policy ids, for the desk. `case_read`: the case was read with the facts; `ending` is why it ends the task.
    `rule` is the matching escalation rule, `due_at` the deadline of those asked first. `judged` locates excess words:
    the decision then concerns their review, or the ask without them.
    """

    decision: Decision
    params: JsonObject
    action: Action | None = None
    covered: frozenset[str] = frozenset()
    reserved: tuple[tuple[Reservation, int | None], ...] = ()
    versions: Mapping[tuple[str, str], str] = field(default_factory=dict)
    names: Mapping[tuple[str, str], str] = field(default_factory=dict)
    policies: tuple[str, ...] = ()
    risk: int = 0
    waiver: int | None = None
    secrets: tuple[JsonObject, ...] = ()
    case_read: bool = False
    ending: EndReason | None = None
    rule: Escalation | None = None
    due_at: Instant = NEVER
    preconditions: tuple[Precondition, ...] = ()
    """Preconditions of the commit besides those of the authorization state."""
    judged: ExcessWords | None = None
    puts: tuple[Put, ...] = ()
    """Further records to commit along."""

    @property
    def takes(self) -> bool:
        """Return whether a permit takes from others. ⚔ Comparing does, even a repeated value: it counts meanwhile."""
        return bool([one for one, limit in self.reserved if limit is not None or one.scope.startswith(COMPARED)])

    def stored_versions(self) -> dict[str, str]:
        """Return the fact versions as an ask stores them: `kind:id` to version."""
        return {f"{kind}:{record_id}": version for (kind, record_id), version in self.versions.items()}

    def apply_to(self, ask: AskRecord) -> AskRecord:
        """Return an existing ask updated with this decision's coverage, reservations, fact versions and waiver."""
        return replace(
            ask,
            covered=tuple(sorted(self.covered)),
            reserved=tuple(one for one, _ in self.reserved),
            versions=self.stored_versions(),
            waiver=-1 if self.waiver is None else self.waiver,
        )


@struct(frozen=True, kw_only=True)
class _RulesOutcome:
    """Result of the rules: action, covering powers and facts."""

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
    request: EvaluationRequest,
    confirmed: ConfirmedBy = NOBODY,
    *,
    with_case: bool = False,
) -> Evaluation:
    """Evaluate an ask; refusals come back as a decision, faults are raised and permit nothing.

    With `confirmed`, policy and floor are asked with the actual confirmers, and no one else is invited. With
    `with_case`, the case of a write is read with the facts, so that it can be sent on this decision.

    Raises:
        Fault: `fault.backoffice`, `fault.policy`, `fault.store`.
    """
    risk = overall_risk(state.trails, state.now, state.task.record.customer)
    action: Action | None = None
    try:
        with desk.tracing.step(SpanName.RULES):
            plan = _verify_step(desk, state, request)  # 4. rules: its place, then params, mandate and facts
            action = plan.action
            speaks = _carries_speech(action, request)
            judged = _forbidden_speech(desk, state, action, request) if speaks else None
            speaks = speaks and judged is None
            reads_case = with_case and action.effect is Effect.WRITE
            outcome = await _rule(desk, state, plan, request, speaks=speaks, with_case=reads_case)
            if judged is None:
                judged = await _excess_words(desk, state, plan, request)  # 5. words
        with desk.tracing.step(SpanName.POLICY):
            evaluation = _settle(desk, state, outcome, confirmed, risk)  # 6. policy, 7. settle
    except Refused as refused:
        found = refused.judged if isinstance(refused, ExcessWordsRefused) else None
        return Evaluation(
            decision=Refuse.of(refused), params=request.params, action=action, risk=risk.highest, judged=found
        )
    if judged is None:
        return evaluation
    if isinstance(evaluation.decision, Refuse):  # ⚔ an ask refused without its words stays refused: no review of them
        return replace(evaluation, judged=judged)
    if judged.way is WordsHandling.HOLD:
        role = releasing_role(desk.catalogue, action, evaluation.rule, desk.terms.beyond.officer)
        needs = NeedsHuman(
            who=frozenset({f"{OFFICER}{role}"}), charges=evaluation.decision.charges, reasons=(judged.code,)
        )
        return replace(evaluation, decision=needs, judged=judged)
    left = strip_texts(action, request.params, request.words, judged.places)
    if left is not None:
        again = await evaluate(
            desk, state, replace(request, params=left.params, words=left.words), confirmed, with_case=with_case
        )
        if again.judged is None:  # ⚔ the rest may exceed the ask, too
            return replace(again, judged=judged)
    return replace(evaluation, decision=Refuse(code=judged.code, detail=judged.reason), judged=judged, reserved=())


def _carries_speech(action: Action, request: EvaluationRequest) -> bool:
    """Return whether the agent says something with this ask: a message, a free text or a file, released or not."""
    if request.files:
        return True
    spoken = request.words is not None or action.speaks
    return spoken and any(True for _ in spoken_texts(action, request.params, request.words))


def _forbidden_speech(
    desk: DeskContext, state: AuthorizationState, action: Action, request: EvaluationRequest
) -> ExcessWords | None:
    """Return the texts to strip where the customer lets the agent say nothing of what it says; None: the mandate decides.

    ⚔ A desk that holds words refuses these: an officer's release is no *represent*.
    """
    if action.builtin or desk.terms.beyond.beyond is not WordsHandling.STRIP or request.files:
        return None
    if all(may_speak(mandate) for _, mandate in state.chain):
        return None
    return judge_forbidden_speech(action, request.params, request.words)


async def _excess_words(
    desk: DeskContext, state: AuthorizationState, plan: AskPlan, request: EvaluationRequest
) -> ExcessWords | None:
    """Check the unreleased words: a message, a free text or a text that nothing explains.

    Raises:
        ExcessWordsRefused: as `check_words`.
    """
    action = plan.action
    if request.released or not (request.words is not None or action.speaks or action.open_texts):
        return None
    if request.words is None and not action.speaks and plan.is_clean(request.params):
        return None  # nothing but texts that were read before
    return await check_words(desk, state, plan, params=request.params, words=request.words, ask=request.ask)


def _verify_step(desk: DeskContext, state: AuthorizationState, request: EvaluationRequest) -> AskPlan:
    """Return the plan of the action: it exists, belongs to the objective, and its preceding steps are done."""
    plan = state.plan(desk.catalogue, request.action)
    action, objective = plan.action, plan.objective
    if state.visits:  # ⚔ a yes of the customer carries out nothing that was asked before visitors were shut out
        verify_visitor_action(action, let_in=desk.visitors is not None)
    if action.builtin:
        if action.name in _ONCE and state.counters.get((state.task.record.id, _once(action))):
            public = "The case already has a subject; add to the case with case.comment."
            raise Refused(Code.OBJECTIVE_STEP_ORDER, f"{action.name} was done", public=public)
        return plan
    after = objective.after.get(action.name, ())
    if not (objective.done_when or after):
        return plan
    done = {
        key.removeprefix("done:")
        for (scope, key), used in state.counters.items()
        if scope == state.task.record.id and used
    }
    if objective.done_when and all(name in done for name in objective.done_when):
        raise Refused(Code.OBJECTIVE_REACHED, f"{objective.name} is reached")
    missing = [name for name in after if name not in done]
    if missing:
        first = ", ".join(missing)
        raise Refused(Code.OBJECTIVE_STEP_ORDER, f"{first} comes first", public=f"First: {first}.")
    return plan


def _once(action: Action) -> str:
    return f"once:{action.name}"


async def _rule(
    desk: DeskContext,
    state: AuthorizationState,
    plan: AskPlan,
    request: EvaluationRequest,
    *,
    speaks: bool,
    with_case: bool,
) -> _RulesOutcome:
    """Check params, mandate and facts, in this order: a refusal by the mandate reads neither facts nor case."""
    action = plan.action
    if request.wrong is not None:
        raise request.wrong
    params, once, preconditions = request.params, _NOTHING_ONCE, _NOBODY_ELSE
    if action.power is PowerKind.ACCEPT:
        params, once, preconditions = await apply_offer_terms(desk, state, action, request.params, request.held)
    desk.params.verify(action.name, params)
    chosen: list[ChargedPowers] = []
    reserved: list[tuple[Reservation, int | None]] = list(once)
    for mandate, powers in plan.coverage:
        found = powers.match(params, speaks=speaks)
        verify_action_current(mandate.action_digests, action, desk.catalogue)
        scope = mandate.id
        one = choose_charges(found, {key: count for (of, key), count in state.counters.items() if of == scope})
        chosen.append(one)
        for charge in one.charges:
            reserved.append((Reservation(scope=scope, key=charge.counter, amount=1), charge.uses_room))
            for total in charge.totals:
                amount = Reservation(scope=scope, key=total.counter, amount=total.amount_micro)
                reserved.append((amount, total.limit_micro))
    if action.discloses:
        reserved.extend(await count_comparisons(desk, state, action, params, request.held))
    if action.name in _ONCE:
        reserved.append((Reservation(scope=state.task.record.id, key=_once(action), amount=1), 1))
    records = _records(plan, params)
    case: CaseReading | None = None
    if with_case:
        facts, case = await fetch_facts_and_case(desk, state, records)
    else:
        facts = await fetch_owned(desk, state, records)
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


def _records(plan: AskPlan, params: JsonObject) -> list[tuple[str, str]]:
    """Return the owned records the params name, each once."""
    found: dict[tuple[str, str], None] = {}
    for kind, path in plan.records:
        for value in values_at(params, path):
            for one in value if isinstance(value, list | tuple) else (value,):
                if isinstance(one, str):
                    found[kind, one] = None
    return list(found)


def _settle(
    desk: DeskContext, state: AuthorizationState, outcome: _RulesOutcome, confirmed: ConfirmedBy, risk: RiskScore
) -> Evaluation:
    """Decide by the strictest of floor, policy, risk and escalation. ⚔ Escalation comes last and only adds."""
    base = _floor(desk, state, outcome)
    needed = base.who | {CUSTOMER} if risk.anywhere and risk.adds_confirmation(RiskThresholds()) else base.who
    question = _question(state, outcome, risk.highest, confirmed.kind)
    tier = state.tier
    rules = desk.catalogue.escalations
    rule = matching_rule(rules, outcome.action, outcome.params, tier=tier, risk=risk.highest) if rules else None
    if confirmed is NOBODY:
        who, verdict = climb_with_escalation(
            desk.policy, question, ladder_rungs(needed, tuple(desk.catalogue.roles)), rule, needed
        )
    else:
        who, verdict = climb_with_escalation(desk.policy, question, (confirmed.by,), None, needed)
    needed |= outstanding_confirmers(rule, confirmed.by) if rule is not None else frozenset()
    charges = tuple([charge for one in outcome.chosen for charge in one.charges])
    missing = frozenset() if who is None else (needed | who) - confirmed.by
    decision: Decision
    if who is None:
        decision = policy_refusal(verdict)
    elif missing:
        why = () if rule is None else (f"escalation.{rule.name}",)
        decision = NeedsHuman(who=missing, charges=charges, reasons=(*(base.reasons or verdict.policies), *why))
    else:
        verify_fresh_grant(desk, state, outcome.action, confirmed.by)
        decision = Permit(charges=charges, waiver=base.waiver)
    return Evaluation(
        decision=decision,
        params=outcome.params,
        action=outcome.action,
        covered=frozenset.intersection(*[one.attributes for one in outcome.chosen]),
        reserved=outcome.reserved,
        versions={record: fact.version for record, fact in zip(outcome.records, outcome.facts, strict=True)},
        names={record: fact.name or record[1] for record, fact in zip(outcome.records, outcome.facts, strict=True)},
        policies=verdict.policies,
        risk=risk.highest,
        waiver=base.waiver,
        rule=rule,
        case_read=outcome.case is not None,
        ending=None if outcome.case is None else outcome.case.ending,
        preconditions=outcome.preconditions,
    )


def _floor(desk: DeskContext, state: AuthorizationState, outcome: _RulesOutcome) -> Floor:
    """Return the confirmers an ask needs whatever policy says."""
    day = _day(state.now // _DAY_MS)
    floor = confirmation_floor(
        desk.catalogue, outcome.action, outcome.params, outcome.chosen, day=day, waivers=not state.visits
    )
    if not state.visits:
        return floor
    officer = "" if desk.visitors is None else desk.visitors.officer
    return visitor_floor(floor, desk.catalogue, outcome.action, outcome.params, outcome.chosen, officer)


@cache
def _day(number: int) -> date:
    """Return a calendar day by its number since 1970."""
    return _EPOCH + timedelta(days=number)


def _question(state: AuthorizationState, outcome: _RulesOutcome, risk: int, kind: str) -> PolicyQuestion:
    task = state.task.record
    return PolicyQuestion(
        action=outcome.action.name,
        params=outcome.params,
        agent=task.client_id,
        operator=task.operator,
        tier=state.tier,
        customer=task.customer,
        objective=task.objective,
        task=task.id,
        risk=risk,
        confirmed_by=frozenset(),
        confirmation_kind=kind,
        resources=outcome.records,
        time_ms=state.now,
    )
