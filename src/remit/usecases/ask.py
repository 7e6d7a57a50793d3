"""One ask of an agent, from a proved workload to a recorded decision, the act and the reply (docs/the-path.md)."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Final

from remit.domain.canonical import b64url, canonical, written
from remit.domain.catalogue import Effect
from remit.domain.confirmation import ask_digest
from remit.domain.decision import NeedsHuman, Permit, Refuse
from remit.domain.errors import Code, Fault, Refused
from remit.domain.ids import timed_id
from remit.domain.presented import ProofRefused
from remit.domain.receipt import Holder
from remit.domain.records import (
    NEVER,
    ActRecord,
    ActState,
    AskRecord,
    AskState,
    ConfirmationRecord,
    EndReason,
    FileRecord,
    Idempotency,
    TaskState,
    changed,
)
from remit.domain.target import money_on
from remit.domain.trajectory import AskedAgain, WasRefused
from remit.domain.values import Instant, Json, JsonObject, kept_object
from remit.domain.words_beyond import WordsState, kept_marks
from remit.ports.store import Commit, Committed, Conflict, Kept, NoRoom, Put, Replayed
from remit.ports.store import Step as TrailStep
from remit.usecases.attach_file import acts_for
from remit.usecases.deliver_files import deliver
from remit.usecases.end import end_task
from remit.usecases.end_leaked import end_in_files
from remit.usecases.follow_risk import about, follow_risk, looked_for, steps_of, was_permitted
from remit.usecases.invite import invitation_for
from remit.usecases.keep_files import entry_of, held_alone, puts_of, room_for
from remit.usecases.parts import Parts
from remit.usecases.perform import Settled, carry_out, dispatch_fresh
from remit.usecases.read_case import case_ending, ended_by_case, verify_case
from remit.usecases.read_desk import Told, answer_read, follow_read, read_again, tell
from remit.usecases.recording import Written, keyed_digest, receipt
from remit.usecases.redact_ask import AskIn, redacted, whole, with_files
from remit.usecases.redacting import clean_body
from remit.usecases.replies import Reply, params_of, reply_of
from remit.usecases.reserving import step_done, taken
from remit.usecases.standing import Standing, load_standing, something_waits, verify_standing
from remit.usecases.still_covered import still_covered
from remit.usecases.strip_words import drift, state_of, with_notice, words_left
from remit.usecases.tell_person import about_invitation
from remit.usecases.tell_reason import reason_now
from remit.usecases.told_now import STILL_S, told_now, told_of_act
from remit.usecases.weigh import Weighed, Wish, weigh
from remit.usecases.workload import Workload
from remit.usecases.write_decision import write_decision

_ATTEMPTS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """An ask and its decision: what recording it, acting on it and answering it need.

    `state` is the one moment it was decided on. `params` are those of `record`, as everybody reads them who reads it later.
    """

    state: Standing
    workload: Workload
    request: AskIn
    evaluation: Weighed
    record: AskRecord
    params: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A decision that is on the record as `ask`, with what its receipt needs.

    `act` and `files` are the outbox rows written along, `read` the answer of a read that was recorded with its permit, `began_s` when
    recording it began (in ticks), `expires_at` until when people may answer.
    """

    decided: Decided
    ask: AskRecord
    written: Written
    committed: Committed
    act: ActRecord | None = None
    files: tuple[ActRecord, ...] = ()
    read: Told | None = None
    began_s: float = 0.0
    expires_at: Instant = NEVER


