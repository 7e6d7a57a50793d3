"""An officer's answer about held words: release them, strip them, or refuse the ask.

⚔ It concerns words alone: every other rule decides the ask anew, as if it had just come.
"""

import contextlib
from collections.abc import Mapping
from typing import Final

from remit.domain.catalogue.model import Effect
from remit.domain.confirm.confirmation import verify_about_words, verify_unassigned
from remit.domain.confirm.explain_words import explain_reason
from remit.domain.errors import Code, Fault, Refused
from remit.domain.i18n import marked
from remit.domain.policy.decision import NeedsHuman, Refuse
from remit.domain.policy.risk import AskRefused, subjects_of
from remit.domain.records import (
    AskRecord,
    AskState,
    ConfirmationAnswer,
    ConfirmationRecord,
    ConfirmationState,
    PersonRecord,
    TaskRecord,
)
from remit.domain.structs import replace, struct
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.values import Json
from remit.domain.words.excess import (
    MESSAGE,
    StrippedAsk,
    WordsState,
    ask_texts,
    code_of_marks,
    read_marks,
    strip_notice,
    strip_texts,
)
from remit.domain.words.sentences import judge_sentences
from remit.engine.ask.authorization_state import AuthorizationState, load_authorization_state, rules_precondition
from remit.engine.ask.case_state import verify_case
from remit.engine.ask.counters import released_reservations, reservation_changes
from remit.engine.ask.decision_entry import write_decision
from remit.engine.ask.evaluate import Evaluation
from remit.engine.ask.reevaluate import reevaluate_unconfirmed, verify_confirmers_valid
from remit.engine.ask.reply import AskReply, build_reply, recorded_params
from remit.engine.ask.risk import stripped_words
from remit.engine.confirm.invite import build_invitation, rendering_in_language
from remit.engine.context import DeskContext
from remit.engine.files.attach import attachment_acts
from remit.engine.files.store import deliverable_files
from remit.engine.notices import invitation_notices
from remit.engine.tasks import next_message
from remit.engine.transcript.record import PreparedEntries, draft_entry, seal_entries
from remit.engine.words.strip import strip_ask
from remit.ports.store import (
    Commit,
    Committed,
    Conflict,
    LimitReached,
    Precondition,
    Put,
    RecordMissing,
    Reserve,
    RiskEvent,
    Versioned,
)
from remit.proof.canonical import b64url
from remit.usecases.ask import carry_out
from remit.usecases.confirm.answer import (
    SignedAssertion,
    answer_envelope,
    challenge_of,
    open_invitation,
    verify_asked,
    verify_signature,
)
from remit.usecases.record_ask import act_for


def marked_texts(desk: DeskContext, ask: AskRecord) -> list[Mapping[str, Json]]:
    """Return each text of an ask with excess words, and its message beside it; empty if there are none.

    ⚔ No part of a text is left out, and no word of the desk is added.

    Raises:
        Fault: `fault.store` for params that are damaged.
    """
    catalogue = desk.catalogue
    marked = read_marks(ask.marked)
    shown: list[Mapping[str, Json]] = []
    if not marked:
        return shown
    for where, text in ask_texts(catalogue.actions.get(ask.action), recorded_params(ask), ask.words or None):
        found = [one for one in marked if one.where == where]
        if where != MESSAGE and not found:
            continue
        shown.append(
            {
                "where": where,
                "text": text,
                "found": [
                    {
                        "start": one.start,
                        "end": one.end,
                        "said": one.said.value,
                        "why": explain_reason(one.why, catalogue),
                    }
                    for one in found
                ],
                "sentences": [
                    {
                        "start": one.start,
                        "end": one.end,
                        "said": one.said.value,
                        "why": [explain_reason(why, catalogue) for why in one.whys],
                    }
                    for one in judge_sentences(text, found)
                ],
            }
        )
    return shown


def preview_stripped(desk: DeskContext, ask: AskRecord) -> StrippedAsk | None:
    """Return an ask without its excess words; None where it cannot do without them.

    Raises:
        Fault: `fault.store` for params that are damaged.
    """
    marks, action = read_marks(ask.marked), desk.catalogue.actions.get(ask.action)
    if not marks or action is None:
        return None
    return strip_texts(action, recorded_params(ask), ask.words or None, {one.where for one in marks})


