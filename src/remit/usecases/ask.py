"""One ask of an agent, from a proved workload to a recorded decision, the act and the reply (docs/the-path.md)."""

from typing import Final

from remit.domain.catalogue.model import Effect
from remit.domain.catalogue.target import money_records
from remit.domain.errors import Code, Fault, Refused
from remit.domain.identity.dpop import ProofRefused
from remit.domain.mandate.cover import MAY_NOT_SPEAK, verify_may_speak
from remit.domain.policy.decision import Permit, Refuse
from remit.domain.records import ActRecord, AskRecord, EndReason, OutboxState, TaskState
from remit.domain.structs import replace
from remit.domain.transcript.receipt import Holder
from remit.domain.values import Instant
from remit.engine.agents.authenticate_request import Workload
from remit.engine.ask.authorization_state import (
    AuthorizationState,
    currently_covered,
    has_pending_work,
    load_authorization_state,
    verify_active,
)
from remit.engine.ask.case_state import case_ending, end_task_by_case
from remit.engine.ask.desk_reason import current_reason
from remit.engine.ask.evaluate import Evaluation, EvaluationRequest, evaluate
from remit.engine.ask.outbox import SettledAsk, dispatch_recorded_act, perform_act
from remit.engine.ask.read import (
    MAX_READ_AGE_S,
    ReadResult,
    answer_read,
    disclose_act_result,
    execute_read,
    perform_read,
    recheck_disclosure,
    replay_read,
    report_read_problems,
)
from remit.engine.ask.redact import NO_FILES, AskRequest, redact_all_params, redact_ask, seal_ask_files
from remit.engine.ask.reply import AskReply, build_reply, recorded_params
from remit.engine.ask.risk import apply_risk
from remit.engine.context import DeskContext
from remit.engine.files.deliver import deliver_files
from remit.engine.leaks.revoke import revoke_leaked_in_files
from remit.engine.redact import redacted_body_digest
from remit.engine.tasks import end_task
from remit.engine.transcript.record import PreparedEntries, keyed_digest, receipt_for_commit
from remit.engine.words.strip import add_strip_notice, risk_of_stripped_words
from remit.ports.store import Commit, Committed, Conflict, LimitReached, Replayed, Versioned
from remit.usecases.record_ask import (
    Decided,
    No,
    Recorded,
    decided_on,
    entry_of_decision,
    idempotency_id,
    record_decision,
    record_refusal,
)

_ATTEMPTS: Final = 6


async def ask(desk: DeskContext, workload: Workload, request: AskRequest) -> AskReply:
    """Decide, record and, where permitted, carry out one ask.

    Raises:
        Refused: before anything can be recorded: an unknown or foreign task, `credential.replayed`, `request.conflict`.
            Every other refusal comes back as a reply, with its receipt.
        Fault: nothing was permitted; or, after a recorded permit, the reply says that the act is pending.
    """
    # 1. prove: the door proved `workload`, by a token and a proof of this very request (`prove_workload`).
    request = await _redact(desk, workload, request)  # 2. redact
    broken: Fault | None = None
    for attempt in range(_ATTEMPTS):
        # An earlier answer missed at first prevents this commit, and is found by the next attempt.
        state = await _load_state(desk, workload, request, sure=attempt > 0)  # 3. standing
        try:
            await _verify_or_end(desk, state, state.now)
        except Refused as refused:
            return await _turn_away(desk, state, workload, request, refused)
        if state.earlier is not None:
            return await _answer_again(desk, state, workload, request, broken)
        try:
            decided = await _decide(
                desk, state, workload, request
            )  # 4. rules, 5. words, 6. policy, 7. settle: `evaluate`
            read = await _read_ahead(
                desk, decided
            )  # 9. act, where it changes nothing: docs/decisions/0017-a-read-is-recorded-once.md
            recorded = await record_decision(desk, decided, read)  # 8. record
            settled = await _act(desk, recorded)  # 9. act, 10. outcome
            reply = await _reply(desk, recorded, settled)  # 11. reply
        except Conflict:
            continue  # an epoch moved between loading and recording: read and decide again
        except LimitReached:
            continue  # another ask took the room: choose again from the rest
        except Fault as fault:
            if attempt:
                raise
            broken = fault  # an earlier attempt may have succeeded before this outage: look for its answer first
        except Replayed:
            raise ProofRefused(Code.CREDENTIAL_REPLAYED, "the proof was used before") from None
        else:
            return reply
    raise Refused(Code.TASK_BUSY, "the task kept changing", retry_after_s=1)


