"""A person's counter-offer: less than was asked. It becomes a new ask that acts at once, where nobody else must agree."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from remit.domain.catalogue.model import Effect
from remit.domain.confirm.confirmation import ask_digest, challenge, verify_about_act, verify_free, verify_lesser
from remit.domain.confirm.render_ask import render_ask, rendering_json
from remit.domain.errors import Code, Fault, Refused
from remit.domain.i18n import marked
from remit.domain.ids import timed_id
from remit.domain.policy.decision import NeedsHuman, Permit, Refuse
from remit.domain.records import Answer, AskRecord, AskState, Ceremony, ConfirmationRecord, ConfirmationState, Person
from remit.domain.values import Json, JsonObject, decode
from remit.engine.ask.authorization_state import Standing
from remit.engine.ask.counters import released, taken
from remit.engine.ask.decision_entry import write_decision
from remit.engine.ask.evaluate import Weighed
from remit.engine.ask.read import read_desk
from remit.engine.ask.reevaluate import verify_still_say, weigh_confirmed
from remit.engine.ask.reply import Reply, params_of, reply_of
from remit.engine.confirm.invite import invitation_for, render_now, shown_now, waiver_writers
from remit.engine.context import Parts
from remit.engine.notices import Notices, about_invitation
from remit.engine.transcript.record import write
from remit.engine.words.strip import without_message
from remit.ports.store import Commit, Conflict, Drop, Kept, Missing, NoRoom, Put, Reserve
from remit.proof.canonical import b64url, canonical, unb64url
from remit.usecases.ask import act_now
from remit.usecases.confirm.answer import Shown, answered_entry, open_invitation, verify_asked, verify_signed
from remit.usecases.record_ask import act_for


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lesser:
    """The new ask as decided."""

    record: AskRecord
    standing: Standing
    weighed: Weighed


async def show_less(
    parts: Parts, person: Person, confirmation_id: str, params: JsonObject, *, language: str = ""
) -> Shown:
    """Show in a language what would be done instead, and hand out the challenge for exactly that.

    Raises:
        Refused: `params.invalid` when it is not less; `confirmation.*`; the decision's own code when the lesser act is refused.

    Source: docs/model/model.md#confirm-answers.
    """
    kept, ask = await open_invitation(parts, confirmation_id)
    word = await verify_asked(parts, kept.record, ask.record, person)
    verify_about_act(kept.record)
    lesser = await _decide(
        parts, ask.record, person, word, params, timed_id("ask", parts.world.now(), parts.world.random(10))
    )
    facts = await shown_now(parts, lesser.standing, lesser.record, lesser.weighed)
    act_hash = render_ask(facts, parts.catalogue).act_hash
    rendering = render_ask(facts, parts.catalogue.said_in(language))
    nonce = b64url(parts.world.random(16))
    signed = challenge(
        ask_digest=lesser.record.digest, rendering_hash=rendering.hash, decision=lesser.record.id, nonce=nonce
    )
    ceremony = Ceremony(
        id=_ceremony_id(confirmation_id, person),
        purpose="less",
        subject=confirmation_id,
        challenge=b64url(signed),
        expires_at=kept.record.expires_at,
        extra={"params": canonical(params).decode(), "ask": lesser.record.id, "act_hash": act_hash},
    )
    try:
        old = await parts.store.get(Ceremony, ceremony.id)
        put = Put(ceremony, old.rev, old.record)
    except Missing:
        put = Put(ceremony, 0)
    await parts.store.commit(Commit(puts=(put,)))
    return Shown(
        confirmation=kept.record,
        ask=lesser.record,
        rendering={**rendering_json(rendering), "act_hash": act_hash},
        challenge=signed,
        allowed=(),
        taken=None,
    )


async def answer_less(
    parts: Parts, person: Person, confirmation_id: str, assertion: Mapping[str, Json] | None
) -> Reply:
    """Take a signed counter-offer: the old ask is countered, the new one acts at once, or asks those who must still agree.

    Raises:
        Refused: `confirmation.*`, `credential.*`, or the new ask's own code; nothing is then done.
        Fault: the answer is then not taken.
    """
    kept, ask = await open_invitation(parts, confirmation_id)
    word = await verify_asked(parts, kept.record, ask.record, person)
    verify_about_act(kept.record)
    verify_free(kept.record, word, person_key=person.key, now=parts.world.now())
    try:
        ceremony = await parts.store.get(Ceremony, _ceremony_id(confirmation_id, person))
    except Missing:
        raise Refused(
            Code.CONFIRMATION_MISMATCH,
            "no counter-offer was shown",
            public=marked("Say first what you would agree to."),
        ) from None
    params = decode(ceremony.record.extra["params"].encode())
    if not isinstance(params, Mapping):
        raise Fault(Code.FAULT_STORE, "a counter-offer is damaged")
    lesser = await _decide(parts, ask.record, person, word, params, ceremony.record.extra["ask"])
    rendering = await render_now(parts, lesser.standing, lesser.record, lesser.weighed)
    if rendering.act_hash != ceremony.record.extra["act_hash"]:
        raise Refused(
            Code.CONFIRMATION_MISMATCH,
            "what would be shown has changed",
            public=marked("What you were shown has changed meanwhile. Nothing was done."),
        )
    key, asserted = await verify_signed(parts, person, lesser.record, assertion, unb64url(ceremony.record.challenge))
    said = Answer(
        person=person.id,
        person_key=person.key,
        confirms_as=word,
        answer="less",
        at=parts.world.now(),
        evidence=asserted.evidence,
    )
    used = Put(replace(key.record, sign_count=asserted.sign_count), key.rev, key.record)
    try:
        lesser = replace(lesser, record=replace(lesser.record, shown=rendering.act_hash))
        return await _record(parts, lesser, kept, ask, said, (used, Drop(ceremony.record, ceremony.rev)))
    except (Conflict, NoRoom):
        raise Refused(Code.CONFIRMATION_REPLAYED, "the ask was answered meanwhile") from None


async def _decide(parts: Parts, old: AskRecord, person: Person, word: str, params: JsonObject, ask_id: str) -> _Lesser:
    action = parts.catalogue.action(old.action)
    verify_lesser(params_of(old), params, action=action)
    text = canonical(params).decode()
    digest = ask_digest(
        task=old.task, action=old.action, action_digest=action.digest, params=params, words=None, salt=old.salt
    )
    wanted = replace(
        without_message(old),
        id=ask_id,
        params=text,
        digest=digest,
        who=(),
        confirmation="",
        files=(),
        state=AskState.PERMITTED,
    )
    standing, weighed = await weigh_confirmed(parts, wanted, frozenset({word}))
    if isinstance(weighed.decision, Refuse):
        refuse = weighed.decision
        raise Refused(refuse.code, refuse.detail, public=refuse.public)
    if person.key in await waiver_writers(parts, weighed.waiver, customer=standing.customer.record):
        # ⚔ Offering just as little as one's own waiver lets pass would confirm under it.
        raise Refused(Code.CONFIRMATION_WRONG_PERSON, "the waiver it would fall under is this person's own")
    record = replace(weighed.on(wanted), at=parts.world.now(), confirmed_by=(word,))
    return _Lesser(record=record, standing=standing, weighed=weighed)


async def _record(  # one answer and all it hangs on
    parts: Parts,
    lesser: _Lesser,
    kept: Kept[ConfirmationRecord],
    ask: Kept[AskRecord],
    said: Answer,
    spent: tuple[Put, Drop],
) -> Reply:
    closed = replace(kept.record, state=ConfirmationState.ANSWERED, nonce="", answers=(*kept.record.answers, said))
    countered = replace(ask.record, state=AskState.COUNTERED, countered_by=lesser.record.id, reserved=())
    record, needs = lesser.record, lesser.weighed.decision
    puts: list[Put] = [Put(closed, kept.rev, kept.record), Put(countered, ask.rev, ask.record), spent[0]]
    turns: tuple[Reserve, ...] = ()
    weighed = lesser.weighed
    notices = Notices()
    if isinstance(needs, NeedsHuman):
        invitation, turns, _ = await invitation_for(
            parts, lesser.standing, record, lesser.weighed, needs.who, instead_of=closed.id
        )
        # Who offered it has said yes to it: the others answer beside that, as other people.
        invitation = replace(invitation, who=tuple(sorted(needs.who | {said.confirms_as})), answers=(said,))
        record = replace(record, state=AskState.WAITING, who=tuple(sorted(needs.who)), confirmation=invitation.id)
        weighed = replace(weighed, due_at=invitation.due)
        puts.append(Put(invitation, 0))
        notices = about_invitation(parts, invitation)
    else:
        record = replace(record, confirmation=closed.id)  # where it stands who offered it
    action = parts.catalogue.action(record.action)
    act = (
        act_for(parts, record, lesser.standing) if isinstance(needs, Permit) and action.effect is Effect.WRITE else None
    )
    puts += [Put(record, 0)] if act is None else [Put(record, 0), Put(act, 0)]
    answered = await write(parts, answered_entry(parts, countered, closed, said))
    decided = await write_decision(
        parts,
        lesser.standing,
        record,
        weighed,
        decision="permit" if isinstance(needs, Permit) else "needs_human",
        code="",
        detail="countered",
    )
    written = answered + decided
    committed = await parts.store.commit(
        Commit(
            expects=(
                *lesser.standing.expects,
                *lesser.weighed.expects,
                *await verify_still_say(parts, record, (said,)),
            ),
            puts=(*puts, *notices.puts),
            drops=(spent[1],),
            reserves=(*released(ask.record), *taken(lesser.weighed.reserved), *turns),
            touches=((record.task, record.at),),
            entries=written.rows,
        )
    )
    parts.notify.wake(f"ask:{ask.record.id}")
    await notices.recorded(parts)
    if isinstance(needs, NeedsHuman):
        return await reply_of(parts, record)
    if act is None:
        return await read_desk(parts, lesser.standing, Kept(record, 1), action, params_of(record), written, committed)
    return await act_now(parts, lesser.standing, Kept(record, 1), act, written, committed)


def _ceremony_id(confirmation_id: str, person: Person) -> str:
    return f"less {confirmation_id} {person.id}"
