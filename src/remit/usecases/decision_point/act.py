"""One evaluation of an agent's act that the caller carries out: decided and recorded as an ask is, not acted upon."""

from dataclasses import field
from typing import Final

from remit.domain.catalogue.model import Effect
from remit.domain.catalogue.target import money_records
from remit.domain.decision_point.acts import ActDenied, ActQuestion, Reason, names_resource, parse_act, reason_for
from remit.domain.decision_point.question import Question
from remit.domain.errors import Code, Refused
from remit.domain.policy.decision import NeedsHuman, Permit, Refuse
from remit.domain.records import AskRecord, AskState, ConfirmationRecord, IdempotencyRecord
from remit.domain.structs import replace, struct
from remit.domain.values import Instant, JsonObject, deep_equal, instant_text
from remit.engine.agents.authenticate_request import Workload
from remit.engine.ask.authorization_state import (
    AuthorizationState,
    has_pending_work,
    load_authorization_state,
    verify_active,
)
from remit.engine.ask.case_state import end_task_by_case, verify_case
from remit.engine.ask.counters import reservation_changes, step_completion
from remit.engine.ask.decision_entry import write_decision
from remit.engine.ask.evaluate import Evaluation, EvaluationRequest, evaluate
from remit.engine.ask.redact import AskRequest, redact_ask
from remit.engine.ask.reevaluate import reevaluate_confirmed, verify_action_unchanged, verify_still_confirmed
from remit.engine.ask.reply import recorded_params
from remit.engine.context import DeskContext
from remit.engine.decision_point.approvals import permit_end
from remit.engine.decision_point.binding import requestable
from remit.engine.decision_point.callers import Caller
from remit.engine.decision_point.obligations import disclosure, obligations_json, unmet
from remit.engine.decision_point.outcome import write_outcome
from remit.engine.transcript.record import keyed_digest
from remit.ports.policy import Obligation
from remit.ports.store import Commit, Conflict, LimitReached, Put, RecordMissing, Reserve, Versioned
from remit.proof.canonical import b64url, canonical, digest
from remit.usecases.record_ask import Decided, No, decided_on, idempotency_id, record_refusal, record_release

_ATTEMPTS: Final = 6
_SECRET: Final = Refused(Code.WORDS_SECRET, "a secret was taken out")


@struct(frozen=True)
class PointDecision:
    """An answer of the decision point, with the members of its context."""

    allowed: bool
    context: JsonObject = field(default_factory=dict)


@struct(frozen=True, kw_only=True)
class _Asked:
    """One question about an act, proved, read and redacted."""

    caller: Caller
    question: Question
    act: ActQuestion
    workload: Workload
    request: AskRequest
    supported: frozenset[str]


async def decide_act(
    desk: DeskContext, caller: Caller, question: Question, *, supported: frozenset[str]
) -> PointDecision:
    """Decide one act of an agent. A permit reserves the budget of the act, and counts once, within its time.

    Raises:
        Fault: nothing is permitted.

    Source: docs/model/model.md#ask; docs/decisions/0052-one-decision-point-two-audiences.md.
    """
    if not caller.acts:
        return denied(desk, Reason.CALLER_NOT_ALLOWED)
    try:
        asked = await _read(desk, caller, question, supported)
    except ActDenied as wrong:
        return denied(desk, wrong.reason)
    except Refused as refused:
        return denied(desk, reason_for(refused.code), code=refused.code)
    for _ in range(_ATTEMPTS):
        try:
            return await _decide(desk, asked)
        except (Conflict, LimitReached):
            continue  # something moved between loading and recording: read and decide again
        except Refused as refused:
            return denied(desk, reason_for(refused.code), code=refused.code)
    return denied(desk, Reason.STALE_STATE)