async def _redact(desk: DeskContext, workload: Workload, request: AskRequest) -> AskRequest:
    """Redact the ask before a store, log or error sees it, and revoke our credentials found in its files."""
    request = await redact_ask(desk, workload.limited_as, workload.task, request)
    if request.read.seen:
        await revoke_leaked_in_files(desk, workload, request)
        request = replace(request, read=replace(request.read, seen=()))
    return request


async def _load_state(desk: DeskContext, workload: Workload, request: AskRequest, *, sure: bool) -> AuthorizationState:
    """Load one snapshot for the ask, with an earlier answer under its key. ⚔ A foreign task counts as unknown."""
    moved = money_records(desk.catalogue.actions.get(request.action), request.params)
    state = await load_authorization_state(
        desk, workload.task, idempotency=idempotency_id(workload, request.idempotency_key), about=moved, sure=sure
    )
    task = state.task.record
    if (task.client_id, task.actor, task.jkt) != (workload.client_id, workload.actor, workload.jkt):
        raise Refused(Code.TASK_ENDED, "another workload's task")
    return state


async def _verify_or_end(desk: DeskContext, state: AuthorizationState, now: Instant) -> None:
    """Verify the task is active; end it on the spot when its time is over, so that it is on the record."""
    waiting = now < state.last_used + desk.terms.task_idle_s * 1000 or await has_pending_work(desk, state)
    try:
        verify_active(state, now, desk.terms, waiting=waiting)
    except Refused as refused:
        if refused.code in {Code.TASK_ENDED, Code.MANDATE_EXPIRED} and state.task.record.state is not TaskState.ENDED:
            reason = (
                EndReason.MANDATE_EXPIRED
                if refused.code is Code.MANDATE_EXPIRED
                else EndReason(refused.detail.rpartition(": ")[2])
            )
            await end_task(desk, state.task.record.id, reason)
        raise


async def _decide(desk: DeskContext, state: AuthorizationState, workload: Workload, request: AskRequest) -> Decided:
    """Evaluate the ask by rules, words and policies, settle by the strictest, and build its record."""
    silenced = _silenced_files(state) if request.read is not NO_FILES else None
    if request.read.files and silenced is None:
        request = await seal_ask_files(desk, state.task.record, request)
    if silenced is not None:
        evaluation = _refused(request, silenced)
    elif request.read.unfit is not None:
        evaluation = _refused(request, request.read.unfit)
    elif request.secrets and desk.terms.secrets == "refuse":
        evaluation = _refused(request, request.wrong or _SECRET)
    else:
        asked = EvaluationRequest(
            action=request.action,
            params=request.params,
            words=request.words,
            wrong=request.wrong,
            files=bool(request.read.files),
        )
        evaluation = await evaluate(desk, state, asked, with_case=True)
    if evaluation.ending is not None:
        raise await end_task_by_case(desk, workload.task, evaluation.ending)
    if request.secrets:
        evaluation = replace(evaluation, secrets=request.secrets)
    if evaluation.judged is not None:
        evaluation = await add_strip_notice(desk, state, evaluation)
    if isinstance(evaluation.decision, Refuse) and evaluation.decision.detail == MAY_NOT_SPEAK:
        request = replace(request, words=None, read=NO_FILES)  # ⚔ nor is it shown to an officer as refused
    elif isinstance(evaluation.decision, Permit) and evaluation.judged is None:
        state.plan(desk.catalogue, request.action).remember_clean(request.params)
    return decided_on(desk, state, workload, request, evaluation)


def _silenced_files(state: AuthorizationState) -> Refused | None:
    """Return why no file may go along. ⚔ Before one is stored, or held for an officer, who would read it."""
    try:
        for _, mandate in state.chain:
            verify_may_speak(mandate)
    except Refused as refused:
        return refused
    return None


_SECRET: Final = Refused(
    Code.WORDS_SECRET, "a secret was taken out", public="The message contains a secret; it was not kept."
)


def _refused(request: AskRequest, why: Refused) -> Evaluation:
    return Evaluation(decision=Refuse.of(why), params=request.params)


