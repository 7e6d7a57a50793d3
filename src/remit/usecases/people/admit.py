"""Admission of people from the command line: added or found, invited by one-time code, and recorded."""

from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.policy.confirmers import Enrolment
from remit.domain.records import PasskeyRecord, PersonRecord
from remit.domain.structs import struct
from remit.domain.transcript.entry import Kind
from remit.domain.values import Instant
from remit.engine.context import DeskContext
from remit.engine.transcript.record import account_facts, prepare_entry
from remit.ports.store import Commit, RecordMissing
from remit.usecases.people.enrol import add_person, invite_person

_WHO: Final = "`remit person list` shows everyone there is; `remit person add` adds one."


@struct(frozen=True, kw_only=True)
class Admitted:
    """A person with a one-time code for enrolling a passkey, until it expires, and the trust of that passkey."""

    person: PersonRecord
    code: str
    expires_at: Instant
    how: Enrolment


async def admit(desk: DeskContext, person: PersonRecord, *, by: str) -> PersonRecord:
    """Add a person, on the record.

    Raises:
        Refused: `request.conflict`, `request.malformed`.
    """
    added = await add_person(desk, person)
    await _record(desk, added, change="added", by=by, how="")
    return added


async def issue_invitation(desk: DeskContext, person_id: str, *, how: Enrolment, ttl_s: int, by: str) -> Admitted:
    """Issue a one-time code for a person, recorded before it is shown.

    ⚔ `vouched` says that the person was seen: their passkey then has no waiting time. For a customer of a desk that is
    reachable from outside, one person alone cannot say so: the code is a `link`. A mailed code is `link`; a person with
    a passkey gets none, or a mailbox would add another one.

    Source: docs/model/model.md#passkeys.

    Raises:
        Refused: `request.not_found`, `request.conflict` for a link by mail to somebody who has a passkey.
    """
    try:
        person = (await desk.store.get(PersonRecord, person_id)).record
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, f"there is no person {person_id}", cure=_WHO) from None
    if how is Enrolment.VOUCHED and person.kind == "customer" and not desk.terms.loopback:
        how = Enrolment.LINK
    if how is Enrolment.LINK and await desk.store.find(PasskeyRecord, "passkey.person", person.id, limit=1):
        raise Refused(
            Code.REQUEST_CONFLICT,
            f"{person.id} has a passkey",
            cure="They add another one with it; if all are lost, start a recovery: `remit person recover ID`.",
            public="They have a passkey, and add another one with it. If all are lost, start a recovery: `remit person recover`.",
        )
    await _record(desk, person, change="invited", by=by, how=how.value)
    code = await invite_person(desk, person_id, how=how, ttl_s=ttl_s)
    return Admitted(person=person, code=code, expires_at=Instant(desk.world.now() + ttl_s * 1000), how=how)


async def _record(desk: DeskContext, person: PersonRecord, *, change: str, by: str, how: str) -> None:
    written = await prepare_entry(
        desk,
        Kind.PERSON_CHANGED,
        envelope={**account_facts(desk, person, roles=True), "as": person.kind, "change": change, "how": how},
        customer={"change": change} if person.kind == "customer" else None,
        desk={"person": person.id, "roles": list(person.roles), "by": by},
        subject=person.id if person.kind == "customer" else "",
        refs=(person.id,),
    )
    await desk.store.commit(Commit(entries=written.rows))