async def ask(parts: Parts, workload: Workload, request: AskIn) -> Reply:
    """Decide, record and, where permitted, do one ask.

    Raises:
        Refused: before anything can be recorded: another's or an unknown task, `credential.replayed`, `request.conflict`. Every
            other refusal comes back as a reply, with its receipt.
        Fault: nothing was permitted; or, after a recorded permit, the reply says that the act waits.
    """
    # 1. prove: the door proved `workload`, by a token and a proof of this very request (`prove_workload`).
    request = await _redact(parts, workload, request)  # 2. redact
    broken: Fault | None = None
    for attempt in range(_ATTEMPTS):
        # An earlier answer that is overlooked at first keeps this one from being recorded, and is found by the next attempt.
        state = await _load_state(parts, workload, request, sure=attempt > 0)  # 3. standing
        try:
            await _verify_or_end(parts, state, state.now)
        except Refused as refused:
            return await _turn_away(parts, state, workload, request, refused)
        if state.earlier is not None:
            return await _answer_again(parts, state, workload, request, broken)
        try:
            decided = await _decide(parts, state, workload, request)  # 4. rules, 5. words, 6. policy, 7. settle: `weigh`
            read = await _read_ahead(parts, decided)  # 9. act, where it changes nothing: docs/decisions/0017-a-read-is-recorded-once.md
            recorded = await _record(parts, decided, read)  # 8. record
            settled = await _act(parts, recorded)  # 9. act, 10. outcome
            reply = await _reply(parts, recorded, settled)  # 11. reply
        except Conflict:
            continue  # an epoch moved between loading and recording: everything is read and decided again
        except NoRoom:
            continue  # another ask took the room meanwhile: choose again with what is left
        except Fault as fault:
            if attempt:
                raise
            broken = fault  # what is down now was perhaps not down when this was asked before: look for an earlier answer first
        except Replayed:
            raise ProofRefused(Code.CREDENTIAL_REPLAYED, "the proof was used before") from None
        else:
            return reply
    raise Refused(Code.TASK_BUSY, "the task kept changing", retry_after_s=1)


async def _redact(parts: Parts, workload: Workload, request: AskIn) -> AskIn:
    """Take secrets out of the ask before a store, a log or an error sees it, and make useless what its files hold of ours."""
    request = await redacted(parts, workload.client_id, workload.task, request)
    if request.read.seen:
        await end_in_files(parts, workload, request)
        request = replace(request, read=replace(request.read, seen=()))
    return request


async def _load_state(parts: Parts, workload: Workload, request: AskIn, *, sure: bool) -> Standing:
    """Read all that the ask stands on, at one moment, with an earlier answer under its key. ⚔ Another workload's task is none."""
    moved = money_on(parts.catalogue.actions.get(request.action), request.params)
    state = await load_standing(parts, workload.task, idempotency=_idempotency_id(workload, request), about=moved, sure=sure)
    task = state.task.record
    if (task.client_id, task.actor, task.jkt) != (workload.client_id, workload.actor, workload.jkt):
        raise Refused(Code.TASK_ENDED, "another workload's task")
    return state


async def _verify_or_end(parts: Parts, state: Standing, now: Instant) -> None:
    """Check standing; a task whose time is over is ended on the spot, so that it is on the record."""
    waiting = now < state.last_used + parts.terms.task_idle_s * 1000 or await something_waits(parts, state)
    try:
        verify_standing(state, now, parts.terms, waiting=waiting)
    except Refused as refused:
        if refused.code in {Code.TASK_ENDED, Code.MANDATE_EXPIRED} and state.task.record.state is not TaskState.ENDED:
            reason = EndReason.MANDATE_EXPIRED if refused.code is Code.MANDATE_EXPIRED else EndReason(refused.detail.rpartition(": ")[2])
            await end_task(parts, state.task.record.id, reason)
        raise


async def _decide(parts: Parts, state: Standing, workload: Workload, request: AskIn) -> Decided:
    """Hold the ask against rules, words and policies, settle it by the strictest of them, and make its record."""
    if request.read.files:
        request = await with_files(parts, state.task.record, request)
    if request.read.unfit is not None:
        evaluation = _refused(request, request.read.unfit)
    elif request.secrets and parts.terms.secrets == "refuse":
        evaluation = _refused(request, _SECRET)
    else:
        wish = Wish(action=request.action, params=request.params, words=request.words, wrong=request.wrong)
        evaluation = await weigh(parts, state, wish, with_case=True)
    if evaluation.ending is not None:
        raise await ended_by_case(parts, workload.task, evaluation.ending)
    if request.secrets:
        evaluation = replace(evaluation, secrets=request.secrets)
    if evaluation.judged is not None:
        evaluation = await with_notice(parts, state, evaluation)
    return _decided(parts, state, workload, request, evaluation)


_SECRET: Final = Refused(Code.WORDS_SECRET, "a secret was taken out", public="The message carries a secret; it was not kept.")


def _refused(request: AskIn, why: Refused) -> Weighed:
    refuse = Refuse(code=why.code, detail=why.detail, public=why.public)
    return Weighed(decision=refuse, params=request.params, action=None, versions={}, names={}, risk=0)


