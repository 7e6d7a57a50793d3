"""Effects of storing a passkey, above all a recovered one; permission and resumption are elsewhere."""

from remit.domain.policy.confirmers import Enrolment
from remit.domain.records import Invitation, PasskeyRecord, PersonRecord
from remit.domain.structs import replace, struct
from remit.engine.context import DeskContext
from remit.engine.people.sessions import login_sessions
from remit.ports.store import Drop, Put, Versioned

_LIMIT = 1000


@struct(frozen=True, kw_only=True)
class RecoveryEffects:
    """The effects committed together with a new passkey."""

    puts: tuple[Put, ...]
    drops: tuple[Drop, ...]


async def recovery_effects(desk: DeskContext, kept: Versioned[PersonRecord], *, invitation: str) -> RecoveryEffects:
    """Return the effects of a recovered passkey: mandates pause; old passkeys, other links and sessions end.

    ⚔ A lost passkey may be stolen, and an earlier link may lie in a mailbox read by others.

    Source: docs/model/model.md#passkeys.
    """
    person = kept.record
    keys = await desk.store.find(PasskeyRecord, "passkey.person", person.id, limit=_LIMIT)
    links = await _other_links(desk, person, invitation)
    sessions = await login_sessions(desk, person)
    return RecoveryEffects(
        puts=(
            Put(replace(person, paused=True), kept.rev, person),
            *(Put(replace(one.record, revoked=True), one.rev, one.record) for one in keys),
        ),
        drops=(*(Drop(one.record, one.rev) for one in links), *(Drop(one.record, one.rev) for one in sessions)),
    )


async def enrolment_effects(desk: DeskContext, kept: Versioned[PersonRecord], *, invitation: str) -> RecoveryEffects:
    """Return the effects of a first passkey: mailed links end; none where an old passkey agreed ("").

    Source: docs/model/model.md#passkeys: adding one needs an old one.
    """
    links = await _other_links(desk, kept.record, invitation) if invitation else []
    return RecoveryEffects(
        puts=(), drops=tuple(Drop(one.record, one.rev) for one in links if one.record.how == Enrolment.LINK.value)
    )


async def _other_links(desk: DeskContext, person: PersonRecord, invitation: str) -> list[Versioned[Invitation]]:
    """Return a person's other links. ⚔ Links are indexed by expiry alone, however many others have one."""
    found: list[Versioned[Invitation]] = []
    low, seen = 0, set[str]()
    while True:
        page = await desk.store.find(Invitation, "due.invitation", "", low=low, limit=_LIMIT)
        fresh = [one for one in page if one.record.id not in seen]
        if not fresh:
            return found
        seen.update(one.record.id for one in fresh)
        found.extend(one for one in fresh if one.record.person == person.id and one.record.id != invitation)
        low = fresh[-1].record.expires_at