async def _read(desk: DeskContext, caller: Caller, question: Question, supported: frozenset[str]) -> _Asked:
    act = parse_act(question)
    action = desk.catalogue.actions.get(act.action)
    if action is not None and action.effect is Effect.WRITE and not (act.sent and act.idempotency_key):
        raise ActDenied(Reason.PARAMETER_VIOLATION, "a write needs parameter_digest and idempotency_key")
    request = AskRequest(
        action=act.action,
        params=act.params,
        words=None,
        files=(),
        idempotency_key=f"{act.idempotency_key or b64url(desk.world.random(16))} {act.approval}",
        body=digest([act.action, act.params, list(act.resource)]),
        size=len(canonical(act.params)),
    )
    request = await redact_ask(desk, caller.name, act.task, request)
    workload = caller_workload(caller, task=act.task, client_id=act.client_id, actor=act.chain[-1])
    return _Asked(caller=caller, question=question, act=act, workload=workload, request=request, supported=supported)


def caller_workload(caller: Caller, *, task: str, client_id: str, actor: str) -> Workload:
    """Return the workload that an ask is recorded for: the agent, as its caller vouches for it.

    ⚔ No key's thumbprint has a colon: an idempotency key of the agent's own never finds what a caller asked.
    """
    jkt = f"point:{caller.name}"
    return Workload(task=task, client_id=client_id, actor=actor, jkt=jkt, token_jti="", marks=(), limited_as=client_id)


async def _decide(desk: DeskContext, asked: _Asked) -> PointDecision:
    act, request = asked.act, asked.request
    about = money_records(desk.catalogue.actions.get(act.action), request.params)
    key = idempotency_id(asked.workload, request.idempotency_key)
    state = await load_authorization_state(desk, act.task, idempotency=key, about=about)
    wrong = _wrong_parties(desk, asked, state)
    if wrong is not None:
        return await _refuse(desk, asked, state, Refuse(code=Code.GRANT_INVALID, detail=wrong.detail), wrong.reason)
    try:
        verify_active(state, state.now, desk.terms, waiting=await has_pending_work(desk, state))
        _verify_let_in(desk, state)
    except Refused as refused:
        return await _refuse(desk, asked, state, Refuse(code=refused.code, detail=refused.detail))
    if state.earlier is not None:
        return await _again(desk, asked, *state.earlier)
    return await (_approved if act.approval else _fresh)(desk, asked, state)


async def _fresh(desk: DeskContext, asked: _Asked, state: AuthorizationState) -> PointDecision:
    """Decide an act that no person has answered yet."""
    act, request = asked.act, asked.request
    evaluation = await evaluate_act(desk, state, request)
    if evaluation.ending is not None:
        raise await end_task_by_case(desk, act.task, evaluation.ending)
    match evaluation.decision:
        case Refuse() as refuse:
            decided = _decided(desk, asked, state, evaluation)
            recorded = await record_refusal(desk, _unkeyed(desk, decided), No(refuse=refuse))
            return denied(desk, reason_for(refuse.code), code=refuse.code, ask=recorded.ask.id)
        case NeedsHuman(reasons=reasons):
            needed = Refuse(code=Code.CONFIRMATION_REQUIRED, detail=", ".join(reasons))
            refusal = await _refuse(desk, asked, state, needed, evaluation=evaluation)
            return PointDecision(
                allowed=False,
                context={**refusal.context, **requestable(desk, asked.caller, asked.question, refusal.context)},
            )
        case Permit():
            return await _release(desk, asked, state, evaluation)


def _verify_let_in(desk: DeskContext, state: AuthorizationState) -> None:
    """Verify that the desk still lets visitors in, if the task is one's.

    Raises:
        Refused: `mandate.inactive`.
    """
    if state.visits and desk.visitors is None:
        raise Refused(Code.MANDATE_INACTIVE, "this desk lets no visitors in")


def _wrong_parties(desk: DeskContext, asked: _Asked, state: AuthorizationState) -> ActDenied | None:
    """Return why agent, chain, customer or mission are not those of the task. ⚔ Nothing is inferred from one of them."""
    act, task = asked.act, state.task.record
    actors = tuple(reversed([kept.record.actor for kept, _ in state.chain]))
    if act.client_id != task.client_id or act.chain != actors or actors[-1] != task.actor:
        return ActDenied(Reason.ACTOR_INVALID, "another agent, or another chain of agents, than the task's")
    if act.customer != task.customer:
        return ActDenied(Reason.VIEW_INCONSISTENT, "another customer than the task's")
    if act.issuer not in {"", desk.terms.issuer} or act.authority_hash not in {"", state.mandate.hash}:
        return ActDenied(Reason.VIEW_INCONSISTENT, "another mission than the task's mandate")
    action = desk.catalogue.actions.get(act.action)
    own = {("case", task.case), ("customer", task.customer), ("task", task.id)}
    if action is not None and act.resource not in own and not names_resource(action, act.params, act.resource):
        return ActDenied(Reason.PARAMETER_VIOLATION, "the resource is not one that the parameters name")
    return None


