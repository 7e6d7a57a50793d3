"""Whether those who said yes to an ask could still say it: asked again before what they confirmed is recorded, sent or done.

Who may confirm is decided in `domain/confirmers`, and whether an officer is one in `people`.
"""

from collections.abc import Iterable, Mapping

from remit.domain.catalogue import CUSTOMER
from remit.domain.confirmers import OFFICER
from remit.domain.errors import Code, Refused
from remit.domain.records import Answer, AskRecord, ConfirmationRecord, Person
from remit.domain.values import decode
from remit.ports.store import Expect, Missing
from remit.usecases.assert_passkey import passkey_of, verify_trusted_for
from remit.usecases.parts import Parts
from remit.usecases.people import verify_officer


async def verify_still_confirmed(parts: Parts, ask: AskRecord) -> tuple[Expect, ...]:
    """Check a confirmed ask before its act is sent, and return whom the record of the sending must find as they are now.

    Raises:
        Refused: `confirmation.wrong_person`.
    """
    if not ask.confirmed_by:
        return ()
    try:
        confirmation = (await parts.store.get(ConfirmationRecord, ask.confirmation)).record
    except Missing:
        raise _gone("its confirmation is not there") from None
    return await verify_still_say(parts, ask, confirmation.answers)


async def verify_still_say(parts: Parts, ask: AskRecord, answers: Iterable[Answer]) -> tuple[Expect, ...]:
    """Check that everybody who said yes still is who they were: there, not paused, in their role, with the passkey they signed with.

    ⚔ A yes of somebody who was stopped since, or whose passkey was taken away as stolen, would confirm what nobody stands behind.

    Raises:
        Refused: `confirmation.wrong_person`.

    Source: 2-model.md §8 (Who).
    """
    expects: list[Expect] = []
    for one in answers:
        try:
            kept = await parts.store.get(Person, one.person)
            await _verify(parts, ask, kept.record, one)
        except Missing:
            raise _gone("somebody who confirmed is not known any more") from None
        except Refused as refused:
            raise _gone(f"{one.confirms_as} may not confirm any more: {refused.detail}") from None
        expects.append(Expect(Person.KIND, kept.record.id, kept.rev))
    return tuple(expects)


async def _verify(parts: Parts, ask: AskRecord, person: Person, said: Answer) -> None:
    if said.confirms_as != CUSTOMER:
        verify_officer(person, said.confirms_as.removeprefix(OFFICER))
    evidence = decode(said.evidence.encode())
    key = await passkey_of(parts, person.id, evidence if isinstance(evidence, Mapping) else {})
    verify_trusted_for(parts, key.record, person, ask)


def _gone(detail: str) -> Refused:
    return Refused(
        Code.CONFIRMATION_WRONG_PERSON,
        detail,
        public="Somebody who confirmed this may not confirm it any more. Nothing was done; ask again.",
    )