def _decided(parts: Parts, state: Standing, workload: Workload, request: AskIn, evaluation: Weighed) -> Decided:
    """A decision with the record of its ask. Its params are written once: for its digest, for the record, for its entry."""
    task, action = state.task.record, evaluation.action
    words = request.words if evaluation.judged is None else words_left(evaluation, request.words)
    params, salt = written(evaluation.params), b64url(parts.world.random(16))
    digest = ask_digest(
        task=task.id,
        action=request.action,
        action_digest=action.digest if action is not None else "",
        params=params,
        words=words,
        salt=salt,
        attachments=[] if request.read.unfit else [digest for _, digest in request.read.files],  # what was not accepted is not part of it
    )
    record = AskRecord(
        id=timed_id("ask", state.now, parts.world.random(10)),
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
        # A permitted write whose case was read is recorded as sent; everything else says its own state where it is recorded.
        state=AskState.ACTING if evaluation.case_read and isinstance(evaluation.decision, Permit) else AskState.PERMITTED,
        at=state.now,
        covered=tuple(sorted(evaluation.covered)),
        reserved=tuple([one for one, _ in evaluation.reserved]),
        versions=evaluation.kept_versions(),
        waiver=-1 if evaluation.waiver is None else evaluation.waiver,
        words_state="" if evaluation.judged is None else state_of(evaluation) or "",
        marked="" if evaluation.judged is None else kept_marks(evaluation.judged),
        files=_ids(request),
    )
    return Decided(
        state=state,
        workload=workload,
        request=request,
        evaluation=evaluation,
        record=record,
        params=_as_kept(evaluation.params, record.params),
    )


_EXACT: Final = frozenset({str, int, bool, type(None)})


def _as_kept(params: JsonObject, text: str) -> JsonObject:
    """The params as their record gives them back. A fraction may be written in several ways: those are read from the text."""
    return dict(sorted(params.items())) if _EXACT.issuperset(map(type, params.values())) and text.isascii() else kept_object(text)


def _ids(request: AskIn) -> tuple[str, ...]:
    return (*[one.record.id for one in request.filed], *request.read.known)


def _filed(request: AskIn) -> tuple[FileRecord, ...]:
    return tuple([one.record for one in request.filed])


async def _read_ahead(parts: Parts, decided: Decided) -> Told | None:
    """Have the desk answer a permitted read before it is recorded, along with its permit; None for whatever is recorded first.

    That is what takes something away, and what a slow desk could let the task end as idle by.
    """
    state, evaluation, action = decided.state, decided.evaluation, decided.evaluation.action
    reads = action is not None and action.effect is Effect.READ and isinstance(evaluation.decision, Permit)
    if action is None or not reads or evaluation.takes or state.now - state.last_used >= parts.terms.task_idle_s * 500:
        return None
    permit = await _entry(parts, decided, decided.record, decision="permit")
    told = await tell(parts, decided.record, action, decided.params)
    # ⚔ The desk may have been long: mandate and task must not have run out meanwhile. So the time is looked at anew.
    await _verify_or_end(parts, state, parts.world.now())
    return told.behind(permit)


def _record(parts: Parts, decided: Decided, read: Told | None) -> Coroutine[None, None, Recorded]:
    """Put a decision on the record, in one durable commit that compares every epoch it stands on."""
    match decided.evaluation.decision:
        case Refuse() as refuse:
            return _record_refusal(parts, decided, _No(refuse=refuse))
        case NeedsHuman() as needs:
            return _record_invitation(parts, decided, needs)
        case Permit():
            return _record_permit(parts, decided) if read is None else _record_read(parts, decided, read)


async def _turn_away(parts: Parts, state: Standing, workload: Workload, request: AskIn, refused: Refused) -> Reply:
    """Refuse what a proved workload asks that may ask nothing now, or no more, and record that it asked.

    ⚔ What is still tried after an end, a suspension or while a task is held is what the desk's people need to see. Its key is not used
    up: the same ask may be made again once the task is not held any more.

    Raises:
        Refused: as given, where it cannot be recorded: nothing is permitted either way; `credential.replayed`.
    """
    if state.earlier is not None:
        raise refused  # what was asked before is no new try: what became of it is told at its own address, also after the end
    decided = _decided(parts, state, workload, request, _refused(request, refused))
    refuse = Refuse(code=refused.code, detail=refused.detail, public=refused.public)
    try:
        return await _reply(parts, await _record_refusal(parts, decided, _No(refuse=refuse, away=True)), None)
    except Replayed:
        raise ProofRefused(Code.CREDENTIAL_REPLAYED, "the proof was used before") from None
    except Fault:
        raise refused from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _No:
    """A refusal: `again` of what a person declined before, `away` where nothing may be asked at all."""

    refuse: Refuse
    again: bool = False
    away: bool = False