async def evaluate_act(desk: DeskContext, state: AuthorizationState, request: AskRequest) -> Evaluation:
    """Evaluate an act as an ask. ⚔ Case actions are the desk's alone: only it writes to people in a case.

    Texts that exceed the act are refused: neither held for review nor left out, since the caller does what it asked.
    """
    action = desk.catalogue.actions.get(request.action)
    if action is not None and action.builtin:
        refuse = Refuse(code=Code.OBJECTIVE_ACTION_OUTSIDE, detail="an action of the case is the desk's own")
        return Evaluation(decision=refuse, params=request.params, action=action)
    wrong = request.wrong or (_SECRET if request.secrets else None)
    if wrong is not None:
        return Evaluation(decision=Refuse.of(wrong), params=request.params, secrets=request.secrets)
    asked = EvaluationRequest(action=request.action, params=request.params, words=None)
    evaluation = await evaluate(desk, state, asked, with_case=True)
    if evaluation.judged is None or isinstance(evaluation.decision, Refuse):
        return evaluation
    refuse = Refuse(code=evaluation.judged.code, detail=evaluation.judged.reason)
    return replace(evaluation, decision=refuse, reserved=(), puts=())


def _decided(desk: DeskContext, asked: _Asked, state: AuthorizationState, evaluation: Evaluation) -> Decided:
    decided = decided_on(desk, state, asked.workload, asked.request, evaluation)
    return replace(decided, record=replace(decided.record, enforcer=asked.caller.name))


def _unkeyed(desk: DeskContext, decided: Decided) -> Decided:
    """Return a denial under a key of its own: asked again, its caller is decided again."""
    once = replace(decided.request, idempotency_key=f"{b64url(desk.world.random(16))} denied")
    return replace(decided, request=once)


async def _refuse(
    desk: DeskContext,
    asked: _Asked,
    state: AuthorizationState,
    refuse: Refuse,
    reason: Reason | None = None,
    *,
    evaluation: Evaluation | None = None,
) -> PointDecision:
    """Record a denial that is no offence of the agent's, and return it."""
    if evaluation is None:
        evaluation = Evaluation(decision=refuse, params=asked.request.params)
    decided = _decided(desk, asked, state, replace(evaluation, decision=refuse, reserved=()))
    recorded = await record_refusal(desk, decided, No(refuse=refuse, away=True))
    return denied(desk, reason or reason_for(refuse.code), code=refuse.code, ask=recorded.ask.id)


async def _release(
    desk: DeskContext, asked: _Asked, state: AuthorizationState, evaluation: Evaluation
) -> PointDecision:
    """Record a permit and return its conditions."""
    missing = unmet(_obligations(evaluation), asked.supported)
    if missing:
        refuse = Refuse(code=Code.DESK_REFUSED, detail=f"the caller cannot meet {', '.join(missing)}")
        refusal = await _refuse(desk, asked, state, refuse, Reason.OBLIGATION_UNSUPPORTED, evaluation=evaluation)
        return replace(refusal, context={**refusal.context, "unsupported_obligations": list(missing)})
    if not evaluation.case_read:  # nothing is done, and nothing told, for a case that cannot be read
        await verify_case(desk, state.task.record)
    decided, reads = _decided(desk, asked, state, evaluation), _reads(evaluation)
    record = replace(decided.record, state=_released(evaluation), usable_until=permit_end(desk, state))
    outcome = await write_outcome(desk, record, outcome="done") if reads else None
    await record_release(desk, replace(decided, record=record), outcome)
    return permitted(desk, asked.act, record, evaluation)


