"""Removal of a lost or unwanted passkey, with its sessions."""

from collections.abc import Mapping, Sequence

from remit.domain.errors import Code, Refused
from remit.domain.i18n import marked
from remit.domain.ids import new_id
from remit.domain.policy.confirmers import verify_passkey_may_remove
from remit.domain.records import Ceremony, PasskeyRecord, PersonRecord, SessionRecord
from remit.domain.structs import replace
from remit.domain.transcript.entry import EntryDraft, Kind
from remit.domain.transcript.pseudonyms import passkey_digest
from remit.domain.values import Instant, Json, JsonObject
from remit.engine.commit import commit_retryable
from remit.engine.context import DeskContext
from remit.engine.notices import access_notices
from remit.engine.people.passkey import passkey_facts, verify_assertion, verify_ceremony
from remit.engine.transcript.record import account_facts, draft_entry, seal_entries
from remit.ports.store import Commit, Conflict, Drop, Precondition, Put, RecordMissing, Versioned
from remit.proof.canonical import b64url, unb64url
from remit.usecases.people.enrol import MAX_PASSKEYS, BegunCeremony

_LIMIT = 1000
_PURPOSE = "remove_passkey"


async def begin_removal(desk: DeskContext, person: PersonRecord, passkey_id: str) -> BegunCeremony:
    """Issue the challenge to remove one of one's passkeys, for any of them to sign, the removed one included.

    Raises:
        Refused: `request.not_found` for an unknown or foreign passkey, `request.conflict` for the last one.
    """
    own, _ = await _own(desk, person, passkey_id)
    challenge = desk.world.random(32)
    ceremony = Ceremony(
        id=new_id("cer", desk.world.random(16)),
        purpose=_PURPOSE,
        subject=passkey_id,
        challenge=b64url(challenge),
        expires_at=Instant(desk.world.now() + desk.terms.confirmation_ttl_s * 1000),
        extra={"customer": person.id},
    )
    await desk.store.commit(Commit(puts=(Put(ceremony, 0),)))
    options = desk.passkeys.request_options(challenge=challenge, allowed=tuple(one.record.id for one in own))
    return BegunCeremony(ceremony=ceremony.id, options=options, person=person)


async def remove_passkey(
    desk: DeskContext, person: PersonRecord, passkey_id: str, *, ceremony_id: str, assertion: Mapping[str, Json]
) -> int:
    """Remove one of one's own passkeys, never the last; return the number of sessions ended.

    ⚔ A session alone removes nothing: a stolen one would lock the person out. Nor does a mailbox passkey remove one
    that counts: its owner would be locked out before reading the notice.

    Raises:
        Refused: `request.not_found` for an unknown or foreign passkey, `request.conflict` for the last one,
            `confirmation.replayed`, `confirmation.wrong_person`, `credential.wrong_key`.

    Source: docs/model/model.md#passkeys.
    """
    own, going = await _own(desk, person, passkey_id)
    ceremony, signer = await verify_ceremony(
        desk, ceremony_id, purpose=_PURPOSE, subject=passkey_id, person=person.id, assertion=assertion
    )
    verify_passkey_may_remove(
        passkey_facts(signer.record, person), passkey_facts(going.record, person), now=desk.world.now()
    )
    asserted = verify_assertion(desk, assertion, signer.record, unb64url(ceremony.record.challenge))
    used = Versioned(replace(signer.record, sign_count=asserted.sign_count), signer.rev)
    ended = await _signed_in_with(desk, going.record)
    written = await seal_entries(
        desk,
        _removed(
            desk, person, going.record, by={"signed_by": signer.record.id}, evidence={"evidence": asserted.evidence}
        ),
    )
    notices = access_notices(
        desk,
        person,
        subject=marked("A passkey was removed"),
        text=marked("A passkey was removed from your account. If this wasn't you, tell us."),
    )
    try:
        await desk.store.commit(
            Commit(
                # ⚔ Two concurrent removals must leave one: each depends on the remaining passkeys.
                preconditions=tuple(Precondition("passkey", one.record.id, one.rev) for one in own),
                puts=(*_puts(going, used), *notices.puts),
                drops=(Drop(ceremony.record, ceremony.rev), *(Drop(one.record, one.rev) for one in ended)),
                entries=written.rows,
            )
        )
    except (Conflict, RecordMissing):
        raise Refused(Code.TASK_BUSY, "it changed meanwhile", retry_after_s=1) from None
    await notices.log_unsent(desk)
    return len(ended)


