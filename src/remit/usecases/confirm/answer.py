"""Answers to an invitation: yes, no, or no and end."""

import contextlib
from collections.abc import Mapping

from remit.domain.catalogue.model import CUSTOMER, Effect
from remit.domain.catalogue.target import similarity_digest, target_of
from remit.domain.confirm.confirmation import (
    act_digest,
    challenge,
    current_assignment,
    verify_about_act,
    verify_unassigned,
)
from remit.domain.errors import Code, Fault, Refused
from remit.domain.i18n import marked
from remit.domain.policy.confirmers import (
    Confirmer,
    RequiredConfirmers,
    add_confirmation,
    barred_persons,
    verify_all_confirmed,
    verify_confirmer,
)
from remit.domain.policy.decision import ENDED_BY_NO, NeedsHuman, Refuse
from remit.domain.records import (
    AskRecord,
    AskState,
    Assignment,
    ConfirmationAnswer,
    ConfirmationRecord,
    ConfirmationState,
    EndReason,
    PasskeyRecord,
    PersonRecord,
    TaskRecord,
)
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.values import Json, JsonObject
from remit.engine.ask.authorization_state import AuthorizationState, rules_precondition
from remit.engine.ask.case_state import verify_case
from remit.engine.ask.counters import released_reservations, reservation_changes
from remit.engine.ask.decision_entry import write_decision
from remit.engine.ask.evaluate import Evaluation
from remit.engine.ask.reevaluate import reevaluate_confirmed, verify_confirmers_valid, verify_rendering_unchanged
from remit.engine.ask.reply import AskReply, build_reply, recorded_params
from remit.engine.confirm.escalate import advance_due_invitation
from remit.engine.confirm.invite import (
    TURN,
    decline_scopes,
    declined_at,
    involved_operators,
    offer_makers,
    rendering_hashes,
    rendering_in_language,
    signed_hash,
    waiver_writers,
)
from remit.engine.context import DeskContext
from remit.engine.decision_point.approvals import approval_end
from remit.engine.files.attach import attachment_acts
from remit.engine.files.store import deliverable_files
from remit.engine.people.passkey import passkey_of, verify_assertion, verify_passkey_trusted
from remit.engine.tasks import end_task
from remit.engine.transcript.record import draft_entry, keyed_digest, pseudonym, seal_entries
from remit.ports.people import VerifiedAssertion
from remit.ports.store import (
    Commit,
    Conflict,
    LimitReached,
    Precondition,
    Put,
    RecordMissing,
    Reserve,
    Versioned,
)
from remit.usecases.ask import carry_out
from remit.usecases.record_ask import act_for

_TRIES = 5


@struct(frozen=True, kw_only=True)
class InvitationView:
    """An invitation as shown before answering, the passkey challenge, and the officer who has `taken` it."""

    confirmation: ConfirmationRecord
    ask: AskRecord
    rendering: JsonObject
    challenge: bytes
    allowed: tuple[str, ...]
    taken: Assignment | None


@struct(frozen=True)
class SignedAssertion:
    """A passkey's signature, and the language of the rendering it signs."""

    assertion: Mapping[str, Json] | None
    language: str


async def show_invitation(
    desk: DeskContext, person: PersonRecord, confirmation_id: str, *, language: str = ""
) -> InvitationView:
    """Show an invitation to a person who may answer it, in a language ("": the desk's first).

    ⚔ `parts` speak the desk's own: the viewer may be the first one after a due time, and the resulting decision is the
    desk's.

    Raises:
        Refused: `request.not_found` (also for another person's), `confirmation.replayed`, `confirmation.expired`.
    """
    kept, ask = await open_invitation(desk, confirmation_id)
    word = await verify_asked(desk, kept.record, ask.record, person)
    keys = await desk.store.find(PasskeyRecord, "passkey.person", person.id, limit=50)
    return InvitationView(
        confirmation=kept.record,
        ask=ask.record,
        rendering=rendering_in_language(kept.record, language),
        challenge=challenge_of(kept.record, language),
        allowed=tuple(key.record.id for key in keys),
        taken=current_assignment(kept.record, word, desk.world.now()),
    )


