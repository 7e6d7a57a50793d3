"""Counter-offers: a person allows less; the new ask acts at once unless others must agree."""

from collections.abc import Mapping

from remit.domain.catalogue.model import Effect
from remit.domain.confirm.confirmation import (
    ask_digest,
    challenge,
    verify_about_act,
    verify_counter_offer,
    verify_unassigned,
)
from remit.domain.confirm.render_ask import render_ask, rendering_json
from remit.domain.errors import Code, Fault, Refused
from remit.domain.i18n import marked
from remit.domain.ids import timed_id
from remit.domain.policy.decision import NeedsHuman, Permit, Refuse
from remit.domain.records import (
    AskRecord,
    AskState,
    Ceremony,
    ConfirmationAnswer,
    ConfirmationRecord,
    ConfirmationState,
    PersonRecord,
)
from remit.domain.structs import replace, struct
from remit.domain.values import Json, JsonObject, decode_json
from remit.engine.ask.authorization_state import AuthorizationState
from remit.engine.ask.counters import released_reservations, reservations_for
from remit.engine.ask.decision_entry import write_decision
from remit.engine.ask.evaluate import Evaluation
from remit.engine.ask.reevaluate import reevaluate_confirmed, verify_confirmers_valid
from remit.engine.ask.reply import AskReply, build_reply, recorded_params
from remit.engine.confirm.invite import build_invitation, current_ask_details, render_current, waiver_writers
from remit.engine.context import DeskContext
from remit.engine.notices import Notices, invitation_notices
from remit.engine.transcript.record import seal_entries
from remit.engine.words.strip import drop_message
from remit.ports.store import Commit, Conflict, Drop, LimitReached, Put, RecordMissing, Reserve, Versioned
from remit.proof.canonical import b64url, canonical, unb64url
from remit.usecases.ask import carry_out
from remit.usecases.confirm.answer import InvitationView, answer_entry, open_invitation, verify_asked, verify_signature
from remit.usecases.record_ask import act_for


@struct(frozen=True, kw_only=True)
class _CounterOffer:
    """The new ask as decided."""

    record: AskRecord
    standing: AuthorizationState
    weighed: Evaluation


async def preview_counter_offer(
    desk: DeskContext, person: PersonRecord, confirmation_id: str, params: JsonObject, *, language: str = ""
) -> InvitationView:
    """Preview a counter-offer in a language, and issue the challenge for exactly that.

    Raises:
        Refused: `params.invalid` when it is not less; `confirmation.*`; the decision's own code when the lesser act is
            refused.

    Source: docs/model/model.md#confirm-answers.
    """
    kept, ask = await open_invitation(desk, confirmation_id)
    word = await verify_asked(desk, kept.record, ask.record, person)
    verify_about_act(kept.record)
    counter = await _decide(
        desk, ask.record, person, word, params, timed_id("ask", desk.world.now(), desk.world.random(10))
    )
    facts = await current_ask_details(desk, counter.standing, counter.record, counter.weighed)
    act_hash = render_ask(facts, desk.catalogue).act_hash
    rendering = render_ask(facts, desk.catalogue.in_language(language))
    nonce = b64url(desk.world.random(16))
    signed = challenge(
        ask_digest=counter.record.digest, rendering_hash=rendering.hash, decision=counter.record.id, nonce=nonce
    )
    ceremony = Ceremony(
        id=_ceremony_id(confirmation_id, person),
        purpose="less",
        subject=confirmation_id,
        challenge=b64url(signed),
        expires_at=kept.record.expires_at,
        extra={"params": canonical(params).decode(), "ask": counter.record.id, "act_hash": act_hash},
    )
    try:
        old = await desk.store.get(Ceremony, ceremony.id)
        put = Put(ceremony, old.rev, old.record)
    except RecordMissing:
        put = Put(ceremony, 0)
    await desk.store.commit(Commit(puts=(put,)))
    return InvitationView(
        confirmation=kept.record,
        ask=counter.record,
        rendering={**rendering_json(rendering), "act_hash": act_hash},
        challenge=signed,
        allowed=(),
        taken=None,
    )


async def counter_offer(
    desk: DeskContext, person: PersonRecord, confirmation_id: str, assertion: Mapping[str, Json] | None
) -> AskReply:
    """Accept a signed counter-offer: the new ask acts at once, or waits for the others who must agree.

    Raises:
        Refused: `confirmation.*`, `credential.*`, or the new ask's own code; nothing is then done.
        Fault: the answer is not recorded.
    """
    kept, ask = await open_invitation(desk, confirmation_id)
    word = await verify_asked(desk, kept.record, ask.record, person)
    verify_about_act(kept.record)
    verify_unassigned(kept.record, word, person_key=person.key, now=desk.world.now())
    try:
        ceremony = await desk.store.get(Ceremony, _ceremony_id(confirmation_id, person))
    except RecordMissing:
        public = marked("First enter what you would allow.")
        raise Refused(Code.CONFIRMATION_MISMATCH, "no counter-offer was shown", public=public) from None
    params = decode_json(ceremony.record.extra["params"].encode())
    if not isinstance(params, Mapping):
        raise Fault(Code.FAULT_STORE, "a counter-offer is damaged")
    counter = await _decide(desk, ask.record, person, word, params, ceremony.record.extra["ask"])
    rendering = await render_current(desk, counter.standing, counter.record, counter.weighed)
    if rendering.act_hash != ceremony.record.extra["act_hash"]:
        public = marked("The details you were shown have changed. Nothing was done.")
        raise Refused(Code.CONFIRMATION_MISMATCH, "what would be shown has changed", public=public)
    key, asserted = await verify_signature(desk, person, counter.record, assertion, unb64url(ceremony.record.challenge))
    answer = ConfirmationAnswer(
        person=person.id,
        person_key=person.key,
        confirms_as=word,
        answer="less",
        at=desk.world.now(),
        evidence=asserted.evidence,
    )
    used = Put(replace(key.record, sign_count=asserted.sign_count), key.rev, key.record)
    try:
        counter = replace(counter, record=replace(counter.record, shown=rendering.act_hash))
        return await _record(desk, counter, kept, ask, answer, (used, Drop(ceremony.record, ceremony.rev)))
    except (Conflict, LimitReached):
        raise Refused(Code.CONFIRMATION_REPLAYED, "the ask was answered meanwhile") from None


