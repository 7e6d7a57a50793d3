"""Removing a passkey that was lost or is not wanted any more; sign-ins by it end with it."""

from dataclasses import replace

from remit.domain.errors import Code, Refused
from remit.domain.records import Passkey, Person, Session
from remit.domain.transcript import Kind
from remit.ports.store import Commit, Conflict, Drop, Missing, Put
from remit.usecases.parts import Parts
from remit.usecases.recording import draft, pseudonym, write

_MOST = 1000


async def remove_passkey(parts: Parts, person: Person, passkey_id: str) -> int:
    """Remove one of one's own passkeys, never the last. Returns how many sign-ins ended.

    Raises:
        Refused: `request.not_found` for an unknown passkey or somebody else's, `request.conflict` for the last one.
    """
    own = await parts.store.find(Passkey, "passkey.person", person.id, limit=_MOST)
    try:
        kept = next(one for one in own if one.record.id == passkey_id)
    except StopIteration:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such passkey of this person") from None
    if len(own) == 1:
        raise Refused(Code.REQUEST_CONFLICT, "the last passkey", public="This is your only passkey. Add another one first.")
    sessions = [
        one for one in await parts.store.find(Session, "session.person", person.id, limit=_MOST) if one.record.passkey == passkey_id
    ]
    written = await write(
        parts,
        draft(
            parts,
            Kind.PERSON_CHANGED,
            envelope={"person": pseudonym(parts, person.key), "passkey": "removed"},
            customer={"label": kept.record.label} if person.kind == "customer" else None,
            desk={"person": person.id, "passkey": passkey_id},
            subject=person.id if person.kind == "customer" else "",
            refs=(person.id,),
        ),
    )
    try:
        await parts.store.commit(
            Commit(
                puts=(Put(replace(kept.record, revoked=True), kept.rev, kept.record),),
                drops=tuple(Drop(one.record, one.rev) for one in sessions),
                entries=written.rows,
            )
        )
    except (Conflict, Missing):
        raise Refused(Code.TASK_BUSY, "it changed meanwhile", retry_after_s=1) from None
    await parts.notify.tell(
        person=person.id,
        address=person.email,
        subject="A passkey was removed",
        text="A passkey was removed from your account. If it was not you, tell the desk.",
        page=f"{parts.terms.issuer}/me",
    )
    return len(sessions)
