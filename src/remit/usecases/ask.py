"""One ask of an agent, from a proved workload to a recorded decision, the act and the reply."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from remit.domain.catalogue import Action, Effect
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
from remit.domain.values import Json
from remit.domain.words_beyond import WordsState, kept_marks
from remit.ports.store import Commit, Committed, Conflict, Kept, NoRoom, Put, Replayed
from remit.proof.canonical import b64url, canonical
from remit.usecases.attach_file import acts_for
from remit.usecases.deliver_files import deliver
from remit.usecases.end import end_task
from remit.usecases.end_leaked import end_in_files
from remit.usecases.follow_risk import about, follow_risk, looked_for, steps_of, was_permitted
from remit.usecases.invite import invitation_for
from remit.usecases.keep_files import held_alone, puts_of, room_for
from remit.usecases.parts import Parts
from remit.usecases.perform import Settled, carry_out, dispatch_fresh
from remit.usecases.read_case import case_ending, ended_by_case, verify_case
from remit.usecases.read_desk import follow_read, read_again, read_desk, tell
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

_TRIES = 6


async def ask(parts: Parts, workload: Workload, request: AskIn) -> Reply:
    """Decide, record and, where permitted, do one ask.

    Raises:
        Refused: before anything can be recorded: another's or an unknown task, `credential.replayed`, `request.conflict`. Every
            other refusal comes back as a reply, with its receipt.
        Fault: nothing was permitted; or, after a recorded permit, the reply says that the act waits.
    """
    request = await redacted(parts, workload.client_id, workload.task, request)
    if request.read.seen:
        await end_in_files(parts, workload, request)
        request = replace(request, read=replace(request.read, seen=()))
    broken: Fault | None = None
    about = money_on(parts.catalogue.actions.get(request.action), request.params)
    key = _idempotency_id(workload, request)
    for tried in range(_TRIES):
        # An earlier answer that is overlooked at first keeps this one from being recorded, and is found by the next try.
        standing = await load_standing(parts, workload.task, idempotency=key, about=about, sure=tried > 0)
        _verify_own(standing, workload)
        try:
            await _verify_or_end(parts, standing)
        except Refused as refused:
            return await _turned_away(parts, standing, workload, request, refused)
        if standing.earlier is not None:
            return await _again(parts, standing, workload, request, broken)
        try:
            return await _decide(parts, standing, workload, request)
        except Conflict:
            continue  # an epoch moved between loading and recording: everything is read and decided again
        except NoRoom:
            continue  # another ask took the room meanwhile: choose again with what is left
        except Fault as fault:
            if tried:
                raise
            broken = fault  # what is down now was perhaps not down when this was asked before: look for an earlier answer first
        except Replayed:
            raise ProofRefused(Code.CREDENTIAL_REPLAYED, "the proof was used before") from None
    raise Refused(Code.TASK_BUSY, "the task kept changing", retry_after_s=1)


def _idempotency_id(workload: Workload, request: AskIn) -> str:
    return f"{workload.task} {workload.jkt} {request.idempotency_key}"


def _new(parts: Parts, workload: Workload, request: AskIn, record: AskRecord, *more: ConfirmationRecord | ActRecord) -> tuple[Put, ...]:
    """A new ask under its idempotency key, and what comes with it.

    ⚔ What was asked could be guessed from a plain digest of its body, also after it was erased: without the desk's key from this one not.
    """
    key = Idempotency(id=_idempotency_id(workload, request), ask=record.id, body=keyed_digest(parts, request.body))
    return (*(Put(one, 0) for one in (record, *more, key)), *puts_of(request.filed, record))


def _verify_own(standing: Standing, workload: Workload) -> None:
    task = standing.task.record
    if (task.client_id, task.actor, task.jkt) != (workload.client_id, workload.actor, workload.jkt):
        raise Refused(Code.TASK_ENDED, "another workload's task")


async def _verify_or_end(parts: Parts, standing: Standing) -> None:
    """Check standing; a task whose time is over is ended on the spot, so that it is on the record."""
    try:
        verify_standing(standing, parts.world.now(), parts.terms, waiting=await something_waits(parts, standing))
    except Refused as refused:
        if refused.code in {Code.TASK_ENDED, Code.MANDATE_EXPIRED} and standing.task.record.state is not TaskState.ENDED:
            reason = EndReason.MANDATE_EXPIRED if refused.code is Code.MANDATE_EXPIRED else EndReason(refused.detail.rpartition(": ")[2])
            await end_task(parts, standing.task.record.id, reason)
        raise


async def _again(parts: Parts, standing: Standing, workload: Workload, request: AskIn, broken: Fault | None) -> Reply:
    """The same key again: the same ask, cut again on fresh standing and case; another body is a conflict.

    `broken` is what this very request has just met; where its own record is what is found here, that is the answer.
    """
    if standing.earlier is None:
        raise Fault(Code.FAULT_INTERNAL, "no earlier answer")
    known, kept = standing.earlier
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
    stands = await parts.store.stand(standing.expects)  # ⚔ case and desk were asked meanwhile: what moved is told no attribute
    covered = still_covered(parts, standing, record)
    return await reply_of(parts, record, covered=covered, attributes=stands, reason=await reason_now(parts, record))


async def _is_body(parts: Parts, workload: Workload, request: AskIn, known: str) -> bool:
    """Whether an ask is the one that was recorded with this body: as it was sent, or as it is kept once it was refused."""
    if known == keyed_digest(parts, request.body):
        return True
    cleaned = await whole(parts, workload.client_id, request, request.params)
    return known == keyed_digest(parts, clean_body(cleaned, request.attachments))


async def _decide(parts: Parts, standing: Standing, workload: Workload, request: AskIn) -> Reply:
    wish = Wish(action=request.action, params=request.params, words=request.words, wrong=request.wrong)
    if request.read.files:
        request = await with_files(parts, standing.task.record, request)
    if request.unfit is not None:
        weighed = _refused(request, request.unfit)
    elif request.secrets and parts.terms.secrets == "refuse":
        weighed = _refused(request, _SECRET)
    else:
        weighed = await weigh(parts, standing, wish, with_case=True)
    if weighed.ending is not None:
        raise await ended_by_case(parts, workload.task, weighed.ending)
    if request.secrets:
        weighed = replace(weighed, secrets=request.secrets)
    weighed = await with_notice(parts, standing, weighed)
    record = _record(parts, standing, request, words_left(weighed, request.words), weighed)
    needs = weighed.decision
    if isinstance(needs, Refuse):
        return await _refuse(parts, standing, workload, request, record, weighed, _No(refuse=needs))
    if isinstance(needs, NeedsHuman):
        reply = await _hold(parts, standing, workload, request, record, weighed, needs)
    else:
        reply = await _permit(parts, standing, workload, request, record, weighed)
    if weighed.puts:  # it went on without its words
        parts.notify.wake(f"task:{workload.task}")
        await follow_risk(parts, standing, drift(parts, standing, weighed))
    return reply


_SECRET: Final = Refused(Code.WORDS_SECRET, "a secret was taken out", public="The message carries a secret; it was not kept.")


def _refused(request: AskIn, why: Refused) -> Weighed:
    refuse = Refuse(code=why.code, detail=why.detail, public=why.public)
    return Weighed(decision=refuse, params=request.params, action=None, versions={}, names={}, risk=0)


def _record(parts: Parts, standing: Standing, request: AskIn, words: str | None, weighed: Weighed) -> AskRecord:
    task = standing.task.record
    action = weighed.action
    salt = b64url(parts.world.random(16))
    digest = ask_digest(
        task=task.id,
        action=request.action,
        action_digest=action.digest if action is not None else "",
        params=weighed.params,
        words=words,
        salt=salt,
        attachments=[] if request.unfit else [digest for _, digest in request.attachments],  # what was not accepted is not part of it
    )
    return AskRecord(
        id=timed_id("ask", parts.world.now(), parts.world.random(10)),
        task=task.id,
        mandate=task.mandate,
        customer=task.customer,
        operator=task.operator,
        client_id=task.client_id,
        case=task.case,
        action=request.action,
        params=canonical(weighed.params).decode(),
        words=words or "",
        digest=digest,
        salt=salt,
        # A permitted write whose case was read is recorded as sent; everything else says its own state where it is recorded.
        state=AskState.ACTING if _sends(weighed) else AskState.PERMITTED,
        at=parts.world.now(),
        covered=tuple(sorted(weighed.covered)),
        reserved=tuple(one for one, _ in weighed.reserved),
        versions=weighed.kept_versions(),
        waiver=-1 if weighed.waiver is None else weighed.waiver,
        words_state=state_of(weighed) or "",
        marked="" if weighed.judged is None else kept_marks(weighed.judged),
        files=_ids(request),
    )


def _ids(request: AskIn) -> tuple[str, ...]:
    return (*[one.record.id for one in request.filed], *request.read.known)


def _filed(request: AskIn) -> tuple[FileRecord, ...]:
    return tuple([one.record for one in request.filed])


@dataclass(frozen=True, slots=True, kw_only=True)
class _No:
    """A refusal: `again` of what a person declined before, `away` where nothing may be asked at all."""

    refuse: Refuse
    again: bool = False
    away: bool = False


async def _turned_away(parts: Parts, standing: Standing, workload: Workload, request: AskIn, refused: Refused) -> Reply:
    """Refuse what a proved workload asks that may ask nothing now, or no more, and record that it asked.

    ⚔ What is still tried after an end, a suspension or while a task is held is what the desk's people need to see. Its key is not used
    up: the same ask may be made again once the task is not held any more.

    Raises:
        Refused: as given, where it cannot be recorded: nothing is permitted either way; `credential.replayed`.
    """
    if standing.earlier is not None:
        raise refused  # what was asked before is no new try: what became of it is told at its own address, also after the end
    weighed = _refused(request, refused)
    record = _record(parts, standing, request, request.words, weighed)
    refuse = Refuse(code=refused.code, detail=refused.detail, public=refused.public)
    try:
        return await _refuse(parts, standing, workload, request, record, weighed, _No(refuse=refuse, away=True))
    except Replayed:
        raise ProofRefused(Code.CREDENTIAL_REPLAYED, "the proof was used before") from None
    except Fault:
        raise refused from None


async def _refuse(  # the parts of one decision
    parts: Parts, standing: Standing, workload: Workload, request: AskIn, record: AskRecord, weighed: Weighed, no: _No
) -> Reply:
    refuse = no.refuse
    request = replace(request, filed=held_alone(request.filed))
    of = (about if no.again else looked_for)(weighed, standing.task.record)
    cleaned = await whole(parts, workload.client_id, request, weighed.params)
    if cleaned.secrets or cleaned.left_out:
        # ⚔ Nothing of what was refused is needed: no secret in it is kept, nor a digest or detail it could be guessed from.
        request = replace(request, body=clean_body(cleaned, request.attachments))
        weighed = replace(weighed, params=cleaned.params, secrets=(*request.secrets, *cleaned.secrets), judged=None)
        refuse = replace(refuse, detail=cleaned.left_out or "a secret was taken out of the params", public=None)
        record = _record(parts, standing, request, request.words, weighed)
        of = of and f"removed from {record.id}"
    refused = changed(
        record,
        state=AskState.REFUSED,
        code=refuse.code.value,
        public=refuse.public or "",
        reserved=(),
        covered=(),
        words_state="",
        files=_ids(request),
    )
    event = AskedAgain(target=of) if no.again else WasRefused(code=refuse.code, about=of)
    steps = () if no.away else steps_of(parts, standing, event, customer=False)
    written = await write_decision(
        parts, standing, refused, weighed, decision="refuse", code=refuse.code.value, detail=refuse.detail, files=_filed(request)
    )
    committed = await parts.store.commit(
        Commit(
            expects=() if no.away else standing.expects,
            puts=(Put(refused, 0),) if no.away else _new(parts, workload, request, refused),
            reserves=() if no.away else room_for(request.filed),
            marks=workload.marks,
            touches=() if no.away else ((refused.task, refused.at),),
            steps=steps,
            entries=written.rows,
        )
    )
    if not no.away:
        await follow_risk(parts, standing, steps)
    return await reply_of(parts, refused, receipt(parts, written, committed, Holder.AGENT))


async def _hold(  # the parts of one decision
    parts: Parts, standing: Standing, workload: Workload, request: AskIn, record: AskRecord, weighed: Weighed, needs: NeedsHuman
) -> Reply:
    # Nobody is asked to confirm something for a case that has ended the task, or that cannot be read.
    if not weighed.case_read:
        await verify_case(parts, standing.task.record)
    held = state_of(weighed) is WordsState.HELD
    try:
        invitation, turns, alike = await invitation_for(parts, standing, record, weighed, needs.who, words=held, filed=_filed(request))
    except Refused as refused:  # too many are waiting, or the person said no to exactly this
        refuse = Refuse(code=refused.code, detail=refused.detail, public=refused.public)
        again = refused.code is Code.CONFIRMATION_DECLINED
        return await _refuse(parts, standing, workload, request, record, replace(weighed, reserved=()), _No(refuse=refuse, again=again))
    waiting = changed(record, state=AskState.WAITING, who=tuple(sorted(needs.who)), confirmation=invitation.id)
    weighed = replace(weighed, due_at=invitation.due)
    written = await write_decision(
        parts,
        standing,
        waiting,
        weighed,
        decision="needs_human",
        code=Code.CONFIRMATION_REQUIRED.value,
        detail=", ".join(needs.reasons),
        files=_filed(request),
    )
    permitted = was_permitted(weighed, request.action, standing.task.record)
    steps = steps_of(parts, standing, permitted, customer=not held) + drift(parts, standing, weighed)
    if alike:
        steps += steps_of(parts, standing, AskedAgain(alike=True, target=permitted.target), customer=False)
    notices = about_invitation(parts, invitation)
    committed = await parts.store.commit(
        Commit(
            expects=(*standing.expects, *weighed.expects),
            puts=(*_new(parts, workload, request, waiting, invitation), *notices.puts, *weighed.puts),
            reserves=(*turns, *taken(weighed.reserved)),
            marks=workload.marks,
            touches=((waiting.task, waiting.at),),
            steps=steps,
            entries=written.rows,
        )
    )
    # A crash here leaves the invitation waiting on everybody's page; a notice that is only logged is lost, one that is sent is recorded.
    await notices.recorded(parts)
    await follow_risk(parts, standing, steps)
    return await reply_of(parts, waiting, receipt(parts, written, committed, Holder.AGENT), expires_at=invitation.expires_at)


async def _permit(  # the parts of one decision
    parts: Parts, standing: Standing, workload: Workload, request: AskIn, record: AskRecord, weighed: Weighed
) -> Reply:
    """Record the permit, and with it that the act is sent; then act. A read has no outbox row: repeating it is harmless.

    A read that takes nothing away is answered first and recorded with its answer (docs/decisions/0017-a-read-is-recorded-once.md),
    unless its task would be idle before a slow desk has answered.

    Where the case was read with the facts, nothing is left that sending would have to check again: the record compares
    every epoch (docs/decisions/0012-one-record-for-permit-and-sending.md). Otherwise the act is queued, and the case read first.
    """
    if weighed.action is None:
        raise Fault(Code.FAULT_INTERNAL, "a permit without an action")
    reads = weighed.action.effect is Effect.READ
    if reads and not weighed.takes and parts.world.now() - standing.last_used < parts.terms.task_idle_s * 500:
        return await _told(parts, standing, workload, request, record, weighed, weighed.action)
    sent, read_s = _sends(weighed), parts.world.ticks()
    act = None if reads else act_for(parts, record, standing, sent=sent)
    files = acts_for(parts, _filed(request), sent=sent and not reads, epochs=standing.epochs)
    written = await write_decision(parts, standing, record, weighed, decision="permit", code="", detail="", files=_filed(request))
    steps = steps_of(parts, standing, was_permitted(weighed, request.action, standing.task.record), customer=False)
    steps += drift(parts, standing, weighed)
    committed = await parts.store.commit(
        Commit(
            expects=(*standing.expects, *weighed.expects),
            puts=(*_new(parts, workload, request, record, *(() if act is None else (act,)), *files), *weighed.puts),
            reserves=taken(weighed.reserved),
            marks=workload.marks,
            touches=((record.task, record.at),),
            steps=steps,
            entries=written.rows,
            proved=not reads,  # a read's answer is recorded before anything is told, and proves it along
        )
    )
    parts.on_point("ask.recorded")
    # A crash here leaves an act that is queued (the outbox sends it) or was sent as far as the record knows (reconciliation
    # asks the desk), or an unanswered read.
    ahead = act is None or not sent or record.action == "case.close"  # nothing is written into a case that is closed
    if ahead:
        await deliver(parts, files)
    if act is None:
        return await read_desk(parts, standing, Kept(record, 1), weighed.action, weighed.params, written, committed)
    if not sent:
        return await act_now(parts, standing, Kept(record, 1), act, written, committed)
    parts.on_point("act.sent")
    prove = tuple(place.index for place in committed.places)
    settled: Settled | None = None
    with contextlib.suppress(Fault):
        # ⚔ The permit stands and the desk may have acted: nobody may be told that nothing was permitted. The act stays sent, the
        # reply says that it is pending, and reconciliation records what came of it.
        settled = await carry_out(parts, Kept(act, 1), Kept(record, 1), prove)
    await deliver(parts, () if ahead else files)
    return await _acted(parts, standing, record, settled, written, committed, read_s)


async def _told(  # the parts of one decision
    parts: Parts, standing: Standing, workload: Workload, request: AskIn, record: AskRecord, weighed: Weighed, action: Action
) -> Reply:
    """Answer a permitted read, and record permit and answer together before anything of it leaves.

    ⚔ The record compares every epoch the permit stood on after the desk has answered: whoever was stopped meanwhile is told nothing.
    A crash before it leaves nothing, and nobody was told anything.
    """
    decided = await write_decision(parts, standing, record, weighed, decision="permit", code="", detail="", files=_filed(request))
    told = await tell(parts, record, action, weighed.params)
    await _verify_or_end(parts, standing)  # the desk may have been long: mandate and task must not have run out meanwhile
    written, began_s, files = decided + told.written, parts.world.ticks(), acts_for(parts, _filed(request), epochs=standing.epochs)
    steps = steps_of(parts, standing, was_permitted(weighed, request.action, standing.task.record), customer=False)
    steps += drift(parts, standing, weighed)
    committed = await parts.store.commit(
        Commit(
            expects=standing.expects,
            puts=(*_new(parts, workload, request, told.ask, *files), *weighed.puts),
            reserves=(*taken(weighed.reserved), step_done(told.ask)) if told.done else (),
            marks=workload.marks,
            touches=((record.task, record.at),),
            steps=steps,
            entries=written.rows,
        )
    )
    parts.on_point("ask.recorded")
    await deliver(parts, files)
    await follow_read(parts, told)
    whole = receipt(parts, written, committed, Holder.AGENT)
    if parts.world.ticks() - began_s < STILL_S:
        return await reply_of(parts, told.ask, whole)
    # ⚔ Whoever woke after the record was made answers nothing that was revoked while they were frozen.
    try:
        covered = await told_now(parts, told.ask)
    except (Refused, Fault):
        return await reply_of(parts, told.ask, attributes=False)
    return await reply_of(parts, told.ask, whole if covered.issuperset(told.ask.covered) else None, covered=covered)


def _sends(weighed: Weighed) -> bool:
    """Whether a permit is recorded together with its sending."""
    return weighed.case_read and isinstance(weighed.decision, Permit)


async def act_now(  # a decision, its act and its proof
    parts: Parts, standing: Standing, kept: Kept[AskRecord], act: ActRecord, written: Written, committed: Committed
) -> Reply:
    """Try to act at once. What cannot be done now waits in the outbox, and the agent is told."""
    read_s = parts.world.ticks()
    parts.on_point("act.queued")
    settled: Settled | None = None
    try:
        settled = await dispatch_fresh(parts, standing, Kept(act, 1), kept, tuple(place.index for place in committed.places))
    except Fault as waits:
        del waits  # the act stays queued or sent; the reply says that it is pending
    return await _acted(parts, standing, kept.record, settled, written, committed, read_s)


async def _acted(  # a decision, its act, its proof, and when its case was read
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
        id=timed_id("act", parts.world.now(), parts.world.random(10)),
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
