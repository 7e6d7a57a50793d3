"""Recording of an ask's decision: refusal, invitation, permit, or a read with its answer."""

from collections.abc import Coroutine, Mapping

from remit.domain.catalogue.model import Action, Effect
from remit.domain.confirm.confirmation import ask_digest
from remit.domain.errors import Code, Fault, Refused
from remit.domain.ids import timed_id
from remit.domain.policy.decision import NeedsHuman, Permit, Refuse
from remit.domain.policy.risk import AskRefused, AskRepeated
from remit.domain.records import (
    NEVER,
    ActRecord,
    AskRecord,
    AskState,
    ConfirmationRecord,
    FileRecord,
    IdempotencyRecord,
    OutboxState,
)
from remit.domain.structs import replace, struct
from remit.domain.values import Instant, Json, JsonObject, parse_stored_object, read_back
from remit.domain.words.excess import WordsState, encode_marks
from remit.engine.agents.authenticate_request import Workload
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.case_state import verify_case
from remit.engine.ask.counters import reservations_for, step_completion
from remit.engine.ask.decision_entry import write_decision
from remit.engine.ask.evaluate import Evaluation
from remit.engine.ask.read import ReadResult
from remit.engine.ask.redact import AskRequest, redact_all_params
from remit.engine.ask.reply import recorded_params
from remit.engine.ask.risk import apply_risk, ask_target, permitted_event, refused_words, requested_records, risk_events
from remit.engine.confirm.invite import DeclinedBefore, build_invitation
from remit.engine.context import DeskContext
from remit.engine.files.attach import attachment_acts
from remit.engine.files.store import file_puts, files_entry, held_only, reserve_queue_slots
from remit.engine.notices import invitation_notices
from remit.engine.redact import redacted_body_digest
from remit.engine.transcript.record import PreparedEntries, keyed_digest
from remit.engine.words.check import free_texts
from remit.engine.words.strip import evaluated_words_state, remaining_words, risk_of_stripped_words
from remit.ports.store import Commit, Committed, Put, RiskEvent
from remit.proof.canonical import b64url, canonical, written


@struct(frozen=True, kw_only=True)
class Decided:
    """An ask with its decision, as needed to record, act and reply.

    `state` is the snapshot it was decided on; `params` are those of `record`, as read back later.
    """

    state: AuthorizationState
    workload: Workload
    request: AskRequest
    evaluation: Evaluation
    record: AskRecord
    params: JsonObject


@struct(frozen=True, kw_only=True)
class Recorded:
    """A recorded decision `ask`, with the parts of its receipt.

    `act` and `files` are the outbox rows written along, `read` the answer recorded with its permit, `began_s` the start
    of recording (in ticks), `expires_at` the deadline for confirmations, `retry_after_s` when to ask a person again.
    """

    decided: Decided
    ask: AskRecord
    written: PreparedEntries
    committed: Committed
    act: ActRecord | None = None
    files: tuple[ActRecord, ...] = ()
    read: ReadResult | None = None
    began_s: float = 0.0
    expires_at: Instant = NEVER
    retry_after_s: int | None = None


def decided_on(
    desk: DeskContext, state: AuthorizationState, workload: Workload, request: AskRequest, evaluation: Evaluation
) -> Decided:
    """Build the record of an ask from its decision; its params are encoded once for digest, record and entry."""
    task, action = state.task.record, evaluation.action
    words = request.words if evaluation.judged is None else remaining_words(evaluation, request.words)
    params, salt = written(evaluation.params), b64url(desk.world.random(16))
    digest = ask_digest(
        task=task.id,
        action=request.action,
        action_digest=action.digest if action is not None else "",
        params=params,
        words=words,
        salt=salt,
        attachments=[]
        if request.read.unfit
        else [digest for _, digest in request.read.files],  # rejected files are not part of it
    )
    record = AskRecord(
        id=timed_id("ask", state.now, desk.world.random(10)),
        task=task.id,
        mandate=task.mandate,
        customer=task.customer,
        operator=task.operator,
        client_id=task.client_id,
        case=task.case,
        action=request.action,
        params=str(params),
        words=words or "",
        digest=digest,
        salt=salt,
        # A permitted write whose case was read is recorded as sent; other states are set where they are recorded.
        state=AskState.ACTING
        if evaluation.case_read and isinstance(evaluation.decision, Permit)
        else AskState.PERMITTED,
        at=state.now,
        covered=tuple(sorted(evaluation.covered)),
        reserved=tuple([one for one, _ in evaluation.reserved]),
        versions=evaluation.stored_versions(),
        waiver=-1 if evaluation.waiver is None else evaluation.waiver,
        words_state="" if evaluation.judged is None else evaluated_words_state(evaluation) or "",
        marked="" if evaluation.judged is None else encode_marks(evaluation.judged),
        files=_ids(request) if request.filed or request.read.known else (),
        spoken=action is not None and _is_spoken(state, action, evaluation.params),
    )
    return Decided(
        state=state,
        workload=workload,
        request=request,
        evaluation=evaluation,
        record=record,
        params=read_back(evaluation.params, record.params) or parse_stored_object(record.params),
    )


