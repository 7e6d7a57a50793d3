"""Changes of a person's contact address and language."""

from typing import Final

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.ids import verify_email_address
from remit.domain.policy.confirmers import YOUNG_MS
from remit.domain.records import PersonRecord
from remit.domain.structs import replace
from remit.domain.transcript.entry import Kind
from remit.engine.context import DeskContext
from remit.engine.notices import access_notices, notices_for
from remit.engine.transcript.record import prepare_entry, pseudonym
from remit.ports.store import Commit, Conflict, Put, RecordMissing


async def change_contact(desk: DeskContext, person_id: str, email: str, *, by: str, reason: str = "") -> PersonRecord:
    """Change a person's e-mail address; their passkeys then wait, and the old address is notified too.

    ⚔ After several changes the address before the first one stays notified: a second change must not cut it off.

    Raises:
        Refused: `request.not_found`, `request.malformed` for no address, `request.conflict` for the present one,
            `task.busy`.

    Source: docs/model/model.md#passkeys.
    """
    verify_email_address(email)
    try:
        kept = await desk.store.get(PersonRecord, person_id)
    except RecordMissing:
        raise Refused(
            Code.REQUEST_NOT_FOUND, f"there is no person {person_id}", public=marked("No one has this id.")
        ) from None
    person, now = kept.record, desk.world.now()
    if email == person.email:
        raise Refused(
            Code.REQUEST_CONFLICT,
            "the address is the present one",
            public=marked("This is already the current address."),
            cure="Nothing needs to be done.",
        )
    moving = person.contact_before and now - person.contact_changed_at < YOUNG_MS
    changed = replace(
        person, email=email, contact_changed_at=now, contact_before=person.contact_before if moving else person.email
    )
    written = await prepare_entry(
        desk,
        Kind.PERSON_CHANGED,
        envelope={"person": pseudonym(desk, person.key), "change": "contact"},
        customer={"change": "contact", "from": person.email, "to": email} if person.kind == "customer" else None,
        desk={"person": person.id, "from": person.email, "to": email, "by": by, "reason": reason},
        subject=person.id if person.kind == "customer" else "",
        refs=(person.id,),
    )
    subject = marked("Your address was changed")
    text = marked(
        "The address we write to was changed. For three days, your passkeys can approve only everyday "
        "requests. If this wasn't you, tell us at once."
    )
    between = (person.email,) if moving and person.email else ()
    notices = notices_for(desk, person, between, subject=subject, text=text) + access_notices(
        desk, changed, subject=subject, text=text
    )
    try:
        await desk.store.commit(Commit(puts=(Put(changed, kept.rev, person), *notices.puts), entries=written.rows))
    except Conflict:
        raise Refused(Code.TASK_BUSY, "the person changed meanwhile", retry_after_s=1) from None
    await notices.log_unsent(desk)
    return changed


_TRIES: Final = 5


async def choose_language(desk: DeskContext, person: PersonRecord, language: str) -> None:
    """Store a person's language, unrecorded since no decision depends on it.

    Under constant concurrent changes, only the browser keeps it.
    """
    for _ in range(_TRIES):
        kept = await desk.store.get(PersonRecord, person.id)
        if kept.record.language == language:
            return
        try:
            await desk.store.commit(Commit(puts=(Put(replace(kept.record, language=language), kept.rev, kept.record),)))
        except Conflict:
            continue
        return