_TRIES: Final = 5
_ANSWERS: Final = frozenset({"release", "strip", "no"})
_TOLD: Final = "The support team did not accept the message. Ask without it, or write no more than the request covers."
_NOTHING: Final = PreparedEntries((), ())


@struct(frozen=True, kw_only=True)
class _WordsAnswer:
    """An officer's answer with the records it depends on."""

    kept: Versioned[ConfirmationRecord]
    ask: Versioned[AskRecord]
    said: ConfirmationAnswer
    puts: tuple[Put, ...] = ()
    preconditions: tuple[Precondition, ...] = ()

    def closed(self, state: ConfirmationState = ConfirmationState.ANSWERED) -> Put:
        """Return the invitation, marked as answered."""
        record = self.kept.record
        return Put(replace(record, state=state, nonce="", answers=(*record.answers, self.said)), self.kept.rev, record)


async def asks_about_words(desk: DeskContext, confirmation_id: str) -> bool:
    """Return whether an invitation asks about words; False for an unknown one."""
    try:
        return (await desk.store.get(ConfirmationRecord, confirmation_id)).record.words
    except RecordMissing:
        return False


async def answer_words(
    desk: DeskContext,
    person: PersonRecord,
    confirmation_id: str,
    *,
    said: str,
    assertion: Mapping[str, Json] | None,
    language: str = "",
) -> AskReply:
    """Record an officer's answer about held words: `release` (signed), `strip` or `no`.

    Released, the ask keeps its words and proceeds like any other: at once, to its confirmers, or not at all. Stripped,
    it proceeds without them. No refuses it as the desk's setting would; it may be asked again without them.

    Raises:
        Refused: `confirmation.*`, `credential.*`, `request.malformed`; `words.*` where the ask cannot do without its
            words; the code of a rule that refuses the ask now, which voids it.
        Fault: the answer is not recorded.

    Source: docs/model/model.md#words-release.
    """
    if said not in _ANSWERS:
        public = marked("This is only about the agent's message. Answer release, strip or no.")
        raise Refused(Code.REQUEST_MALFORMED, "answer must be release, strip or no", public=public)
    for _ in range(_TRIES):
        kept, ask = await open_invitation(desk, confirmation_id)
        word = await verify_asked(desk, kept.record, ask.record, person)
        verify_about_words(kept.record)
        verify_unassigned(kept.record, word, person_key=person.key, now=desk.world.now())
        answer = ConfirmationAnswer(
            person=person.id,
            person_key=person.key,
            confirms_as=word,
            answer=said,
            at=desk.world.now(),
            evidence="",
            language=language,
        )
        given = _WordsAnswer(kept=kept, ask=ask, said=answer)
        try:
            match said:
                case "release":
                    return await _release(desk, person, given, SignedAssertion(assertion, language))
                case "strip":
                    return await _strip(desk, given)
                case _:
                    return await _no(desk, given)
        except (Conflict, LimitReached):
            continue
    raise Refused(Code.TASK_BUSY, "the ask kept changing", retry_after_s=1)


async def _release(desk: DeskContext, person: PersonRecord, given: _WordsAnswer, signed: SignedAssertion) -> AskReply:
    rules = await rules_precondition(desk)
    key, asserted = await verify_signature(
        desk, person, given.ask.record, signed.assertion, challenge_of(given.kept.record, signed.language)
    )
    used = Put(replace(key.record, sign_count=asserted.sign_count), key.rev, key.record)
    said = replace(given.said, evidence=asserted.evidence)
    mine = await verify_confirmers_valid(desk, given.ask.record, (said,))
    given = replace(given, said=said, puts=(used,), preconditions=(rules, *mine))
    return await _go_on(desk, given, replace(given.ask.record, words_state=WordsState.RELEASED.value))


