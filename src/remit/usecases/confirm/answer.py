"""A person's answer to an invitation: yes, no, or no and end. Offering less is in `answer_less`."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from remit.domain.catalogue.model import CUSTOMER, Effect
from remit.domain.catalogue.target import likeness, target_of
from remit.domain.confirm.confirmation import act_digest, challenge, holder, verify_about_act, verify_free
from remit.domain.errors import Code, Fault, Refused
from remit.domain.i18n import marked
from remit.domain.policy.confirmers import Confirmers, barred_persons, verify_complete, verify_confirmer, with_yes
from remit.domain.policy.confirmers import Person as PersonFacts
from remit.domain.policy.decision import ENDED_BY_NO, NeedsHuman, Refuse
from remit.domain.policy.risk import SubjectKind, WasRefused
from remit.domain.records import (
    Answer,
    AskRecord,
    AskState,
    ConfirmationRecord,
    ConfirmationState,
    EndReason,
    Passkey,
    Person,
    Taking,
    TaskRecord,
)
from remit.domain.transcript.entry import Draft, Kind
from remit.domain.values import Json, JsonObject
from remit.engine.ask.authorization_state import Standing, load_standing, rules_expected
from remit.engine.ask.case_state import verify_case
from remit.engine.ask.counters import moved, released
from remit.engine.ask.decision_entry import write_decision
from remit.engine.ask.evaluate import Weighed
from remit.engine.ask.read import read_desk
from remit.engine.ask.reevaluate import verify_still_say, verify_still_shown, weigh_confirmed
from remit.engine.ask.reply import Reply, params_of, reply_of
from remit.engine.confirm.escalate import pass_due
from remit.engine.confirm.invite import (
    TURN,
    decline_scopes,
    operators_of,
    shown_hashes,
    shown_in,
    signed_hash,
    waiver_writers,
)
from remit.engine.context import Parts
from remit.engine.files.attach import acts_for
from remit.engine.files.deliver import deliver
from remit.engine.files.store import own_files
from remit.engine.people.passkey import passkey_of, verify_trusted_for
from remit.engine.tasks import end_task
from remit.engine.transcript.record import draft, keyed_digest, pseudonym, write
from remit.ports.people import Asserted
from remit.ports.store import Commit, Conflict, Expect, Kept, Missing, NoRoom, Put, Reserve, Step
from remit.usecases.ask import act_now
from remit.usecases.record_ask import act_for

_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a person sees before answering, the challenge their passkey would sign, and who has `taken` it, if anybody has."""

    confirmation: ConfirmationRecord
    ask: AskRecord
    rendering: JsonObject
    challenge: bytes
    allowed: tuple[str, ...]
    taken: Taking | None


@dataclass(frozen=True, slots=True)
class Signed:
    """A passkey's signature, and in which language what it signs was shown."""

    assertion: Mapping[str, Json] | None
    language: str


async def show(parts: Parts, person: Person, confirmation_id: str, *, language: str = "") -> Shown:
    """Show an invitation to somebody who may answer it, in a language ("": the desk's first).

    ⚔ `parts` speak the desk's own: who looks may be the first to come after a due time, and what is then decided is the desk's.

    Raises:
        Refused: `request.not_found` (also when it is not this person's), `confirmation.replayed`, `confirmation.expired`.
    """
    kept, ask = await open_invitation(parts, confirmation_id)
    word = await verify_asked(parts, kept.record, ask.record, person)
    keys = await parts.store.find(Passkey, "passkey.person", person.id, limit=50)
    return Shown(
        confirmation=kept.record,
        ask=ask.record,
        rendering=shown_in(kept.record, language),
        challenge=challenge_of(kept.record, language),
        allowed=tuple(key.record.id for key in keys),
        taken=holder(kept.record, word, parts.world.now()),
    )