async def _record_refusal(parts: Parts, decided: Decided, no: _No) -> Recorded:
    """Record a refusal, with what it means for the trails. Of a task that may ask nothing (`away`), the refusal alone."""
    decided, refuse, of = await _without_secrets(parts, decided, no)
    state, request = decided.state, decided.request
    refused = changed(
        decided.record,
        state=AskState.REFUSED,
        code=refuse.code.value,
        public=refuse.public or "",
        reserved=(),
        covered=(),
        words_state="",
        files=_ids(request),
    )
    event = AskedAgain(target=of) if no.again else WasRefused(code=refuse.code, about=of)
    steps = () if no.away else steps_of(state, event, customer=False)
    written = await _entry(parts, decided, refused, decision="refuse", code=refuse.code.value, detail=refuse.detail)
    committed = await parts.store.commit(
        Commit(
            expects=() if no.away else state.expects,
            puts=(Put(refused, 0),) if no.away else _new(parts, decided, refused),
            reserves=() if no.away else room_for(request.filed),
            marks=decided.workload.marks,
            touches=() if no.away else ((refused.task, refused.at),),
            steps=steps,
            entries=written.rows,
        )
    )
    if not no.away:
        await follow_risk(parts, state, steps)
    return Recorded(decided=decided, ask=refused, written=written, committed=committed)


async def _without_secrets(parts: Parts, decided: Decided, no: _No) -> tuple[Decided, Refuse, str]:
    """A refused ask as it may be kept, how it is refused, and the records it was about as the trails know them."""
    request, refuse = decided.request, no.refuse
    request = replace(request, filed=held_alone(request.filed))
    of = (about if no.again else looked_for)(decided.evaluation, decided.state.task.record)
    cleaned = await whole(parts, decided.workload.client_id, request, decided.evaluation.params)
    if cleaned.secrets or cleaned.left_out:
        # ⚔ Nothing of what was refused is needed: no secret in it is kept, nor a digest or detail it could be guessed from.
        request = replace(request, body=clean_body(cleaned, request.attachments))
        secrets = (*request.secrets, *cleaned.secrets)
        evaluation = replace(decided.evaluation, params=cleaned.params, secrets=secrets, judged=None)
        refuse = replace(refuse, detail=cleaned.left_out or "a secret was taken out of the params", public=None)
        decided = _decided(parts, decided.state, decided.workload, request, evaluation)
        of = of and f"removed from {decided.record.id}"
    return replace(decided, request=request), refuse, of


async def _record_invitation(parts: Parts, decided: Decided, needs: NeedsHuman) -> Recorded:
    """Record that people are asked, with the invitation, and reserve what the ask would take."""
    state, evaluation = decided.state, decided.evaluation
    # Nobody is asked to confirm something for a case that has ended the task, or that cannot be read.
    if not evaluation.case_read:
        await verify_case(parts, state.task.record)
    held, filed = state_of(evaluation) is WordsState.HELD, _filed(decided.request)
    try:
        invited = await invitation_for(parts, state, decided.record, evaluation, needs.who, words=held, filed=filed)
    except Refused as refused:  # too many are waiting, or the person said no to exactly this
        refuse = Refuse(code=refused.code, detail=refused.detail, public=refused.public)
        again = refused.code is Code.CONFIRMATION_DECLINED
        unreserved = replace(decided, evaluation=replace(evaluation, reserved=()))
        return await _record_refusal(parts, unreserved, _No(refuse=refuse, again=again))
    invitation, turns, alike = invited
    waiting = changed(decided.record, state=AskState.WAITING, who=tuple(sorted(needs.who)), confirmation=invitation.id)
    due = replace(decided, evaluation=replace(evaluation, due_at=invitation.due))
    code, detail = Code.CONFIRMATION_REQUIRED.value, ", ".join(needs.reasons)
    written = await _entry(parts, due, waiting, decision="needs_human", code=code, detail=detail)
    notices = about_invitation(parts, invitation)
    steps = _steps(decided, customer=not held)
    if alike:
        steps += steps_of(state, AskedAgain(alike=True, target=about(evaluation, state.task.record)), customer=False)
    committed = await parts.store.commit(
        Commit(
            expects=(*state.expects, *evaluation.expects),
            puts=(*_new(parts, decided, waiting, invitation), *notices.puts, *evaluation.puts),
            reserves=(*turns, *taken(evaluation.reserved)),
            marks=decided.workload.marks,
            touches=((waiting.task, waiting.at),),
            steps=steps,
            entries=written.rows,
        )
    )
    # A crash here leaves the invitation waiting on everybody's page; a notice that is only logged is lost, one that is sent is recorded.
    await notices.recorded(parts)
    await follow_risk(parts, state, steps)
    return Recorded(decided=decided, ask=waiting, written=written, committed=committed, expires_at=invitation.expires_at)