async def _strip(desk: DeskContext, given: _WordsAnswer) -> AskReply:
    """Strip the words; unsigned, since the agent gets no more than it would have without them."""
    ask, action = given.ask.record, desk.catalogue.action(given.ask.record.action)
    left = preview_stripped(desk, ask)
    if left is None:
        public = marked(
            "The text itself is what the agent requests, so the request can't continue without it. Pass it "
            "on, or decline."
        )
        raise Refused(code_of_marks(ask.marked), "the ask cannot do without its words", public=public)
    message = await next_message(
        desk,
        await load_authorization_state(desk, ask.task),
        kind="notice",
        text=strip_notice(code_of_marks(ask.marked), read_marks(ask.marked)),
    )
    return await _go_on(
        desk, replace(given, puts=(Put(message, 0),)), strip_ask(ask, action, left, b64url(desk.world.random(16)))
    )


async def _go_on(desk: DeskContext, given: _WordsAnswer, ask: AskRecord) -> AskReply:
    """Decide the ask anew by every other rule, and record that with the answer.

    ⚔ Nothing is confirmed yet: floors, policies and escalation rules ask the same people as at first.
    """
    with contextlib.suppress(Fault):  # an unreadable case is read again before the ask acts
        await verify_case(desk, (await desk.store.get(TaskRecord, ask.task)).record)
    try:
        state, evaluation = await reevaluate_unconfirmed(desk, ask)
        _verify_not_refused(evaluation)
    except Refused as refused:
        await _void(desk, given, refused)
        raise
    evaluation = replace(evaluation, preconditions=(*evaluation.preconditions, *given.preconditions))
    if not isinstance(evaluation.decision, NeedsHuman):
        return await _act(desk, given, state, evaluation, ask)
    try:
        return await _invite(desk, given, state, evaluation, ask, evaluation.decision)
    except Refused as refused:  # declined meanwhile, or too many are waiting
        await _void(desk, given, refused)
        raise


def _verify_not_refused(evaluation: Evaluation) -> None:
    if isinstance(evaluation.decision, Refuse):
        raise Refused(evaluation.decision.code, evaluation.decision.detail, public=evaluation.decision.public)


async def _invite(
    desk: DeskContext,
    given: _WordsAnswer,
    state: AuthorizationState,
    evaluation: Evaluation,
    ask: AskRecord,
    needs: NeedsHuman,
) -> AskReply:
    """Invite the ask's confirmers, as without its words; they see how its words stand."""
    asked = evaluation.apply_to(ask)
    invitation, turns, _ = await build_invitation(
        desk, state, asked, evaluation, needs.who, instead_of=given.kept.record.id
    )
    waiting = replace(asked, who=tuple(sorted(needs.who)), confirmation=invitation.id)
    evaluation = replace(evaluation, due_at=invitation.due)
    decided = await write_decision(
        desk,
        state,
        waiting,
        evaluation,
        decision="needs_human",
        code=Code.CONFIRMATION_REQUIRED.value,
        detail=", ".join(needs.reasons),
    )
    notices = invitation_notices(desk, invitation)
    changes = (Put(waiting, given.ask.rev, given.ask.record), Put(invitation, 0), *notices.puts)
    await _keep(
        desk,
        given,
        waiting,
        changes,
        decided,
        preconditions=(*state.preconditions, *evaluation.preconditions),
        reserves=(*reservation_changes(given.ask.record, evaluation.reserved), *turns),
    )
    await notices.log_unsent(desk)
    return await build_reply(desk, waiting, expires_at=invitation.expires_at)


async def _act(
    desk: DeskContext, given: _WordsAnswer, state: AuthorizationState, evaluation: Evaluation, ask: AskRecord
) -> AskReply:
    """Carry out an ask that needs no confirmation, as without its words."""
    permitted = replace(evaluation.apply_to(ask), state=AskState.PERMITTED, who=(), confirmation=given.kept.record.id)
    decided = await write_decision(
        desk, state, permitted, evaluation, decision="permit", code="", detail=f"words {ask.words_state}"
    )
    action = desk.catalogue.action(permitted.action)
    act = None if action.effect is Effect.READ else act_for(desk, permitted, state)
    files = attachment_acts(desk, await deliverable_files(desk, permitted), epochs=state.epochs)
    acts = (*files,) if act is None else (act, *files)
    changes = (Put(permitted, given.ask.rev, given.ask.record), *(Put(one, 0) for one in acts))
    written, committed = await _keep(
        desk,
        given,
        permitted,
        changes,
        decided,
        preconditions=(*state.preconditions, *evaluation.preconditions),
        reserves=reservation_changes(given.ask.record, evaluation.reserved),
    )
    return await carry_out(desk, state, Versioned(permitted, given.ask.rev + 1), (act, files), written, committed)