def _reads(evaluation: Evaluation) -> bool:
    return evaluation.action is not None and evaluation.action.effect is Effect.READ


def _released(evaluation: Evaluation) -> AskState:
    """Return the state of a released act: a read changes nothing, and a write's outcome is its caller's to tell."""
    return AskState.DONE if _reads(evaluation) else AskState.UNKNOWN


def _obligations(evaluation: Evaluation) -> tuple[Obligation, ...]:
    return disclosure(evaluation.action, evaluation.covered)


async def _again(
    desk: DeskContext, asked: _Asked, known: IdempotencyRecord, kept: Versioned[AskRecord]
) -> PointDecision:
    """Answer a repeated evaluation: the same permit while it may be used, and only if it would be given again."""
    record = kept.record
    if known.body != keyed_digest(desk, asked.request.body):
        return denied(desk, Reason.IDEMPOTENCY_CONFLICT, ask=record.id)
    _, evaluation = await reevaluate_confirmed(desk, record, frozenset(record.confirmed_by))
    if record.state is not _released(evaluation) or desk.world.now() >= record.usable_until:
        return denied(desk, Reason.DUPLICATE_SUPPRESSED, ask=record.id)
    match evaluation.decision:
        case Permit():
            return permitted(desk, asked.act, record, evaluation)
        case Refuse(code=code):
            return denied(desk, reason_for(code), code=code, ask=record.id)
        case NeedsHuman():
            return denied(desk, Reason.APPROVAL_REQUIRED, ask=record.id)


async def _approved(desk: DeskContext, asked: _Asked, state: AuthorizationState) -> PointDecision:
    """Decide an act with a person's yes: the yes is input to a fresh evaluation, counts once and for this act alone.

    Source: AuthZEN Access Request and Approval Profile Draft 1 (completion semantics).
    """
    kept = await _approval(desk, asked)
    if isinstance(kept, Reason):
        return await _unapproved(desk, asked, state, kept)
    ask = kept.record
    state, evaluation = await reevaluate_confirmed(desk, ask, frozenset(ask.confirmed_by))
    try:
        if not isinstance(evaluation.decision, Permit):
            raise _no_longer(evaluation)
        await verify_action_unchanged(desk, state, ask, evaluation)
        confirmers = await verify_still_confirmed(desk, ask)
    except Refused as refused:
        refuse = Refuse.of(refused)
        return await _refuse(desk, asked, state, refuse, Reason.POLICY_DENIED, evaluation=evaluation)
    await verify_case(desk, state.task.record)
    if missing := unmet(_obligations(evaluation), asked.supported):
        return denied(desk, Reason.OBLIGATION_UNSUPPORTED, more={"unsupported_obligations": list(missing)})
    used = replace(
        evaluation.apply_to(ask),
        state=_released(evaluation),
        usable_until=permit_end(desk, state),
    )
    detail = f"confirmed, released to {asked.caller.name}"
    written = await write_decision(desk, state, used, evaluation, decision="permit", code="", detail=detail)
    done: tuple[Reserve, ...] = ()
    if _reads(evaluation):
        written, done = written + await write_outcome(desk, used, outcome="done"), (step_completion(used),)
    key = idempotency_id(asked.workload, asked.request.idempotency_key)
    once = IdempotencyRecord(id=key, ask=ask.id, body=keyed_digest(desk, asked.request.body))
    await desk.store.commit(
        Commit(
            preconditions=(*state.preconditions, *evaluation.preconditions, *confirmers),
            puts=(Put(used, kept.rev, ask), Put(once, 0)),
            reserves=(*reservation_changes(ask, evaluation.reserved), *done),
            touches=((ask.task, desk.world.now()),),
            entries=written.rows,
        )
    )
    approval: JsonObject = {"id": ask.confirmation, "approved_until": instant_text(ask.usable_until)}
    return permitted(desk, asked.act, used, evaluation, {"approval": approval})


_NO_APPROVAL: Final = {
    Reason.APPROVAL_UNVERIFIABLE: Code.CONFIRMATION_REPLAYED,
    Reason.GRANT_PENDING: Code.CONFIRMATION_REQUIRED,
    Reason.POLICY_DENIED: Code.CONFIRMATION_DECLINED,
}
"""Codes of approvals in whose place no other one is asked for."""


