"""Recovery after losing every passkey: a link for a new one, its waiting time, and vouching officers."""

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.policy.confirmers import Enrolment
from remit.domain.records import PasskeyRecord, PersonRecord
from remit.domain.structs import replace
from remit.domain.transcript.entry import Kind
from remit.domain.values import Instant
from remit.engine.commit import retried
from remit.engine.context import DeskContext
from remit.engine.notices import access_notices, notify_access_change
from remit.engine.transcript.record import account_facts, prepare_entry
from remit.ports.store import Commit, Put, RecordMissing, Versioned
from remit.usecases.people.admit import Admitted, issue_invitation

_LIMIT = 1000


async def start_recovery(desk: DeskContext, person_id: str, *, by: str, ttl_s: int) -> Admitted:
    """Issue a one-time recovery link for a person without passkeys; nothing else changes before its use.

    ⚔ The person is notified at once, so that an unwanted recovery can be stopped.

    Raises:
        Refused: `request.not_found`.

    Source: docs/model/model.md#passkeys.
    """
    made = await issue_invitation(desk, person_id, how=Enrolment.RECOVERY, ttl_s=ttl_s, by=by)
    await notify_access_change(
        desk,
        made.person,
        subject=marked("A passkey recovery was started"),
        text=marked(
            "We created a link with which a new passkey can replace yours. If you didn't ask for it, tell us at once."
        ),
    )
    return made


async def verify_vouchable(desk: DeskContext, person_id: str, seen: Instant) -> Versioned[PersonRecord]:
    """Return the person two officers may vouch for, as they were seen.

    ⚔ A passkey added after the person was seen would count without being vouched for.

    Raises:
        Refused: `request.not_found`, `request.conflict` when a passkey or a change of contact came after.
    """
    try:
        kept = await desk.store.get(PersonRecord, person_id)
    except RecordMissing:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such person", public=marked("No one has this id.")) from None
    keys = await desk.store.find(PasskeyRecord, "passkey.person", person_id, limit=_LIMIT)
    if kept.record.contact_changed_at > seen or any(one.record.created_at > seen for one in keys):
        raise Refused(
            Code.REQUEST_CONFLICT,
            "a passkey or the contact changed after the person was seen",
            public=marked(
                "A passkey or the address changed after this person's identity was confirmed. Confirm it in "
                "person again."
            ),
        )
    return kept


async def vouch(desk: DeskContext, person_id: str, *, seen: Instant, by: str, reason: str) -> None:
    """Vouch for a person verified out of band: their passkeys count from now on, and paused mandates resume.

    Raises:
        Refused: `request.not_found`, `request.conflict`, `task.busy`.

    Source: docs/model/model.md#passkeys, #two-people.
    """
    # ⚔ The two people's agreement is used up: the person cannot hold it off by moving.
    await retried(lambda: _vouch(desk, person_id, seen=seen, by=by, reason=reason))


async def _vouch(desk: DeskContext, person_id: str, *, seen: Instant, by: str, reason: str) -> None:
    """Vouch once.

    Raises:
        Conflict: the person moved meanwhile; nothing is stored.
    """
    kept = await verify_vouchable(desk, person_id, seen)
    person = kept.record
    written = await prepare_entry(
        desk,
        Kind.PERSON_CHANGED,
        envelope={**account_facts(desk, person), "change": "verified", "resumed": person.paused, "paused": False},
        customer={"change": "verified"} if person.kind == "customer" else None,
        desk={"person": person.id, "by": by, "reason": reason},
        subject=person.id if person.kind == "customer" else "",
        refs=(person.id,),
    )
    notices = access_notices(
        desk,
        person,
        subject=marked("We confirmed your identity"),
        text=marked(
            "Two team members say they confirmed your identity in person. Your passkeys count from now on, "
            "without a waiting time. If this wasn't you, tell us at once."
        ),
    )
    await desk.store.commit(
        Commit(
            puts=(Put(replace(person, paused=False, vouched_at=seen), kept.rev, person), *notices.puts),
            entries=written.rows,
        )
    )
    await notices.log_unsent(desk)