def _is_spoken(state: AuthorizationState, action: Action, params: JsonObject) -> bool:
    """Return whether a text of the params is read as a sentence, and on in the next asks."""
    if not (action.speaks or action.open_texts):
        return False
    plan = state.plans.get(action.name)
    return not (plan is not None and plan.has_no_sentence(params)) and bool(free_texts(action, params))


def _ids(request: AskRequest) -> tuple[str, ...]:
    return (*[one.record.id for one in request.filed], *request.read.known)


def _filed(request: AskRequest) -> tuple[FileRecord, ...]:
    return tuple([one.record for one in request.filed])


def record_decision(desk: DeskContext, decided: Decided, read: ReadResult | None) -> Coroutine[None, None, Recorded]:
    """Record a decision in one durable commit that compares every epoch it depends on."""
    match decided.evaluation.decision:
        case Refuse() as refuse:
            return record_refusal(desk, decided, No(refuse=refuse))
        case NeedsHuman() as needs:
            return _record_invitation(desk, decided, needs)
        case Permit():
            return _record_permit(desk, decided) if read is None else _record_read(desk, decided, read)


@struct(frozen=True, kw_only=True)
class No:
    """A refusal: `again` repeats a declined ask (`since`: under a later consent), `away` marks a task that may not ask."""

    refuse: Refuse
    again: bool = False
    since: bool = False
    away: bool = False


async def record_refusal(desk: DeskContext, decided: Decided, no: No) -> Recorded:
    """Record a refusal with its risk events; with `away`, the refusal alone."""
    decided, refuse, of = await _without_secrets(desk, decided, no)
    state, request = decided.state, decided.request
    refused = replace(
        decided.record,
        state=AskState.REFUSED,
        code=refuse.code.value,
        public=refuse.public or "",
        reserved=(),
        covered=(),
        words_state="",
        files=_ids(request),
    )
    event = (
        AskRepeated(alike=no.since, target=of)
        if no.again
        else AskRefused(code=refuse.code, about=of, mend=_mendable(decided, refuse))
    )
    steps = () if no.away else risk_events(state, event, customer=False)
    written = await entry_of_decision(
        desk, decided, refused, decision="refuse", code=refuse.code.value, detail=refuse.detail
    )
    committed = await desk.store.commit(
        Commit(
            preconditions=() if no.away else state.preconditions,
            puts=(Put(refused, 0),) if no.away else _new(desk, decided, refused),
            reserves=() if no.away else reserve_queue_slots(request.filed),
            marks=decided.workload.marks,
            touches=() if no.away else ((refused.task, refused.at),),
            steps=steps,
            entries=written.rows,
        )
    )
    if not no.away:
        await apply_risk(desk, state, steps)
    return Recorded(decided=decided, ask=refused, written=written, committed=committed)


def _mendable(decided: Decided, refuse: Refuse) -> str:
    """Return the name of refused words that the same ask without them mends, "" where no words are refused."""
    return refused_words(decided.state, decided.evaluation) if refuse.code.startswith("words.") else ""


async def _without_secrets(desk: DeskContext, decided: Decided, no: No) -> tuple[Decided, Refuse, str]:
    """Return a refused ask without secrets, its refusal, and the records it named for the trails."""
    request, refuse = decided.request, no.refuse
    request = replace(request, filed=held_only(request.filed))
    of = (ask_target if no.again else requested_records)(decided.evaluation, decided.state.task.record)
    cleaned = await redact_all_params(desk, decided.workload.limited_as, request, decided.evaluation.params)
    if cleaned.secrets or cleaned.left_out:
        # ⚔ A refused ask needs no values: keep no secret, nor a digest or detail that lets it be guessed.
        request = replace(request, body=redacted_body_digest(cleaned, request.attachments))
        secrets = (*request.secrets, *cleaned.secrets)
        evaluation = replace(decided.evaluation, params=cleaned.params, secrets=secrets, judged=None)
        refuse = replace(refuse, detail=cleaned.left_out or "a secret was taken out of the params", public=None)
        decided = decided_on(desk, decided.state, decided.workload, request, evaluation)
        of = of and f"removed from {decided.record.id}"
    return replace(decided, request=request), refuse, of