async def _record_permit(parts: Parts, decided: Decided) -> Recorded:
    """Record the permit, and with it that the act is sent. A read has no outbox row: repeating it is harmless.

    Where the case was read with the facts, nothing is left that sending would have to check again: the record compares
    every epoch (docs/decisions/0012-one-record-for-permit-and-sending.md). Otherwise the act is queued, and the case read first.
    """
    state, evaluation, record = decided.state, decided.evaluation, decided.record
    if evaluation.action is None:
        raise Fault(Code.FAULT_INTERNAL, "a permit without an action")
    reads, sent, began_s = evaluation.action.effect is Effect.READ, evaluation.case_read, parts.world.ticks()
    act = None if reads else act_for(parts, record, state, sent=sent)
    filed = _filed(decided.request)
    files = acts_for(parts, filed, sent=sent and not reads, epochs=state.epochs) if filed else ()
    written = await _entry(parts, decided, record, decision="permit")
    committed = await parts.store.commit(
        Commit(
            expects=(*state.expects, *evaluation.expects),
            puts=(*_new(parts, decided, record, *(() if act is None else (act,)), *files), *evaluation.puts),
            reserves=taken(evaluation.reserved),
            marks=decided.workload.marks,
            touches=((record.task, record.at),),
            steps=_steps(decided),
            entries=written.rows,
            proved=not reads,  # a read's answer is recorded before anything is told, and proves it along
        )
    )
    parts.on_point("ask.recorded")
    # A crash here leaves an act that is queued (the outbox sends it) or was sent as far as the record knows (reconciliation
    # asks the desk), or an unanswered read.
    return Recorded(decided=decided, ask=record, written=written, committed=committed, act=act, files=files, began_s=began_s)


async def _record_read(parts: Parts, decided: Decided, read: Told) -> Recorded:
    """Record a permitted read and its answer together, before anything of it leaves.

    ⚔ The record compares every epoch the permit stood on after the desk has answered: whoever was stopped meanwhile is told nothing.
    A crash before it leaves nothing, and nobody was told anything.
    """
    state, evaluation, filed, began_s = decided.state, decided.evaluation, _filed(decided.request), parts.world.ticks()
    files = acts_for(parts, filed, epochs=state.epochs) if filed else ()
    committed = await parts.store.commit(
        Commit(
            expects=state.expects,
            puts=(*_new(parts, decided, read.ask, *files), *evaluation.puts),
            reserves=(*taken(evaluation.reserved), step_done(read.ask)) if read.done else (),
            marks=decided.workload.marks,
            touches=((read.ask.task, read.ask.at),),
            steps=_steps(decided),
            entries=read.written.rows,
        )
    )
    parts.on_point("ask.recorded")
    return Recorded(decided=decided, ask=read.ask, written=read.written, committed=committed, files=files, read=read, began_s=began_s)


def _entry(  # an ask, and what is said of its decision
    parts: Parts, decided: Decided, record: AskRecord, *, decision: str, code: str = "", detail: str = ""
) -> Coroutine[None, None, Written]:
    filed = _filed(decided.request)
    return write_decision(
        parts,
        decided.state,
        record,
        decided.evaluation,
        decision=decision,
        code=code,
        detail=detail,
        asked={"params": decided.params, **(entry_of(filed) if filed else {})},
    )


