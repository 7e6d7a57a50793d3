"""A first passkey that stands on the company's login: in which session it is made, and how it counts. Storing it is `enrol`."""

from remit.domain.confirmers import Enrolment
from remit.domain.errors import Code, Refused
from remit.domain.logins import is_vouched
from remit.domain.records import Ceremony, Passkey, Person, Session
from remit.domain.speech import marked
from remit.ports.store import Kept
from remit.usecases.parts import Parts
from remit.usecases.sessions import Whose, keyed_id, whose


async def first_by_login(parts: Parts, session: Whose) -> str:
    """How a first passkey would count for somebody whom the company's login let in; "" for who has one, or came in otherwise."""
    if not session.session.record.login or parts.logins is None:
        return ""
    if await parts.store.find(Passkey, "passkey.person", session.person.id, limit=1):
        return ""
    return await how_by_login(parts, session.person, session.session)


async def session_before(parts: Parts, ceremony: Ceremony, cookie: str) -> Kept[Session] | None:
    """The session at the provider that an enrolment goes on with; None for one that stands on a passkey or a link.

    Raises:
        Refused: `person.not_signed_in` when a first passkey is made in another session than the one that began it.
    """
    stands_on = ceremony.extra.get("session", "")
    if stands_on and keyed_id(parts, "session", cookie) == stands_on:
        kept = (await whose(parts, cookie)).session
        return kept if kept.record.login else None
    if ceremony.extra["how"] == Enrolment.LOGIN.value:
        raise Refused(Code.PERSON_NOT_SIGNED_IN, "the sign-in that began it is not this one")
    return None


async def how_by_login(parts: Parts, person: Person, before: Kept[Session] | None) -> str:
    """How a first passkey counts that stands on the company's login alone: vouched for, or waiting like one of a link.

    Raises:
        Refused: `request.conflict` when there is one already, `person.not_signed_in`.

    Source: docs/model/model.md#passkeys.
    """
    if before is None or parts.logins is None:
        raise Refused(Code.PERSON_NOT_SIGNED_IN, "no sign-in at the provider")
    if await parts.store.find(Passkey, "passkey.person", person.id, limit=1):
        raise Refused(Code.REQUEST_CONFLICT, "there is a passkey by now", public=marked("You have a passkey. Add another one with it."))
    session = before.record
    vouched = is_vouched(acr=session.acr, auth_at=session.auth_at or None, rules=parts.logins, now=parts.world.now())
    return (Enrolment.VOUCHED if vouched else Enrolment.LOGIN).value