async def _unapproved(desk: DeskContext, asked: _Asked, state: AuthorizationState, why: Reason) -> PointDecision:
    """Decide an act with an unusable approval; where another one would serve, tell how to ask for it, and why."""
    code = _NO_APPROVAL.get(why)
    if code is not None:
        return await _refuse(desk, asked, state, Refuse(code=code, detail=f"the approval is of no use: {why}"), why)
    fresh = await _fresh(desk, asked, state)
    return (
        replace(fresh, context={**fresh.context, "reason": why.value}) if "access_request" in fresh.context else fresh
    )


def _no_longer(evaluation: Evaluation) -> Refused:
    if isinstance(evaluation.decision, Refuse):
        return Refused(evaluation.decision.code, evaluation.decision.detail, public=evaluation.decision.public)
    return Refused(Code.CONFIRMATION_MISMATCH, "more confirmers are needed now")


async def _approval(desk: DeskContext, asked: _Asked) -> Versioned[AskRecord] | Reason:
    """Return the ask that a person approved, or why its approval does not serve.

    ⚔ Another caller's, another act's and one used before give nothing.
    """
    try:
        confirmation = (await desk.store.get(ConfirmationRecord, asked.act.approval)).record
        kept = await desk.store.get(AskRecord, confirmation.ask)
    except RecordMissing:
        return Reason.APPROVAL_UNVERIFIABLE
    ask = kept.record
    if ask.enforcer != asked.caller.name:
        return Reason.APPROVAL_UNVERIFIABLE
    same = (ask.task, ask.action) == (asked.act.task, asked.act.action)
    if not same or not deep_equal(recorded_params(ask), asked.request.params):
        return Reason.OUT_OF_SCOPE
    if ask.state is not AskState.PERMITTED:
        return _UNUSABLE.get(ask.state, Reason.APPROVAL_UNVERIFIABLE)
    return kept if desk.world.now() < ask.usable_until else Reason.APPROVAL_EXPIRED


_UNUSABLE: Final = {
    AskState.COUNTERED: Reason.POLICY_DENIED,
    AskState.DECLINED: Reason.POLICY_DENIED,
    AskState.EXPIRED: Reason.APPROVAL_EXPIRED,
    AskState.REFUSED: Reason.APPROVAL_EXPIRED,
    AskState.VOID: Reason.POLICY_DENIED,
    AskState.WAITING: Reason.GRANT_PENDING,
}
"""Reasons for refusing an approval, by the state of its ask; a released one has been used."""


def permitted(
    desk: DeskContext, act: ActQuestion, record: AskRecord, evaluation: Evaluation, more: JsonObject | None = None
) -> PointDecision:
    """Return a permit with its conditions and obligations.

    Source: draft-mcguinness-mission-authzen (response context).
    """
    conditions: JsonObject = {
        "parameter_digest": act.digest,
        "valid_until": instant_text(record.usable_until),
        "use_limit": 1,
    }
    context: JsonObject = {
        "evaluation_id": record.id,
        "evaluated_at": instant_text(Instant(desk.world.now())),
        "conditions": conditions,
        **obligations_json(_obligations(evaluation)),
        **(more or {}),
    }
    return PointDecision(allowed=True, context=context)


_RETRY: Final = frozenset({Reason.STALE_STATE, Reason.GRANT_PENDING})
_RETRY_S: Final = 5


def denied(
    desk: DeskContext, reason: Reason, *, code: Code | None = None, ask: str = "", more: JsonObject | None = None
) -> PointDecision:
    """Return a denial with its reason; `ask` is the recorded one."""
    context: JsonObject = {
        **({"evaluation_id": ask} if ask else {}),
        "evaluated_at": instant_text(Instant(desk.world.now())),
        "reason": reason.value,
        **({"code": code.value} if code is not None else {}),
        **({"next_action": "retry", "retry_after": _RETRY_S} if reason in _RETRY else {"next_action": "none"}),
        **(more or {}),
    }
    return PointDecision(allowed=False, context=context)
