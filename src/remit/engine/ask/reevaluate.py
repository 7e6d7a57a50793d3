"""Whether a yes still stands: those who said it could still say it, and what they were shown is what would be done.

Asked again before what was confirmed is recorded, sent or done. Who may confirm is decided in `domain/confirmers`, and whether an officer is one in `people`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from remit.domain.catalogue.model import CUSTOMER
from remit.domain.catalogue.target import money_on
from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.policy.confirmers import OFFICER
from remit.domain.policy.decision import Refuse
from remit.domain.records import Answer, AskRecord, ConfirmationRecord, Passkey, Person
from remit.domain.values import decode
from remit.domain.words.excess import WordsState
from remit.engine.ask.authorization_state import Standing, load_standing, verify_standing
from remit.engine.ask.evaluate import NOBODY, Confirmed, Weighed, Wish, weigh
from remit.engine.ask.reply import params_of
from remit.engine.confirm.invite import render_now, waiver_writers
from remit.engine.context import Parts
from remit.engine.people.accounts import verify_officer
from remit.engine.people.passkey import passkey_of, verify_trusted_for
from remit.ports.store import Expect, Kept, Missing


async def verify_still_confirmed(parts: Parts, ask: AskRecord) -> tuple[Expect, ...]:
    """Check a confirmed ask before its act is sent, and return whom the record of the sending must find as they are now.

    Raises:
        Refused: `confirmation.wrong_person`.
    """
    if not ask.confirmed_by:
        return ()
    return await verify_still_say(parts, ask, (await _confirmation(parts, ask)).answers)


async def verify_still_shown(
    parts: Parts, standing: Standing, ask: AskRecord, weighed: Weighed, *, shown: str, answers: Iterable[Answer]
) -> None:
    """Check that what those who confirmed were shown (`shown`, the hash of it) is what would be done now.

    ⚔ Facts may have changed since: the same id may be another card. What is decided again under a waiver, its writer has not confirmed.

    Raises:
        Refused: `confirmation.mismatch`, `confirmation.wrong_person`.
        Fault: the desk cannot be asked.

    Source: docs/model/model.md#confirm-shown, #ladder.
    """
    if await waiver_writers(parts, weighed.waiver, customer=standing.customer.record) & {
        one.person_key for one in answers
    }:
        raise Refused(Code.CONFIRMATION_WRONG_PERSON, "it falls under a waiver now that somebody who confirmed wrote")
    if (await render_now(parts, standing, ask, weighed)).act_hash != shown:
        raise Refused(
            Code.CONFIRMATION_MISMATCH,
            "what would be shown has changed",
            public=marked("What was shown to whoever confirmed has changed meanwhile. Nothing was done."),
        )


async def verify_still_meant(parts: Parts, standing: Standing, ask: AskRecord, weighed: Weighed) -> None:
    """Check that a confirmed ask that is decided again, because its act had to wait, is what was confirmed.

    Raises:
        Refused: `confirmation.mismatch`, `confirmation.wrong_person`.
        Fault: the desk cannot be asked.
    """
    if ask.confirmed_by:
        await verify_still_shown(
            parts, standing, ask, weighed, shown=ask.shown, answers=(await _confirmation(parts, ask)).answers
        )


async def verify_still_say(parts: Parts, ask: AskRecord, answers: Iterable[Answer]) -> tuple[Expect, ...]:
    """Check that everybody who said yes still is who they were: there, not paused, in their role, with the passkey they signed with.

    ⚔ A yes of somebody who was stopped since, or whose passkey was taken away as stolen, would confirm what nobody stands behind.

    Raises:
        Refused: `confirmation.wrong_person`.

    Source: docs/model/model.md#confirm-who.
    """
    expects: list[Expect] = []
    for one in answers:
        try:
            kept = await parts.store.get(Person, one.person)
            key = await _verify(parts, ask, kept.record, one)
        except Missing:
            raise _gone("somebody who confirmed is not known any more") from None
        except Refused as refused:
            raise _gone(f"{one.confirms_as} may not confirm any more: {refused.detail}") from None
        expects += [Expect(Person.KIND, kept.record.id, kept.rev), Expect(Passkey.KIND, key.record.id, key.rev)]
    return tuple(expects)


async def _confirmation(parts: Parts, ask: AskRecord) -> ConfirmationRecord:
    try:
        return (await parts.store.get(ConfirmationRecord, ask.confirmation)).record
    except Missing:
        raise _gone("its confirmation is not there") from None


async def _verify(parts: Parts, ask: AskRecord, person: Person, said: Answer) -> Kept[Passkey]:
    if said.confirms_as != CUSTOMER:
        verify_officer(person, said.confirms_as.removeprefix(OFFICER))
    evidence = decode(said.evidence.encode())
    key = await passkey_of(parts, person.id, evidence if isinstance(evidence, Mapping) else {})
    verify_trusted_for(parts, key.record, person, ask)
    return key


def _gone(detail: str) -> Refused:
    return Refused(
        Code.CONFIRMATION_WRONG_PERSON,
        detail,
        public=marked("Somebody who confirmed this may not confirm it any more. Nothing was done; ask again."),
    )


async def weigh_confirmed(parts: Parts, ask: AskRecord, by: frozenset[str]) -> tuple[Standing, Weighed]:
    """Decide an ask afresh with the people who really confirmed; what it holds itself counts as free.

    Raises:
        Refused: the standing's own codes, when the task cannot ask any more.
    """
    return await _weigh_again(parts, ask, Confirmed(by=by, kind="fresh" if by else "none"))


async def weigh_unconfirmed(parts: Parts, ask: AskRecord) -> tuple[Standing, Weighed]:
    """Decide an ask afresh as if it had just come, with nobody's yes: an officer has looked at its words, and at nothing else.

    Raises:
        Refused: as `weigh_confirmed`.
    """
    return await _weigh_again(parts, ask, NOBODY)


async def _weigh_again(parts: Parts, ask: AskRecord, confirmed: Confirmed) -> tuple[Standing, Weighed]:
    about = money_on(parts.catalogue.actions.get(ask.action), params_of(ask))
    standing = await load_standing(parts, ask.task, about=about)
    verify_standing(standing, parts.world.now(), parts.terms, waiting=True)
    counters = dict(standing.counters)
    for held in ask.reserved:
        counters[held.scope, held.key] = counters.get((held.scope, held.key), 0) - held.amount
    freed = replace(standing, counters=counters)
    released = ask.words_state == WordsState.RELEASED
    wish = Wish(action=ask.action, params=params_of(ask), words=ask.words or None, held=ask.reserved, released=released)
    return standing, _as_it_stands(await weigh(parts, freed, wish, confirmed))


def _as_it_stands(weighed: Weighed) -> Weighed:
    """The decision about an ask that is done with all its words or not at all.

    ⚔ What a later message adds to may say more by now than when it came. Decided without its words, it would be done with them.
    """
    if weighed.judged is None or isinstance(weighed.decision, Refuse):
        return weighed
    return replace(weighed, decision=Refuse(code=weighed.judged.code, detail=weighed.judged.reason), reserved=())