async def remove_oldest_passkey(desk: DeskContext, person_id: str, *, by: str) -> None:
    """Remove the oldest passkey of a person at the limit, so that one more can be enrolled.

    ⚔ For sandboxes alone, where each run enrols another one: elsewhere only its owner removes a passkey.

    Raises:
        Refused: `person.not_allowed` at a desk that is no sandbox, `task.busy`.
    """
    if not desk.terms.sandbox:
        raise Refused(Code.PERSON_NOT_ALLOWED, "only a sandbox makes room for another passkey")
    own = await desk.store.find(PasskeyRecord, "passkey.person", person_id, limit=_LIMIT)
    if len(own) < MAX_PASSKEYS:
        return
    person = (await desk.store.get(PersonRecord, person_id)).record
    going = min(own, key=lambda one: one.record.created_at)
    written = await seal_entries(desk, _removed(desk, person, going.record, by={"by": by}, evidence={}))
    put = Put(replace(going.record, revoked=True), going.rev, going.record)
    drops = tuple(Drop(one.record, one.rev) for one in await _signed_in_with(desk, going.record))
    await commit_retryable(desk, Commit(puts=(put,), drops=drops, entries=written.rows))


def _removed(
    desk: DeskContext, person: PersonRecord, going: PasskeyRecord, *, by: JsonObject, evidence: JsonObject
) -> EntryDraft:
    """Draft the entry of a removal: `by` names the author to the desk, `evidence` is for desk and customer."""
    own = person.kind == "customer"
    return draft_entry(
        desk,
        Kind.PERSON_CHANGED,
        envelope={
            **account_facts(desk, person),
            "passkey": "removed",
            "key": passkey_digest(desk.signer.keyed, going),
        },
        customer={"label": going.label, **evidence} if own else None,
        desk={"person": person.id, "passkey": going.id, **by, **evidence},
        subject=person.id if own else "",
        refs=(person.id,),
    )


async def _signed_in_with(desk: DeskContext, passkey: PasskeyRecord) -> Sequence[Versioned[SessionRecord]]:
    found = await desk.store.find(SessionRecord, "session.person", passkey.person, limit=_LIMIT)
    return [one for one in found if one.record.passkey == passkey.id]


def _puts(going: Versioned[PasskeyRecord], used: Versioned[PasskeyRecord]) -> tuple[Put, ...]:
    """Return puts for the removed passkey and the one that signed with its new count, possibly the same."""
    if used.record.id == going.record.id:
        return (Put(replace(used.record, revoked=True), going.rev, going.record),)
    return (Put(replace(going.record, revoked=True), going.rev, going.record), Put(used.record, used.rev))


async def _own(
    desk: DeskContext, person: PersonRecord, passkey_id: str
) -> tuple[Sequence[Versioned[PasskeyRecord]], Versioned[PasskeyRecord]]:
    """Return the person's passkeys, and the one that may go."""
    own = await desk.store.find(PasskeyRecord, "passkey.person", person.id, limit=_LIMIT)
    going = next((one for one in own if one.record.id == passkey_id), None)
    if going is None:
        raise Refused(Code.REQUEST_NOT_FOUND, "no such passkey of this person")
    if len(own) == 1:
        public = marked("This is your only passkey. Add another one first.")
        raise Refused(Code.REQUEST_CONFLICT, "the last passkey", public=public)
    return own, going
