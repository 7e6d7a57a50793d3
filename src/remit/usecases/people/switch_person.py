"""Signing a browser in as another invented person of a demo, without their passkey. A session confirms nothing."""

from collections.abc import Sequence
from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.policy.confirmers import Enrolment
from remit.domain.records import PasskeyRecord, PersonRecord
from remit.engine.context import DeskContext
from remit.engine.people.sessions import NewSession, new_session
from remit.ports.store import Commit, Put, RecordMissing
from remit.usecases.people.enrol import invite_person

_MOST: Final = 50
_CODE_S: Final = 600
_SOFTWARE: Final = "software passkey"
"""How the label of a passkey begins that no browser holds."""


async def list_switchable(desk: DeskContext) -> Sequence[PersonRecord]:
    """Return the people of a demo, customers first.

    Raises:
        Refused: `request.not_found` where the desk has no role switcher.
    """
    _verify_switched_on(desk)
    return [
        kept.record
        for kind in ("customer", "officer")
        for kept in await desk.store.find(PersonRecord, "person.kind", kind, limit=_MOST)
    ]


async def switch_person(desk: DeskContext, person_id: str) -> NewSession:
    """Sign a browser in as a person. Each confirmation still takes that person's own passkey.

    Raises:
        Refused: `request.not_found` where the desk has no role switcher, or no such person.
    """
    _verify_switched_on(desk)
    person = await _person(desk, person_id)
    cookie, session = new_session(desk, person)
    await desk.store.commit(Commit(puts=(Put(session, 0),)))
    return NewSession(cookie=cookie, person=person, expires_at=session.expires_at)


async def has_browser_passkey(desk: DeskContext, person: PersonRecord) -> bool:
    """Return whether a browser holds a passkey of a person: the demo's own are software."""
    found = await desk.store.find(PasskeyRecord, "passkey.person", person.id, limit=_MOST)
    return any(not kept.record.label.startswith(_SOFTWARE) for kept in found)


async def invite_switched(desk: DeskContext, person_id: str) -> str:
    """Issue a one-time code, with which a browser makes a passkey for a person of a demo.

    Raises:
        Refused: `request.not_found` where the desk has no role switcher, or no such person.
    """
    _verify_switched_on(desk)
    return await invite_person(desk, (await _person(desk, person_id)).id, how=Enrolment.VOUCHED, ttl_s=_CODE_S)


async def _person(desk: DeskContext, person_id: str) -> PersonRecord:
    try:
        return (await desk.store.get(PersonRecord, person_id)).record
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such person") from None


def _verify_switched_on(desk: DeskContext) -> None:
    """⚔ Verify that the settings switch it on, for a sandbox on loopback: anywhere else it is no door at all."""
    terms = desk.terms
    if not (terms.switcher and terms.sandbox and terms.loopback):
        raise Refused(Code.REQUEST_NOT_FOUND, "no role switcher")