async def _read_ahead(desk: DeskContext, decided: Decided) -> ReadResult | None:
    """Execute a permitted read ahead of recording, to record both together; None when the permit goes first.

    The permit goes first when it takes something, or when a slow desk could let the task go idle.
    """
    state, evaluation, action = decided.state, decided.evaluation, decided.evaluation.action
    reads = action is not None and action.effect is Effect.READ and isinstance(evaluation.decision, Permit)
    if action is None or not reads or evaluation.takes or state.now - state.last_used >= desk.terms.task_idle_s * 500:
        return None
    permit = await entry_of_decision(desk, decided, decided.record, decision="permit")
    read = await execute_read(desk, decided.record, action, decided.params)
    # ⚔ After a slow desk, mandate and task must not have expired: check the present time.
    await _verify_or_end(desk, state, desk.world.now())
    return read.behind(permit)


async def _turn_away(
    desk: DeskContext, state: AuthorizationState, workload: Workload, request: AskRequest, refused: Refused
) -> AskReply:
    """Refuse and record an ask of a proved workload whose task may not ask now.

    ⚔ Attempts after an end, during a suspension or while held must be visible to staff. The key is not used up: the
    same ask may be made again once the task is no longer held.

    Raises:
        Refused: as given, where it cannot be recorded: nothing is permitted either way; `credential.replayed`.
    """
    if state.earlier is not None:
        raise refused  # no new attempt: its outcome is at its own address, also after the end
    decided = decided_on(desk, state, workload, request, _refused(request, refused))
    try:
        no = No(refuse=Refuse.of(refused), away=True)
        return await _reply(desk, await record_refusal(desk, decided, no), None)
    except Replayed:
        raise ProofRefused(Code.CREDENTIAL_REPLAYED, "the proof was used before") from None
    except Fault:
        raise refused from None


async def _act(desk: DeskContext, recorded: Recorded) -> SettledAsk | None:
    """Carry out a permit, once, and record its outcome; None when nothing is to be done or known yet."""
    decided, ask, act, files = recorded.decided, recorded.ask, recorded.act, recorded.files
    together = act is not None and act.state is OutboxState.SENT
    behind = together and ask.action != "case.close"  # nothing is written into a closed case
    if files and not behind:
        await deliver_files(desk, files)
    if not isinstance(decided.evaluation.decision, Permit) or decided.evaluation.action is None:
        return None
    if recorded.read is not None:
        await report_read_problems(desk, recorded.read)
        return None
    if act is None:
        return await answer_read(
            desk, decided.state, Versioned(ask, 1), decided.evaluation.action, decided.params, recorded.committed
        )
    prove = tuple([place.index for place in recorded.committed.places])
    if not together:
        return await _send(desk, decided.state, Versioned(ask, 1), act, prove)
    desk.on_point("act.sent")
    settled: SettledAsk | None = None
    try:
        settled = await perform_act(desk, Versioned(act, 1), Versioned(ask, 1), prove, params=decided.params)
    except Fault as pending:
        # ⚔ The permit stands and the desk may have acted: never report that nothing was permitted. The act stays sent,
        # the reply says pending, and reconciliation records the outcome.
        del pending
    if files and behind:
        await deliver_files(desk, files)
    return settled


async def _send(
    desk: DeskContext, state: AuthorizationState, kept: Versioned[AskRecord], act: ActRecord, prove: tuple[int, ...]
) -> SettledAsk | None:
    """Try to send a queued act at once; otherwise it waits in the outbox."""
    desk.on_point("act.queued")
    try:
        return await dispatch_recorded_act(desk, state, Versioned(act, 1), kept, prove)
    except Fault:
        return None  # the act stays queued or sent; the reply says pending


async def carry_out(
    desk: DeskContext,
    state: AuthorizationState,
    permitted: Versioned[AskRecord],
    rows: tuple[ActRecord | None, tuple[ActRecord, ...]],
    written: PreparedEntries,
    committed: Committed,
) -> AskReply:
    """Carry out an ask permitted by a person's answer: its files, then its act or read. `rows` are its outbox rows.

    An act that cannot be sent at once waits in the outbox, and the agent is told so.
    """
    (act, files), ask = rows, permitted.record
    desk.on_point("ask.recorded")
    await deliver_files(desk, files)
    if act is None:
        action = desk.catalogue.action(ask.action)
        reply = await perform_read(desk, state, permitted, action, recorded_params(ask), written, committed)
    else:
        fresh, read_s = await load_authorization_state(desk, ask.task), desk.world.ticks()
        settled = await _send(desk, fresh, permitted, act, tuple(place.index for place in committed.places))
        reply = await _reply_of_act(desk, fresh, ask, settled, written, committed, read_s)
    desk.notify.wake(f"ask:{ask.id}")
    return reply