async def _decide(
    desk: DeskContext, old: AskRecord, person: PersonRecord, word: str, params: JsonObject, ask_id: str
) -> _CounterOffer:
    if old.enforcer:  # ⚔ its caller would carry out what it asked, and not the lesser act
        public = marked("Another system would carry this out, so you can only answer yes or no.")
        raise Refused(Code.PARAMS_INVALID, "a caller of the decision point carries it out", public=public)
    action = desk.catalogue.action(old.action)
    verify_counter_offer(recorded_params(old), params, action=action)
    text = canonical(params).decode()
    digest = ask_digest(
        task=old.task, action=old.action, action_digest=action.digest, params=params, words=None, salt=old.salt
    )
    lesser_ask = replace(
        drop_message(old),
        id=ask_id,
        params=text,
        digest=digest,
        who=(),
        confirmation="",
        files=(),
        state=AskState.PERMITTED,
    )
    state, evaluation = await reevaluate_confirmed(desk, lesser_ask, frozenset({word}))
    if isinstance(evaluation.decision, Refuse):
        refuse = evaluation.decision
        raise Refused(refuse.code, refuse.detail, public=refuse.public)
    if person.key in await waiver_writers(desk, evaluation.waiver, customer=state.customer.record):
        # ⚔ Offering exactly as little as one's own waiver allows would confirm under it.
        raise Refused(Code.CONFIRMATION_WRONG_PERSON, "it would fall under this person's own waiver")
    record = replace(evaluation.apply_to(lesser_ask), at=desk.world.now(), confirmed_by=(word,))
    return _CounterOffer(record=record, standing=state, weighed=evaluation)


async def _record(
    desk: DeskContext,
    counter: _CounterOffer,
    kept: Versioned[ConfirmationRecord],
    ask: Versioned[AskRecord],
    answer: ConfirmationAnswer,
    used: tuple[Put, Drop],
) -> AskReply:
    closed = replace(kept.record, state=ConfirmationState.ANSWERED, nonce="", answers=(*kept.record.answers, answer))
    countered = replace(ask.record, state=AskState.COUNTERED, countered_by=counter.record.id, reserved=())
    record, needs = counter.record, counter.weighed.decision
    puts: list[Put] = [Put(closed, kept.rev, kept.record), Put(countered, ask.rev, ask.record), used[0]]
    turns: tuple[Reserve, ...] = ()
    evaluation = counter.weighed
    notices = Notices()
    if isinstance(needs, NeedsHuman):
        invitation, turns, _ = await build_invitation(
            desk, counter.standing, record, counter.weighed, needs.who, instead_of=closed.id
        )
        # The counter-offer counts as its author's yes: the others answer beside it, as other people.
        invitation = replace(invitation, who=tuple(sorted(needs.who | {answer.confirms_as})), answers=(answer,))
        record = replace(record, state=AskState.WAITING, who=tuple(sorted(needs.who)), confirmation=invitation.id)
        evaluation = replace(evaluation, due_at=invitation.due)
        puts.append(Put(invitation, 0))
        notices = invitation_notices(desk, invitation)
    else:
        record = replace(record, confirmation=closed.id)  # it holds the author of the offer
    action = desk.catalogue.action(record.action)
    writes = isinstance(needs, Permit) and action.effect is Effect.WRITE
    act = act_for(desk, record, counter.standing) if writes else None
    puts += [Put(record, 0)] if act is None else [Put(record, 0), Put(act, 0)]
    answered = await seal_entries(desk, answer_entry(desk, countered, closed, answer))
    decision = "permit" if isinstance(needs, Permit) else "needs_human"
    decided = await write_decision(
        desk, counter.standing, record, evaluation, decision=decision, code="", detail="countered"
    )
    written = answered + decided
    committed = await desk.store.commit(
        Commit(
            preconditions=(
                *counter.standing.preconditions,
                *counter.weighed.preconditions,
                *await verify_confirmers_valid(desk, record, (answer,)),
            ),
            puts=(*puts, *notices.puts),
            drops=(used[1],),
            reserves=(*released_reservations(ask.record), *reservations_for(counter.weighed.reserved), *turns),
            touches=((record.task, record.at),),
            entries=written.rows,
        )
    )
    desk.notify.wake(f"ask:{ask.record.id}")
    await notices.log_unsent(desk)
    if isinstance(needs, NeedsHuman):
        return await build_reply(desk, record)
    return await carry_out(desk, counter.standing, Versioned(record, 1), (act, ()), written, committed)


def _ceremony_id(confirmation_id: str, person: PersonRecord) -> str:
    return f"less {confirmation_id} {person.id}"