def _steps(decided: Decided, *, customer: bool = False) -> tuple[TrailStep, ...]:
    """What a permit, or an ask that waits for people, leaves on the trails."""
    state, evaluation = decided.state, decided.evaluation
    permitted = was_permitted(evaluation, decided.request.action, state.task.record)
    steps = steps_of(state, permitted, customer=customer)
    return steps if evaluation.judged is None else steps + drift(state, evaluation)


def _new(parts: Parts, decided: Decided, record: AskRecord, *more: ConfirmationRecord | ActRecord) -> tuple[Put, ...]:
    """A new ask under its idempotency key, and what comes with it.

    ⚔ What was asked could be guessed from a plain digest of its body, also after it was erased: without the desk's key from this one not.
    """
    request = decided.request
    key = Idempotency(id=_idempotency_id(decided.workload, request), ask=record.id, body=keyed_digest(parts, request.body))
    files = puts_of(request.filed, record) if request.filed else ()
    return (*[Put(one, 0) for one in (record, *more, key)], *files)


def _idempotency_id(workload: Workload, request: AskIn) -> str:
    return f"{workload.task} {workload.jkt} {request.idempotency_key}"


async def _act(parts: Parts, recorded: Recorded) -> Settled | None:
    """Do what was permitted, once, and record what came of it. None: nothing is to be done, or nothing is known yet."""
    decided, ask, act, files = recorded.decided, recorded.ask, recorded.act, recorded.files
    if not isinstance(decided.evaluation.decision, Permit) or decided.evaluation.action is None:
        return None
    together = act is not None and act.state is ActState.SENT
    behind = together and ask.action != "case.close"  # nothing is written into a case that is closed
    if files and not behind:
        await deliver(parts, files)
    if recorded.read is not None:
        await follow_read(parts, recorded.read)
        return None
    if act is None:
        return await answer_read(parts, decided.state, Kept(ask, 1), decided.evaluation.action, decided.params, recorded.committed)
    prove = tuple([place.index for place in recorded.committed.places])
    if not together:
        return await _send(parts, decided.state, Kept(ask, 1), act, prove)
    parts.on_point("act.sent")
    settled: Settled | None = None
    try:
        settled = await carry_out(parts, Kept(act, 1), Kept(ask, 1), prove, params=decided.params)
    except Fault as pending:
        # ⚔ The permit stands and the desk may have acted: nobody may be told that nothing was permitted. The act stays sent, the
        # reply says that it is pending, and reconciliation records what came of it.
        del pending
    if files and behind:
        await deliver(parts, files)
    return settled


async def _send(parts: Parts, state: Standing, kept: Kept[AskRecord], act: ActRecord, prove: tuple[int, ...]) -> Settled | None:
    """Try to do a queued act at once. What cannot be done now waits in the outbox."""
    parts.on_point("act.queued")
    try:
        return await dispatch_fresh(parts, state, Kept(act, 1), kept, prove)
    except Fault:
        return None  # the act stays queued or sent; the reply says that it is pending


async def act_now(  # a decision, its act and its proof
    parts: Parts, standing: Standing, kept: Kept[AskRecord], act: ActRecord, written: Written, committed: Committed
) -> Reply:
    """Try to act at once. What cannot be done now waits in the outbox, and the agent is told."""
    read_s = parts.world.ticks()
    settled = await _send(parts, standing, kept, act, tuple(place.index for place in committed.places))
    return await _reply_of_act(parts, standing, kept.record, settled, written, committed, read_s)


async def _reply(parts: Parts, recorded: Recorded, settled: Settled | None) -> Reply:
    """What the agent is told: cut to what its mandate covers, with the receipt."""
    decided, ask, written, committed = recorded.decided, recorded.ask, recorded.written, recorded.committed
    if recorded.read is not None:
        reply = await _reply_of_read(parts, recorded, recorded.read)
    elif recorded.act is not None:
        reply = await _reply_of_act(parts, decided.state, ask, settled, written, committed, recorded.began_s)
    elif settled is not None:
        reply = await reply_of(parts, settled.ask, receipt(parts, written + settled.written, settled.committed, Holder.AGENT))
    else:
        reply = await reply_of(parts, ask, receipt(parts, written, committed, Holder.AGENT), expires_at=recorded.expires_at)
    if decided.evaluation.puts:  # it went on without its words
        parts.notify.wake(f"task:{decided.workload.task}")
        await follow_risk(parts, decided.state, drift(decided.state, decided.evaluation))
    return reply