async def _no(desk: DeskContext, given: _WordsAnswer) -> AskReply:
    """Refuse words and ask. ⚔ It weighs like a refusal by setting and binds nothing: the ask was not declined."""
    ask = given.ask.record
    code = code_of_marks(ask.marked)
    refused = replace(ask, state=AskState.REFUSED, code=code.value, public=_TOLD, reserved=(), covered=())
    await _keep(
        desk,
        given,
        refused,
        (Put(refused, given.ask.rev, ask),),
        steps=await _strip_risk(desk, ask),
        reserves=released_reservations(ask),
    )
    return await build_reply(desk, refused)


async def _void(desk: DeskContext, given: _WordsAnswer, refused: Refused) -> None:
    """Void an ask that another rule refuses now, whatever becomes of its words."""
    ask = given.ask.record
    void = replace(ask, state=AskState.VOID, code=refused.code.value, public=refused.public or "", reserved=())
    written = await seal_entries(desk, words_entry(desk, void, given.kept.record, given.said, detail=refused.detail))
    puts = (given.closed(ConfirmationState.VOID), Put(void, given.ask.rev, ask))
    await desk.store.commit(Commit(puts=puts, reserves=released_reservations(ask), entries=written.rows))
    desk.notify.wake(f"ask:{void.id}")


async def _keep(
    desk: DeskContext,
    given: _WordsAnswer,
    ask: AskRecord,
    changes: tuple[Put, ...],
    decided: PreparedEntries = _NOTHING,
    *,
    preconditions: tuple[Precondition, ...] = (),
    reserves: tuple[Reserve, ...] = (),
    steps: tuple[RiskEvent, ...] = (),
) -> tuple[PreparedEntries, Committed]:
    """Record the answer with its consequences."""
    stripped_now = ask.words_state == WordsState.STRIPPED
    written = await seal_entries(desk, words_entry(desk, ask, given.kept.record, given.said)) + decided
    now = desk.world.now()
    committed = await desk.store.commit(
        Commit(
            preconditions=preconditions,
            puts=(given.closed(), *changes, *given.puts),
            reserves=reserves,
            steps=(*steps, *(await _strip_risk(desk, ask) if stripped_now else ())),
            touches=((ask.task, now),),
            entries=written.rows,
        )
    )
    desk.notify.wake(f"ask:{ask.id}")
    if stripped_now:
        desk.notify.wake(f"task:{ask.task}")
    return written, committed


async def _strip_risk(desk: DeskContext, ask: AskRecord) -> tuple[RiskEvent, ...]:
    """Return the risk events of words that did not reach the case."""
    task, now = (await desk.store.get(TaskRecord, ask.task)).record, desk.world.now()
    event = AskRefused(code=code_of_marks(ask.marked), mend=stripped_words(task))
    return tuple(RiskEvent(kind, subject, event, now, task.customer) for kind, subject in subjects_of(task))


def words_entry(
    desk: DeskContext, ask: AskRecord, record: ConfirmationRecord, answer: ConfirmationAnswer, *, detail: str = ""
) -> EntryDraft:
    """Draft the entry of a words answer, with its evidence but no words: the decisions around it hold the ask."""
    return draft_entry(
        desk,
        Kind.WORDS_ANSWERED,
        envelope={**answer_envelope(desk, ask, record, answer), "code": code_of_marks(ask.marked).value},
        agent={"answer": answer.answer, "as": answer.confirms_as},
        customer={"answer": answer.answer, "as": answer.confirms_as},
        desk={
            "answer": answer.answer,
            "by": answer.person,
            "evidence": answer.evidence,
            "rendering": rendering_in_language(record, answer.language),
            "detail": detail,
        },
        subject=ask.customer,
        refs=(ask.id, ask.task, ask.customer),
    )