async def answer_invitation(
    desk: DeskContext,
    person: PersonRecord,
    confirmation_id: str,
    *,
    said: str,
    assertion: Mapping[str, Json] | None,
    language: str = "",
) -> AskReply:
    """Record one person's answer; after the last required signed yes, the ask is decided again and done.

    `language` is that of the rendering ("": the desk's first): ⚔ a yes to another wording does not count.

    Raises:
        Refused: `confirmation.*`, `credential.*`, `request.malformed`; a yes that no longer stands voids the ask and
            says why.
        Fault: the answer is not recorded.

    Source: docs/model/model.md#confirm-signed.
    """
    if said not in {"yes", "no", "no_and_end"}:
        public = marked("answer must be yes, no, less or no_and_end.")
        raise Refused(Code.REQUEST_MALFORMED, "answer must be yes, no, less or no_and_end", public=public)
    for _ in range(_TRIES):
        kept, ask = await open_invitation(desk, confirmation_id)
        word = await verify_asked(desk, kept.record, ask.record, person)
        verify_about_act(kept.record)
        verify_unassigned(kept.record, word, person_key=person.key, now=desk.world.now())
        try:
            if said == "yes":
                return await _yes(desk, person, word, kept, ask, SignedAssertion(assertion, language))
            return await record_no(desk, person, word, kept, ask, (said, language))
        except (Conflict, LimitReached):
            continue
    raise Refused(Code.TASK_BUSY, "the ask kept changing", retry_after_s=1)


async def open_invitation(
    desk: DeskContext, confirmation_id: str
) -> tuple[Versioned[ConfirmationRecord], Versioned[AskRecord]]:
    """Return a waiting invitation with its ask. ⚔ A passed due time is processed first.

    Raises:
        Refused: `request.not_found`, `confirmation.expired`, `confirmation.replayed`.
    """
    try:
        kept = await desk.store.get(ConfirmationRecord, confirmation_id)
        ask = await desk.store.get(AskRecord, kept.record.ask)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such confirmation") from None
    if kept.record.state is ConfirmationState.WAITING and desk.world.now() >= kept.record.due:
        kept, ask = await advance_due_invitation(desk, kept)
    state = kept.record.state
    if state is ConfirmationState.EXPIRED:
        raise Refused(Code.CONFIRMATION_EXPIRED, "nobody answered in time")
    if state is not ConfirmationState.WAITING or ask.record.state is not AskState.WAITING:
        raise Refused(Code.CONFIRMATION_REPLAYED, f"the confirmation is {state}")
    return kept, ask


async def verify_asked(desk: DeskContext, record: ConfirmationRecord, ask: AskRecord, person: PersonRecord) -> str:
    """Return the confirmer word this person answers for.

    ⚔ Only the represented account answers as the customer. The desk's statement that another account is the same person
    only removes people from a confirmation, and never adds one.

    Raises:
        Refused: `confirmation.wrong_person`.
    """
    word = verify_confirmer(await required_confirmers(desk, record, ask), _facts(person))
    if word == CUSTOMER and person.id != record.customer:
        public = marked("Sign in as the customer this request is for. Another account can't answer it.")
        raise Refused(Code.CONFIRMATION_WRONG_PERSON, "another account of the customer's", public=public)
    return word


async def required_confirmers(desk: DeskContext, record: ConfirmationRecord, ask: AskRecord) -> RequiredConfirmers:
    """Return the required, given and barred confirmers: the author of a waiver or of the offer is no confirmer of it."""
    customer = (await desk.store.get(PersonRecord, record.customer)).record
    writers = await waiver_writers(desk, ask.waiver, customer=customer)
    return RequiredConfirmers(
        who=frozenset(record.who),
        customer=customer.key,
        barred=barred_persons(operator_people=(), waiver_owners=writers, offer_makers=await offer_makers(desk, ask)),
        given={one.confirms_as: one.person_key for one in record.answers},
    )


def _facts(person: PersonRecord) -> Confirmer:
    return Confirmer(key=person.key, roles=frozenset(person.roles))


def challenge_of(record: ConfirmationRecord, language: str) -> bytes:
    """Return the challenge signed by a reader of an invitation in a language."""
    shown = signed_hash(record, language)
    return challenge(ask_digest=record.digest, rendering_hash=shown, decision=record.decision, nonce=record.nonce)


async def verify_signature(
    desk: DeskContext, person: PersonRecord, ask: AskRecord, assertion: Mapping[str, Json] | None, signed: bytes
) -> tuple[Versioned[PasskeyRecord], VerifiedAssertion]:
    """Verify a passkey signature over a challenge, and that the passkey is trusted for such an act.

    Raises:
        Refused: `credential.missing`, `credential.wrong_key`, `confirmation.wrong_person`.
    """
    if assertion is None:
        raise Refused(Code.CREDENTIAL_MISSING, "a yes needs a passkey", public=marked("Confirm with your passkey."))
    key = await passkey_of(desk, person.id, assertion)
    verify_passkey_trusted(desk, key.record, person, ask)
    return key, verify_assertion(desk, assertion, key.record, signed)


