"""Resumption of one's own mandates after a recovery, with a passkey that counts."""

from collections.abc import Mapping

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.ids import new_id
from remit.domain.policy.confirmers import restricted_until, verify_passkey_may_resume
from remit.domain.records import Ceremony, PasskeyRecord, PersonRecord
from remit.domain.structs import replace
from remit.domain.transcript.entry import Kind
from remit.domain.values import Instant, Json, instant_text
from remit.engine.commit import commit_retryable
from remit.engine.context import DeskContext
from remit.engine.notices import access_notices
from remit.engine.people.passkey import passkey_facts, verify_assertion, verify_ceremony
from remit.engine.transcript.record import account_facts, prepare_entry
from remit.ports.store import Commit, Drop, Put, RecordMissing, Versioned
from remit.proof.canonical import b64url, unb64url
from remit.usecases.people.enrol import BegunCeremony

_PURPOSE = "resume_mandates"


async def pause_state(desk: DeskContext, person: PersonRecord) -> Mapping[str, Json]:
    """Return whether a person's mandates are paused, and when that person alone can resume them."""
    now = desk.world.now()
    keys = await desk.store.find(PasskeyRecord, "passkey.person", person.id, limit=50)
    soonest = min((restricted_until(passkey_facts(one.record, person), now) or now for one in keys), default=now)
    return {"paused": person.paused, "resumable_at": instant_text(Instant(soonest)) if person.paused else None}


async def begin_resuming(desk: DeskContext, person: PersonRecord) -> BegunCeremony:
    """Issue the challenge that resumes one's paused mandates.

    Raises:
        Refused: `request.conflict` when nothing is paused.
    """
    _verify_paused(person)
    own = await desk.store.find(PasskeyRecord, "passkey.person", person.id, limit=50)
    challenge = desk.world.random(32)
    ceremony = Ceremony(
        id=new_id("cer", desk.world.random(16)),
        purpose=_PURPOSE,
        subject=person.id,
        challenge=b64url(challenge),
        expires_at=Instant(desk.world.now() + desk.terms.confirmation_ttl_s * 1000),
    )
    await desk.store.commit(Commit(puts=(Put(ceremony, 0),)))
    options = desk.passkeys.request_options(challenge=challenge, allowed=tuple(one.record.id for one in own))
    return BegunCeremony(ceremony=ceremony.id, options=options, person=person)


async def resume_mandates(
    desk: DeskContext, person: PersonRecord, *, ceremony_id: str, assertion: Mapping[str, Json]
) -> None:
    """Resume one's paused mandates, signed with a passkey that no longer waits.

    Raises:
        Refused: `request.conflict` when nothing is paused, `confirmation.replayed`, `confirmation.wrong_person` for
            another person's passkey or one that waits, `credential.wrong_key`, `task.busy`.

    Source: docs/model/model.md#passkeys: recovery pauses all mandates.
    """
    kept = await _kept(desk, person)
    person = kept.record
    _verify_paused(person)
    ceremony, key = await verify_ceremony(
        desk, ceremony_id, purpose=_PURPOSE, subject=person.id, person=person.id, assertion=assertion
    )
    verify_passkey_may_resume(passkey_facts(key.record, person), now=desk.world.now())
    asserted = verify_assertion(desk, assertion, key.record, unb64url(ceremony.record.challenge))
    written = await prepare_entry(
        desk,
        Kind.PERSON_CHANGED,
        envelope={**account_facts(desk, person), "change": "resumed", "paused": False},
        customer={"change": "resumed", "evidence": asserted.evidence} if person.kind == "customer" else None,
        desk={"person": person.id, "signed_by": key.record.id, "evidence": asserted.evidence},
        subject=person.id if person.kind == "customer" else "",
        refs=(person.id,),
    )
    notices = access_notices(
        desk,
        person,
        subject=marked("Your permissions were resumed"),
        text=marked(
            "Agents can use your permissions again after your passkey recovery. If this wasn't you, tell us at once."
        ),
    )
    await commit_retryable(
        desk,
        Commit(
            puts=(
                *notices.puts,
                Put(replace(person, paused=False), kept.rev, person),
                Put(replace(key.record, sign_count=asserted.sign_count), key.rev, key.record),
            ),
            drops=(Drop(ceremony.record, ceremony.rev),),
            entries=written.rows,
        ),
    )
    await notices.log_unsent(desk)


def _verify_paused(person: PersonRecord) -> None:
    if not person.paused:
        raise Refused(Code.REQUEST_CONFLICT, "nothing is paused", public=marked("Nothing is paused."))


async def _kept(desk: DeskContext, person: PersonRecord) -> Versioned[PersonRecord]:
    try:
        return await desk.store.get(PersonRecord, person.id)
    except RecordMissing:
        raise Refused(Code.PERSON_NOT_SIGNED_IN, "the person is gone") from None