async def _record_invitation(desk: DeskContext, decided: Decided, needs: NeedsHuman) -> Recorded:
    """Record the ask as waiting, with its invitation and reservations."""
    state, evaluation = decided.state, decided.evaluation
    # No one is asked to confirm for a case that is unreadable or has ended the task.
    if not evaluation.case_read:
        await verify_case(desk, state.task.record)
    held, filed = evaluated_words_state(evaluation) is WordsState.HELD, _filed(decided.request)
    try:
        invited = await build_invitation(desk, state, decided.record, evaluation, needs.who, words=held, filed=filed)
    except Refused as refused:  # too many are waiting, or this very ask was declined
        refuse = Refuse.of(refused)
        again, since = isinstance(refused, DeclinedBefore), isinstance(refused, DeclinedBefore) and refused.since
        unreserved = replace(decided, evaluation=replace(evaluation, reserved=()))
        recorded = await record_refusal(desk, unreserved, No(refuse=refuse, again=again, since=since))
        return replace(recorded, retry_after_s=refused.retry_after_s)
    invitation, turns, alike = invited
    waiting = replace(decided.record, state=AskState.WAITING, who=tuple(sorted(needs.who)), confirmation=invitation.id)
    due = replace(decided, evaluation=replace(evaluation, due_at=invitation.due))
    code, detail = Code.CONFIRMATION_REQUIRED.value, ", ".join(needs.reasons)
    written = await entry_of_decision(desk, due, waiting, decision="needs_human", code=code, detail=detail)
    notices = invitation_notices(desk, invitation)
    steps = _steps(decided, customer=not held)
    if alike:
        steps += risk_events(
            state, AskRepeated(alike=True, target=ask_target(evaluation, state.task.record)), customer=False
        )
    committed = await desk.store.commit(
        Commit(
            preconditions=(*state.preconditions, *evaluation.preconditions),
            puts=(*_new(desk, decided, waiting, invitation), *notices.puts, *evaluation.puts),
            reserves=(*turns, *reservations_for(evaluation.reserved)),
            marks=decided.workload.marks,
            touches=((waiting.task, waiting.at),),
            steps=steps,
            entries=written.rows,
        )
    )
    # A crash here leaves the invitation waiting on every confirmer's page; a log-only notice is lost, a sent one is
    # recorded.
    await notices.log_unsent(desk)
    await apply_risk(desk, state, steps)
    return Recorded(
        decided=decided, ask=waiting, written=written, committed=committed, expires_at=invitation.expires_at
    )


async def _record_permit(desk: DeskContext, decided: Decided) -> Recorded:
    """Record the permit, together with the sending of its act; a read has no outbox row, repeating it is harmless.

    Where the case was read with the facts, sending needs no further check, since the record compares every epoch
    (docs/decisions/0012-one-record-for-permit-and-sending.md). Otherwise the act is queued, and the case read first.
    """
    state, evaluation, record = decided.state, decided.evaluation, decided.record
    if evaluation.action is None:
        raise Fault(Code.FAULT_INTERNAL, "a permit without an action")
    reads, sent, began_s = evaluation.action.effect is Effect.READ, evaluation.case_read, desk.world.ticks()
    act = None if reads else act_for(desk, record, state, sent=sent)
    filed = _filed(decided.request)
    files = attachment_acts(desk, filed, sent=sent and not reads, epochs=state.epochs) if filed else ()
    written = await entry_of_decision(desk, decided, record, decision="permit")
    committed = await desk.store.commit(
        Commit(
            preconditions=(*state.preconditions, *evaluation.preconditions),
            puts=(*_new(desk, decided, record, *(() if act is None else (act,)), *files), *evaluation.puts),
            reserves=reservations_for(evaluation.reserved),
            marks=decided.workload.marks,
            touches=((record.task, record.at),),
            steps=_steps(decided),
            entries=written.rows,
            proved=not reads,  # a read's answer is recorded before disclosure, and proves it along
        )
    )
    desk.on_point("ask.recorded")
    # A crash here leaves an act queued (repaired by the outbox) or sent as far as the record knows (repaired by
    # reconciliation), or an unanswered read.
    return Recorded(
        decided=decided, ask=record, written=written, committed=committed, act=act, files=files, began_s=began_s
    )