async def _yes(
    desk: DeskContext,
    person: PersonRecord,
    word: str,
    kept: Versioned[ConfirmationRecord],
    ask: Versioned[AskRecord],
    signed: "SignedAssertion",
) -> AskReply:
    record = kept.record
    rules = await rules_precondition(desk)
    # A yes for a case that has ended the task is not accepted. An unreadable case is read again before acting.
    with contextlib.suppress(Fault):
        await verify_case(desk, (await desk.store.get(TaskRecord, record.task)).record)
    key, asserted = await verify_signature(
        desk, person, ask.record, signed.assertion, challenge_of(record, signed.language)
    )
    confirmers = add_confirmation(await required_confirmers(desk, record, ask.record), _facts(person))
    answer = ConfirmationAnswer(
        person=person.id,
        person_key=person.key,
        confirms_as=word,
        answer="yes",
        at=desk.world.now(),
        evidence=asserted.evidence,
        language=signed.language,
    )
    answered = replace(record, answers=(*record.answers, answer))
    used = Put(replace(key.record, sign_count=asserted.sign_count), key.rev, key.record)
    mine = await verify_confirmers_valid(desk, ask.record, (answer,))
    if confirmers.remaining:
        written = await seal_entries(desk, answer_entry(desk, ask.record, answered, answer))
        await desk.store.commit(
            Commit(preconditions=(rules, *mine), puts=(Put(answered, kept.rev, record), used), entries=written.rows)
        )
        return await build_reply(desk, ask.record)
    verify_all_confirmed(confirmers)
    state, evaluation = await reevaluate_confirmed(desk, ask.record, frozenset(record.who))
    closed = replace(answered, state=ConfirmationState.ANSWERED, nonce="")
    try:
        others = await _stands(desk, state, ask.record, answered, evaluation)
    except Refused as refused:
        await void_ask(desk, kept, ask, closed, answer, refused)
        raise
    evaluation = replace(evaluation, preconditions=(*evaluation.preconditions, *mine, *others))
    return await _proceed(desk, state, evaluation, kept, ask, closed, answer, used)


async def _stands(
    desk: DeskContext, state: AuthorizationState, ask: AskRecord, record: ConfirmationRecord, evaluation: Evaluation
) -> tuple[Precondition, ...]:
    """Verify that a complete yes still stands, and return the preconditions on earlier confirmers."""
    match evaluation.decision:
        case Refuse(code=code, detail=detail, public=public):
            raise Refused(code, detail, public=public)
        case NeedsHuman(who=more):
            raise Refused(Code.CONFIRMATION_MISMATCH, f"more confirmers are needed now: {sorted(more)}")
        case _:
            pass
    await verify_rendering_unchanged(
        desk, state, ask, evaluation, shown=rendering_hashes(record)[1], answers=record.answers
    )
    return await verify_confirmers_valid(desk, ask, record.answers[:-1])


async def _proceed(
    desk: DeskContext,
    state: AuthorizationState,
    evaluation: Evaluation,
    kept: Versioned[ConfirmationRecord],
    ask: Versioned[AskRecord],
    closed: ConfirmationRecord,
    answer: ConfirmationAnswer,
    used: Put,
) -> AskReply:
    permitted = replace(
        evaluation.apply_to(ask.record),
        state=AskState.PERMITTED,
        confirmed_by=tuple(sorted(closed.who)),
        shown=rendering_hashes(closed)[1],
        usable_until=approval_end(desk, state) if ask.record.enforcer else ask.record.usable_until,
    )
    answered = await seal_entries(desk, answer_entry(desk, permitted, closed, answer))
    decided = await write_decision(desk, state, permitted, evaluation, decision="permit", code="", detail="confirmed")
    written = answered + decided
    action = desk.catalogue.action(permitted.action)
    # ⚔ An act that another program carries out is never done here too: the yes is for its fresh evaluation.
    act = None if action.effect is Effect.READ or permitted.enforcer else act_for(desk, permitted, state)
    files = attachment_acts(desk, await deliverable_files(desk, permitted), epochs=state.epochs)
    committed = await desk.store.commit(
        Commit(
            preconditions=(*state.preconditions, *evaluation.preconditions),
            puts=(
                Put(closed, kept.rev, kept.record),
                Put(permitted, ask.rev, ask.record),
                used,
                *(Put(one, 0) for one in ((*files,) if act is None else (act, *files))),
            ),
            reserves=reservation_changes(ask.record, evaluation.reserved),
            touches=((permitted.task, desk.world.now()),),
            entries=written.rows,
        )
    )
    if permitted.enforcer:
        desk.notify.wake(f"ask:{permitted.id}")
        return await build_reply(desk, permitted)
    return await carry_out(desk, state, Versioned(permitted, ask.rev + 1), (act, files), written, committed)