async def _reply_of_read(parts: Parts, recorded: Recorded, read: Told) -> Reply:
    whole = receipt(parts, recorded.written, recorded.committed, Holder.AGENT)
    if parts.world.ticks() - recorded.began_s < STILL_S:
        return await reply_of(parts, read.ask, whole, cut=read.cut)
    # ⚔ If the process stalled around its record, everything is looked at again before anything is disclosed.
    try:
        covered = await told_now(parts, read.ask)
    except (Refused, Fault):
        return await reply_of(parts, read.ask, attributes=False)
    return await reply_of(parts, read.ask, whole if covered.issuperset(read.ask.covered) else None, covered=covered)


async def _reply_of_act(  # a decision, its act, its proof, and when its case was read
    parts: Parts, standing: Standing, record: AskRecord, settled: Settled | None, written: Written, committed: Committed, read_s: float
) -> Reply:
    """What the agent is told of an act: its outcome where there is one, else that it is under way."""
    if settled is None:
        now = await parts.store.get(AskRecord, record.id)
        return await reply_of(parts, now.record, receipt(parts, written, committed, Holder.AGENT))
    whole = receipt(parts, written + settled.written, settled.committed, Holder.AGENT)
    if settled.ask.result in {"", "{}"}:
        return await reply_of(parts, settled.ask, whole)
    try:
        covered = await told_of_act(parts, standing, settled.ask, read_s=read_s)
    except (Refused, Fault):
        return await reply_of(parts, settled.ask, attributes=False)
    return await reply_of(parts, settled.ask, whole if covered.issuperset(settled.ask.covered) else None, covered=covered)


async def _answer_again(parts: Parts, state: Standing, workload: Workload, request: AskIn, broken: Fault | None) -> Reply:
    """The same key again: the same ask, cut again on fresh standing and case; another body is a conflict.

    `broken` is what this very request has just met; where its own record is what is found here, that is the answer.
    """
    if state.earlier is None:
        raise Fault(Code.FAULT_INTERNAL, "no earlier answer")
    known, kept = state.earlier
    if not await _is_body(parts, workload, request, known.body):
        raise Refused(Code.REQUEST_CONFLICT, "the Idempotency-Key was used with another body")
    try:
        await parts.store.commit(Commit(marks=workload.marks))
    except Replayed:
        if broken is not None:
            raise broken from None
        raise ProofRefused(Code.CREDENTIAL_REPLAYED, "the proof was used before") from None
    ended = await case_ending(parts, kept.record.case) if kept.record.result else None
    if ended is not None:
        raise await ended_by_case(parts, kept.record.task, ended)
    record = await read_again(parts, kept.record)
    stands = await parts.store.stand(state.expects)  # ⚔ case and desk were asked meanwhile: what moved is told no attribute
    covered = still_covered(parts, state, record)
    return await reply_of(parts, record, covered=covered, attributes=stands, reason=await reason_now(parts, record))


async def _is_body(parts: Parts, workload: Workload, request: AskIn, known: str) -> bool:
    """Whether an ask is the one that was recorded with this body: as it was sent, or as it is kept once it was refused."""
    if known == keyed_digest(parts, request.body):
        return True
    cleaned = await whole(parts, workload.client_id, request, request.params)
    return known == keyed_digest(parts, clean_body(cleaned, request.attachments))


def act_for(parts: Parts, record: AskRecord, standing: Standing, *, sent: bool = False) -> ActRecord:
    """The outbox row of a permitted write, queued or already on its way."""
    now = parts.world.now()
    payload: Mapping[str, Json] | None = None
    door = "backoffice"
    if record.action.startswith("case."):
        door = "helpdesk"
        params = params_of(record)
        text = str(params.get("text", ""))
        match record.action:
            case "case.close":
                payload = {"do": "close"}
            case "case.open":
                payload = {"do": "note", "public": True, "author": "agent", "text": f"{params.get('subject', '')}\n\n{text}"}
            case _:
                payload = {"do": "note", "public": True, "author": "agent", "text": text}
    return ActRecord(
        id=timed_id("act", now, parts.world.random(10)),
        ask=record.id,
        task=record.task,
        case=record.case,
        door=door,
        payload="{}" if payload is None else canonical(payload).decode(),
        state=ActState.SENT if sent else ActState.QUEUED,
        queued_at=now,
        sent_at=now if sent else NEVER,
        tries=1 if sent else 0,
        epochs=standing.epochs,
    )