async def record_release(desk: DeskContext, decided: Decided, outcome: PreparedEntries | None) -> Recorded:
    """Record a permit for a caller of the decision point, which carries the act out: the desk itself does nothing.

    `outcome` is the entry of a read, which is done with its permit.
    """
    state, evaluation, record = decided.state, decided.evaluation, decided.record
    detail = f"released to {record.enforcer}"
    written = await entry_of_decision(desk, decided, record, decision="permit", detail=detail)
    written = written if outcome is None else written + outcome
    committed = await desk.store.commit(
        Commit(
            preconditions=(*state.preconditions, *evaluation.preconditions),
            puts=(*_new(desk, decided, record), *evaluation.puts),
            reserves=(
                *reservations_for(evaluation.reserved),
                *(() if outcome is None else (step_completion(record),)),
            ),
            touches=((record.task, record.at),),
            steps=_steps(decided),
            entries=written.rows,
        )
    )
    return Recorded(decided=decided, ask=record, written=written, committed=committed)


async def _record_read(desk: DeskContext, decided: Decided, read: ReadResult) -> Recorded:
    """Record a permitted read and its answer together, before anything of it leaves.

    ⚔ The commit compares every epoch after the desk has answered: a revocation meanwhile discloses nothing. A crash
    before it leaves nothing recorded or disclosed.
    """
    state, evaluation, filed, began_s = decided.state, decided.evaluation, _filed(decided.request), desk.world.ticks()
    files = attachment_acts(desk, filed, epochs=state.epochs) if filed else ()
    committed = await desk.store.commit(
        Commit(
            preconditions=state.preconditions,
            puts=(*_new(desk, decided, read.ask, *files), *evaluation.puts),
            reserves=(*reservations_for(evaluation.reserved), step_completion(read.ask)) if read.done else (),
            marks=decided.workload.marks,
            touches=((read.ask.task, read.ask.at),),
            steps=_steps(decided),
            entries=read.written.rows,
        )
    )
    desk.on_point("ask.recorded")
    return Recorded(
        decided=decided,
        ask=read.ask,
        written=read.written,
        committed=committed,
        files=files,
        read=read,
        began_s=began_s,
    )


def entry_of_decision(
    desk: DeskContext, decided: Decided, record: AskRecord, *, decision: str, code: str = "", detail: str = ""
) -> Coroutine[None, None, PreparedEntries]:
    """Seal the entry of a decision, with the ask's params and files."""
    filed = _filed(decided.request)
    return write_decision(
        desk,
        decided.state,
        record,
        decided.evaluation,
        decision=decision,
        code=code,
        detail=detail,
        asked={"params": decided.params, **(files_entry(filed) if filed else {})},
    )


def _steps(decided: Decided, *, customer: bool = False) -> tuple[RiskEvent, ...]:
    """Return the risk events of a permit or an ask waiting for people."""
    state, evaluation = decided.state, decided.evaluation
    permitted = permitted_event(state, evaluation, decided.request.action)
    steps = risk_events(state, permitted, customer=customer)
    return steps if evaluation.judged is None else steps + risk_of_stripped_words(state, evaluation)


def _new(
    desk: DeskContext, decided: Decided, record: AskRecord, *more: ConfirmationRecord | ActRecord
) -> tuple[Put, ...]:
    """Return a new ask with its idempotency key and further records.

    ⚔ A plain digest would let the body be guessed, even after erasure; this one needs the desk's key.
    """
    request = decided.request
    key = IdempotencyRecord(
        id=idempotency_id(decided.workload, request.idempotency_key),
        ask=record.id,
        body=keyed_digest(desk, request.body),
    )
    files = file_puts(request.filed, record) if request.filed else ()
    return (*[Put(one, 0) for one in (record, *more, key)], *files)


def idempotency_id(workload: Workload, key: str) -> str:
    """Return the id of an ask's idempotency record."""
    return f"{workload.task} {workload.jkt} {key}"


def act_for(desk: DeskContext, record: AskRecord, state: AuthorizationState, *, sent: bool = False) -> ActRecord:
    """Build the outbox row of a permitted write, queued or already sent."""
    now = desk.world.now()
    payload: Mapping[str, Json] | None = None
    door = "backoffice"
    if record.action.startswith("case."):
        door = "helpdesk"
        params = recorded_params(record)
        text = str(params.get("text", ""))
        match record.action:
            case "case.close":
                payload = {"do": "close"}
            case "case.open":
                payload = {
                    "do": "note",
                    "public": True,
                    "author": "agent",
                    "text": f"{params.get('subject', '')}\n\n{text}",
                }
            case _:
                payload = {"do": "note", "public": True, "author": "agent", "text": text}
    return ActRecord(
        id=timed_id("act", now, desk.world.random(10)),
        ask=record.id,
        task=record.task,
        case=record.case,
        door=door,
        payload="{}" if payload is None else canonical(payload).decode(),
        state=OutboxState.SENT if sent else OutboxState.QUEUED,
        queued_at=now,
        sent_at=now if sent else NEVER,
        tries=1 if sent else 0,
        epochs=state.epochs,
    )