async def answer(  # one person's answer to what they were shown, in the language they were shown it in
    parts: Parts,
    person: Person,
    confirmation_id: str,
    *,
    said: str,
    assertion: Mapping[str, Json] | None,
    language: str = "",
) -> Reply:
    """Take one person's answer. A yes is signed; when everybody has said yes, the ask is decided afresh and done.

    `language` is the one they were shown it in ("": the desk's first): ⚔ a yes to another wording is none.

    Raises:
        Refused: `confirmation.*`, `credential.*`, `request.malformed`; a yes that no longer stands voids the ask and says why.
        Fault: the answer is then not taken.

    Source: docs/model/model.md#confirm-signed.
    """
    if said not in {"yes", "no", "no_and_end"}:
        raise Refused(
            Code.REQUEST_MALFORMED,
            "answer must be yes, no, less or no_and_end",
            public=marked("answer must be yes, no, less or no_and_end."),
        )
    for _ in range(_TRIES):
        kept, ask = await open_invitation(parts, confirmation_id)
        word = await verify_asked(parts, kept.record, ask.record, person)
        verify_about_act(kept.record)
        verify_free(kept.record, word, person_key=person.key, now=parts.world.now())
        try:
            if said == "yes":
                return await _yes(parts, person, word, kept, ask, Signed(assertion, language))
            return await _no(parts, person, word, kept, ask, (said, language))
        except (Conflict, NoRoom):
            continue
    raise Refused(Code.TASK_BUSY, "the ask kept changing", retry_after_s=1)


async def open_invitation(parts: Parts, confirmation_id: str) -> tuple[Kept[ConfirmationRecord], Kept[AskRecord]]:
    """An invitation that still waits, with its ask. ⚔ Where the time of those who were asked has passed, that is seen to first.

    Raises:
        Refused: `request.not_found`, `confirmation.expired`, `confirmation.replayed`.
    """
    try:
        kept = await parts.store.get(ConfirmationRecord, confirmation_id)
        ask = await parts.store.get(AskRecord, kept.record.ask)
    except Missing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such confirmation") from None
    if kept.record.state is ConfirmationState.WAITING and parts.world.now() >= kept.record.due:
        kept, ask = await pass_due(parts, kept)
    state = kept.record.state
    if state is ConfirmationState.EXPIRED:
        raise Refused(Code.CONFIRMATION_EXPIRED, "nobody answered in time")
    if state is not ConfirmationState.WAITING or ask.record.state is not AskState.WAITING:
        raise Refused(Code.CONFIRMATION_REPLAYED, f"the confirmation is {state}")
    return kept, ask


async def verify_asked(parts: Parts, record: ConfirmationRecord, ask: AskRecord, person: Person) -> str:
    """Return for which of those asked this person answers.

    ⚔ Only the account that is represented answers as the customer. That another one is the same human being is what the
    desk says of it: it takes people away from a confirmation, and never adds one.

    Raises:
        Refused: `confirmation.wrong_person`.
    """
    word = verify_confirmer(await confirmers_of(parts, record, ask), _facts(person))
    if word == CUSTOMER and person.id != record.customer:
        raise Refused(
            Code.CONFIRMATION_WRONG_PERSON,
            "another account of the customer's",
            public=marked("Sign in as the customer this was asked for: another account does not answer for it."),
        )
    return word


async def confirmers_of(parts: Parts, record: ConfirmationRecord, ask: AskRecord) -> Confirmers:
    """Who must answer, who did, and who may not: nobody confirms under a waiver they wrote."""
    customer = (await parts.store.get(Person, record.customer)).record
    writers = await waiver_writers(parts, ask.waiver, customer=customer)
    return Confirmers(
        who=frozenset(record.who),
        customer=customer.key,
        barred=barred_persons(operator_people=(), waiver_owners=writers),
        given={one.confirms_as: one.person_key for one in record.answers},
    )


def _facts(person: Person) -> PersonFacts:
    return PersonFacts(key=person.key, roles=frozenset(person.roles))


def challenge_of(record: ConfirmationRecord, language: str) -> bytes:
    """What the passkey of whoever reads an invitation in a language signs."""
    shown = signed_hash(record, language)
    return challenge(ask_digest=record.digest, rendering_hash=shown, decision=record.decision, nonce=record.nonce)


async def verify_signed(  # what is signed, by whom, for what
    parts: Parts, person: Person, ask: AskRecord, assertion: Mapping[str, Json] | None, signed: bytes
) -> tuple[Kept[Passkey], Asserted]:
    """Check a passkey signature over a challenge, and that this passkey is trusted for such an act.

    Raises:
        Refused: `credential.missing`, `credential.wrong_key`, `confirmation.wrong_person`.
    """
    if assertion is None:
        raise Refused(Code.CREDENTIAL_MISSING, "a yes needs a passkey", public=marked("Confirm with your passkey."))
    key = await passkey_of(parts, person.id, assertion)
    verify_trusted_for(parts, key.record, person, ask)
    asserted = parts.passkeys.verify_assertion(
        assertion, challenge=signed, public_key=key.record.public_key, sign_count=key.record.sign_count
    )
    return key, asserted


