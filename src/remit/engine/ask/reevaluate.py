"""Validity of earlier confirmations: confirmers may still confirm, and the rendering still matches."""

from collections.abc import Iterable, Mapping

from remit.domain.catalogue.model import CUSTOMER
from remit.domain.catalogue.target import money_records
from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.policy.confirmers import OFFICER
from remit.domain.policy.decision import Refuse
from remit.domain.records import AskRecord, ConfirmationAnswer, ConfirmationRecord, PasskeyRecord, PersonRecord
from remit.domain.structs import replace
from remit.domain.values import decode_json
from remit.domain.words.excess import WordsState
from remit.engine.ask.authorization_state import AuthorizationState, load_authorization_state, verify_active
from remit.engine.ask.evaluate import NOBODY, ConfirmedBy, Evaluation, EvaluationRequest, evaluate
from remit.engine.ask.reply import recorded_params
from remit.engine.confirm.invite import render_current, waiver_writers
from remit.engine.context import DeskContext
from remit.engine.people.accounts import verify_officer
from remit.engine.people.passkey import passkey_of, verify_passkey_trusted
from remit.ports.store import Precondition, RecordMissing, Versioned


async def verify_still_confirmed(desk: DeskContext, ask: AskRecord) -> tuple[Precondition, ...]:
    """Verify a confirmed ask before its act is sent, and return the preconditions on its confirmers.

    Raises:
        Refused: `confirmation.wrong_person`.
    """
    if not ask.confirmed_by:
        return ()
    return await verify_confirmers_valid(desk, ask, (await _confirmation(desk, ask)).answers)


async def verify_rendering_unchanged(
    desk: DeskContext,
    state: AuthorizationState,
    ask: AskRecord,
    evaluation: Evaluation,
    *,
    shown: str,
    answers: Iterable[ConfirmationAnswer],
) -> None:
    """Verify that the confirmed rendering (`shown`, its hash) still matches the action.

    ⚔ Facts may have changed: the same id may be another card. A waiver's author has not confirmed a decision that falls
    under it.

    Raises:
        Refused: `confirmation.mismatch`, `confirmation.wrong_person`.
        Fault: the desk cannot be asked.

    Source: docs/model/model.md#confirm-shown, #ladder.
    """
    if await waiver_writers(desk, evaluation.waiver, customer=state.customer.record) & {
        one.person_key for one in answers
    }:
        raise Refused(Code.CONFIRMATION_WRONG_PERSON, "it now falls under a waiver written by one of its confirmers")
    if (await render_current(desk, state, ask, evaluation)).act_hash != shown:
        public = marked("The details shown for approval have changed. Nothing was done.")
        raise Refused(Code.CONFIRMATION_MISMATCH, "what would be shown has changed", public=public)


async def verify_action_unchanged(
    desk: DeskContext, state: AuthorizationState, ask: AskRecord, evaluation: Evaluation
) -> None:
    """Verify that a confirmed ask, decided again after waiting, still matches its confirmation.

    Raises:
        Refused: `confirmation.mismatch`, `confirmation.wrong_person`.
        Fault: the desk cannot be asked.
    """
    if ask.confirmed_by:
        await verify_rendering_unchanged(
            desk, state, ask, evaluation, shown=ask.shown, answers=(await _confirmation(desk, ask)).answers
        )


async def verify_confirmers_valid(
    desk: DeskContext, ask: AskRecord, answers: Iterable[ConfirmationAnswer]
) -> tuple[Precondition, ...]:
    """Verify that every confirmer is still present, active, in their role and with the passkey that signed.

    ⚔ A yes of a suspended person, or by a removed stolen passkey, must not count.

    Raises:
        Refused: `confirmation.wrong_person`.

    Source: docs/model/model.md#confirm-who.
    """
    preconditions: list[Precondition] = []
    for answer in answers:
        try:
            kept = await desk.store.get(PersonRecord, answer.person)
            key = await _verify(desk, ask, kept.record, answer)
        except RecordMissing:
            raise _gone("a confirmer no longer exists") from None
        except Refused as refused:
            raise _gone(f"{answer.confirms_as} may not confirm any more: {refused.detail}") from None
        preconditions += [
            Precondition(PersonRecord.KIND, kept.record.id, kept.rev),
            Precondition(PasskeyRecord.KIND, key.record.id, key.rev),
        ]
    return tuple(preconditions)


async def _confirmation(desk: DeskContext, ask: AskRecord) -> ConfirmationRecord:
    try:
        return (await desk.store.get(ConfirmationRecord, ask.confirmation)).record
    except RecordMissing:
        raise _gone("its confirmation is not there") from None


async def _verify(
    desk: DeskContext, ask: AskRecord, person: PersonRecord, said: ConfirmationAnswer
) -> Versioned[PasskeyRecord]:
    if said.confirms_as != CUSTOMER:
        verify_officer(person, said.confirms_as.removeprefix(OFFICER))
    evidence = decode_json(said.evidence.encode())
    key = await passkey_of(desk, person.id, evidence if isinstance(evidence, Mapping) else {})
    verify_passkey_trusted(desk, key.record, person, ask)
    return key


def _gone(detail: str) -> Refused:
    return Refused(
        Code.CONFIRMATION_WRONG_PERSON,
        detail,
        public=marked("One of the people who approved this can no longer approve it. Nothing was done. Ask again."),
    )


async def reevaluate_confirmed(
    desk: DeskContext, ask: AskRecord, by: frozenset[str]
) -> tuple[AuthorizationState, Evaluation]:
    """Evaluate an ask again with its actual confirmers; its own reservations count as free.

    Raises:
        Refused: the state's own codes, when the task cannot ask any more.
    """
    return await _reevaluate(desk, ask, ConfirmedBy(by=by, kind="fresh" if by else "none"))


async def reevaluate_unconfirmed(desk: DeskContext, ask: AskRecord) -> tuple[AuthorizationState, Evaluation]:
    """Evaluate an ask as if new and unconfirmed: an officer has reviewed only its words.

    Raises:
        Refused: as `reevaluate_confirmed`.
    """
    return await _reevaluate(desk, ask, NOBODY)


async def _reevaluate(
    desk: DeskContext, ask: AskRecord, confirmed: ConfirmedBy
) -> tuple[AuthorizationState, Evaluation]:
    about = money_records(desk.catalogue.actions.get(ask.action), recorded_params(ask))
    state = await load_authorization_state(desk, ask.task, about=about)
    verify_active(state, desk.world.now(), desk.terms, waiting=True)
    counters = dict(state.counters)
    for held in ask.reserved:
        counters[held.scope, held.key] = counters.get((held.scope, held.key), 0) - held.amount
    freed = replace(state, counters=counters)
    released = ask.words_state == WordsState.RELEASED
    wish = EvaluationRequest(
        ask=ask.id,
        action=ask.action,
        params=recorded_params(ask),
        words=ask.words or None,
        held=ask.reserved,
        released=released,
        files=bool(ask.files),
    )
    return state, _without_stripping(await evaluate(desk, freed, wish, confirmed))


def _without_stripping(evaluation: Evaluation) -> Evaluation:
    """Return the decision on an ask that is done with all its words or not at all.

    ⚔ Together with a later message it may say more than when it came; a decision without its words would carry it out
    with them.
    """
    if evaluation.judged is None or isinstance(evaluation.decision, Refuse):
        return evaluation
    return replace(
        evaluation, decision=Refuse(code=evaluation.judged.code, detail=evaluation.judged.reason), reserved=()
    )