async def void_ask(
    desk: DeskContext,
    kept: Versioned[ConfirmationRecord],
    ask: Versioned[AskRecord],
    closed: ConfirmationRecord,
    answer: ConfirmationAnswer,
    refused: Refused,
) -> None:
    """Void an ask whose yes no longer stands: release its reservations and record why."""
    void = replace(ask.record, state=AskState.VOID, code=refused.code.value, public=refused.public or "", reserved=())
    written = await seal_entries(desk, answer_entry(desk, void, closed, answer, detail=refused.detail))
    gone = replace(closed, state=ConfirmationState.VOID)
    await desk.store.commit(
        Commit(
            puts=(Put(gone, kept.rev, kept.record), Put(void, ask.rev, ask.record)),
            reserves=released_reservations(ask.record),
            entries=written.rows,
        )
    )
    desk.notify.wake(f"ask:{void.id}")


async def record_no(
    desk: DeskContext,
    person: PersonRecord,
    word: str,
    kept: Versioned[ConfirmationRecord],
    ask: Versioned[AskRecord],
    heard: tuple[str, str],
    *,
    also: tuple[Put, ...] = (),
) -> AskReply:
    """Record a no; one suffices. It binds the act for the operator and all above; a customer's starts a pause too.

    `heard` is `no` or `no_and_end`, with the language of the rendering it answers; `also` is changed with it.

    Raises:
        Conflict: something of it changed meanwhile; nothing is recorded.
        LimitReached: the same, for a counter.

    ⚔ If an officer's no did not bind, an agent would ask until it finds another officer.
    """
    now, (no, language) = desk.world.now(), heard
    answer = ConfirmationAnswer(
        person=person.id, person_key=person.key, confirms_as=word, answer=no, at=now, evidence="", language=language
    )
    closed = replace(kept.record, state=ConfirmationState.ANSWERED, nonce="", answers=(*kept.record.answers, answer))
    declined = replace(ask.record, state=AskState.DECLINED, code=Code.CONFIRMATION_DECLINED.value, reserved=())
    written = await seal_entries(desk, answer_entry(desk, declined, closed, answer))
    scopes = decline_scopes(ask.record.customer, await involved_operators(desk, ask.record))
    act = keyed_digest(
        desk, act_digest(action=ask.record.action, params=recorded_params(ask.record), customer=ask.record.customer)
    )
    action = desk.catalogue.actions.get(ask.record.action)
    targets = (await desk.store.get(TaskRecord, ask.record.task)).record.targets
    target = target_of(action, recorded_params(ask.record), customer=ask.record.customer, targets=targets)
    bound = [act, similarity_digest(ask.record.action, target)]
    timed = [declined_at(now), *(f"{one} {now}" for one in bound)] if word == CUSTOMER else []
    changed = [
        *released_reservations(ask.record),
        *(Reserve(scope, key, 1, None) for scope in scopes for key in (*bound, TURN, *timed)),
    ]
    if no == "no_and_end":
        changed.append(
            Reserve(declined.task, ENDED_BY_NO, 1, None)
        )  # with the answer, so that no fault in between keeps the task alive
    await desk.store.commit(
        Commit(
            puts=(Put(closed, kept.rev, kept.record), Put(declined, ask.rev, ask.record), *also),
            reserves=tuple(changed),
            entries=written.rows,
        )
    )
    desk.notify.wake(f"ask:{declined.id}")
    if no == "no_and_end":
        await end_task(desk, declined.task, EndReason.CUSTOMER_DECLINED)
    return await build_reply(desk, declined)


def answer_envelope(
    desk: DeskContext, ask: AskRecord, record: ConfirmationRecord, answer: ConfirmationAnswer
) -> dict[str, Json]:
    """Return the envelope of an answer's entry."""
    return {
        "ask": ask.id,
        "task": ask.task,
        "confirmation": record.id,
        "digest": record.digest,
        "rendering_hash": signed_hash(record, answer.language),
        "answer": answer.answer,
        "as": answer.confirms_as,
        "person": pseudonym(desk, answer.person_key),
        "state": ask.state.value,
    }


def answer_entry(
    desk: DeskContext, ask: AskRecord, record: ConfirmationRecord, answer: ConfirmationAnswer, *, detail: str = ""
) -> EntryDraft:
    """Draft the entry of one answer, with its evidence."""
    return draft_entry(
        desk,
        Kind.CONFIRMATION_ANSWERED,
        envelope=answer_envelope(desk, ask, record, answer),
        agent={"answer": answer.answer, "as": answer.confirms_as},
        customer={
            "answer": answer.answer,
            "as": answer.confirms_as,
            "evidence": answer.evidence,
            "rendering": rendering_in_language(record, answer.language),
        },
        desk={"answer": answer.answer, "by": answer.person, "evidence": answer.evidence, "detail": detail},
        subject=ask.customer,
        refs=(ask.id, ask.task, ask.customer),
    )