async def _yes(  # one answer and all it hangs on
    parts: Parts, person: Person, word: str, kept: Kept[ConfirmationRecord], ask: Kept[AskRecord], signed: "Signed"
) -> Reply:
    record = kept.record
    rules = await rules_expected(parts)
    # A yes for a case that has ended the task is not taken. A case that cannot be read now is read again before it acts.
    with contextlib.suppress(Fault):
        await verify_case(parts, (await parts.store.get(TaskRecord, record.task)).record)
    key, asserted = await verify_signed(
        parts, person, ask.record, signed.assertion, challenge_of(record, signed.language)
    )
    confirmers = with_yes(await confirmers_of(parts, record, ask.record), _facts(person))
    said = Answer(
        person=person.id,
        person_key=person.key,
        confirms_as=word,
        answer="yes",
        at=parts.world.now(),
        evidence=asserted.evidence,
        language=signed.language,
    )
    answered = replace(record, answers=(*record.answers, said))
    used = Put(replace(key.record, sign_count=asserted.sign_count), key.rev, key.record)
    mine = await verify_still_say(parts, ask.record, (said,))
    if confirmers.remaining:
        written = await write(parts, answered_entry(parts, ask.record, answered, said))
        await parts.store.commit(
            Commit(expects=(rules, *mine), puts=(Put(answered, kept.rev, record), used), entries=written.rows)
        )
        return await reply_of(parts, ask.record)
    verify_complete(confirmers)
    standing, weighed = await weigh_confirmed(parts, ask.record, frozenset(record.who))
    closed = replace(answered, state=ConfirmationState.ANSWERED, nonce="")
    try:
        others = await _stands(parts, standing, ask.record, answered, weighed)
    except Refused as refused:
        await void_ask(parts, kept, ask, closed, said, refused)
        raise
    weighed = replace(weighed, expects=(*weighed.expects, *mine, *others))
    return await _proceed(parts, standing, weighed, kept, ask, closed, said, used)


async def _stands(
    parts: Parts, standing: Standing, ask: AskRecord, record: ConfirmationRecord, weighed: Weighed
) -> tuple[Expect, ...]:
    """Check that a complete yes still stands, and return the persons behind the earlier answers, as they are.

    Raises:
        Refused: the rules changed their mind, what would be shown has changed, or somebody who confirmed could not any more.
    """
    match weighed.decision:
        case Refuse(code=code, detail=detail, public=public):
            raise Refused(code, detail, public=public)
        case NeedsHuman(who=more):
            raise Refused(Code.CONFIRMATION_MISMATCH, f"more people are needed now: {sorted(more)}")
        case _:
            pass
    await verify_still_shown(parts, standing, ask, weighed, shown=shown_hashes(record)[1], answers=record.answers)
    return await verify_still_say(parts, ask, record.answers[:-1])


async def _proceed(  # one complete confirmation and all it hangs on
    parts: Parts,
    standing: Standing,
    weighed: Weighed,
    kept: Kept[ConfirmationRecord],
    ask: Kept[AskRecord],
    closed: ConfirmationRecord,
    said: Answer,
    used: Put,
) -> Reply:
    permitted = replace(
        weighed.on(ask.record),
        state=AskState.PERMITTED,
        confirmed_by=tuple(sorted(closed.who)),
        shown=shown_hashes(closed)[1],
    )
    answered = await write(parts, answered_entry(parts, permitted, closed, said))
    decided = await write_decision(parts, standing, permitted, weighed, decision="permit", code="", detail="confirmed")
    written = answered + decided
    action = parts.catalogue.action(permitted.action)
    act = None if action.effect is Effect.READ else act_for(parts, permitted, standing)
    files = acts_for(parts, await own_files(parts, permitted), epochs=standing.epochs)
    committed = await parts.store.commit(
        Commit(
            expects=(*standing.expects, *weighed.expects),
            puts=(
                Put(closed, kept.rev, kept.record),
                Put(permitted, ask.rev, ask.record),
                used,
                *(Put(one, 0) for one in ((*files,) if act is None else (act, *files))),
            ),
            reserves=moved(ask.record, weighed.reserved),
            touches=((permitted.task, parts.world.now()),),
            entries=written.rows,
        )
    )
    parts.on_point("ask.recorded")
    await deliver(parts, files)
    if act is None:
        reply = await read_desk(
            parts, standing, Kept(permitted, ask.rev + 1), action, params_of(permitted), written, committed
        )
    else:
        reply = await act_now(
            parts, await load_standing(parts, permitted.task), Kept(permitted, ask.rev + 1), act, written, committed
        )
    parts.notify.wake(f"ask:{permitted.id}")
    return reply