async def _reply(desk: DeskContext, recorded: Recorded, settled: SettledAsk | None) -> AskReply:
    """Build the reply, cut to the mandate's coverage, with the receipt."""
    decided, ask, written, committed = recorded.decided, recorded.ask, recorded.written, recorded.committed
    if recorded.read is not None:
        reply = await _reply_of_read(desk, recorded, recorded.read)
    elif recorded.act is not None:
        reply = await _reply_of_act(desk, decided.state, ask, settled, written, committed, recorded.began_s)
    elif settled is not None:
        reply = await build_reply(
            desk, settled.ask, receipt_for_commit(desk, written + settled.written, settled.committed, Holder.AGENT)
        )
    else:
        reply = await build_reply(
            desk, ask, receipt_for_commit(desk, written, committed, Holder.AGENT), expires_at=recorded.expires_at
        )
        reply = reply if recorded.retry_after_s is None else replace(reply, retry_after_s=recorded.retry_after_s)
    if decided.evaluation.puts:  # it went on without its words
        desk.notify.wake(f"task:{decided.workload.task}")
        await apply_risk(desk, decided.state, risk_of_stripped_words(decided.state, decided.evaluation))
    return reply


async def _reply_of_read(desk: DeskContext, recorded: Recorded, read: ReadResult) -> AskReply:
    whole = receipt_for_commit(desk, recorded.written, recorded.committed, Holder.AGENT)
    if desk.world.ticks() - recorded.began_s < MAX_READ_AGE_S:
        return await build_reply(desk, read.ask, whole, cut=read.cut)
    # ⚔ If the process stalled around its record, re-check everything before disclosing anything.
    try:
        covered = await recheck_disclosure(desk, read.ask)
    except (Refused, Fault):
        return await build_reply(desk, read.ask, attributes=False)
    return await build_reply(desk, read.ask, whole if covered.issuperset(read.ask.covered) else None, covered=covered)


async def _reply_of_act(
    desk: DeskContext,
    state: AuthorizationState,
    record: AskRecord,
    settled: SettledAsk | None,
    written: PreparedEntries,
    committed: Committed,
    read_s: float,
) -> AskReply:
    """Build the reply to an act: its outcome if known, else pending."""
    if settled is None:
        now = await desk.store.get(AskRecord, record.id)
        return await build_reply(desk, now.record, receipt_for_commit(desk, written, committed, Holder.AGENT))
    whole = receipt_for_commit(desk, written + settled.written, settled.committed, Holder.AGENT)
    if settled.ask.result in {"", "{}"}:
        return await build_reply(desk, settled.ask, whole)
    try:
        covered = await disclose_act_result(desk, state, settled.ask, read_s=read_s)
    except (Refused, Fault):
        return await build_reply(desk, settled.ask, attributes=False)
    return await build_reply(
        desk, settled.ask, whole if covered.issuperset(settled.ask.covered) else None, covered=covered
    )


async def _answer_again(
    desk: DeskContext, state: AuthorizationState, workload: Workload, request: AskRequest, broken: Fault | None
) -> AskReply:
    """Answer a repeated key: the same ask, cut again on fresh state and case; another body is a conflict.

    `broken` is this request's own fault; it is raised where the record found is this request's own.
    """
    if state.earlier is None:
        raise Fault(Code.FAULT_INTERNAL, "no earlier answer")
    known, kept = state.earlier
    if not await _is_body(desk, workload, request, known.body):
        raise Refused(Code.REQUEST_CONFLICT, "the Idempotency-Key was used with another body")
    try:
        await desk.store.commit(Commit(marks=workload.marks))
    except Replayed:
        if broken is not None:
            raise broken from None
        raise ProofRefused(Code.CREDENTIAL_REPLAYED, "the proof was used before") from None
    ended = await case_ending(desk, kept.record.case) if kept.record.result else None
    if ended is not None:
        raise await end_task_by_case(desk, kept.record.task, ended)
    record = await replay_read(desk, kept.record)
    stands = await desk.store.unchanged(
        state.preconditions
    )  # ⚔ case and desk took time: if anything moved, no attribute is disclosed
    covered = currently_covered(desk, state, record)
    return await build_reply(
        desk, record, covered=covered, attributes=stands, reason=await current_reason(desk, record)
    )


async def _is_body(desk: DeskContext, workload: Workload, request: AskRequest, known: str) -> bool:
    """Return whether an ask matches the recorded body, as sent or as stored after a refusal."""
    if known == keyed_digest(desk, request.body):
        return True
    cleaned = await redact_all_params(desk, workload.limited_as, request, request.params)
    return known == keyed_digest(desk, redacted_body_digest(cleaned, request.attachments))