async def void_ask(  # one answer and all it hangs on
    parts: Parts,
    kept: Kept[ConfirmationRecord],
    ask: Kept[AskRecord],
    closed: ConfirmationRecord,
    said: Answer,
    refused: Refused,
) -> None:
    """A yes that no longer stands: nothing is done, what was reserved is released, the record says why."""
    void = replace(ask.record, state=AskState.VOID, code=refused.code.value, public=refused.public or "", reserved=())
    written = await write(parts, answered_entry(parts, void, closed, said, detail=refused.detail))
    gone = replace(closed, state=ConfirmationState.VOID)
    await parts.store.commit(
        Commit(
            puts=(Put(gone, kept.rev, kept.record), Put(void, ask.rev, ask.record)),
            reserves=released(ask.record),
            entries=written.rows,
        )
    )
    parts.notify.wake(f"ask:{void.id}")


async def _no(  # one answer and all it hangs on
    parts: Parts,
    person: Person,
    word: str,
    kept: Kept[ConfirmationRecord],
    ask: Kept[AskRecord],
    heard: tuple[str, str],
) -> Reply:
    """One no is enough, whoever says it. It binds the act for the whole operator, and all above it; the customer's own starts a pause too.

    `heard` is `no` or `no_and_end`, and the language in which was shown what it answers.

    ⚔ An officer's no that bound nothing would have an agent ask until it finds another officer.
    """
    now, (no, language) = parts.world.now(), heard
    said = Answer(
        person=person.id, person_key=person.key, confirms_as=word, answer=no, at=now, evidence="", language=language
    )
    closed = replace(kept.record, state=ConfirmationState.ANSWERED, nonce="", answers=(*kept.record.answers, said))
    declined = replace(ask.record, state=AskState.DECLINED, code=Code.CONFIRMATION_DECLINED.value, reserved=())
    written = await write(parts, answered_entry(parts, declined, closed, said))
    scopes = decline_scopes(ask.record.customer, await operators_of(parts, ask.record))
    act = keyed_digest(
        parts, act_digest(action=ask.record.action, params=params_of(ask.record), customer=ask.record.customer)
    )
    action = parts.catalogue.actions.get(ask.record.action)
    targets = (await parts.store.get(TaskRecord, ask.record.task)).record.targets
    target = target_of(action, params_of(ask.record), customer=ask.record.customer, targets=targets)
    bound = [act, likeness(ask.record.action, target), TURN, *([f"at:{now}"] if word == CUSTOMER else [])]
    changed = [*released(ask.record), *(Reserve(scope, key, 1, None) for scope in scopes for key in bound)]
    if no == "no_and_end":
        changed.append(
            Reserve(declined.task, ENDED_BY_NO, 1, None)
        )  # with the answer, so that no fault in between keeps the task alive
    event = WasRefused(code=Code.CONFIRMATION_DECLINED)
    steps = (
        Step(SubjectKind.TASK, ask.record.task, event, now),
        Step(SubjectKind.OPERATOR, ask.record.operator, event, now),
    )
    await parts.store.commit(
        Commit(
            puts=(Put(closed, kept.rev, kept.record), Put(declined, ask.rev, ask.record)),
            reserves=tuple(changed),
            steps=steps,
            entries=written.rows,
        )
    )
    parts.notify.wake(f"ask:{declined.id}")
    if no == "no_and_end":
        await end_task(parts, declined.task, EndReason.CUSTOMER_DECLINED)
    return await reply_of(parts, declined)


def answered_entry(
    parts: Parts, ask: AskRecord, record: ConfirmationRecord, said: Answer, *, detail: str = ""
) -> Draft:
    """The entry of one answer, with its evidence."""
    return draft(
        parts,
        Kind.CONFIRMATION_ANSWERED,
        envelope={
            "ask": ask.id,
            "task": ask.task,
            "confirmation": record.id,
            "digest": record.digest,
            "rendering_hash": signed_hash(record, said.language),
            "answer": said.answer,
            "as": said.confirms_as,
            "person": pseudonym(parts, said.person_key),
            "state": ask.state.value,
        },
        agent={"answer": said.answer, "as": said.confirms_as},
        customer={
            "answer": said.answer,
            "as": said.confirms_as,
            "evidence": said.evidence,
            "rendering": shown_in(record, said.language),
        },
        desk={"answer": said.answer, "by": said.person, "evidence": said.evidence, "detail": detail},
        subject=ask.customer,
        refs=(ask.id, ask.task, ask.customer),
    )
